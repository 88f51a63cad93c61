# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Standort vor dem Versand bestätigt
# custom:
#   rule_id: RES-005
#   title_en: Location confirmed before sending
#   legal_basis: "Art. 28 Abs. 3 Buchst. a, Art. 44 DSGVO, § 4 SÜG"
#   severity: narrow
#   text: >-
#     Bevor etwas versandt wird, wird noch einmal geprüft, dass der gewählte Weg an den vorgegebenen
#     Standorten bleibt.
#   text_en: >-
#     Before anything is sent it is checked once more that the chosen route stays at the permitted
#     locations.
package rules.routing.confirm_place

import rego.v2

import data.facts

oblige contains {"id": "restrict_models", "params": {"residencies": input.known.tenant.residencies}} if {
	facts.needs_model
	count(input.known.tenant.residencies) > 0
}

oblige contains {"id": "restrict_models", "params": {"residencies": ["own_datacentre"]}} if {
	"confidential" in facts.classes
	facts.needs_model
}
