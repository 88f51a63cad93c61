# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.system_test

import rego.v2

import data.fixtures
import data.rules.tenant.system

test_unnamed if {
	system.deny with input as fixtures.asked({"caller": {"has_system": false}})
}

test_named if {
	not system.deny with input as fixtures.base
}

test_junk if {
	system.deny with input as fixtures.asked({"caller": {"has_system": "yes"}})
}
