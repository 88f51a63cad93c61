# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.strip_fields_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.strip_fields

stripped := {field | some o in strip_fields.oblige; some field in o.params.fields}

test_shared_always if {
	stripped & {"cache_salt", "priority", "user", "logprobs"} == {"cache_salt", "priority"} with input as fixtures.base
}

test_identifying_outside if {
	stripped & {"cache_salt", "user", "store", "logprobs"} == {"cache_salt", "user", "store"} with input as fixtures.to({}, {})
}

test_unreviewed_for_citizens if {
	stripped & {"logprobs", "top_logprobs", "user"} == {"logprobs", "top_logprobs"} with input as fixtures.asked({"caller": {"channel": "citizen"}})
}

test_no_model_no_fields if {
	count(strip_fields.oblige) == 0 with input as fixtures.asked({"operation": "check"})
}
