# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Aufrufendes System unbekannt
# custom:
#   rule_id: TEN-003
#   title_en: Calling system unknown
#   legal_basis: "Art. 32 Abs. 1 Buchst. b DSGVO"
#   severity: block
#   text: >-
#     Das aufrufende Fachverfahren ist nicht benannt; die Anfrage lässt sich niemandem zuordnen.
#   text_en: >-
#     The calling system is not named; the request cannot be attributed.
package rules.tenant.system

import rego.v2

deny if not named

named if input.caller.has_system == true
