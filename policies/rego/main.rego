# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Entscheidung
# description: >-
#   Rules collect (rules/<area>/<name>: deny, reject, oblige, note), only this file decides.
#   Default deny. A rule is known by its folder; Go adds id, legal basis and text from its METADATA.
package main

import rego.v2

import data.facts

result := {
	"effect": effect,
	"risk": facts.risk,
	"data_classes": facts.classes,
	"denied": denied,
	"noted": noted,
	"obliged": obliged,
	"rejections": rejections,
	"models": models,
	"needs_model": facts.needs_model,
}

default effect := "deny"

effect := "allow" if {
	facts.well_formed
	count(denied) == 0
	facts.risk.class in data.catalog.ai_act.permitted_classes
	models_suffice
}

denied contains path if {
	some area, name
	data.rules[area][name].deny
	path := concat("/", [area, name])
	not lapsed[path]
}

# Speaks in the name of a rule that cannot speak itself: it would have to see the
# rejections of all rules, its own among them.
denied contains "routing/model_left" if {
	facts.well_formed
	not models_suffice
}

noted contains path if {
	some area, name
	data.rules[area][name].note
	path := concat("/", [area, name])
	not lapsed[path]
}

# What an answer obliges to was said before it was asked for.
obliged contains object.union(obligation, {"rule": path}) if {
	facts.before_answer
	some area, name
	some obligation in data.rules[area][name].oblige
	path := concat("/", [area, name])
	not lapsed[path]
}

rejections contains [id, path] if {
	facts.before_answer
	some area, name
	some id in data.rules[area][name].reject
	path := concat("/", [area, name])
	not lapsed[path]
}

models := facts.model_ids - {id | some [id, _] in rejections}

models_suffice if facts.needs_model == false

models_suffice if count(models) > 0

# A rule lapses only when it is in force neither on the day of the request nor on
# the day of the case: the caller names the case date and must not switch rules off.
lapsed contains path if {
	some path, dates in data.catalog.dated_rules
	not facts.in_force(dates)
}
