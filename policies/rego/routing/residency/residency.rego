# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Standort für die Datenklasse nicht zulässig
# custom:
#   rule_id: RES-001
#   title_en: Location not permitted for the class of data
#   legal_basis: "Art. 44 bis 46 DSGVO"
#   severity: narrow
#   text: >-
#     Der Standort oder die Kontrolle über den Betreiber ist für eine der betroffenen Datenklassen nicht
#     zulässig.
#   text_en: >-
#     The location of the model or the control over its operator is not permitted for one of the data
#     classes.
package rules.routing.residency

import rego.v2

import data.facts

reject contains id if {
	some class in facts.classes
	some id in (input.candidates.ids - object.get(input.candidates.suitable_for, class, set()))
}
