# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.answer_length_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.answer_length

test_citizen if {
	count(answer_length.oblige) == 1 with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_caseworker if {
	answer_length.oblige == set() with input as fixtures.base
}
