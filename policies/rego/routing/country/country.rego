# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Drittland
# custom:
#   rule_id: RES-002
#   title_en: Third country
#   legal_basis: "Art. 44 und 45 DSGVO"
#   severity: narrow
#   text: >-
#     Das Modell läuft in einem Land ohne allgemeinen Angemessenheitsbeschluss.
#   text_en: >-
#     The model runs in a country without a general adequacy decision.
package rules.routing.country

import rego.v2

import data.facts

reject contains id if {
	facts.personal
	some id in (input.candidates.ids - input.candidates.safe_country)
}
