# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.kernel.well_formed_test

import rego.v2

import data.fixtures
import data.rules.kernel.well_formed

test_silent_when_complete if {
	not well_formed.deny with input as fixtures.base
}

test_lost_element if {
	well_formed.deny with input as fixtures.asked({"declared_count": 1})
}

test_unknown_stage if {
	well_formed.deny with input as fixtures.asked({"stage": "later"})
}

test_unknown_class if {
	well_formed.deny with input as fixtures.asked(fixtures.declared("secret"))
}

test_negative_number if {
	well_formed.deny with input as fixtures.asked({"screened": {"unscreenable": -1}})
}

test_empty_input if {
	well_formed.deny with input as {}
}

test_no_date if {
	well_formed.deny with input as fixtures.asked({"case_date": "yesterday"})
}

test_service_flag_contradicts if {
	well_formed.deny with input as fixtures.asked({"has_service": true})
}
