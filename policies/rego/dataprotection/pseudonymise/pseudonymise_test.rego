# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.pseudonymise_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.pseudonymise

test_personal_outside if {
	{o.params.scope | some o in pseudonymise.oblige} == {"external"} with input as fixtures.to({}, fixtures.declared("personal"))
}

test_findings_outside if {
	{o.params.scope | some o in pseudonymise.oblige} == {"external"} with input as fixtures.to({}, {"screened": {"counts": {"iban": 1}, "total": 1}})
}

test_inside if {
	{o.params.scope | some o in pseudonymise.oblige} == set() with input as fixtures.asked(fixtures.declared("personal"))
}

test_citizen_inside if {
	{o.params.scope | some o in pseudonymise.oblige} == {"all"} with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_nothing_found if {
	{o.params.scope | some o in pseudonymise.oblige} == set() with input as fixtures.to({}, {})
}

test_answer if {
	{o.params.scope | some o in pseudonymise.oblige} == set() with input as fixtures.to({}, {"stage": "response"})
}
