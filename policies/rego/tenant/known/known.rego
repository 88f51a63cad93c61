# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Mandant unbekannt
# custom:
#   rule_id: TEN-001
#   title_en: Tenant unknown
#   legal_basis: "Art. 4 Nr. 7, Art. 28 Abs. 3 DSGVO"
#   severity: block
#   text: >-
#     Der Mandant ist nicht eingerichtet; ohne verantwortliche Stelle darf nichts verarbeitet werden.
#   text_en: >-
#     The tenant is not set up; nothing may be processed without a controller.
package rules.tenant.known

import rego.v2

deny if not known

known if is_object(input.known.tenant)
