# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.residency_test

import rego.v2

import data.fixtures
import data.rules.routing.residency

test_eu_subsidiary_personal if {
	residency.reject == {"m"} with input as fixtures.to({"residency": "eu_subsidiary_of_non_eu"}, fixtures.declared("personal"))
}

test_eu_subsidiary_internal if {
	count(residency.reject) == 0 with input as fixtures.to({"residency": "eu_subsidiary_of_non_eu"}, {})
}

test_non_eu_internal if {
	residency.reject == {"m"} with input as fixtures.to({"residency": "non_eu"}, {})
}

test_non_eu_public if {
	count(residency.reject) == 0 with input as fixtures.to({"residency": "non_eu"}, fixtures.declared("public"))
}

test_unknown if {
	residency.reject == {"m"} with input as fixtures.to({"residency": ""}, fixtures.declared("public"))
}
