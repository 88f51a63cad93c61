# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Felder außerhalb des Zwecks
# custom:
#   rule_id: DSG-018
#   title_en: Fields outside the purpose
#   legal_basis: "Art. 5 Abs. 1 Buchst. b und c DSGVO, § 67c Abs. 1 SGB X"
#   severity: block
#   text: >-
#     Die Anfrage enthält Angaben, die für diesen Zweck nicht vorgesehen sind, oder nennt ihre Felder
#     nicht.
#   text_en: >-
#     The request holds data that is not meant for this purpose, or does not name its fields.
package rules.dataprotection.fields

import rego.v2

deny if {
	is_array(list)
	not permitted
}

own := input.known.service.fields[input.purpose]

# The list of the purpose, else the one for every purpose. Without either nothing is bounded.
list := own

list := input.known.service.fields["*"] if not is_array(own)

permitted if {
	said
	every field in input.fields { field in list }
}

# Where the service has a list for this very purpose, the fields have to be named.
said if input.fields_count > 0

said if not is_array(own)
