# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.fields_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.fields

asked(change) := fixtures.asked(object.union(fixtures.wohngeld, change))

bounded := {"known": {"service": {"fields": {"factual_qa": ["miete", "haushalt"]}}}}

test_within if {
	not fields.deny with input as asked(object.union(bounded, {"fields": ["miete"], "fields_count": 1}))
}

test_beyond if {
	fields.deny with input as asked(object.union(bounded, {"fields": ["miete", "religion"], "fields_count": 2}))
}

test_not_named if {
	fields.deny with input as asked(bounded)
}

test_list_for_every_purpose if {
	every_purpose := {"known": {"service": {"fields": {"*": ["miete"]}}}}
	not fields.deny with input as asked(every_purpose)
	not fields.deny with input as asked(object.union(every_purpose, {"fields": ["miete"], "fields_count": 1}))
	fields.deny with input as asked(object.union(every_purpose, {"fields": ["religion"], "fields_count": 1}))
}

test_unbounded if {
	not fields.deny with input as asked({"fields": ["religion"], "fields_count": 1})
}
