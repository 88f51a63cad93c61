# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.logs_test

import rego.v2

import data.fixtures
import data.rules.aiact.logs

test_high_risk if {
	logs.oblige == {{"id": "retain", "params": {"floor_days": 183, "ceiling_days": 1096}}} with input as fixtures.asked(fixtures.high_risk)
}

test_not_high_risk if {
	logs.oblige == set() with input as fixtures.base
}
