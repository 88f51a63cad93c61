# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Einfache Sprache ruht
# custom:
#   rule_id: TEN-090
#   legal_basis: "Art. 5 Abs. 2 DSGVO"
#   severity: block
#   text: Texte in Einfacher Sprache sind ausgesetzt, bis die Dienstanweisung vorliegt.
#   text_en: Texts in plain language are suspended until the instruction is there.
package rules.tenant.suspended

import rego.v2

deny if input.purpose == "simplify_language"
