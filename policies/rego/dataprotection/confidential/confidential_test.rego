# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.confidential_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.confidential

test_stays if {
	confidential.reject == {"m"} with input as fixtures.to({}, fixtures.declared("confidential"))
}

test_other_class if {
	count(confidential.reject) == 0 with input as fixtures.to({}, {})
}
