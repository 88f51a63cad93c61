# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.confirm_place_test

import rego.v2

import data.fixtures
import data.rules.routing.confirm_place

to(places) := {"id": "restrict_models", "params": {"residencies": places}}

test_tenant_with_places if {
	places := {"known": {"tenant": {"residencies": ["public_sector_eu"]}}}
	confirm_place.oblige == {to(["public_sector_eu"])} with input as fixtures.asked(places)
}

test_classified if {
	confirm_place.oblige == {to(["own_datacentre"])} with input as fixtures.asked(fixtures.declared("confidential"))
}

test_anywhere if {
	confirm_place.oblige == set() with input as fixtures.base
}
