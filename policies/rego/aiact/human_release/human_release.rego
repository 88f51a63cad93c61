# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Freigabe durch eine Person
# custom:
#   rule_id: AIA-011
#   title_en: Release by a person
#   legal_basis: "Art. 14, Art. 26 Abs. 2 KI-VO, § 35a VwVfG, § 31a SGB X"
#   severity: narrow
#   text: >-
#     Das Ergebnis ist ein Entwurf, bis eine benannte Person ihn freigibt.
#   text_en: >-
#     The result is a draft until a named person releases it.
package rules.aiact.human_release

import rego.v2

import data.facts

oblige contains {"id": "human_release", "params": {}} if input.known.purpose.release == true

oblige contains {"id": "human_release", "params": {}} if facts.risk.class == "high_risk"
