# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.service_test

import rego.v2

import data.fixtures
import data.rules.tenant.service

test_unknown_service if {
	service.deny with input as fixtures.asked({"service": "zauberei", "has_service": true})
}

test_none_named if {
	not service.deny with input as fixtures.base
}

test_known if {
	not service.deny with input as fixtures.asked(fixtures.wohngeld)
}

test_not_offered_by_tenant if {
	service.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"caller": {"tenant": "nur-eigenes"}}))
}

test_offered_by_tenant if {
	not service.deny with input as fixtures.asked({"service": "bewohnerparkausweis", "has_service": true, "caller": {"tenant": "nur-eigenes"}})
}
