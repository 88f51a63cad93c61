# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Entbehrliche Felder
# custom:
#   rule_id: DSG-013
#   title_en: Dispensable fields
#   legal_basis: "Art. 5 Abs. 1 Buchst. c und f, Art. 25 Abs. 2, Art. 32 Abs. 1 DSGVO"
#   severity: narrow
#   text: >-
#     Felder werden entfernt, die Personen beim Betreiber wiedererkennbar machen, Inhalte dort speichern,
#     ungeprüften Text zurückbringen oder in Speicher und Warteschlange anderer Mandanten eingreifen.
#   text_en: >-
#     Fields are removed that identify people to the operator, store content there, bring back text
#     nobody reviewed, or reach into cache and queue of other tenants.
package rules.dataprotection.strip_fields

import rego.v2

import data.facts

oblige contains {"id": "strip_fields", "params": {"fields": fields}} if facts.needs_model

fields := array.concat(data.catalog.fields.shared, array.concat(identifying, unreviewed))

identifying := [] if count(input.candidates.external) == 0

else := data.catalog.fields.identifying

default unreviewed := []

unreviewed := data.catalog.fields.unreviewed if facts.reviewed
