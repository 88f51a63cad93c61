# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Keine Inhalte im Protokoll
# custom:
#   rule_id: DSG-012
#   title_en: No content in the record
#   legal_basis: "Art. 5 Abs. 1 Buchst. c und e DSGVO"
#   severity: narrow
#   text: >-
#     Inhalte werden nicht gespeichert; das Protokoll enthält nur Tatsachen und Zähler.
#   text_en: >-
#     Content is not stored; the record holds facts and counts only.
package rules.dataprotection.no_content_log

import rego.v2

import data.facts

# Unless the tenant has content of this purpose kept (rule DSG-022).
oblige contains {"id": "no_content_log", "params": {}} if {
	facts.classes != {"public"}
	facts.keeps_content == false
}
