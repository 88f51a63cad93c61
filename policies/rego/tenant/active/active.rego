# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Mandant gesperrt
# custom:
#   rule_id: TEN-002
#   title_en: Tenant suspended
#   legal_basis: "Art. 28 Abs. 3 Buchst. a DSGVO"
#   severity: block
#   text: >-
#     Der Mandant ist gesperrt; es liegt keine gültige Weisung zur Verarbeitung vor.
#   text_en: >-
#     The tenant is suspended; there is no valid instruction to process.
package rules.tenant.active

import rego.v2

deny if not active

active if input.known.tenant.active == true
