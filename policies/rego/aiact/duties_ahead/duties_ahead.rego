# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Pflichten, die später gelten
# custom:
#   rule_id: AIA-016
#   title_en: Duties that apply later
#   legal_basis: "Art. 113 KI-VO, Verordnung (EU) 2026/1744"
#   severity: info
#   text: >-
#     Für diesen Einsatz gelten weitere Pflichten der KI-Verordnung erst später; die Einstufung nennt sie
#     mit dem Tag, ab dem sie gelten.
#   text_en: >-
#     Further duties of the AI Act apply to this use later; the classification names them with the day
#     from which they apply.
package rules.aiact.duties_ahead

import rego.v2

import data.facts

note if {
	some duty in data.catalog.ai_act.duties[facts.risk.class]
	input.date < duty.applies_from
}
