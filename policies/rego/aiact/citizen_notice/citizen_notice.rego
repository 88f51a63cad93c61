# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Hinweis auf das KI-System
# custom:
#   rule_id: AIA-009
#   title_en: Notice of the AI system
#   legal_basis: "Art. 50 Abs. 1 KI-VO"
#   severity: narrow
#   valid_from: "2026-08-02"
#   text: >-
#     Bürgerinnen und Bürger werden darauf hingewiesen, dass sie mit einem KI-System sprechen.
#   text_en: >-
#     Citizens are told that they interact with an AI system.
package rules.aiact.citizen_notice

import rego.v2

import data.facts

oblige contains {"id": "notice", "params": {"text": data.catalog.notices.citizen.de, "text_en": data.catalog.notices.citizen.en}} if {
	input.caller.channel == "citizen"
	facts.needs_model
	input.known.operation.generates == true
}
