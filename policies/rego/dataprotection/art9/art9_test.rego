# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.art9_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.art9

test_declared if {
	art9.reject == {"m"} with input as fixtures.to({"art9": false}, fixtures.declared("art9"))
}

test_found if {
	art9.reject == {"m"} with input as fixtures.to({"art9": false}, {"screened": {"categories": ["health"], "categories_count": 1}})
}

test_released if {
	count(art9.reject) == 0 with input as fixtures.to({}, fixtures.declared("art9"))
}

test_other_class if {
	count(art9.reject) == 0 with input as fixtures.to({"art9": false}, {})
}
