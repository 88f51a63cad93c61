# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Interne Quellen im Bürgerkanal
# custom:
#   rule_id: DSG-014
#   title_en: Internal sources in the citizen channel
#   legal_basis: "§ 35 SGB I, § 30 VwVfG, Art. 5 Abs. 1 Buchst. f DSGVO"
#   severity: block
#   text: >-
#     Im Bürgerkanal werden nur öffentliche Quellen verwendet.
#   text_en: >-
#     Only public sources are used in the citizens' channel.
package rules.dataprotection.citizen_sources

import rego.v2

deny if {
	input.caller.channel == "citizen"
	input.passages.count > 0
	not only_public
}

only_public if {
	input.passages.unclassified == 0
	every class in input.passages.classes { class == "public" }
}
