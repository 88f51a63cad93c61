# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# title: Bewohnerparkausweis
# description: >-
#   Severity official means that the case leaves the automatic path (§ 46 Abs. 5 StVO).
package schleuse.services.bewohnerparkausweis

import rego.v2

import data.schleuse.lib

application := input.application

vehicle := object.get(application, "fahrzeug", {})

carsharing if vehicle.halter == "carsharing"

# --- Fields ---

# Without an answer to who holds the vehicle, its data stay required.
required_field contains field if {
	some field in {"fahrzeug.kennzeichen", "fahrzeug.gesamtmasse_kg"}
	not carsharing
}

# --- Evidence ---

required_evidence contains {"id": "zb1"} if not carsharing

required_evidence contains {"id": "ueberlassung"} if vehicle.halter in {"firma", "angehoerige"}

required_evidence contains {"id": "carsharing"} if carsharing

required_evidence contains {"id": "vollmacht"} if lib.yes(application.durch_vertreter)

required_evidence contains {"id": "meldenachweis"} if not lib.yes(application.melderegister_abgerufen)

# The certificate names the holder, who may be an employer or a relative.
any_person contains "zb1" if vehicle.halter in {"firma", "angehoerige"}

any_person contains "ueberlassung" if vehicle.halter in {"firma", "angehoerige"}

# --- Rules ---

# Only an area that was named can be unknown; a missing one is a missing field.
violated contains {"rule": "BP-01", "paths": ["gebiet"]} if {
	application.gebiet
	not application.gebiet in input.params.gebiete
}

violated contains {"rule": "BP-02", "paths": ["fahrzeug.gesamtmasse_kg"]} if {
	vehicle.gesamtmasse_kg > input.params.max_gesamtmasse_kg
}

violated contains {"rule": "BP-03", "paths": ["antragsteller.wohnungsart"]} if {
	application.antragsteller.wohnungsart == "nebenwohnung"
	not lib.yes(input.params.nebenwohnung_zulaessig)
}

violated contains {"rule": "BP-04", "paths": ["fahrzeug.kennzeichen"]} if {
	vehicle.kennzeichen
	not regex.match(`^[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [1-9][0-9]{0,3}[EH]?$`, vehicle.kennzeichen)
}

# Blanks and hyphens are written differently; letters and digits have to agree.
violated contains {"rule": "BP-05", "paths": ["fahrzeug.kennzeichen", "extrahiert.zb1.kennzeichen"]} if {
	plate(application.extrahiert.zb1.kennzeichen) != plate(object.get(vehicle, "kennzeichen", ""))
}

violated contains {"rule": "BP-06", "paths": ["vorhandener_ausweis_gueltig"]} if {
	lib.yes(application.vorhandener_ausweis_gueltig)
}

plate(text) := regex.replace(upper(text), `[^A-ZÄÖÜ0-9]`, "")
