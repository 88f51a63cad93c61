# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Fahrerlaubnis – Ersterteilung
package schleuse.services.fahrerlaubnis_ersterteilung

import rego.v2

import data.schleuse.lib

application := input.application

companions := object.get(application, "begleitpersonen", [])

light := {"AM", "A1", "A2", "A", "B", "B_BF17", "BE", "L", "T"}

heavy := {"C1", "C1E", "C", "CE", "D1", "D1E", "D", "DE"}

buses := {"D1", "D1E", "D", "DE"}

# --- Fields ---

# § 48a Abs. 2, 5 FeV
required_field contains "begleitpersonen" if application.klasse == "B_BF17"

# --- Evidence: the numbers of § 21 Abs. 3 FeV ---

required_evidence contains {"id": "sehtest"} if application.klasse in light

required_evidence contains {"id": "eignung_cd"} if application.klasse in heavy

required_evidence contains {"id": "sehvermoegen_cd"} if application.klasse in heavy

required_evidence contains {"id": "fuehrungszeugnis"} if application.klasse in buses

required_evidence contains {"id": "mpu_mindestalter"} if lib.yes(application.mindestalter_ausnahme_berufsausbildung)

# --- Rules ---

# § 10 Abs. 1 FeV. A: 24 by direct access; C and D have lower ages with a
# qualification (Nr. 7, 9), which is why the rule asks and does not refuse.
minimum_age := {
	"AM": 15, "A1": 16, "A2": 18, "A": 24, "B": 18, "B_BF17": 17, "BE": 18, "L": 16, "T": 16,
	"C1": 18, "C1E": 18, "C": 21, "CE": 21, "D1": 21, "D1E": 21, "D": 24, "DE": 24,
}

violated contains {"rule": "FE-01", "paths": ["antragsdatum", "person.geburtsdatum"]} if {
	of_age := lib.add_years(application.person.geburtsdatum, minimum_age[application.klasse])
	application.antragsdatum < lib.add_months(of_age, -6)
}

# Violated when a certificate is too old and none is recent: an old one beside a
# valid one does no harm.
violated contains {"rule": "FE-02", "paths": [concat(":", ["document", document.id])]} if {
	some document in input.documents
	some type in document.types
	type in eyesight
	too_old(document)
	not recent_eyesight
}

eyesight := {"sehtestbescheinigung", "augenarzt_zeugnis", "sehvermoegen_anlage6_2"}

recent_eyesight if {
	some document in input.documents
	some type in document.types
	type in eyesight
	not too_old(document)
}

# § 12 Abs. 7 FeV
too_old(document) if document.date < lib.add_months(application.antragsdatum, -24)

violated contains {"rule": "FE-03", "paths": ["klasse", "hat_klasse_b"]} if {
	application.klasse in {"C1", "C", "D1", "D"}
	not lib.yes(application.hat_klasse_b)
	not lib.yes(application.b_gleichzeitig)
}

violated contains {"rule": "FE-04", "paths": [lib.item_path("begleitpersonen", person, "geburtsdatum")]} if {
	some person in companions
	lib.younger_than(person.geburtsdatum, application.antragsdatum, 30)
}

# Held for less than five years is counted like an age.
violated contains {"rule": "FE-05", "paths": [lib.item_path("begleitpersonen", person, "fahrerlaubnis_seit")]} if {
	some person in companions
	lib.younger_than(person.fahrerlaubnis_seit, application.antragsdatum, 5)
}

violated contains {"rule": "FE-06", "paths": ["eu_fahrerlaubnis_gleiche_klasse"]} if {
	lib.yes(application.eu_fahrerlaubnis_gleiche_klasse)
}

violated contains {"rule": "FE-07", "paths": ["person.wohnsitz_inland"]} if application.person.wohnsitz_inland == false

# A short course does no harm beside another proof of first aid.
violated contains {"rule": "FE-08", "paths": [concat(":", ["document", document.id])]} if {
	some document in input.documents
	"erste_hilfe_bescheinigung" in document.types
	document.units < 9
	not other_first_aid
}

other_first_aid if {
	some document in input.documents
	some type in document.types
	type in {"erste_hilfe_bescheinigung", "nachweis_heilberuf", "sanitaetsausbildung"}
	not too_short(document)
}

too_short(document) if document.units < 9

violated contains {"rule": "FE-09", "paths": ["erklaerung.verzicht"]} if application.erklaerung.verzicht == false
