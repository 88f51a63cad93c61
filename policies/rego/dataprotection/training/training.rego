# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Training mit Eingaben
# custom:
#   rule_id: DSG-002
#   title_en: Training with inputs
#   legal_basis: "Art. 5 Abs. 1 Buchst. b, Art. 28 Abs. 3 Buchst. a DSGVO"
#   severity: narrow
#   text: >-
#     Der Betreiber des Modells darf mit Eingaben trainieren; nicht öffentliche Inhalte gehen nicht
#     dorthin.
#   text_en: >-
#     The operator may train on what is sent; content that is not public does not go there.
package rules.dataprotection.training

import rego.v2

import data.facts

reject contains id if {
	facts.classes != {"public"}
	some id in (input.candidates.ids - input.candidates.untrained)
}
