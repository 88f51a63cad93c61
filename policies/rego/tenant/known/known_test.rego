# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.known_test

import rego.v2

import data.fixtures
import data.rules.tenant.known

test_unknown if {
	known.deny with input as fixtures.asked({"caller": {"tenant": "atlantis"}})
}

test_known if {
	not known.deny with input as fixtures.base
}

test_not_a_name if {
	known.deny with input as fixtures.asked({"caller": {"tenant": null}})
}
