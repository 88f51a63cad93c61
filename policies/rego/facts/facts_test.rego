# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package facts_test

import rego.v2

import data.facts
import data.fixtures

test_nothing_said_is_internal if {
	facts.classes == {"internal"} with input as fixtures.base
}

test_public_stays_public if {
	facts.classes == {"public"} with input as fixtures.asked(fixtures.declared("public"))
}

test_findings_raise_public if {
	facts.classes == {"personal"} with input as fixtures.asked({"declared": ["public"], "declared_count": 1, "screened": {"counts": {"iban": 1}, "total": 1}})
}

test_service_raises if {
	facts.classes == {"personal", "sozialdaten"} with input as fixtures.asked(fixtures.wohngeld)
}

test_secret_implies_personal if {
	facts.classes == {"personal", "steuer"} with input as fixtures.asked(fixtures.declared("steuer"))
}

test_case_raises if {
	facts.classes == {"personal"} with input as fixtures.asked({"has_case": true})
}

test_entities_raise if {
	facts.classes == {"personal"} with input as fixtures.asked({"entities": 1})
}

test_unclassified_passage_raises if {
	facts.classes == {"personal"} with input as fixtures.asked({"passages": {"count": 1, "unclassified": 1}})
}

test_passage_class_raises if {
	facts.classes == {"trade"} with input as fixtures.asked({"passages": {"count": 1, "classes": ["trade"], "classes_count": 1}})
}

test_duty_to_come if {
	startswith(facts.risk.note, "Noch nicht anwendbar bis zum 2. Dezember 2027") with input as fixtures.asked(fixtures.wohngeld)
}

test_duty_in_force if {
	startswith(facts.risk.note, "Dokumentation der Ausnahme") with input as fixtures.asked(object.union(fixtures.wohngeld, {"date": "2028-01-01"}))
}

test_exact_point_beats_any_point if {
	asked := object.union(fixtures.wohngeld, {"purpose": "research", "known": {"service": {"annex_iii": "8(a)"}}})
	facts.risk.class == "out_of_scope" with input as fixtures.asked(asked)
}
