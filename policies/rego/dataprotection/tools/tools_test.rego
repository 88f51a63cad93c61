# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.tools_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.tools

calling(class) := object.union(fixtures.declared(class), {"operation": "tool"})

test_protected_data_stays if {
	every class in ["art9", "sozialdaten", "steuer", "confidential"] {
		tools.reject == {"m"} with input as fixtures.to({}, calling(class))
	}
}

test_personal_data_goes_with_placeholders if {
	count(tools.reject) == 0 with input as fixtures.to({}, calling("personal"))
}

test_a_model_is_no_tool if {
	count(tools.reject) == 0 with input as fixtures.to({}, fixtures.declared("art9"))
}
