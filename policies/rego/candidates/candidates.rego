# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Modelle zur Auswahl
# description: >-
#   What rules ask about the candidates. It sees the candidates and the tables and nothing of
#   the question, so it is worked out once for the same candidates and handed to the rules as
#   input.candidates: sets of model ids, some by word. All of it is there or nothing.
#   Everything is written positively: a model without a field is in none of its sets.
package candidates

import rego.v2

result := {
	"ids": ids,
	"external": ids - own,
	"at": at,
	"able": able,
	"released_for": released_for,
	"suitable_for": suitable_for,
	"safe_country": safe_country,
	"known_kind": known_kind,
	"contracted": contracted,
	"notified": notified,
	"grounded": grounded,
	"bound_to_tax_secret": bound_to_tax_secret,
	"released_for_art9": released_for_art9,
	"untrained": untrained,
}

ids := {id | some id, _ in input.models}

own := {id | some id, model in input.models; model.residency == "own_datacentre"}

# By place.
at[model.residency] contains id if some id, model in input.models

# By kind of work.
able[operation] contains id if {
	some id, model in input.models
	some operation in model.operations
}

# By data class: released for it, or for one that covers it.
released_for[class] contains id if {
	some class, entry in data.catalog.classes.classes
	some id, model in input.models
	some released in model.data_classes
	released in entry.covered_by
}

# By data class: at a place where it may be (Art. 44 ff. DSGVO and the special norm).
suitable_for[class] contains id if {
	some class, entry in data.catalog.classes.classes
	some id, model in input.models
	model.residency in entry.residencies
}

# Countries the GDPR treats as safe: EU, EEA and adequacy decisions (Art. 45 DSGVO).
safe_country := {id | some id, model in input.models; model.country in data.catalog.countries.safe}

# Kinds of processors that § 80 Abs. 3 SGB X knows.
known_kind := {id | some id, model in input.models; model.processor_kind in {"own", "public", "private"}}

contracted := {id | some id, model in input.models; model.has_contract == true}

# Notified to the supervisory authority (§ 80 Abs. 1 SGB X).
notified := {id | some id, model in input.models; model.has_para80_notice == true}

# May have social data in commission (§ 80 Abs. 3 SGB X): public, or for a reason.
grounded contains id if {
	some id, model in input.models
	model.processor_kind in {"own", "public"}
}

grounded contains id if {
	some id, model in input.models
	model.processor_kind == "private"
	model.para80_ground in {"disruption", "cost", "majority_public"}
}

bound_to_tax_secret := {id | some id, model in input.models; model.para30_ao == true}

released_for_art9 := {id | some id, model in input.models; model.art9 == true}

untrained := {id | some id, model in input.models; model.trains_on_input == false}
