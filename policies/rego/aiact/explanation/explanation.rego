# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Unterrichtung und Erläuterung
# custom:
#   rule_id: AIA-021
#   title_en: Information and explanation
#   legal_basis: "Art. 26 Abs. 11, Art. 86 KI-VO"
#   severity: info
#   text: >-
#     Betroffene werden über den Einsatz unterrichtet und können eine Erläuterung verlangen; die Gründe
#     der Entscheidung werden dafür aufbewahrt.
#   text_en: >-
#     Persons concerned are informed of the use and may ask for an explanation; the reasons of the
#     decision are kept for that.
package rules.aiact.explanation

import rego.v2

import data.facts

note if facts.risk.class == "high_risk"
