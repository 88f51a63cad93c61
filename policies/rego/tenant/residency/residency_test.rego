# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.residency_test

import rego.v2

import data.fixtures
import data.rules.tenant.residency

test_tenant_narrows if {
	residency.reject == {"m"} with input as fixtures.to({}, {"caller": {"tenant": "nur-eigenes"}})
}

test_tenant_without_wish if {
	count(residency.reject) == 0 with input as fixtures.to({}, {})
}
