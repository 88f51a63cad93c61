# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Gewerbeanmeldung (GewA 1)
# description: >-
#   A missing permit never makes the notice incomplete; it is a hint (§ 15 Abs. 2 GewO).
package schleuse.services.gewerbeanmeldung_gewa1

import rego.v2

import data.schleuse.lib

application := input.application

# --- Fields ---

# A registered company names court and number, unless it is still being founded.
required_field contains field if {
	some field in {"register.gericht", "register.nummer"}
	application.rechtsform in {"ohg", "kg", "gmbh", "ug", "ag", "eg"}
	not lib.yes(application.in_gruendung)
}

# --- Evidence ---

required_evidence contains {"id": "identitaet"} if lib.yes(input.params.identitaetsnachweis_verlangt)

required_evidence contains {"id": "registerauszug"} if application.rechtsform in corporations

required_evidence contains {"id": "vollmacht"} if lib.yes(application.durch_vertreter)

corporations := {"gmbh", "ug", "ag", "eg"}

# --- Rules ---

# Not the length decides but whether anything says what is offered:
# "Uhrenreparatur" is short and precise, "Handel aller Art" is neither.
violated contains {"rule": "GW-01", "paths": ["taetigkeit"]} if {
	application.taetigkeit
	every word in activity_words { word in vague_words }
}

activity_words := {word |
	some word in regex.split(`[^a-zäöüß]+`, lower(application.taetigkeit))
	word != ""
}

vague_words := {
	"handel", "onlinehandel", "online", "internethandel", "internet", "einzelhandel", "großhandel", "warenhandel", "verkauf",
	"vertrieb", "dienstleistung", "dienstleistungen", "service", "services", "import", "export", "beratung",
	"gewerbe", "kleingewerbe", "nebengewerbe", "unternehmen", "selbständig", "selbstständig", "tätigkeit",
	"tätigkeiten", "arbeiten", "waren", "sonstige", "sonstiges", "verschiedene", "verschiedenes", "diverse",
	"diverses", "allgemein", "allgemeine", "aller", "alle", "art", "arten", "und", "oder", "mit", "von", "für",
	"sowie", "usw", "etc",
}

violated contains {"rule": "GW-02", "paths": ["betrieb.ags"]} if application.betrieb.ags != input.params.ags

violated contains {"rule": "GW-03", "paths": ["anzeigedatum", "beginn"]} if application.anzeigedatum > application.beginn

violated contains {"rule": "GW-04", "paths": ["taetigkeit_kategorie"]} if {
	application.taetigkeit_kategorie in {
		"bewachung", "makler_bautraeger", "versicherungsvermittlung", "finanzanlagenvermittlung", "immobiliardarlehen",
		"spielhalle", "spielgeraete", "pfandleihe", "versteigerung", "gaststaette",
	}
}

violated contains {"rule": "GW-05", "paths": ["taetigkeit_kategorie"]} if {
	application.taetigkeit_kategorie == "handwerk_anlage_a"
}

violated contains {"rule": "GW-06", "paths": ["taetigkeit_kategorie"]} if application.taetigkeit_kategorie == "reisegewerbe"

violated contains {"rule": "GW-07", "paths": ["taetigkeit_kategorie"]} if {
	application.taetigkeit_kategorie in {"freier_beruf", "land_forstwirtschaft"}
}

violated contains {"rule": "GW-08", "paths": ["in_gruendung", "rechtsform"]} if {
	lib.yes(application.in_gruendung)
	not application.rechtsform in corporations
}

# anzeigedatum is optional; without it the date of the case counts.
violated contains {"rule": "GW-09", "paths": ["person.geburtsdatum"]} if {
	day := object.get(application, "anzeigedatum", input.date)
	lib.younger_than(application.person.geburtsdatum, day, 18)
}
