# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Kette als Ganzes beurteilt
# custom:
#   rule_id: AIA-015
#   title_en: Chain judged as a whole
#   legal_basis: "Art. 6 Abs. 3 KI-VO"
#   severity: info
#   text: >-
#     Die Schritte des Falls prägen zusammen die Entscheidung und gelten deshalb insgesamt als
#     hochriskant.
#   text_en: >-
#     The steps of the case together shape the decision and therefore count as high-risk as a whole.
package rules.aiact.whole_chain

import rego.v2

import data.facts

note if facts.whole_chain
