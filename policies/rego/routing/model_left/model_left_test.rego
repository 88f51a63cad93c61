# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.model_left_test

import rego.v2

import data.fixtures
import data.main
import data.rules.routing.model_left

unreleased := {"declared": ["personal"], "declared_count": 1, "models": {"own": {"data_classes": []}}}

test_speaks_only_through_main if model_left.deny == false

test_no_model_left if {
	"routing/model_left" in main.denied with input as fixtures.asked(unreleased)
}

test_model_left if {
	main.effect == "allow" with input as fixtures.base
}

test_draft_needs_no_model if {
	main.effect == "allow" with input as fixtures.asked(object.union(unreleased, {"operation": "draft"}))
}
