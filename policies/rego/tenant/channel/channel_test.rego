# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.channel_test

import rego.v2

import data.fixtures
import data.rules.tenant.channel

test_caseworker_purpose_for_citizens if {
	channel.deny with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_caseworker if {
	not channel.deny with input as fixtures.base
}

test_unknown_channel if {
	channel.deny with input as fixtures.asked({"caller": {"channel": "radio"}})
}

test_prohibited_has_a_rule_of_its_own if {
	not channel.deny with input as fixtures.asked(fixtures.granted("social_scoring"))
}
