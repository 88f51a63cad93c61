# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Länge der Antworten im Bürgerkanal
# custom:
#   rule_id: DSG-024
#   title_en: Length of answers in the citizen channel
#   legal_basis: "Art. 5 Abs. 1 Buchst. c, Art. 32 Abs. 1 Buchst. b DSGVO"
#   severity: narrow
#   text: >-
#     Antworten an Bürgerinnen und Bürger sind in der Länge begrenzt.
#   text_en: >-
#     Answers to citizens are limited in length.
package rules.dataprotection.answer_length

import rego.v2

import data.facts

oblige contains {"id": "cap_tokens", "params": {"max": data.catalog.limits.citizen_answer_tokens}} if {
	facts.needs_model
	facts.reviewed
}
