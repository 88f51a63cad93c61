# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.human_release_test

import rego.v2

import data.fixtures
import data.rules.aiact.human_release

test_letter if {
	count(human_release.oblige) == 1 with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "letter_hearing"}))
}

test_high_risk if {
	count(human_release.oblige) == 1 with input as fixtures.asked({"purpose": "hr_screening"})
}

test_question if {
	count(human_release.oblige) == 0 with input as fixtures.base
}
