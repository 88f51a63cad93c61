# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Besonders geschützte Daten an fremde Werkzeuge
# custom:
#   rule_id: DSG-017
#   title_en: Specially protected data to tools of third parties
#   legal_basis: "Art. 9 DSGVO, § 67d Abs. 1 SGB X, § 30 Abs. 1 AO, § 4 SÜG"
#   severity: narrow
#   text: >-
#     Werkzeuge außer Haus erhalten keine besonders geschützten Daten, auch nicht mit Platzhaltern.
#   text_en: >-
#     Tools outside the house get no specially protected data, not even with placeholders.
package rules.dataprotection.tools

import rego.v2

import data.facts

reject contains id if {
	input.known.operation.tool == true
	count(facts.classes & {"art9", "sozialdaten", "steuer", "confidential"}) > 0
	some id in input.candidates.external
}
