# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.unscreenable_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.unscreenable

test_image if {
	unscreenable.reject == {"m"} with input as fixtures.to({}, {"screened": {"unscreenable": 1}})
}

test_text if {
	count(unscreenable.reject) == 0 with input as fixtures.to({}, {})
}

test_public_image if {
	count(unscreenable.reject) == 0 with input as fixtures.to({}, object.union(fixtures.declared("public"), {"screened": {"unscreenable": 1}}))
}

test_recording_nobody_counted if {
	unscreenable.reject == {"m"} with input as fixtures.to({}, {"operation": "transcription"})
}

test_recording_declared_public if {
	asked := object.union(fixtures.declared("public"), {"operation": "transcription", "screened": {"unscreenable": 1}})
	unscreenable.reject == {"m"} with input as fixtures.to({}, asked)
}
