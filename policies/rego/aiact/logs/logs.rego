# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Protokolle des Hochrisiko-Systems
# custom:
#   rule_id: AIA-022
#   title_en: Logs of the high-risk system
#   legal_basis: "Art. 12, Art. 19 Abs. 1, Art. 26 Abs. 6 KI-VO"
#   severity: narrow
#   text: >-
#     Das Protokoll eines Hochrisiko-Systems wird mindestens sechs Monate aufbewahrt.
#   text_en: >-
#     The log of a high-risk system is kept for at least six months.
package rules.aiact.logs

import rego.v2

import data.facts

oblige contains {"id": "retain", "params": {"floor_days": floor, "ceiling_days": ceiling}} if facts.risk.class == "high_risk"

floor := data.catalog.retention.high_risk_floor_days

ceiling := data.catalog.retention.ceiling_days
