# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Antwort mit Fundstellen
# custom:
#   rule_id: DSG-025
#   title_en: Answer with references to its sources
#   legal_basis: "Art. 5 Abs. 1 Buchst. d DSGVO, § 24 Abs. 1 VwVfG, § 20 Abs. 1 SGB X"
#   severity: narrow
#   text: >-
#     Antworten aus Quellen nennen ihre Fundstellen; eine Antwort ohne Fundstelle wird gekennzeichnet.
#   text_en: >-
#     Answers from sources name where they stand; an answer that does not is marked.
package rules.dataprotection.cite_sources

import rego.v2

import data.facts

oblige contains {"id": "cite_sources", "params": {}} if {
	input.known.purpose.cites == true
	input.operation == "chat"
	input.sources > 0
	facts.needs_model
}
