# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Zweck für diesen Zugang nicht freigegeben
# custom:
#   rule_id: TEN-004
#   title_en: Purpose not granted to this access
#   legal_basis: "Art. 5 Abs. 1 Buchst. b DSGVO, § 67c Abs. 1 SGB X"
#   severity: block
#   text: >-
#     Der Zugang ist für diesen Zweck nicht freigegeben; wenden Sie sich an Ihre Administration.
#   text_en: >-
#     The key is not granted this purpose; ask your administration.
package rules.tenant.purpose_granted

import rego.v2

deny if not granted

granted if input.purpose in input.caller.purposes
