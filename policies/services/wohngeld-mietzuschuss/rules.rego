# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Wohngeld – Mietzuschuss
# description: >-
#   Says which conditional fields and evidence are required and which rules of
#   service.yaml are violated. It never says whether somebody is entitled.
package schleuse.services.wohngeld_mietzuschuss

import rego.v2

import data.schleuse.lib

application := input.application

household := object.get(application, "haushalt", [])

rent := object.get(application, "miete", {})

tenancy if application.wohnverhaeltnis in {"hauptmiete", "untermiete", "mietaehnlich"}

# --- Fields ---

# § 9 WoGG
required_field contains "miete.gesamt" if tenancy

# § 9 Abs. 2 WoGG: heating is not part of the rent to be considered.
required_field contains "miete.heizkosten" if tenancy

# --- Evidence of the dwelling ---

required_evidence contains {"id": "mietnachweis"} if {
	tenancy
	application.antrag_art == "erstantrag"
}

required_evidence contains {"id": "mietaenderung"} if lib.yes(rent.geaendert)

required_evidence contains {"id": "mietzahlung"} if tenancy

required_evidence contains {"id": "untermiete"} if lib.yes(application.untervermietung)

# --- Evidence per person ---

required_evidence contains {"id": "verdienst", "item": person._key} if {
	some person in household
	person.status == "arbeitnehmer"
}

# § 15 WoGG: with less than twelve months the contract tells the expected income.
required_evidence contains {"id": "arbeitsvertrag", "item": person._key} if {
	some person in household
	person.status == "arbeitnehmer"
	person.beschaeftigt_monate < 12
}

required_evidence contains {"id": "rente", "item": person._key} if {
	some person in household
	person.status == "rentner"
}

required_evidence contains {"id": "selbstaendig", "item": person._key} if {
	some person in household
	person.status == "selbstaendig"
}

required_evidence contains {"id": "arbeitslos", "item": person._key} if {
	some person in household
	person.status == "arbeitslos"
}

# § 20 Abs. 2 WoGG: a refusal counts as well.
required_evidence contains {"id": id, "item": person._key} if {
	some id in {"bafoeg", "immatrikulation"}
	some person in household
	person.status == "student"
}

required_evidence contains {"id": "bab", "item": person._key} if {
	some person in household
	person.status == "azubi"
}

required_evidence contains {"id": "transfer", "item": person._key} if {
	some person in household
	receives_transfer(person)
}

required_evidence contains {"id": "unterhalt_zahlung", "item": person._key} if {
	some person in household
	lib.yes(person.zahlt_unterhalt)
}

required_evidence contains {"id": "schwerbehinderung", "item": person._key} if {
	some person in household
	person.gdb >= 50
}

# § 17 Nr. 1 Buchst. b WoGG: below 100 only together with a need of care.
required_evidence contains {"id": "pflege", "item": person._key} if {
	some person in household
	person.gdb >= 50
	person.gdb < 100
	lib.yes(person.pflege_geltend)
}

# § 3 Abs. 5 WoGG
required_evidence contains {"id": "aufenthalt", "item": person._key} if {
	some person in household
	person.staatsangehoerigkeit_gruppe == "drittstaat"
	lib.yes(person.ist_antragsteller)
}

# "keine" and the like are an answer, not a benefit.
receives_transfer(person) if lib.yes(person.transferleistung)

receives_transfer(person) if {
	is_string(person.transferleistung)
	not lower(person.transferleistung) in {"keine", "keines", "kein", "nein", "nichts", "ohne", "-", "--"}
}

# --- Rules ---

# The parts are compared with the total to the cent; one cent is tolerated.
violated contains {"rule": "WG-01", "paths": ["miete.gesamt"]} if {
	parts := [amount |
		some part in ["kalt", "betriebskosten", "heizkosten", "warmwasser", "garage", "sonstiges"]
		amount := rent[part]
	]
	abs(sum(parts) - rent.gesamt) > 1
}

violated contains {"rule": "WG-02", "paths": ["personen_im_haushalt", "haushalt"]} if {
	count(household) != application.personen_im_haushalt
}

violated contains {"rule": "WG-03", "paths": ["haushalt"]} if not applicant_listed

applicant_listed if {
	some person in household
	lib.yes(person.ist_antragsteller)
}

violated contains {"rule": "WG-04", "paths": ["antragsteller.iban"]} if {
	application.antragsteller.iban
	not input.valid_iban["antragsteller.iban"]
}

violated contains {"rule": "WG-05", "paths": ["wohnverhaeltnis"]} if application.wohnverhaeltnis == "eigentum"

violated contains {"rule": "WG-06", "paths": ["haushalt"]} if {
	count(household) > 0
	every person in household { receives_transfer(person) }
}

# § 22 Abs. 4 WoGG
violated contains {"rule": "WG-07", "paths": ["antragsdatum", "ende_bewilligungszeitraum"]} if {
	application.antrag_art == "weiterleistung"
	application.antragsdatum < lib.add_months(application.ende_bewilligungszeitraum, -2)
}

violated contains {"rule": "WG-08", "paths": ["einzugsdatum", "antragsdatum"]} if {
	application.einzugsdatum > application.antragsdatum
}

violated contains {"rule": "WG-09", "paths": [lib.item_path("haushalt", person, "geburtsdatum")]} if {
	some person in household
	person.geburtsdatum > application.antragsdatum
}

# A declared change of the rent explains the difference.
violated contains {"rule": "WG-10", "paths": ["miete.gesamt", "extrahiert.mietvertrag.gesamtmiete"]} if {
	abs(application.extrahiert.mietvertrag.gesamtmiete - rent.gesamt) > 1
	not lib.yes(rent.geaendert)
}

violated contains {"rule": "WG-11", "paths": ["erhebliches_vermoegen"]} if lib.yes(application.erhebliches_vermoegen)
