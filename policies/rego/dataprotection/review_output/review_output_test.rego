# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.review_output_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.review_output

test_citizen if {
	{o.params.max_bytes | some o in review_output.oblige} == {2048} with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_caseworker if {
	count(review_output.oblige) == 0 with input as fixtures.base
}
