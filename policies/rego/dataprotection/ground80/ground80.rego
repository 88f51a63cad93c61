# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Private Auftragsverarbeitung von Sozialdaten
# custom:
#   rule_id: DSG-019
#   title_en: Social data processed by a private processor
#   legal_basis: "§ 80 Abs. 3 SGB X"
#   severity: narrow
#   text: >-
#     Sozialdaten gehen nur dann an private Stellen, wenn sonst der Betriebsablauf gestört wäre, der
#     Auftrag dort erheblich günstiger ist oder die Stelle mehrheitlich öffentlich ist.
#   text_en: >-
#     Social data goes to private bodies only when operations would otherwise be disturbed, the work is
#     considerably cheaper there, or the body is mostly public.
package rules.dataprotection.ground80

import rego.v2

import data.facts

reject contains id if {
	"sozialdaten" in facts.classes
	some id in (input.candidates.external - input.candidates.grounded)
}
