# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Leistung nicht angegeben
# custom:
#   rule_id: AIA-005
#   title_en: Service not named
#   legal_basis: "Art. 3 Nr. 12, Art. 6 Abs. 2 KI-VO"
#   severity: block
#   text: >-
#     Dieser Zweck verlangt die Angabe der Leistung; nur so lässt sich das Risiko einstufen.
#   text_en: >-
#     This purpose needs the service to be named; otherwise the risk cannot be classified.
package rules.aiact.service_named

import rego.v2

deny if {
	input.known.purpose.service == true
	not named
}

named if input.has_service == true
