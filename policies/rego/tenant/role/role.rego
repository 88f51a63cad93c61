# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Rolle passt nicht zur Leistung
# custom:
#   rule_id: TEN-008
#   title_en: Role does not fit the service
#   legal_basis: "§ 35 Abs. 1 SGB I, § 30 AO, Art. 32 Abs. 4 DSGVO"
#   severity: block
#   text: >-
#     Ihre Rolle ist für diese Leistung nicht vorgesehen; auch innerhalb der Stelle erhält nur Zugang, wer
#     ihn für seine Aufgabe braucht.
#   text_en: >-
#     Your role is not meant for this service; within the authority too only those have access who need it
#     for their task.
package rules.tenant.role

import rego.v2

deny if {
	is_array(roles)
	not permitted
}

roles := input.known.tenant.roles[input.service]

permitted if {
	some role in input.caller.roles
	role in roles
}

# Citizens and specialist systems have no roles; what they may do is said by channel and key.
permitted if input.caller.channel in {"citizen", "system"}
