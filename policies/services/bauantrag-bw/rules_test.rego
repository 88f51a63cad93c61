# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.bauantrag_bw_test

import rego.v2

import data.schleuse.services.bauantrag_bw as ba

application := {
	"verfahren": "baugenehmigung", "eingangsdatum": "2026-10-05", "grundstueck": {"flurstueck": "1234/5"},
	"vorhaben": {"art": "neubau", "sonderbau": false, "stellplatzpflicht": true}, "abweichungen": false,
}

rules(change) := {v.rule | some v in ba.violated with input as given(change)}

evidence(change) := {e.id | some e in ba.required_evidence with input as given(change)}

given(change) := {"application": object.union(application, change), "documents": [{"id": "1", "types": ["bauzeichnungen"], "format": "application/pdf"}]}

test_nothing_is_violated if {
	rules({}) == set()
	evidence({}) == {"entwaesserung", "bautechnik", "stellplatznachweis", "statistik"}
}

test_conditions if {
	evidence({"vorhaben": {"sonderbau": true}, "abweichungen": true}) & {"brandschutz", "befreiungsantrag"} == {"brandschutz", "befreiungsantrag"}
	not "bautechnik" in evidence({"vorhaben": {"art": "nutzungsaenderung_ohne_baumassnahme"}})
	not "entwaesserung" in evidence({"keine_entwaesserung_betroffen": true})
}

test_fields if {
	ba.required_field == {"entwurfsverfasser.bauvorlageberechtigung", "vorhaben.gebaeudeklasse"} with input as {"application": {}}
	ba.required_field == set() with input as given({"ohne_bauvorlageberechtigung_zulaessig": true, "vorhaben": {"art": "sonstige_anlage"}})
}

test_ba_01 if {
	{"rule": "BA-01", "paths": ["document:2"]} in ba.violated with input as {"application": application, "documents": [{"id": "2", "types": ["bauzeichnungen"], "format": "image/jpeg"}]}
	{v.rule | some v in ba.violated with input as {"application": application, "documents": [{"id": "3", "types": ["email"], "format": "message/rfc822"}]}} == set()
}

test_ba_02 if rules({"verfahren": "kenntnisgabe", "vorhaben": {"sonderbau": true}}) == {"BA-02", "BA-06"}

test_ba_03 if rules({"verfahren": "kenntnisgabe", "abweichungen": true}) == {"BA-03", "BA-06"}

test_ba_04 if {
	rules({"extrahiert": {"lageplan": {"flurstueck": "1234/6"}}}) == {"BA-04"}
	rules({"extrahiert": {"lageplan": {"flurstueck": "Flst. 1234/5"}}}) == set()
	rules({"extrahiert": {"lageplan": {"flurstueck": "77/0"}}, "grundstueck": {"flurstueck": "77"}}) == set()
	rules({"extrahiert": {"lageplan": {"flurstueck": "770"}}, "grundstueck": {"flurstueck": "77"}}) == {"BA-04"}
}

test_ba_05 if {
	rules({"verfahren": "vereinfacht", "eingangsdatum": "2025-06-28"}) == {"BA-05"}
	rules({"verfahren": "vereinfacht", "eingangsdatum": "2025-06-27"}) == set()
}
