# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Fremde personenbezogene Daten in der Antwort
# custom:
#   rule_id: DSG-015
#   title_en: Personal data of others in the answer
#   legal_basis: "Art. 5 Abs. 1 Buchst. d und f DSGVO, § 35 SGB I"
#   severity: block
#   text: >-
#     Die Antwort enthält personenbezogene Angaben, die nicht aus der Anfrage stammen; sie wird nicht
#     ausgegeben.
#   text_en: >-
#     The answer contains personal data that is not from the request; it is not released.
package rules.dataprotection.citizen_answer

import rego.v2

deny if {
	input.stage == "response"
	input.caller.channel == "citizen"
	some kind, n in input.screened.counts
	not harmless(kind, n)
}

harmless(_, n) if n == 0

harmless(kind, _) if kind in data.catalog.findings.of_offices
