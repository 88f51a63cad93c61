# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Freigegebener Hochrisiko-Zweck
# custom:
#   rule_id: AIA-013
#   title_en: Released high-risk purpose
#   legal_basis: "Art. 26, 27 und 49 Abs. 3 KI-VO"
#   severity: info
#   text: >-
#     Der Hochrisiko-Zweck ist vom Mandanten freigegeben; Aufsicht und Folgenabschätzungen sind
#     hinterlegt.
#   text_en: >-
#     The high-risk purpose is released by the tenant; oversight and impact assessments are on file.
package rules.aiact.released

import rego.v2

import data.facts

note if {
	facts.risk.class == "high_risk"
	facts.released
}
