# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.ground80_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.ground80

private := {"processor_kind": "private"}

test_private_without_ground if {
	ground80.reject == {"m"} with input as fixtures.to(private, fixtures.declared("sozialdaten"))
}

test_private_with_ground if {
	ground80.reject == set() with input as fixtures.to(object.union(private, {"para80_ground": "cost"}), fixtures.declared("sozialdaten"))
}

test_private_with_another_ground if {
	ground80.reject == {"m"} with input as fixtures.to(object.union(private, {"para80_ground": "taste"}), fixtures.declared("sozialdaten"))
}

test_public if {
	ground80.reject == set() with input as fixtures.to({}, fixtures.declared("sozialdaten"))
}

test_other_data if {
	ground80.reject == set() with input as fixtures.to(private, fixtures.declared("personal"))
}
