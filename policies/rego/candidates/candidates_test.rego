# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package candidates_test

import rego.v2

import data.candidates
import data.fixtures

test_no_models_no_members if {
	candidates.result.ids == set() with input as {"models": {}}
	candidates.result.external == set() with input as {"models": {}}
}

test_own_is_not_external if {
	candidates.result.external == {"m"} with input as fixtures.to({}, {})
}

test_unknown_place_is_external if {
	candidates.result.external == {"m"} with input as fixtures.to({"residency": ""}, {})
}

test_lost_fields_are_in_no_set if {
	some name in ["safe_country", "known_kind", "contracted", "notified", "grounded", "bound_to_tax_secret", "released_for_art9", "untrained"]
	every set in {candidates.result[name] | true} { set == set() } with input as {"models": {"m": {}}}
}

test_released_for_a_higher_class if {
	candidates.result.released_for.personal == {"m"} with input as {"models": {"m": {"data_classes": ["sozialdaten"]}}}
}

test_not_released_for_a_higher_class if {
	not candidates.result.released_for.sozialdaten with input as {"models": {"m": {"data_classes": ["personal"]}}}
}

test_classified_material_stays if {
	candidates.result.suitable_for.confidential == {"own"} with input as fixtures.to({}, {})
}

test_by_place_and_work if {
	candidates.result.at == {"own_datacentre": {"own"}, "public_sector_eu": {"m"}} with input as fixtures.to({}, {})
	candidates.result.able.embeddings == {"own", "m"} with input as fixtures.to({}, {})
}
