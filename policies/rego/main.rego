# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Entscheidung
# description: >-
#   Rules collect (rules/<area>/<name>: deny, reject, oblige, note), only this file decides.
#   Default deny. A rule is known by its folder; Go adds id, legal basis and text from its METADATA.
#   data.collected is generated when a bundle is read: a line for each consequence of each rule folder.
package main

import rego.v2

import data.collected
import data.facts

result := {
	"effect": effect,
	"risk": facts.risk,
	"data_classes": facts.classes,
	"denied": denied,
	"noted": collected.noted,
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

denied := collected.denied | unrouted

# Speaks in the name of a rule that cannot speak itself: it would have to see the
# rejections of all rules, its own among them.
unrouted contains "routing/model_left" if {
	facts.well_formed
	not models_suffice
}

# What an answer obliges to was said before it was asked for.
default obliged := {}

obliged := collected.obliged if facts.before_answer

default rejections := {}

rejections := collected.rejections if facts.before_answer

models := input.candidates.ids - union({ids | some ids in rejections})

models_suffice if facts.needs_model == false

models_suffice if count(models) > 0
