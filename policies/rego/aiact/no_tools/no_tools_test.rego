# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.no_tools_test

import rego.v2

import data.fixtures
import data.rules.aiact.no_tools

test_letter if {
	count(no_tools.oblige) == 1 with input as fixtures.asked(fixtures.letter)
}

test_citizen if {
	count(no_tools.oblige) == 1 with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_caseworker if {
	no_tools.oblige == set() with input as fixtures.base
}

test_no_text_comes_out if {
	no_tools.oblige == set() with input as fixtures.asked(object.union(fixtures.letter, {"operation": "draft"}))
}
