# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.own_tenor_test

import rego.v2

import data.fixtures
import data.rules.aiact.own_tenor

test_own_tenor if {
	not own_tenor.deny with input as fixtures.asked(fixtures.letter)
}

test_no_tenor if {
	own_tenor.deny with input as fixtures.asked(object.union(fixtures.letter, {"ruling": {"made": false}}))
}

test_other_purpose if {
	not own_tenor.deny with input as fixtures.base
}
