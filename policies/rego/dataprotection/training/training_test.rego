# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.training_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.training

test_trains if {
	training.reject == {"m"} with input as fixtures.to({"trains_on_input": true}, {})
}

test_does_not if {
	count(training.reject) == 0 with input as fixtures.to({}, {})
}

test_unknown if {
	training.reject == {"m"} with input as fixtures.to({"trains_on_input": "no"}, {})
}

test_public_content if {
	count(training.reject) == 0 with input as fixtures.to({"trains_on_input": true}, fixtures.declared("public"))
}
