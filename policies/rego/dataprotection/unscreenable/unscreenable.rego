# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Nicht prüfbare Teile
# custom:
#   rule_id: DSG-010
#   title_en: Parts that cannot be screened
#   legal_basis: "Art. 25 Abs. 1, Art. 32 Abs. 1 DSGVO"
#   severity: narrow
#   text: >-
#     Bilder, Ton oder Dateien lassen sich nicht auf personenbezogene Daten prüfen und gehen nicht außer
#     Haus.
#   text_en: >-
#     Images, audio or files cannot be screened for personal data and do not leave the house.
package rules.dataprotection.unscreenable

import rego.v2

import data.facts

reject contains id if {
	facts.classes != {"public"}
	not screened
	some id in input.candidates.external
}

# A recording cannot be screened, also when nobody counted it.
screened if {
	input.screened.unscreenable == 0
	input.known.operation.recording == false
}
