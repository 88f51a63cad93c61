# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.contract_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.contract

test_none if {
	contract.reject == {"m"} with input as fixtures.to({"has_contract": false}, {})
}

test_exists if {
	count(contract.reject) == 0 with input as fixtures.to({}, {})
}

test_unknown if {
	contract.reject == {"m"} with input as fixtures.to({"has_contract": null}, {})
}

test_own_needs_none if {
	count(contract.reject) == 0 with input as fixtures.base
}
