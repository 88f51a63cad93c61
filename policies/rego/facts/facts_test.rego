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
	startswith(facts.risk.note, "Gilt ab 2. Dezember 2027") with input as fixtures.asked(fixtures.wohngeld)
}

test_duty_in_force if {
	startswith(facts.risk.note, "Dokumentation der Ausnahme") with input as fixtures.asked(object.union(fixtures.wohngeld, {"date": "2028-01-01"}))
}

test_exact_point_beats_any_point if {
	asked := object.union(fixtures.wohngeld, {"purpose": "research", "known": {"service": {"annex_iii": "8(a)"}}})
	facts.risk.class == "out_of_scope" with input as fixtures.asked(asked)
}

test_chain_shapes_the_decision if {
	facts.risk.class == "high_risk" with input as fixtures.asked(fixtures.chain)
	startswith(facts.risk.basis, "Art. 6 Abs. 3 KI-VO (Kette") with input as fixtures.asked(fixtures.chain)
}

test_own_decision_ends_the_chain if {
	facts.risk.class == "exempt_6_3_b" with input as fixtures.asked(object.union(fixtures.chain, {"ruling": {"made": true}}))
}

test_high_risk_step_makes_the_chain_high_risk if {
	steps := {"chain": ["irregularity_flagging"], "chain_count": 1}
	facts.risk.class == "high_risk" with input as fixtures.asked(object.union(fixtures.letter, steps))
	facts.risk.class == "out_of_scope" with input as fixtures.asked(steps)
}

test_prohibited_step_makes_the_chain_prohibited if {
	facts.risk.class == "prohibited" with input as fixtures.asked({"chain": ["social_scoring"], "chain_count": 1})
}

test_chain_outside_of_annex_iii if {
	outside := {"service": "bewohnerparkausweis", "chain": ["extraction", "research"], "chain_count": 2, "purpose": "assessment"}
	facts.risk.class == "out_of_scope" with input as fixtures.asked(outside)
}

test_prohibited_purpose_stays_prohibited if {
	facts.risk.class == "prohibited" with input as fixtures.asked(object.union(fixtures.chain, {"purpose": "social_scoring"}))
}

complete_release := {
	"service": "wohngeld-mietzuschuss",
	"purposes": ["recommendation", "agent_chain"],
	"registration": "EU-DB-1",
	"fria": "FRIA-1",
	"dpia": "DSFA-1",
	"oversight": "Fachaufsicht",
	"valid_from": "2026-01-01",
	"valid_to": "",
}

releasing(release, early) := {"known": {"tenant": {"releases": [object.union(complete_release, release)], "early_high_risk": early}}}

test_complete_release if {
	facts.released with input as fixtures.asked(object.union(fixtures.high_risk, releasing({}, false)))
}

test_release_without_fria if {
	not facts.released with input as fixtures.asked(object.union(fixtures.high_risk, releasing({"fria": ""}, false)))
}

test_early_release_without_fria if {
	early := object.union(fixtures.high_risk, releasing({"fria": "", "oversight": ""}, true))
	facts.released with input as fixtures.asked(early)
	facts.released with input as fixtures.asked(object.union(early, {"date": "2027-12-01"}))
	not facts.released with input as fixtures.asked(object.union(early, {"date": "2027-12-02"}))
}

test_early_release_needs_what_applies if {
	not facts.released with input as fixtures.asked(object.union(fixtures.high_risk, releasing({"dpia": ""}, true)))
	not facts.released with input as fixtures.asked(object.union(fixtures.high_risk, releasing({"registration": ""}, true)))
}

test_chain_is_released_as_one if {
	facts.released with input as fixtures.asked(object.union(fixtures.chain, releasing({}, false)))
	not facts.released with input as fixtures.asked(object.union(fixtures.chain, releasing({"purposes": ["letter_from_human_decision"]}, false)))
}

test_automatic if {
	facts.automatic with input as fixtures.asked({"purpose": "automated_decision"})
	facts.automatic with input as fixtures.asked({"automation": {"requested": true}})
	not facts.automatic with input as fixtures.base
}
