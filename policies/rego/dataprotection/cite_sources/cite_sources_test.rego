# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.cite_sources_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.cite_sources

test_question_with_sources if {
	count(cite_sources.oblige) == 1 with input as fixtures.asked({"sources": 1, "named_sources": ["akte"], "named_sources_count": 1})
}

test_without_sources if {
	cite_sources.oblige == set() with input as fixtures.base
}

test_purpose_that_cites_nothing if {
	cite_sources.oblige == set() with input as fixtures.asked({"sources": 1, "purpose": "summarise"})
}

test_no_conversation if {
	cite_sources.oblige == set() with input as fixtures.asked({"sources": 1, "operation": "search"})
}
