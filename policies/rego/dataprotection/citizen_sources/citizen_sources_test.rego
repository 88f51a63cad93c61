# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.citizen_sources_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.citizen_sources

test_internal if {
	citizen_sources.deny with input as fixtures.asked({"caller": {"channel": "citizen"}, "passages": {"count": 1, "classes": ["internal"], "classes_count": 1}})
}

test_public if {
	not citizen_sources.deny with input as fixtures.asked({"caller": {"channel": "citizen"}, "passages": {"count": 1, "classes": ["public"], "classes_count": 1}})
}

test_unclassified if {
	citizen_sources.deny with input as fixtures.asked({"caller": {"channel": "citizen"}, "passages": {"count": 1, "unclassified": 1}})
}

test_caseworker if {
	not citizen_sources.deny with input as fixtures.asked({"passages": {"count": 1, "unclassified": 1}})
}
