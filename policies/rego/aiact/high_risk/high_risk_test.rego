# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.high_risk_test

import rego.v2

import data.fixtures
import data.rules.aiact.high_risk

test_not_released if {
	high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "irregularity_flagging"}))
}

test_released if {
	not high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "irregularity_flagging", "caller": {"tenant": "mit-freigabe"}}))
}

test_release_without_fria if {
	high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "eligibility_evaluation", "caller": {"tenant": "mit-freigabe"}}))
}

test_release_over if {
	high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "prioritise", "caller": {"tenant": "mit-freigabe"}}))
}

test_release_of_another_purpose if {
	high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "recommendation", "caller": {"tenant": "mit-freigabe"}}))
}

test_release_without_end if {
	not high_risk.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "prioritise", "known": {"tenant": {"releases": [{
		"service": "wohngeld-mietzuschuss", "purposes": ["prioritise"], "valid_from": "2026-01-01", "valid_to": "",
		"registration": "r", "fria": "f", "dpia": "d", "oversight": "o",
	}]}}}))
}

test_outside_annex_iii if {
	not high_risk.deny with input as fixtures.asked({"purpose": "irregularity_flagging", "service": "bewohnerparkausweis", "has_service": true})
}
