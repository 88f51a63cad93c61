# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.service_named_test

import rego.v2

import data.fixtures
import data.rules.aiact.service_named

test_missing if {
	service_named.deny with input as fixtures.asked({"purpose": "completeness_check"})
}

test_named if {
	not service_named.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "completeness_check"}))
}

test_not_needed if {
	not service_named.deny with input as fixtures.base
}
