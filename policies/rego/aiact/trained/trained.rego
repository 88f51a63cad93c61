# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Schulung nicht nachgewiesen
# custom:
#   rule_id: AIA-020
#   title_en: Training not evidenced
#   legal_basis: "Art. 4, Art. 26 Abs. 2 KI-VO"
#   severity: block
#   valid_from: "2027-12-02"
#   text: >-
#     Für Hochrisiko-Systeme ist nicht hinterlegt, wann die aufsichtführenden Personen geschult wurden.
#   text_en: >-
#     For high-risk systems it is not on file when the persons who oversee them were trained.
package rules.aiact.trained

import rego.v2

import data.facts

deny if {
	facts.risk.class == "high_risk"
	not trained
}

trained if {
	input.known.tenant.trained != ""
	input.known.tenant.trained <= input.date
}
