# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.release_of_model_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.release_of_model

test_not_released if {
	release_of_model.reject == {"m"} with input as fixtures.to({"data_classes": ["internal"]}, fixtures.declared("personal"))
}

test_higher_class_covers if {
	count(release_of_model.reject) == 0 with input as fixtures.to({"data_classes": ["sozialdaten"]}, fixtures.declared("personal"))
}

test_nothing_released if {
	release_of_model.reject == {"m"} with input as fixtures.to({"data_classes": []}, {})
}

test_other_secret if {
	release_of_model.reject == {"m"} with input as fixtures.to({"data_classes": ["steuer"]}, fixtures.declared("sozialdaten"))
}
