# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.register_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.register

asked(change) := fixtures.asked(object.union({"known": {"tenant": {"registers": ["melderegister"], "other_sources": ["satzungen", "melderegister"]}}}, change))

from(name) := {"named_sources": [name], "named_sources_count": 1, "sources": 1}

test_register_without_case if {
	register.deny with input as asked(from("melderegister"))
}

test_register_without_service if {
	register.deny with input as asked(object.union(from("melderegister"), {"has_case": true}))
}

test_register_for_a_case if {
	not register.deny with input as asked(object.union(from("melderegister"), object.union(fixtures.wohngeld, {"has_case": true})))
}

test_other_source if {
	not register.deny with input as asked(from("satzungen"))
}

test_source_nobody_knows if {
	register.deny with input as asked(from("akten"))
}

test_all_sources if {
	register.deny with input as asked(from("invalid"))
}

test_no_sources if {
	not register.deny with input as asked({})
}

test_tenant_without_registers if {
	not register.deny with input as fixtures.asked(from("invalid"))
}
