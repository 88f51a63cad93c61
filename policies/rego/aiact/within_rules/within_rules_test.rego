# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.within_rules_test

import rego.v2

import data.fixtures
import data.rules.aiact.within_rules

test_complete_without_free_text if {
	not within_rules.deny with input as fixtures.asked(fixtures.automatic)
}

test_free_text if {
	within_rules.deny with input as fixtures.asked(object.union(fixtures.automatic, {"automation": {"free_text": true}}))
}

test_incomplete if {
	within_rules.deny with input as fixtures.asked(object.union(fixtures.automatic, {"automation": {"complete": false}}))
}

test_nothing_said if {
	within_rules.deny with input as fixtures.asked({"purpose": "automated_decision"})
}

test_by_a_person if {
	not within_rules.deny with input as fixtures.base
}
