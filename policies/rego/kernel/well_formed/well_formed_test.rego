# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.kernel.well_formed_test

import rego.v2

import data.fixtures
import data.rules.kernel.well_formed

test_silent_when_complete if {
	not well_formed.deny with input as fixtures.base
}

test_wrong_shape if {
	well_formed.deny with input as fixtures.asked({"well_formed": false})
}

test_nobody_looked_at_the_shape if {
	well_formed.deny with input as fixtures.question
}

test_unknown_operation if {
	well_formed.deny with input as fixtures.asked({"operation": "anything"})
}

test_unknown_class if {
	well_formed.deny with input as fixtures.asked(fixtures.declared("secret"))
}

test_unknown_class_of_a_passage if {
	well_formed.deny with input as fixtures.asked({"passages": {"count": 1, "classes": ["secret"], "classes_count": 1}})
}

test_empty_input if {
	well_formed.deny with input as {}
}
