# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Sozialdaten im Auftrag
# custom:
#   rule_id: DSG-004
#   title_en: Social data processed on behalf
#   legal_basis: "§ 80 Abs. 1 bis 3 SGB X"
#   severity: narrow
#   text: >-
#     Sozialdaten gehen nur an Auftragsverarbeiter in der EU, im EWR oder in einem Staat mit
#     Angemessenheitsbeschluss, deren Beauftragung der Aufsichtsbehörde angezeigt ist.
#   text_en: >-
#     Social data only goes to processors in the EU, EEA or an adequate country whose engagement was
#     notified to the supervisory authority.
package rules.dataprotection.sozialdaten

import rego.v2

import data.facts

reject contains id if {
	"sozialdaten" in facts.classes
	some id in (input.candidates.external - permitted)
}

permitted := input.candidates.notified & (input.candidates.safe_country & input.candidates.known_kind)
