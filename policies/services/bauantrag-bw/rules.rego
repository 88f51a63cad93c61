# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Bauantrag und Kenntnisgabe (Baden-Württemberg)
# description: >-
#   Land law was read in secondary sources; service.yaml marks them.
package schleuse.services.bauantrag_bw

import rego.v2

import data.schleuse.lib

application := input.application

project := object.get(application, "vorhaben", {})

# --- Fields ---

# § 43 LBO
required_field contains "entwurfsverfasser.bauvorlageberechtigung" if {
	not lib.yes(application.ohne_bauvorlageberechtigung_zulaessig)
}

# Without an answer to the kind of project, the class of the building stays required.
required_field contains "vorhaben.gebaeudeklasse" if not kind("sonstige_anlage")

kind(name) if project.art == name

# --- Evidence ---

required_evidence contains {"id": "entwaesserung"} if not lib.yes(application.keine_entwaesserung_betroffen)

# May follow before construction starts: service.yaml gives it severity hint.
required_evidence contains {"id": "bautechnik"} if not kind("nutzungsaenderung_ohne_baumassnahme")

required_evidence contains {"id": "befreiungsantrag"} if lib.yes(application.abweichungen)

required_evidence contains {"id": "brandschutz"} if lib.yes(project.sonderbau)

required_evidence contains {"id": "stellplatznachweis"} if lib.yes(project.stellplatzpflicht)

required_evidence contains {"id": "statistik"} if project.art in {"neubau", "anbau", "abbruch"}

# Plans carry the names of many people: owners, neighbours, authors.
any_person contains id if {
	some id in {
		"lageplan_zeichnerisch", "lageplan_schriftlich", "bauzeichnungen", "baubeschreibung", "entwaesserung",
		"bautechnik", "brandschutz", "stellplatznachweis", "statistik", "befreiungsantrag",
	}
}

# --- Rules ---

violated contains {"rule": "BA-01", "paths": [concat(":", ["document", document.id])]} if {
	some document in input.documents
	document.format != "application/pdf"
	not "email" in document.types # carries plans, is none
}

violated contains {"rule": "BA-02", "paths": ["verfahren", "vorhaben.sonderbau"]} if {
	application.verfahren == "kenntnisgabe"
	lib.yes(project.sonderbau)
}

violated contains {"rule": "BA-03", "paths": ["verfahren", "abweichungen"]} if {
	application.verfahren == "kenntnisgabe"
	lib.yes(application.abweichungen)
}

# 77 and 77/0 are the same parcel.
violated contains {"rule": "BA-04", "paths": ["grundstueck.flurstueck", "extrahiert.lageplan.flurstueck"]} if {
	parcel(application.extrahiert.lageplan.flurstueck) != parcel(object.get(application, ["grundstueck", "flurstueck"], ""))
}

parcel(text) := regex.replace(regex.replace(text, `[^0-9/]`, ""), `^0+|/0*$`, "")

violated contains {"rule": "BA-05", "paths": ["verfahren", "eingangsdatum"]} if {
	application.verfahren == "vereinfacht"
	application.eingangsdatum >= "2025-06-28"
}

violated contains {"rule": "BA-06", "paths": ["verfahren"]} if application.verfahren == "kenntnisgabe"
