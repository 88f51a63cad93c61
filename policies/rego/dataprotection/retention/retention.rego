# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Höchstfrist der Aufzeichnung
# custom:
#   rule_id: DSG-023
#   title_en: Maximum retention of the record
#   legal_basis: "Art. 5 Abs. 1 Buchst. e, Art. 17 Abs. 1 Buchst. a DSGVO"
#   severity: narrow
#   text: >-
#     Aufzeichnungen zu personenbezogenen Anfragen werden nach Ablauf der Höchstfrist gelöscht.
#   text_en: >-
#     Records of requests with personal data are deleted when the longest period is over.
package rules.dataprotection.retention

import rego.v2

import data.facts

oblige contains {"id": "retain", "params": {"floor_days": 0, "ceiling_days": data.catalog.retention.ceiling_days}} if facts.personal
