# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Tatsachen
# description: >-
#   What rules ask about a question: the row of the purposes table, the effective data
#   classes, the candidates by kind. Everything is written positively: what is missing or
#   has the wrong type is not known, not external-free, not contracted.
package facts

import rego.v2

# A rule or a row is in force when it is so on the day of the request or of the case.
in_force(entry) if {
	some day in days
	entry.valid_from <= day
	day <= entry.valid_to
}

days := {input.date, input.case_date}

default annex := "none"

annex := input.known.service.annex_iii if input.known.service.annex_iii != ""

exact_rows := [row | some row in input.known.purpose.rows; row.annex == annex; in_force(row)]

any_rows := [row | some row in input.known.purpose.rows; row.annex == "*"; annex != "none"; in_force(row)]

# Two rows that both fit are a mistake in the table and classify nothing.
row := exact_rows[0] if count(exact_rows) == 1

row := any_rows[0] if {
	count(exact_rows) == 0
	count(any_rows) == 1
}

default risk := {"class": "unclassified", "basis": "", "note": ""}

risk := {"class": judged.class, "basis": basis, "note": note} if {
	basis := concat("", [judged.basis, " (", judged.source, ")"])
	note := concat(" ", [text | some duty in data.catalog.ai_act.duties[judged.class]; text := duty_text(duty)])
}

duty_text(duty) := duty.text if duty.applies_from <= input.date

duty_text(duty) := sprintf("Gilt ab %s: %s", [duty.day, duty.text]) if input.date < duty.applies_from

# What is judged: the purpose by itself, or the chain of steps it ends.
judged := object.union(row, data.catalog.chains.prohibited) if prohibited_step

else := object.union(row, data.catalog.chains.whole) if {
	whole_chain
	row.class != "prohibited"
}

else := row

default prohibited_step := false

prohibited_step if {
	input.chain_count > 0
	some purpose in input.chain
	some step in data.catalog.purposes.purposes[purpose].rows
	step.class == "prohibited"
}

# A chain in a field of Annex III is high-risk when one of its steps is, or when its
# steps together shape the decision and no person has made it between them.
default whole_chain := false

whole_chain if {
	in_field
	some purpose in input.chain
	some step in data.catalog.purposes.purposes[purpose].rows
	step.annex in {annex, "*"}
	in_force(step)
	step.class == "high_risk"
}

whole_chain if {
	in_field
	input.ruling.made == false
	count({kind | some kind in data.catalog.chains.shaping} - kinds) == 0
}

in_field if {
	input.chain_count > 0
	annex != "none"
}

kinds contains data.catalog.chains.steps[purpose] if some purpose in input.chain

kinds contains data.catalog.chains.steps[input.purpose]

# An act without a person: asked for, or what the purpose is.
default automatic := false

automatic if input.automation.requested == true

automatic if input.purpose == "automated_decision"

# The tenant has content of this purpose kept.
default keeps_content := false

keeps_content if input.known.tenant.keep_content[input.purpose] > 0

# A tenant's release of a high-risk purpose counts only with all its references. A chain
# that is high-risk as a whole is released as one.
released if {
	some release in input.known.tenant.releases
	release.service == input.service
	to_release in release.purposes
	every field, from in data.catalog.ai_act.references { referenced(release, field, from) }
	release.valid_from != ""
	release.valid_from <= input.date
	not_over(release)
}

referenced(release, field, _) if release[field] != ""

referenced(_, _, from) if {
	input.known.tenant.early_high_risk == true
	input.date < from
}

to_release := "agent_chain" if whole_chain

else := input.purpose

not_over(release) if release.valid_to == ""

not_over(release) if input.date <= release.valid_to

# Data classes: declared, of the service, of the passages, raised by what was found.
raised := {class |
	some list in [input.declared, service_classes, input.passages.classes, found]
	some class in list
}

default service_classes := []

service_classes := input.known.service.data_classes

found contains "personal" if input.passages.unclassified > 0

found contains "personal" if input.screened.total > 0

found contains "personal" if input.has_case == true

found contains "personal" if input.entities > 0

# Who speaks can be recognised by the voice (Art. 4 Nr. 1 DSGVO).
found contains "personal" if input.known.operation.recording == true

found contains "art9" if input.screened.categories_count > 0

implied := {class | some one in raised; some class in data.catalog.classes.classes[one].implies}

default classes := {"internal"}

# "public" says nothing beside a higher class.
classes := {"public"} if raised == {"public"}

classes := (raised | implied) - {"public"} if count(raised - {"public"}) > 0

default personal := false

personal if "personal" in classes

# Models. On the answer the model has been used, there is nothing left to choose.
default before_answer := false

before_answer if input.stage in {"request", "context"}

default needs_model := true

needs_model := false if input.known.operation.model == false

needs_model := false if input.stage == "response"

# What is written to citizens is reviewed before they read it.
default reviewed := false

reviewed if {
	input.caller.channel == "citizen"
	input.known.operation.generates == true
}

# Shape: shape.go has looked at every field (input.well_formed). What the words mean is
# known here: an operation or a data class that is not in the catalogue is none.
default well_formed := false

well_formed if {
	input.well_formed == true
	is_object(input.candidates)
	is_object(input.known.operation)
	every class in raised { data.catalog.classes.classes[class] }
}
