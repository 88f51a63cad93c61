# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.strip_fields_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.strip_fields

test_outside if {
	count(strip_fields.oblige) == 1 with input as fixtures.to({}, {})
}

test_inside if {
	count(strip_fields.oblige) == 0 with input as fixtures.base
}
