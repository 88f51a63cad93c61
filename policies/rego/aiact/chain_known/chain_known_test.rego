# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.chain_known_test

import rego.v2

import data.fixtures
import data.rules.aiact.chain_known

test_known_steps if {
	not chain_known.deny with input as fixtures.asked({"chain": ["extraction", "research"], "chain_count": 2})
}

test_invented_step if {
	chain_known.deny with input as fixtures.asked({"chain": ["extraction", "wahrsagen"], "chain_count": 2})
}

test_no_chain if {
	not chain_known.deny with input as fixtures.base
}
