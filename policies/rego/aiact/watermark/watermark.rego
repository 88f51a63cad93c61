# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Kennzeichnung erzeugter Inhalte
# custom:
#   rule_id: AIA-010
#   title_en: Marking of generated content
#   legal_basis: "Art. 50 Abs. 2 KI-VO"
#   severity: narrow
#   valid_from: "2026-08-02"
#   text: >-
#     Erzeugte Inhalte werden maschinenlesbar als künstlich erzeugt gekennzeichnet.
#   text_en: >-
#     Generated content is marked as artificially generated in a machine-readable way.
package rules.aiact.watermark

import rego.v2

import data.facts

oblige contains {"id": "watermark", "params": {}} if {
	facts.needs_model
	input.known.operation.generates == true
}
