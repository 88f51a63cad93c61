# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.steuergeheimnis_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.steuergeheimnis

test_not_bound if {
	steuergeheimnis.reject == {"m"} with input as fixtures.to({"para30_ao": false}, fixtures.declared("steuer"))
}

test_bound if {
	count(steuergeheimnis.reject) == 0 with input as fixtures.to({}, fixtures.declared("steuer"))
}

test_other_class if {
	count(steuergeheimnis.reject) == 0 with input as fixtures.to({"para30_ao": false}, {})
}

test_from_service if {
	steuergeheimnis.reject == {"m"} with input as fixtures.to({"para30_ao": false}, {"service": "hundesteuer-anmeldung", "has_service": true})
}
