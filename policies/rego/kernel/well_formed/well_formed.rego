# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Anfrage unvollständig beschrieben
# custom:
#   rule_id: KERN-010
#   title_en: Request described incompletely
#   legal_basis: "Art. 5 Abs. 2 DSGVO"
#   severity: block
#   text: >-
#     Eine Angabe zur Anfrage fehlt oder ist ungültig; ohne vollständige Angaben wird nichts
#     weitergegeben.
#   text_en: >-
#     A fact about the request is missing or invalid; without complete facts nothing is passed on.
package rules.kernel.well_formed

import rego.v2

import data.facts

deny if facts.well_formed == false
