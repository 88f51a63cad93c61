# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.whole_chain_test

import rego.v2

import data.fixtures
import data.rules.aiact.whole_chain

test_facts_law_and_outcome if {
	whole_chain.note with input as fixtures.asked(fixtures.chain)
}

test_own_decision_between if {
	not whole_chain.note with input as fixtures.asked(object.union(fixtures.chain, {"ruling": {"made": true}}))
}

test_one_step if {
	not whole_chain.note with input as fixtures.asked(fixtures.wohngeld)
}
