# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.staff_informed_test

import rego.v2

import data.fixtures
import data.rules.aiact.staff_informed

test_not_informed if {
	staff_informed.deny with input as fixtures.asked(fixtures.high_risk)
}

test_informed if {
	not staff_informed.deny with input as fixtures.asked(object.union(fixtures.high_risk, {"known": {"tenant": {"staff_informed": "2026-11-21"}}}))
}

test_informed_tomorrow if {
	staff_informed.deny with input as fixtures.asked(object.union(fixtures.high_risk, {"known": {"tenant": {"staff_informed": "2026-11-22"}}}))
}

test_not_high_risk if {
	not staff_informed.deny with input as fixtures.base
}
