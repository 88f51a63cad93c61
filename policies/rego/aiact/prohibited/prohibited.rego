# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Verbotene Praktik
# custom:
#   rule_id: AIA-002
#   title_en: Prohibited practice
#   legal_basis: "Art. 5 Abs. 1 KI-VO"
#   severity: block
#   valid_from: "2025-02-02"
#   text: >-
#     Dieser Zweck ist eine verbotene Praktik; eine Freigabe ist nicht möglich.
#   text_en: >-
#     This purpose is a prohibited practice; it cannot be released.
package rules.aiact.prohibited

import rego.v2

import data.facts

deny if facts.risk.class == "prohibited"
