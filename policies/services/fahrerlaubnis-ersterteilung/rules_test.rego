# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.fahrerlaubnis_ersterteilung_test

import rego.v2

import data.schleuse.services.fahrerlaubnis_ersterteilung as fe

application := {
	"antragsdatum": "2026-11-15", "klasse": "B", "person": {"geburtsdatum": "1990-01-01", "wohnsitz_inland": true},
	"erklaerung": {"verzicht": true},
}

eyes := {"id": "s", "types": ["sehtestbescheinigung"], "date": "2026-10-01"}

aid := {"id": "e", "types": ["erste_hilfe_bescheinigung"], "units": 9}

rules(change) := with_documents(change, [eyes, aid])

with_documents(change, documents) := {v.rule |
	some v in fe.violated with input as {"application": object.union(application, change), "documents": documents}
}

evidence(change) := {e.id | some e in fe.required_evidence with input as {"application": object.union(application, change)}}

test_nothing_is_violated if {
	rules({}) == set()
	evidence({}) == {"sehtest"}
}

test_classes if {
	evidence({"klasse": "C1"}) == {"eignung_cd", "sehvermoegen_cd"}
	evidence({"klasse": "D"}) == {"eignung_cd", "sehvermoegen_cd", "fuehrungszeugnis"}
	evidence({"mindestalter_ausnahme_berufsausbildung": true}) == {"sehtest", "mpu_mindestalter"}
	fe.required_field == {"begleitpersonen"} with input as {"application": {"klasse": "B_BF17"}}
}

test_fe_01 if {
	rules({"person": {"geburtsdatum": "2009-05-15"}}) == set()
	rules({"person": {"geburtsdatum": "2009-05-16"}}) == {"FE-01"}
}

test_fe_02 if {
	old := {"id": "o", "types": ["sehtestbescheinigung"], "date": "2024-11-14"}
	just := {"id": "j", "types": ["sehtestbescheinigung"], "date": "2024-11-15"}
	with_documents({}, [old, aid]) == {"FE-02"}
	with_documents({}, [just, aid]) == set()
	with_documents({}, [old, eyes, aid]) == set()
}

test_fe_03 if {
	rules({"klasse": "C1"}) == {"FE-03"}
	rules({"klasse": "C1", "hat_klasse_b": true}) == set()
	rules({"klasse": "C1", "b_gleichzeitig": true}) == set()
}

test_fe_04_05 if {
	someone := {"_key": "0", "geburtsdatum": "1999-05-05", "fahrerlaubnis_seit": "2022-06-01"}
	rules({"begleitpersonen": [someone]}) == {"FE-04", "FE-05"}
	{"rule": "FE-04", "paths": ["begleitpersonen[0].geburtsdatum"]} in fe.violated with input as {"application": object.union(application, {"begleitpersonen": [someone]}), "documents": []}
}

test_fe_06_07_09 if {
	rules({"eu_fahrerlaubnis_gleiche_klasse": true}) == {"FE-06"}
	rules({"person": {"wohnsitz_inland": false}}) == {"FE-07"}
	rules({"erklaerung": {"verzicht": false}}) == {"FE-09"}
}

test_fe_08 if {
	short := {"id": "k", "types": ["erste_hilfe_bescheinigung"], "units": 8}
	with_documents({}, [eyes, short]) == {"FE-08"}
	with_documents({}, [eyes, short, {"id": "n", "types": ["nachweis_heilberuf"]}]) == set()
}
