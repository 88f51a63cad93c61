# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.aiact.classified_test

import rego.v2

import data.fixtures
import data.rules.aiact.classified

test_chat_in_annex_iii if {
	classified.deny with input as fixtures.asked(object.union(fixtures.wohngeld, {"purpose": "chat"}))
}

test_chat_elsewhere if {
	not classified.deny with input as fixtures.asked({"purpose": "chat"})
}

test_unknown_purpose_has_a_rule_of_its_own if {
	not classified.deny with input as fixtures.asked({"purpose": "anything"})
}

test_two_rows_classify_nothing if {
	classified.deny with input as fixtures.asked({"known": {"purpose": {"rows": [row("out_of_scope", "9999-99-99"), row("transparency", "9999-99-99")]}}})
}

test_row_out_of_force if {
	classified.deny with input as fixtures.asked({"known": {"purpose": {"rows": [row("out_of_scope", "2020-01-01")]}}})
}

test_row_in_force if {
	not classified.deny with input as fixtures.asked({"known": {"purpose": {"rows": [row("out_of_scope", "9999-99-99")]}}})
}

row(class, last_day) := {"annex": "none", "class": class, "basis": "a", "source": "b", "valid_from": "0000-00-00", "valid_to": last_day}
