# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Training mit Sozialdaten
# custom:
#   rule_id: DSG-005
#   title_en: Training with social data
#   legal_basis: "§ 67c Abs. 3 SGB X"
#   severity: narrow
#   text: >-
#     Mit Sozialdaten darf der Betreiber des Modells nicht trainieren.
#   text_en: >-
#     The operator of the model may not train on social data.
package rules.dataprotection.sozialdaten_training

import rego.v2

import data.facts

reject contains id if {
	"sozialdaten" in facts.classes
	some id in (input.candidates.ids - input.candidates.untrained)
}
