# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package schleuse.services.wohngeld_mietzuschuss_test

import rego.v2

import data.schleuse.services.wohngeld_mietzuschuss as wg

# A single employee with a tenancy; amounts in cents.
application := {
	"antrag_art": "erstantrag", "antragsdatum": "2026-11-02", "einzugsdatum": "2023-05-01",
	"antragsteller": {"iban": "DE89370400440532013000"}, "wohnverhaeltnis": "hauptmiete", "personen_im_haushalt": 1,
	"haushalt": [person], "miete": {"gesamt": 72000, "kalt": 54000, "betriebskosten": 10000, "heizkosten": 8000},
	"untervermietung": false, "erhebliches_vermoegen": false,
}

person := {
	"_key": "p1", "id": "p1", "status": "arbeitnehmer", "beschaeftigt_monate": 40, "ist_antragsteller": true,
	"geburtsdatum": "1988-03-14",
}

rules(change) := {v.rule | some v in wg.violated with input as given(change)}

evidence(change) := {[e.id, object.get(e, "item", "")] | some e in wg.required_evidence with input as given(change)}

given(change) := {"application": object.union(application, change), "valid_iban": {"antragsteller.iban": true}, "documents": []}

household(change) := {"haushalt": [object.union(person, change)]}

test_nothing_is_violated if rules({}) == set()

test_required if {
	evidence({}) == {["mietnachweis", ""], ["mietzahlung", ""], ["verdienst", "p1"]}
	wg.required_field == {"miete.gesamt", "miete.heizkosten"} with input as given({})
}

test_no_tenancy_no_rent if {
	wg.required_field == set() with input as given({"wohnverhaeltnis": "heim"})
	evidence({"wohnverhaeltnis": "heim"}) == {["verdienst", "p1"]}
}

test_renewal_needs_no_contract if {
	not ["mietnachweis", ""] in evidence({"antrag_art": "weiterleistung"})
}

test_changed_rent_and_subletting if {
	found := evidence({"miete": {"geaendert": true}, "untervermietung": true})
	["mietaenderung", ""] in found
	["untermiete", ""] in found
}

test_short_employment if ["arbeitsvertrag", "p1"] in evidence(household({"beschaeftigt_monate": 11}))

test_status if {
	["rente", "p1"] in evidence(household({"status": "rentner"}))
	["selbstaendig", "p1"] in evidence(household({"status": "selbstaendig"}))
	["arbeitslos", "p1"] in evidence(household({"status": "arbeitslos"}))
	["bab", "p1"] in evidence(household({"status": "azubi"}))
	student := evidence(household({"status": "student"}))
	["bafoeg", "p1"] in student
	["immatrikulation", "p1"] in student
}

test_care_only_below_100 if {
	["pflege", "p1"] in evidence(household({"gdb": 80, "pflege_geltend": true}))
	not ["pflege", "p1"] in evidence(household({"gdb": 100, "pflege_geltend": true}))
	not ["schwerbehinderung", "p1"] in evidence(household({"gdb": 40}))
}

test_maintenance_and_residence if {
	["unterhalt_zahlung", "p1"] in evidence(household({"zahlt_unterhalt": true}))
	["aufenthalt", "p1"] in evidence(household({"staatsangehoerigkeit_gruppe": "drittstaat"}))
}

test_keine_is_no_benefit if {
	not ["transfer", "p1"] in evidence(household({"transferleistung": "Keine"}))
	["transfer", "p1"] in evidence(household({"transferleistung": "buergergeld"}))
	"WG-06" in rules(household({"transferleistung": "buergergeld"}))
}

test_wg_01 if {
	rules({"miete": {"gesamt": 72001}}) == set()
	rules({"miete": {"gesamt": 72002}}) == {"WG-01"}
}

test_wg_02 if rules({"personen_im_haushalt": 2}) == {"WG-02"}

test_wg_03 if rules(household({"ist_antragsteller": false})) == {"WG-03"}

test_wg_04 if {
	"WG-04" in {v.rule | some v in wg.violated with input as {"application": application, "valid_iban": {"antragsteller.iban": false}}}
}

test_wg_05 if "WG-05" in rules({"wohnverhaeltnis": "eigentum"})

test_wg_07 if {
	rules({"antrag_art": "weiterleistung", "ende_bewilligungszeitraum": "2027-01-03"}) == {"WG-07"}
	rules({"antrag_art": "weiterleistung", "ende_bewilligungszeitraum": "2027-01-02"}) == set()
}

test_wg_08 if rules({"einzugsdatum": "2026-12-01"}) == {"WG-08"}

test_wg_09 if rules(household({"geburtsdatum": "2026-11-03"})) == {"WG-09"}

test_wg_10 if {
	rules({"extrahiert": {"mietvertrag": {"gesamtmiete": 69000}}}) == {"WG-10"}
	rules({"extrahiert": {"mietvertrag": {"gesamtmiete": 69000}}, "miete": {"geaendert": true}}) == set()
}

test_wg_11 if rules({"erhebliches_vermoegen": true}) == {"WG-11"}
