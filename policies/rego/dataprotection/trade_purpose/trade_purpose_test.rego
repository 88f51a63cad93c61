# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.trade_purpose_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.trade_purpose

trade := {"service": "gewerbeanmeldung-gewa1", "has_service": true}

test_supervision if {
	not trade_purpose.deny with input as fixtures.asked(trade)
}

test_free_conversation if {
	trade_purpose.deny with input as fixtures.asked(object.union(trade, {"purpose": "chat"}))
}

test_other_service if {
	not trade_purpose.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "chat"}))
}
