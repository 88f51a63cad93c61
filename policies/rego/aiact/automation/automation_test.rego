# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.automation_test

import rego.v2

import data.fixtures
import data.rules.aiact.automation

test_no_norm if {
	automation.deny with input as fixtures.asked({"purpose": "automated_decision", "service": "bauantrag-bw", "has_service": true})
}

test_norm_named if {
	not automation.deny with input as fixtures.asked({"purpose": "automated_decision", "service": "bewohnerparkausweis", "has_service": true})
}

test_no_service if {
	automation.deny with input as fixtures.asked({"purpose": "automated_decision"})
}

test_other_purpose if {
	not automation.deny with input as fixtures.base
}
