# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Kein zulässiges Modell
# custom:
#   rule_id: RES-004
#   title_en: No permitted model
#   legal_basis: "Art. 25 und 44 DSGVO, Art. 26 KI-VO"
#   severity: block
#   text: >-
#     Für diese Anfrage ist kein Modell eingerichtet, das die Regeln zulassen; ausgeschlossene Modelle nennt die Entscheidung mit Gründen.
#   text_en: >-
#     No configured model is permitted for this request; the decision names excluded models with reasons.
package rules.routing.model_left

import rego.v2

# main.rego denies in the name of this rule when a model is needed and none is left:
# a rule cannot see the rejections of all rules, its own among them.
deny := false
