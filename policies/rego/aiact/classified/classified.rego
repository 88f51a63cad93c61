# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Zweck für diese Leistung zu unbestimmt
# custom:
#   rule_id: AIA-004
#   title_en: Purpose too vague for this service
#   legal_basis: "Art. 6 Abs. 2 bis 4 KI-VO"
#   severity: block
#   text: >-
#     Für diese Leistung ist der Zweck zu unbestimmt; wählen Sie einen genauen Zweck, zum Beispiel
#     „summarise“ oder „factual_qa“.
#   text_en: >-
#     The purpose is too vague for this service; choose an exact one, for example "summarise" or
#     "factual_qa".
package rules.aiact.classified

import rego.v2

import data.facts

deny if {
	is_object(input.known.purpose)
	facts.risk.class == "unclassified"
}
