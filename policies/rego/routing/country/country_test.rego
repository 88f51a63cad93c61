# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.country_test

import rego.v2

import data.fixtures
import data.rules.routing.country

test_us if {
	country.reject == {"m"} with input as fixtures.to({"country": "US"}, fixtures.declared("personal"))
}

test_norway if {
	count(country.reject) == 0 with input as fixtures.to({"country": "NO"}, fixtures.declared("personal"))
}

test_unknown if {
	country.reject == {"m"} with input as fixtures.to({"country": ""}, fixtures.declared("personal"))
}

test_not_personal if {
	count(country.reject) == 0 with input as fixtures.to({"country": "US"}, {})
}
