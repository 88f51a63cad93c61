# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.explanation_test

import rego.v2

import data.fixtures
import data.rules.aiact.explanation

test_high_risk if {
	explanation.note with input as fixtures.asked(fixtures.high_risk)
}

test_not_high_risk if {
	not explanation.note with input as fixtures.base
}
