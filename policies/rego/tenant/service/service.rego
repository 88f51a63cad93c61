# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Leistung unbekannt oder nicht freigegeben
# custom:
#   rule_id: TEN-006
#   title_en: Service unknown or not released
#   legal_basis: "Art. 3 Nr. 12, Art. 26 Abs. 1 KI-VO"
#   severity: block
#   text: >-
#     Die genannte Leistung ist nicht eingerichtet oder für den Mandanten nicht freigegeben.
#   text_en: >-
#     The service is not set up or not released for the tenant.
package rules.tenant.service

import rego.v2

deny if not permitted

permitted if input.has_service == false

permitted if {
	is_object(input.known.service)
	offered
}

offered if count(input.known.tenant.services) == 0

offered if input.service in input.known.tenant.services
