# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Inhalt verschlüsselt aufbewahrt
# custom:
#   rule_id: DSG-022
#   title_en: Content kept encrypted
#   legal_basis: "Art. 86, Art. 26 Abs. 6 KI-VO, Art. 5 Abs. 1 Buchst. e und Art. 32 DSGVO"
#   severity: narrow
#   text: >-
#     Der Mandant lässt Inhalte dieses Zwecks verschlüsselt unter dem Schlüssel des Falls aufbewahren, so
#     kurz wie nötig.
#   text_en: >-
#     The tenant has content of this purpose kept, encrypted under the key of the case, as briefly as
#     necessary.
package rules.dataprotection.keep_content

import rego.v2

import data.facts

oblige contains {"id": "log_content", "params": {"days": days}} if facts.keeps_content

days := wanted if wanted <= most

else := most

wanted := input.known.tenant.keep_content[input.purpose]

most := data.catalog.retention.content_ceiling_days
