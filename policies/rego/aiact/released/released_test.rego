# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.released_test

import rego.v2

import data.fixtures
import data.rules.aiact.released

test_released if {
	released.note with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "legal_qa_case", "caller": {"tenant": "mit-freigabe"}}))
}

test_not_released if {
	not released.note with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "legal_qa_case"}))
}
