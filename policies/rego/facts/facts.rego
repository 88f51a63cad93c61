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
	object.get(entry, "valid_from", "0000-00-00") <= day
	day <= object.get(entry, "valid_to", "9999-99-99")
}

tenant := data.catalog.tenants[input.caller.tenant]

service := data.catalog.services[input.service] if input.has_service == true

canonical(purpose) := object.get(data.catalog.purposes.aliases, purpose, purpose)

purpose := canonical(input.purpose)

purpose_entry := data.catalog.purposes.purposes[purpose]

default annex := "none"

annex := service.annex_iii if service.annex_iii != ""

rows := [row | some row in purpose_entry.rows; in_force(row)]

exact_rows := [row | some row in rows; row.annex == annex]

any_rows := [row | some row in rows; row.annex == "*"; annex != "none"]

# Two rows that both fit are a mistake in the table and classify nothing.
row := exact_rows[0] if count(exact_rows) == 1

row := any_rows[0] if {
	count(exact_rows) == 0
	count(any_rows) == 1
}

default risk := {"class": "unclassified", "basis": "", "note": ""}

risk := {"class": row.class, "basis": basis, "note": note} if {
	basis := sprintf("%s (%s)", [row.basis, row.source])
	note := concat(" ", [text | some duty in data.catalog.ai_act.duties[row.class]; text := duty_text(duty)])
}

duty_text(duty) := duty.text if duty.applies_from <= input.date

duty_text(duty) := sprintf("Noch nicht anwendbar bis zum %s: %s", [duty.day, duty.text]) if input.date < duty.applies_from

# A tenant's release of a high-risk purpose counts only with all its references.
released if {
	some release in tenant.releases
	release.service == input.service
	some p in release.purposes
	canonical(p) == purpose
	every field in ["registration", "fria", "dpia", "oversight"] { release[field] != "" }
	release.valid_from != ""
	release.valid_from <= input.date
	not_over(release)
}

not_over(release) if release.valid_to == ""

not_over(release) if input.date <= release.valid_to

# Data classes: declared, of the service, of the passages, raised by what was found.
raised contains class if some class in input.declared

raised contains class if some class in service.data_classes

raised contains class if some class in input.passages.classes

raised contains "personal" if input.passages.unclassified > 0

raised contains "personal" if input.screened.total > 0

raised contains "personal" if input.has_case == true

raised contains "personal" if input.entities > 0

raised contains "art9" if input.screened.categories_count > 0

implied contains class if {
	some raised_class in raised
	some class in data.catalog.classes.classes[raised_class].implies
}

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

needs_model := false if input.operation in data.catalog.operations.without_model

needs_model := false if input.stage == "response"

model_ids := {id | some id, _ in input.models}

own := {id | some id, model in input.models; model.residency == "own_datacentre"}

external := model_ids - own

# Countries the GDPR treats as safe: EU, EEA and adequacy decisions (Art. 45 DSGVO).
safe_country := {id | some id, model in input.models; model.country in data.catalog.countries.safe}

# Shape: every fact is there, has its type, and lists are as long as they say. Counting
# what is right, instead of looking for what is wrong, leaves nothing out.
default well_formed := false

well_formed if {
	input.stage in {"request", "context", "response"}
	input.operation in data.catalog.operations.known
	count({day | some day in days; is_string(day); count(day) == 10; "1900-01-01" <= day; day <= "2999-12-31"}) == count(days)
	count({word | some word in words; is_string(word)}) == count(words)
	count({input.has_case, input.caller.has_system, input.caller.has_user} - {true, false}) == 0
	service_consistent
	count({n | some n in numbers; is_number(n); n >= 0; n == floor(n)}) == count(numbers)
	count([list | some list in lists; is_array(list[0]); count(list[0]) == list[1]]) == count(lists)
	count([word | some list in lists; some word in list[0]; is_string(word); word != ""]) == sum([list[1] | some list in lists])
	is_object(input.screened.counts)
	kinds := [n | some kind, n in input.screened.counts; kind != ""; is_number(n); n >= 0; n == floor(n)]
	count(kinds) == count(input.screened.counts)
	sum(kinds) == input.screened.total
	count([id | some id, model in input.models; is_object(model)]) == input.models_count
	count(input.models) == input.models_count
	count([class | some class in input.declared; data.catalog.classes.classes[class]]) == input.declared_count
	count([class | some class in input.passages.classes; data.catalog.classes.classes[class]]) == input.passages.classes_count
}

service_consistent if {
	input.has_service == false
	input.service == ""
}

service_consistent if {
	input.has_service == true
	input.service != ""
}

# A set with one undefined member is undefined as a whole.
days := {input.date, input.case_date}

words := {input.purpose, input.service, input.caller.tenant, input.caller.system}

numbers := {
	input.entities, input.sources, input.declared_count, input.models_count, input.caller.purposes_count,
	input.screened.total, input.screened.unscreenable, input.screened.categories_count,
	input.passages.count, input.passages.classes_count, input.passages.unclassified,
}

lists := [
	[input.declared, input.declared_count],
	[input.caller.purposes, input.caller.purposes_count],
	[input.screened.categories, input.screened.categories_count],
	[input.passages.classes, input.passages.classes_count],
]
