# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Aktenzeichen ohne bekannte Angaben des Falls
# custom:
#   rule_id: DSG-009
#   title_en: File reference without the known particulars of the case
#   legal_basis: "Art. 25 Abs. 1, Art. 32 Abs. 1 Buchst. a DSGVO, § 67c SGB X"
#   severity: narrow
#   text: >-
#     Zum Aktenzeichen fehlen die bekannten Namen und Angaben des Falls; ohne sie geht nichts an Modelle
#     außer Haus.
#   text_en: >-
#     The known names and facts of the case are missing; without them nothing goes to models outside the
#     house.
package rules.dataprotection.entities_given

import rego.v2

reject contains id if {
	not free_to_leave
	some id in input.candidates.external
}

free_to_leave if input.has_case == false

free_to_leave if input.entities > 0
