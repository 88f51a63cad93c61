# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.sozialdaten_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.sozialdaten

test_no_notice if {
	sozialdaten.reject == {"m"} with input as fixtures.to({"has_para80_notice": false}, fixtures.declared("sozialdaten"))
}

test_third_country if {
	sozialdaten.reject == {"m"} with input as fixtures.to({"country": "US"}, fixtures.declared("sozialdaten"))
}

test_unknown_processor if {
	sozialdaten.reject == {"m"} with input as fixtures.to({"processor_kind": ""}, fixtures.declared("sozialdaten"))
}

test_all_there if {
	count(sozialdaten.reject) == 0 with input as fixtures.to({}, fixtures.declared("sozialdaten"))
}

test_swiss if {
	count(sozialdaten.reject) == 0 with input as fixtures.to({"country": "CH"}, fixtures.declared("sozialdaten"))
}

test_other_class if {
	count(sozialdaten.reject) == 0 with input as fixtures.to({"has_para80_notice": false}, {})
}

test_from_service if {
	sozialdaten.reject == {"m"} with input as fixtures.to({"has_para80_notice": false}, fixtures.wohngeld)
}
