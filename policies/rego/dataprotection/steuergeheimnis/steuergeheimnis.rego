# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Steuergeheimnis
# custom:
#   rule_id: DSG-006
#   title_en: Tax secrecy
#   legal_basis: "§ 30 Abs. 1, 4 und 9 AO"
#   severity: narrow
#   text: >-
#     Daten unter dem Steuergeheimnis gehen nur an Stellen, deren Beschäftigte auf das Steuergeheimnis
#     verpflichtet sind.
#   text_en: >-
#     Data under the tax secret only goes where staff is bound to the tax secret.
package rules.dataprotection.steuergeheimnis

import rego.v2

import data.facts

reject contains id if {
	"steuer" in facts.classes
	some id in (input.candidates.external - input.candidates.bound_to_tax_secret)
}
