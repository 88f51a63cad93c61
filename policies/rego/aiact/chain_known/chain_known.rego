# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Kette mit unbekanntem Schritt
# custom:
#   rule_id: AIA-014
#   title_en: Chain with an unknown step
#   legal_basis: "Art. 3 Nr. 12, Art. 6 Abs. 3 KI-VO"
#   severity: block
#   text: >-
#     Ein früherer Schritt des Falls nennt keinen bekannten Zweck; eine Kette wird nur als Ganzes
#     beurteilt.
#   text_en: >-
#     An earlier step of the case has no known purpose; a chain is judged as a whole only.
package rules.aiact.chain_known

import rego.v2

deny if {
	input.chain_count > 0
	not known
}

known if every purpose in input.chain { data.catalog.purposes.purposes[purpose] }
