# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Hundesteuer – Anmeldung
# description: >-
#   The ordinance (Satzung) decides nearly everything; its values are parameters.
package schleuse.services.hundesteuer_anmeldung

import rego.v2

import data.schleuse.lib

application := input.application

dog := object.get(application, "hund", {})

# --- Evidence ---

required_evidence contains {"id": "merkzeichen"} if application.ermaessigung == "merkzeichen"

required_evidence contains {"id": "rettungshund"} if application.ermaessigung == "rettungshund"

# § 1 Abs. 4 PolVOgH BW
required_evidence contains {"id": "verhaltenspruefung"} if {
	listed_breed
	lib.yes(application.kampfhundeigenschaft_bestritten)
}

# Breeds are compared by their letters, also as a part of the description and
# without the ending "Terrier": "Pitbull-Terrier", "pit bull" and "Mischling aus
# Bullterrier und Boxer" all concern a listed breed.
listed_breed if {
	some breed in input.params.listenhunde
	some name in {lib.letters(breed), trim_suffix(lib.letters(breed), "terrier")}
	count(name) >= 7
	contains(lib.letters(dog.rasse), name)
}

# --- Rules ---

violated contains {"rule": "HS-01", "paths": ["hund.wurfdatum", "haltung_beginn"]} if {
	lib.add_months(dog.wurfdatum, input.params.mindestalter_monate) > application.haltung_beginn
}

violated contains {"rule": "HS-02", "paths": ["anzeigedatum", "haltung_beginn"]} if {
	application.anzeigedatum > lib.add_days(application.haltung_beginn, input.params.anzeigefrist_tage)
}

violated contains {"rule": "HS-03", "paths": ["hund.rasse"]} if {
	lib.letters(dog.rasse) in {"mischling", "mischlingshund", "mix", "unbekannt"}
}

violated contains {"rule": "HS-04", "paths": ["hund.rasse"]} if listed_breed

violated contains {"rule": "HS-05", "paths": ["haltung_beginn", "hund.wurfdatum"]} if {
	application.haltung_beginn < dog.wurfdatum
}

violated contains {"rule": "HS-06", "paths": ["hunde_im_haushalt"]} if application.hunde_im_haushalt < 1

# Several marks may be written in one field; one of them is enough.
violated contains {"rule": "HS-07", "paths": ["merkzeichen"]} if {
	application.ermaessigung == "merkzeichen"
	not favoured_mark
}

favoured_mark if {
	some mark in regex.split(`[^A-Za-z]+`, application.merkzeichen)
	mark in {"B", "Bl", "aG", "H"}
}
