# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.decision_letter_test

import rego.v2

import data.fixtures
import data.rules.aiact.decision_letter

test_without_decision if {
	decision_letter.deny with input as fixtures.asked({"purpose": "letter_without_decision"})
}

test_from_decision if {
	not decision_letter.deny with input as fixtures.asked({"purpose": "letter_from_human_decision"})
}
