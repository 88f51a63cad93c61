# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Vorgabe des Mandanten zum Standort
# custom:
#   rule_id: TEN-007
#   title_en: Requirement of the tenant on location
#   legal_basis: "Art. 28 Abs. 3 Buchst. a DSGVO"
#   severity: narrow
#   text: >-
#     Der Mandant lässt Modelle an diesem Standort nicht zu.
#   text_en: >-
#     The tenant does not allow models at this location.
package rules.tenant.residency

import rego.v2

reject contains id if {
	count(input.known.tenant.residencies) > 0
	some id in (input.candidates.ids - permitted)
}

permitted := {id | some place in input.known.tenant.residencies; some id in input.candidates.at[place]}
