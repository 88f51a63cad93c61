# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Hochrisiko-Zweck ohne Freigabe
# custom:
#   rule_id: AIA-003
#   title_en: High-risk purpose without a release
#   legal_basis: "Art. 6 Abs. 2, Art. 26, 27 und 49 Abs. 3 KI-VO, Art. 35 DSGVO"
#   severity: block
#   text: >-
#     Der Zweck ist hochriskant und vom Mandanten nicht freigegeben; nötig sind Registrierung,
#     Grundrechte-Folgenabschätzung, Datenschutz-Folgenabschätzung und benannte Aufsicht.
#   text_en: >-
#     The purpose is high-risk and not released by the tenant: registration, fundamental rights and data
#     protection impact assessments and a named oversight are needed.
package rules.aiact.high_risk

import rego.v2

import data.facts

deny if {
	facts.risk.class == "high_risk"
	not facts.released
}
