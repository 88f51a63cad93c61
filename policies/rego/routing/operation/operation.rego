# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Modell kann den Vorgang nicht
# custom:
#   rule_id: RES-003
#   title_en: Model cannot do the operation
#   legal_basis: "Art. 26 Abs. 1 KI-VO"
#   severity: narrow
#   text: >-
#     Das Modell ist für diese Art von Vorgang nicht vorgesehen.
#   text_en: >-
#     The model is not meant for this kind of work.
package rules.routing.operation

import rego.v2

import data.facts

reject contains id if {
	facts.needs_model
	some id in (input.candidates.ids - object.get(input.candidates.able, input.operation, set()))
}
