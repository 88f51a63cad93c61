# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Kein Vertrag über Auftragsverarbeitung
# custom:
#   rule_id: DSG-001
#   title_en: No data processing agreement
#   legal_basis: "Art. 28 Abs. 3 DSGVO"
#   severity: narrow
#   text: >-
#     Mit dem Betreiber des Modells besteht kein Vertrag über die Auftragsverarbeitung.
#   text_en: >-
#     There is no processing contract with the operator of the model.
package rules.dataprotection.contract

import rego.v2

reject contains id if some id in (input.candidates.external - input.candidates.contracted)
