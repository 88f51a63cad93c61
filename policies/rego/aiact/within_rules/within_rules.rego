# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Fall nicht automatisch entscheidbar
# custom:
#   rule_id: AIA-018
#   title_en: Case not open to an automatic decision
#   legal_basis: "§ 24 Abs. 1 Satz 3 VwVfG, § 31a Satz 2 SGB X, § 88 Abs. 5 AO"
#   severity: block
#   text: >-
#     Der Fall verlässt den automatischen Weg: Es fehlt etwas, oder die antragstellende Person hat etwas
#     mitgeteilt, das ein Mensch lesen muss.
#   text_en: >-
#     The case leaves the automatic path: something is missing, or the applicant has said something a
#     person has to read.
package rules.aiact.within_rules

import rego.v2

import data.facts

deny if {
	facts.automatic
	not within_rules
}

within_rules if {
	input.automation.requested == true
	input.automation.complete == true
	input.automation.free_text == false
}
