# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Entbehrliche Felder
# custom:
#   rule_id: DSG-013
#   legal_basis: "Art. 5 Abs. 1 Buchst. c, Art. 25 Abs. 2 DSGVO"
#   severity: narrow
#   text: >-
#     Felder, die Personen beim Betreiber des Modells wiedererkennbar machen oder Inhalte dort speichern,
#     werden entfernt.
#   text_en: >-
#     Fields that identify people to the operator or store content there are removed.
package rules.dataprotection.strip_fields

import rego.v2

import data.facts

oblige contains {"id": "strip_fields", "params": {"fields": data.catalog.fields.strip}} if {
	facts.needs_model
	count(facts.external) > 0
}
