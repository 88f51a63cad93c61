# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.citizen_notice_test

import rego.v2

import data.fixtures
import data.rules.aiact.citizen_notice

test_citizen if {
	count(citizen_notice.oblige) == 1 with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_caseworker if {
	count(citizen_notice.oblige) == 0 with input as fixtures.base
}

test_no_model_no_notice if {
	count(citizen_notice.oblige) == 0 with input as fixtures.asked({"operation": "check", "caller": {"channel": "citizen"}})
}

test_german_sentence if {
	{contains(o.params.text, "KI-System") | some o in citizen_notice.oblige} == {true} with input as fixtures.asked({"caller": {"channel": "citizen"}})
}
