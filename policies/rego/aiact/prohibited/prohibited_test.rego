# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.prohibited_test

import rego.v2

import data.fixtures
import data.rules.aiact.prohibited

test_social_scoring if {
	prohibited.deny with input as fixtures.asked({"purpose": "social_scoring"})
}

test_emotion_recognition_with_service if {
	prohibited.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "emotion_recognition"}))
}

test_ordinary if {
	not prohibited.deny with input as fixtures.base
}
