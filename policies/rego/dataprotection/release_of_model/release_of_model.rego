# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Modell für die Datenklasse nicht freigegeben
# custom:
#   rule_id: DSG-003
#   title_en: Model not released for the class of data
#   legal_basis: "Art. 24, Art. 25 Abs. 1 und Art. 32 DSGVO"
#   severity: narrow
#   text: >-
#     Das Modell ist für eine der betroffenen Datenklassen nicht freigegeben.
#   text_en: >-
#     The model is not released for one of the data classes concerned.
package rules.dataprotection.release_of_model

import rego.v2

import data.facts

reject contains id if {
	some class in facts.classes
	some id in (input.candidates.ids - object.get(input.candidates.released_for, class, set()))
}
