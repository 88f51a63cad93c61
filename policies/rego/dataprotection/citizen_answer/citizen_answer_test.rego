# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.citizen_answer_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.citizen_answer

test_iban if {
	citizen_answer.deny with input as fixtures.asked({"stage": "response", "caller": {"channel": "citizen"}, "screened": {"counts": {"iban": 1}, "total": 1}})
}

test_office_phone if {
	not citizen_answer.deny with input as fixtures.asked({"stage": "response", "caller": {"channel": "citizen"}, "screened": {"counts": {"phone": 2}, "total": 2}})
}

test_zero if {
	not citizen_answer.deny with input as fixtures.asked({"stage": "response", "caller": {"channel": "citizen"}, "screened": {"counts": {"iban": 0}, "total": 0}})
}

test_unknown_kind if {
	citizen_answer.deny with input as fixtures.asked({"stage": "response", "caller": {"channel": "citizen"}, "screened": {"counts": {"star_sign": 1}, "total": 1}})
}

test_caseworker if {
	not citizen_answer.deny with input as fixtures.asked({"stage": "response", "screened": {"counts": {"iban": 1}, "total": 1}})
}
