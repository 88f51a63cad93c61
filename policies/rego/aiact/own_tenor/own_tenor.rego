# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Bescheid ohne eigenen Tenor
# custom:
#   rule_id: AIA-017
#   title_en: Administrative decision without an operative part of its own
#   legal_basis: "§ 35a VwVfG, § 31a SGB X, Art. 22 Abs. 1 DSGVO, Art. 14 Abs. 4 Buchst. b KI-VO"
#   severity: block
#   text: >-
#     Ein Bescheid wird nur formuliert, wenn ein Mensch den Tenor selbst geschrieben hat und er in der
#     Anfrage steht.
#   text_en: >-
#     A decision letter is only phrased when a person has written its operative part and it stands in the
#     request.
package rules.aiact.own_tenor

import rego.v2

deny if {
	input.purpose == "letter_from_human_decision"
	not decided
}

decided if input.ruling.made == true
