# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Keine Werkzeuge für Schreiben und Auskünfte
# custom:
#   rule_id: AIA-023
#   title_en: No tools for letters and information
#   legal_basis: "Art. 14, Art. 15 Abs. 5 KI-VO, Art. 32 Abs. 1 DSGVO"
#   severity: narrow
#   text: >-
#     Entwürfe, die ein Mensch freigibt, und Auskünfte an Bürgerinnen und Bürger entstehen ohne Werkzeuge
#     des Modells.
#   text_en: >-
#     Drafts that a person releases and information for citizens are made without tools of the model.
package rules.aiact.no_tools

import rego.v2

import data.facts

oblige contains {"id": "block_tools", "params": {}} if {
	facts.needs_model
	input.known.operation.generates == true
	concerned
}

concerned if input.known.purpose.release == true

concerned if input.caller.channel == "citizen"
