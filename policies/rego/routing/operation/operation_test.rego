# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.operation_test

import rego.v2

import data.fixtures
import data.rules.routing.operation

test_cannot if {
	operation.reject == {"m"} with input as fixtures.to({"operations": ["embeddings"]}, {})
}

test_can if {
	count(operation.reject) == 0 with input as fixtures.to({}, {})
}

test_no_model_needed if {
	count(operation.reject) == 0 with input as fixtures.to({"operations": []}, {"operation": "draft"})
}
