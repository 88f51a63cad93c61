# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.active_test

import rego.v2

import data.fixtures
import data.rules.tenant.active

test_suspended if {
	active.deny with input as fixtures.asked({"caller": {"tenant": "gesperrt"}})
}

test_active if {
	not active.deny with input as fixtures.base
}

test_unknown_is_not_active if {
	active.deny with input as fixtures.asked({"caller": {"tenant": "atlantis"}})
}
