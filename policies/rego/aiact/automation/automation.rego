# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Vollautomatische Entscheidung ohne Rechtsgrundlage
# custom:
#   rule_id: AIA-008
#   title_en: Fully automated decision without a legal basis
#   legal_basis: "§ 35a VwVfG, § 31a SGB X, § 155 Abs. 4 AO, Art. 22 DSGVO"
#   severity: block
#   text: >-
#     Vollautomatisch darf nur entschieden werden, wo eine Vorschrift es für diese Leistung erlaubt.
#   text_en: >-
#     Fully automatic decisions need a provision that allows them for this service.
package rules.aiact.automation

import rego.v2

import data.facts

deny if {
	facts.automatic
	not permitted
}

permitted if {
	is_string(input.known.service.automation_norm)
	input.known.service.automation_norm != ""
}
