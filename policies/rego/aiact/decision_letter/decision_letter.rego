# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Bescheid ohne menschliche Entscheidung
# custom:
#   rule_id: AIA-006
#   title_en: Administrative decision without a human decision
#   legal_basis: "§ 35a VwVfG, § 31a SGB X, Art. 22 Abs. 1 DSGVO"
#   severity: block
#   text: >-
#     Ein Bescheid wird nur aus einer Entscheidung formuliert, die ein Mensch getroffen hat; geben Sie
#     Tenor und Gründe vor.
#   text_en: >-
#     A decision letter is only phrased from a decision made by a person; give its terms and reasons.
package rules.aiact.decision_letter

import rego.v2

deny if input.purpose == "letter_without_decision"
