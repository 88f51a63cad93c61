# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.role_test

import rego.v2

import data.fixtures
import data.rules.tenant.role

asked(roles, channel) := fixtures.asked(object.union(fixtures.wohngeld, {
	"known": {"tenant": {"roles": {"wohngeld-mietzuschuss": ["wohngeldstelle"]}}},
	"caller": {"roles": roles, "channel": channel},
}))

test_fitting_role if {
	not role.deny with input as asked(["wohngeldstelle"], "caseworker")
}

test_other_role if {
	role.deny with input as asked(["steueramt"], "caseworker")
}

test_no_role if {
	role.deny with input as asked([], "caseworker")
}

test_system if {
	not role.deny with input as asked([], "system")
}

test_service_without_roles if {
	not role.deny with input as fixtures.asked(fixtures.wohngeld)
}
