# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.trained_test

import rego.v2

import data.fixtures
import data.rules.aiact.trained

test_untrained if {
	trained.deny with input as fixtures.asked(fixtures.high_risk)
}

test_trained if {
	not trained.deny with input as fixtures.asked(object.union(fixtures.high_risk, {"known": {"tenant": {"trained": "2026-11-21"}}}))
}

test_trained_tomorrow if {
	trained.deny with input as fixtures.asked(object.union(fixtures.high_risk, {"known": {"tenant": {"trained": "2026-11-22"}}}))
}

test_not_high_risk if {
	not trained.deny with input as fixtures.base
}
