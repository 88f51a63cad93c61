# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.dataprotection.no_content_log_test

import rego.v2

import data.fixtures
import data.rules.dataprotection.no_content_log

test_internal if {
	count(no_content_log.oblige) == 1 with input as fixtures.base
}

test_public if {
	count(no_content_log.oblige) == 0 with input as fixtures.asked(fixtures.declared("public"))
}

test_tenant_has_content_kept if {
	no_content_log.oblige == set() with input as fixtures.asked({"known": {"tenant": {"keep_content": {"factual_qa": 30}}}})
}
