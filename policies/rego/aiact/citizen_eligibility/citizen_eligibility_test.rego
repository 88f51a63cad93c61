# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.citizen_eligibility_test

import rego.v2

import data.fixtures
import data.rules.aiact.citizen_eligibility

test_personal_answer if {
	citizen_eligibility.deny with input as fixtures.asked({"purpose": "citizen_eligibility"})
}

test_general_information if {
	not citizen_eligibility.deny with input as fixtures.asked({"purpose": "citizen_information"})
}
