# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.retention_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.retention

test_personal if {
	retention.oblige == {{"id": "retain", "params": {"floor_days": 0, "ceiling_days": 1096}}} with input as fixtures.asked(fixtures.declared("personal"))
}

test_internal if {
	retention.oblige == set() with input as fixtures.base
}
