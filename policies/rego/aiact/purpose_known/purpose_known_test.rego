# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.purpose_known_test

import rego.v2

import data.fixtures
import data.rules.aiact.purpose_known

test_none if {
	purpose_known.deny with input as fixtures.asked({"purpose": ""})
}

test_invented if {
	purpose_known.deny with input as fixtures.asked({"purpose": "anything"})
}

test_known if {
	not purpose_known.deny with input as fixtures.base
}
