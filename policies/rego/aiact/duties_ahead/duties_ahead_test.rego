# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.duties_ahead_test

import rego.v2

import data.fixtures
import data.rules.aiact.duties_ahead

test_before if {
	duties_ahead.note with input as fixtures.asked(fixtures.wohngeld)
}

test_on_the_day if {
	not duties_ahead.note with input as fixtures.asked(object.union(fixtures.wohngeld, {"date": "2027-12-02"}))
}

test_no_duties if {
	not duties_ahead.note with input as fixtures.base
}
