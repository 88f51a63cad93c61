# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.pseudonymise_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.pseudonymise

test_personal_outside if {
	count(pseudonymise.oblige) == 1 with input as fixtures.to({}, fixtures.declared("personal"))
}

test_findings_outside if {
	count(pseudonymise.oblige) == 1 with input as fixtures.to({}, {"screened": {"counts": {"iban": 1}, "total": 1}})
}

test_inside if {
	count(pseudonymise.oblige) == 0 with input as fixtures.asked(fixtures.declared("personal"))
}

test_citizen_inside if {
	count(pseudonymise.oblige) == 0 with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_nothing_found if {
	count(pseudonymise.oblige) == 0 with input as fixtures.to({}, {})
}

test_answer if {
	count(pseudonymise.oblige) == 0 with input as fixtures.to({}, {"stage": "response"})
}
