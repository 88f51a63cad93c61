# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Zweckbindung der Gewerbedaten
# custom:
#   rule_id: DSG-020
#   title_en: Purpose limitation of trade data
#   legal_basis: "§ 14 Abs. 5 und 8 GewO"
#   severity: block
#   text: >-
#     Daten aus Gewerbeanzeigen dürfen nur verwendet werden, um die Gewerbeausübung zu überwachen und für
#     die Statistik; dieser Zweck gehört nicht dazu.
#   text_en: >-
#     Data from trade notices may only be used to supervise trades and for statistics; this purpose is
#     neither.
package rules.dataprotection.trade_purpose

import rego.v2

deny if {
	"trade" in input.known.service.data_classes
	not permitted
}

permitted if input.purpose in data.catalog.bound.trade
