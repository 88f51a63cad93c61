# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Bescheid ohne Anhörung
# custom:
#   rule_id: VER-001
#   title_en: Administrative decision without a hearing
#   legal_basis: "§ 28 VwVfG, § 24 SGB X, § 91 AO"
#   severity: block
#   text: >-
#     Vor einem belastenden Bescheid ist anzuhören; geben Sie an, dass angehört wurde oder welche Ausnahme
#     greift.
#   text_en: >-
#     Before a burdening decision its addressee has to be heard; say that this was done or that an
#     exception applies.
package rules.procedure.hearing

import rego.v2

deny if {
	input.purpose == "letter_from_human_decision"
	not permitted
}

permitted if input.ruling.burdening == false

permitted if input.ruling.hearing in {"held", "waived"}
