# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Pseudonymisierung
# custom:
#   rule_id: DSG-011
#   title_en: Pseudonymisation
#   legal_basis: "Art. 4 Nr. 5, Art. 5 Abs. 1 Buchst. c, Art. 25 und 32 DSGVO"
#   severity: narrow
#   text: >-
#     Personenbezogene Angaben werden vor der Übermittlung durch Platzhalter ersetzt.
#   text_en: >-
#     Personal data is replaced by placeholders before transmission.
package rules.dataprotection.pseudonymise

import rego.v2

import data.facts

oblige contains {"id": "pseudonymise", "params": {}} if {
	facts.needs_model
	count(input.candidates.external) > 0
	concerned
}

concerned if facts.personal

concerned if not nothing_found

nothing_found if input.screened.total == 0
