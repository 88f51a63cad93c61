# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Verschlusssache
# custom:
#   rule_id: DSG-008
#   title_en: Classified information
#   legal_basis: "§ 4 SÜG, Verschlusssachenanweisung"
#   severity: narrow
#   text: >-
#     Verschlusssachen bleiben im eigenen Rechenzentrum.
#   text_en: >-
#     Classified material stays in the own data centre.
package rules.dataprotection.confidential

import rego.v2

import data.facts

reject contains id if {
	"confidential" in facts.classes
	some id in input.candidates.external
}
