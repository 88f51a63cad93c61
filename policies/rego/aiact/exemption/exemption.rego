# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Ausnahme vom Hochrisiko dokumentieren
# custom:
#   rule_id: AIA-012
#   title_en: Document the exemption from high risk
#   legal_basis: "Art. 6 Abs. 3 und 4, Art. 49 Abs. 2 KI-VO"
#   severity: info
#   text: >-
#     Der Einsatz fällt in einen Bereich des Anhangs III und ist ausgenommen; die Ausnahme ist zu
#     dokumentieren und zu registrieren.
#   text_en: >-
#     The use falls into a field of Annex III and is exempt; the exemption has to be documented and
#     registered.
package rules.aiact.exemption

import rego.v2

import data.facts

note if startswith(facts.risk.class, "exempt_")
