# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Antwort in geprüften Abschnitten
# custom:
#   rule_id: DSG-016
#   title_en: Answer in reviewed windows
#   legal_basis: "Art. 32 DSGVO, Art. 14 KI-VO"
#   severity: narrow
#   text: >-
#     Antworten an Bürgerinnen und Bürger werden abschnittsweise geprüft, bevor sie ausgegeben werden.
#   text_en: >-
#     Answers to citizens are reviewed in windows before they are released.
package rules.dataprotection.review_output

import rego.v2

import data.facts

oblige contains {"id": "review_output", "params": {"max_bytes": data.catalog.fields.review_window_bytes}} if facts.reviewed
