# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.bewohnerparkausweis_test

import rego.v2

import data.schleuse.services.bewohnerparkausweis as bp

application := {
	"antragsteller": {"wohnungsart": "hauptwohnung"}, "gebiet": "A1", "melderegister_abgerufen": true,
	"fahrzeug": {"kennzeichen": "S-AB 1234", "halter": "selbst", "gesamtmasse_kg": 1900},
}

params := {"gebiete": ["A1"], "max_gesamtmasse_kg": 3500, "nebenwohnung_zulaessig": false}

rules(change) := {v.rule | some v in bp.violated with input as given(change)}

evidence(change) := {e.id | some e in bp.required_evidence with input as given(change)}

given(change) := {"application": object.union(application, change), "params": params}

test_nothing_is_violated if {
	rules({}) == set()
	evidence({}) == {"zb1"}
}

test_holder if {
	evidence({"fahrzeug": {"halter": "firma"}}) == {"zb1", "ueberlassung"}
	evidence({"fahrzeug": {"halter": "carsharing"}}) == {"carsharing"}
	bp.required_field == set() with input as given({"fahrzeug": {"halter": "carsharing"}})
	bp.required_field == {"fahrzeug.kennzeichen", "fahrzeug.gesamtmasse_kg"} with input as {"application": {}, "params": params}
}

test_certificate_of_another_holder if {
	bp.any_person == {"zb1", "ueberlassung"} with input as given({"fahrzeug": {"halter": "firma"}})
	bp.any_person == set() with input as given({})
}

test_proxy_and_register if {
	evidence({"durch_vertreter": true, "melderegister_abgerufen": false}) == {"zb1", "vollmacht", "meldenachweis"}
}

test_bp_01 if {
	rules({"gebiet": "Z9"}) == {"BP-01"}
	not "BP-01" in {v.rule | some v in bp.violated with input as {"application": {}, "params": params}}
}

test_bp_02 if rules({"fahrzeug": {"gesamtmasse_kg": 3501}}) == {"BP-02"}

test_bp_03 if rules({"antragsteller": {"wohnungsart": "nebenwohnung"}}) == {"BP-03"}

test_bp_04 if rules({"fahrzeug": {"kennzeichen": "S AB1234"}}) == {"BP-04"}

test_bp_05 if {
	rules({"extrahiert": {"zb1": {"kennzeichen": "S-AB 1243"}}}) == {"BP-05"}
	rules({"extrahiert": {"zb1": {"kennzeichen": "SAB1234"}}}) == set()
}

test_bp_06 if rules({"vorhandener_ausweis_gueltig": true}) == {"BP-06"}
