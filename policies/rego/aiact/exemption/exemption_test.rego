# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.exemption_test

import rego.v2

import data.fixtures
import data.rules.aiact.exemption

test_annex_iii if {
	exemption.note with input as fixtures.asked(fixtures.wohngeld)
}

test_outside if {
	not exemption.note with input as fixtures.base
}
