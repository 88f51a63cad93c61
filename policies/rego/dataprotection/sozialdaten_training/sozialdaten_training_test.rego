# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.sozialdaten_training_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.sozialdaten_training

test_trains if {
	sozialdaten_training.reject == {"m"} with input as fixtures.to({"trains_on_input": true}, fixtures.declared("sozialdaten"))
}

test_own_training_too if {
	sozialdaten_training.reject == {"own"} with input as fixtures.asked(fixtures.trained_social)
}

test_does_not if {
	count(sozialdaten_training.reject) == 0 with input as fixtures.to({}, fixtures.declared("sozialdaten"))
}
