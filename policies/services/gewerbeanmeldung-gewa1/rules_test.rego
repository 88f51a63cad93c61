# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.gewerbeanmeldung_gewa1_test

import rego.v2

import data.schleuse.services.gewerbeanmeldung_gewa1 as gw

application := {
	"rechtsform": "einzelunternehmen", "person": {"geburtsdatum": "1992-07-07"}, "betrieb": {"ags": "08111000"},
	"taetigkeit": "Reparatur von Fahrrädern", "beginn": "2026-11-20", "anzeigedatum": "2026-11-20",
}

params := {"ags": "08111000", "identitaetsnachweis_verlangt": true}

rules(change) := {v.rule | some v in gw.violated with input as given(change)}

evidence(change) := {e.id | some e in gw.required_evidence with input as given(change)}

given(change) := {"application": object.union(application, change), "params": params, "date": "2026-11-20"}

test_nothing_is_violated if {
	rules({}) == set()
	evidence({}) == {"identitaet"}
}

test_registered_company if {
	gw.required_field == {"register.gericht", "register.nummer"} with input as given({"rechtsform": "gmbh"})
	gw.required_field == set() with input as given({"rechtsform": "gmbh", "in_gruendung": true})
	evidence({"rechtsform": "gmbh", "durch_vertreter": true}) == {"identitaet", "registerauszug", "vollmacht"}
}

test_gw_01_vague if {
	every text in ["Handel", "Handel aller Art", "Import/Export", "Dienstleistungen", "Verkauf, sonstige Waren"] {
		"GW-01" in rules({"taetigkeit": text})
	}
}

test_gw_01_precise if {
	every text in ["Uhrenreparatur", "IT-Beratung", "Handel mit Lampen"] { rules({"taetigkeit": text}) == set() }
}

test_gw_02 if rules({"betrieb": {"ags": "08115003"}}) == {"GW-02"}

test_gw_03 if rules({"beginn": "2026-11-19"}) == {"GW-03"}

test_gw_04_to_07 if {
	rules({"taetigkeit_kategorie": "bewachung"}) == {"GW-04"}
	rules({"taetigkeit_kategorie": "handwerk_anlage_a"}) == {"GW-05"}
	rules({"taetigkeit_kategorie": "reisegewerbe"}) == {"GW-06"}
	rules({"taetigkeit_kategorie": "freier_beruf"}) == {"GW-07"}
}

test_gw_08 if {
	rules({"in_gruendung": true}) == {"GW-08"}
	rules({"in_gruendung": true, "rechtsform": "ug"}) == set()
}

test_gw_09 if {
	rules({"person": {"geburtsdatum": "2008-11-21"}}) == {"GW-09"}
	rules({"person": {"geburtsdatum": "2008-11-20"}}) == set()
}
