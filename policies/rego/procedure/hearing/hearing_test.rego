# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.procedure.hearing_test

import rego.v2

import data.fixtures
import data.rules.procedure.hearing

test_heard if {
	not hearing.deny with input as fixtures.asked(fixtures.letter)
}

test_not_heard if {
	hearing.deny with input as fixtures.asked(object.union(fixtures.letter, {"ruling": {"hearing": "open"}}))
}

test_nothing_said if {
	hearing.deny with input as fixtures.asked(object.union(fixtures.letter, {"ruling": {"hearing": ""}}))
}

test_favourable if {
	not hearing.deny with input as fixtures.asked(object.union(fixtures.letter, {"ruling": {"burdening": false, "hearing": ""}}))
}

test_other_purpose if {
	not hearing.deny with input as fixtures.base
}
