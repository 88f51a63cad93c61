# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Besondere Kategorien
# custom:
#   rule_id: DSG-007
#   title_en: Special categories of personal data
#   legal_basis: "Art. 9 DSGVO, § 22 Abs. 2 BDSG"
#   severity: narrow
#   text: >-
#     Das Modell ist für besondere Kategorien personenbezogener Daten nicht freigegeben.
#   text_en: >-
#     The model is not released for special categories of personal data.
package rules.dataprotection.art9

import rego.v2

import data.facts

reject contains id if {
	"art9" in facts.classes
	some id in (input.candidates.ids - input.candidates.released_for_art9)
}
