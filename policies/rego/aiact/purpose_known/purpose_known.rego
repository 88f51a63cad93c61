# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Zweck fehlt oder ist unbekannt
# custom:
#   rule_id: AIA-001
#   title_en: Purpose missing or unknown
#   legal_basis: "Art. 3 Nr. 12, Art. 26 Abs. 1 KI-VO"
#   severity: block
#   text: >-
#     Geben Sie an, wozu die Anfrage dient; ohne bekannten Zweck lässt sich das Risiko nicht einstufen.
#   text_en: >-
#     Say what the request is for; without a known purpose its risk cannot be classified.
package rules.aiact.purpose_known

import rego.v2

deny if not known

known if is_object(input.known.purpose)
