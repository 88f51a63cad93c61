# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.entities_given_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.entities_given

test_missing if {
	entities_given.reject == {"m"} with input as fixtures.to({}, {"has_case": true})
}

test_given if {
	count(entities_given.reject) == 0 with input as fixtures.to({}, {"has_case": true, "entities": 2})
}

test_no_case if {
	count(entities_given.reject) == 0 with input as fixtures.to({}, {})
}

test_unknown if {
	entities_given.reject == {"m"} with input as fixtures.to({}, {"has_case": null})
}
