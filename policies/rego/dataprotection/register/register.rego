# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Abruf aus einem Register
# custom:
#   rule_id: DSG-021
#   title_en: Retrieval from a register
#   legal_basis: "§ 79 Abs. 4 SGB X, § 14 Abs. 11 GewO"
#   severity: block
#   text: >-
#     Ein Abruf aus einem Register braucht Leistung und Aktenzeichen; ohne sie lässt sich der Anlass nicht
#     nachweisen.
#   text_en: >-
#     Retrieval from a register needs a service and a file number; without them its occasion cannot be
#     proved.
package rules.dataprotection.register

import rego.v2

deny if {
	count(input.known.tenant.registers) > 0
	not free
	not permitted
}

free if every name in input.named_sources { harmless(name) }

# Where there are registers, a source is none only when the tenant says so. All sources
# of a tenant ("*", which is no name) may be registers.
harmless(name) if {
	name in input.known.tenant.other_sources
	not name in input.known.tenant.registers
}

permitted if {
	input.has_case == true
	input.has_service == true
}
