# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.keep_content_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.keep_content

asked(n) := fixtures.asked({"known": {"tenant": {"keep_content": {"factual_qa": n}}}})

test_kept if {
	keep_content.oblige == {{"id": "log_content", "params": {"days": 30}}} with input as asked(30)
}

test_not_longer_than_the_ceiling if {
	keep_content.oblige == {{"id": "log_content", "params": {"days": 366}}} with input as asked(4000)
}

test_zero_days if {
	keep_content.oblige == set() with input as asked(0)
}

test_other_purpose if {
	keep_content.oblige == set() with input as fixtures.base
}
