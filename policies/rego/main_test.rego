# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package main_test

import rego.v2

import data.fixtures
import data.main

test_allows if {
	main.effect == "allow" with input as fixtures.base
}

test_empty_input_is_denied if {
	main.effect == "deny" with input as {}
}

test_no_rules_no_tables_no_answer if {
	not main.effect == "allow" with input as fixtures.base with data.catalog as {}
}

# A rule of tomorrow is silent today, but an old case date switches nothing off.
test_rule_not_yet_in_force if {
	main.obliged["aiact/watermark"] == set() with input as fixtures.asked({"date": "2026-08-01", "case_date": "2026-01-01"})
}

test_rule_in_force_on_the_day_of_the_request if {
	count(main.obliged["aiact/watermark"]) == 1 with input as fixtures.asked({"case_date": "2001-01-01"})
}

test_prohibited_in_an_old_case if {
	"aiact/prohibited" in main.denied with input as fixtures.asked({"purpose": "social_scoring", "case_date": "2001-01-01"})
}

test_answer_needs_no_model if {
	main.effect == "allow" with input as fixtures.asked({"stage": "response", "models": {"own": {"data_classes": []}}})
}
