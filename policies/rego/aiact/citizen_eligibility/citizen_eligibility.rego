# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Persönliche Anspruchsauskunft
# custom:
#   rule_id: AIA-007
#   title_en: Individual information on entitlement
#   legal_basis: "Anhang III Nr. 5 Buchst. a KI-VO, §§ 14, 15 SGB I"
#   severity: block
#   text: >-
#     Ob Sie persönlich einen Anspruch haben, beantwortet Ihnen die zuständige Stelle; das System gibt nur
#     allgemeine Auskunft.
#   text_en: >-
#     Whether you personally are entitled is answered by the competent office; the system gives general
#     information only.
package rules.aiact.citizen_eligibility

import rego.v2

deny if input.purpose == "citizen_eligibility"
