# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Beschäftigte nicht informiert
# custom:
#   rule_id: AIA-019
#   title_en: Staff not informed
#   legal_basis: "Art. 26 Abs. 7 KI-VO, § 75 BPersVG und Landesrecht"
#   severity: block
#   valid_from: "2027-12-02"
#   text: >-
#     Für Hochrisiko-Systeme ist nicht hinterlegt, wann Beschäftigte und Personalrat informiert wurden.
#   text_en: >-
#     For high-risk systems it is not on file when staff and staff council were informed.
package rules.aiact.staff_informed

import rego.v2

import data.facts

deny if {
	facts.risk.class == "high_risk"
	not informed
}

informed if {
	input.known.tenant.staff_informed != ""
	input.known.tenant.staff_informed <= input.date
}
