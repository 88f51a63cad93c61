# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.hundesteuer_anmeldung_test

import rego.v2

import data.schleuse.services.hundesteuer_anmeldung as hs

application := {
	"hund": {"rasse": "Labrador Retriever", "wurfdatum": "2025-01-15"}, "haltung_beginn": "2026-10-25",
	"anzeigedatum": "2026-11-10", "hunde_im_haushalt": 1, "ermaessigung": "keine",
}

params := {
	"mindestalter_monate": 3, "anzeigefrist_tage": 31,
	"listenhunde": ["Pit Bull Terrier", "American Staffordshire Terrier", "Bullterrier"],
}

rules(change) := {v.rule | some v in hs.violated with input as given(change)}

evidence(change) := {e.id | some e in hs.required_evidence with input as given(change)}

given(change) := {"application": object.union(application, change), "params": params}

test_nothing if {
	rules({}) == set()
	evidence({}) == set()
}

test_reductions if {
	evidence({"ermaessigung": "merkzeichen", "merkzeichen": "B"}) == {"merkzeichen"}
	evidence({"ermaessigung": "rettungshund"}) == {"rettungshund"}
	evidence({"hund": {"rasse": "Bullterrier"}, "kampfhundeigenschaft_bestritten": true}) == {"verhaltenspruefung"}
}

test_hs_01 if {
	rules({"hund": {"wurfdatum": "2026-07-26"}}) == {"HS-01"}
	rules({"hund": {"wurfdatum": "2026-07-25"}}) == set()
}

test_hs_02 if {
	rules({"anzeigedatum": "2026-11-25"}) == set()
	rules({"anzeigedatum": "2026-11-26"}) == {"HS-02"}
}

test_hs_03 if {
	rules({"hund": {"rasse": "Mischling"}}) == {"HS-03"}
	rules({"hund": {"rasse": "Mischling (Labrador, Pudel)"}}) == set()
}

test_hs_04 if {
	every breed in ["Pitbull-Terrier", "pit bull", "Bullterrier", "Mischling aus Bullterrier und Boxer"] {
		rules({"hund": {"rasse": breed}}) == {"HS-04"}
	}
	every breed in ["Französische Bulldogge", "Yorkshire Terrier", "Jack Russell Terrier"] {
		rules({"hund": {"rasse": breed}}) == set()
	}
}

test_hs_05 if "HS-05" in rules({"hund": {"wurfdatum": "2026-10-26"}})

test_hs_06 if rules({"hunde_im_haushalt": 0}) == {"HS-06"}

test_hs_07 if {
	rules({"ermaessigung": "merkzeichen"}) == {"HS-07"}
	rules({"ermaessigung": "merkzeichen", "merkzeichen": "G"}) == {"HS-07"}
	rules({"ermaessigung": "merkzeichen", "merkzeichen": "G, aG"}) == set()
}
