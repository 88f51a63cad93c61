# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.purpose_granted_test

import rego.v2

import data.fixtures
import data.rules.tenant.purpose_granted

test_not_granted if {
	purpose_granted.deny with input as fixtures.asked({"purpose": "summarise"})
}

test_granted if {
	not purpose_granted.deny with input as fixtures.base
}

test_empty_grant if {
	purpose_granted.deny with input as fixtures.asked({"caller": {"purposes": []}})
}
