# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# A question that is allowed, for rule tests: with input as fixtures.asked({…}).
package fixtures

import rego.v2

import data.candidates

question := {
	"stage": "request",
	"automation": {"requested": false, "complete": false, "free_text": true},
	"chain": [],
	"chain_count": 0,
	"fields": [],
	"fields_count": 0,
	"named_sources": [],
	"named_sources_count": 0,
	"ruling": {"made": false, "burdening": true, "hearing": ""},
	"date": "2026-11-21",
	"case_date": "2026-11-21",
	"caller": {
		"tenant": "musterstadt",
		"system": "wohngeld-fachverfahren",
		"has_system": true,
		"has_user": true,
		"channel": "caseworker",
		"roles": [],
		"purposes": ["factual_qa"],
		"purposes_count": 1,
	},
	"operation": "chat",
	"purpose": "factual_qa",
	"service": "",
	"has_service": false,
	"has_case": false,
	"entities": 0,
	"sources": 0,
	"declared": [],
	"declared_count": 0,
	"screened": {"counts": {}, "total": 0, "categories": [], "categories_count": 0, "unscreenable": 0},
	"models": {"own": own},
	"models_count": 1,
	"passages": {"count": 0, "classes": [], "classes_count": 0, "unclassified": 0},
}

own := {
	"residency": "own_datacentre",
	"country": "DE",
	"processor_kind": "own",
	"has_contract": false,
	"has_para80_notice": false,
	"para30_ao": true,
	"para80_ground": "",
	"art9": true,
	"trains_on_input": false,
	"data_classes": ["personal", "art9", "sozialdaten", "steuer", "trade", "confidential"],
	"operations": ["chat", "completion", "embeddings", "rerank", "transcription", "tool"],
}

# A processor outside the house that may receive everything but classified material.
outside := object.union(own, {
	"residency": "public_sector_eu",
	"processor_kind": "public",
	"has_contract": true,
	"has_para80_notice": true,
})

base := seen(question)

asked(change) := seen(object.union(question, change))

# The question with a second model, changed as given.
to(model, change) := asked(object.union({"models": {"m": object.union(outside, model)}, "models_count": 2}, change))

# What the engine adds to a question. A change may say that it is not well-formed.
seen(asked_for) := object.union({"well_formed": true, "known": known(asked_for), "candidates": about(asked_for.models)}, asked_for)

known(asked_for) := {name: entry |
	some name, path in {
		"tenant": ["tenants", asked_for.caller.tenant],
		"service": ["services", asked_for.service],
		"purpose": ["purposes", "purposes", asked_for.purpose],
		"operation": ["operations", "operations", asked_for.operation],
	}
	entry := object.get(data.catalog, path, "unknown")
	entry != "unknown"
}

about(models) := about_them if {
	about_them := candidates.result with input as {"models": models}
}

wohngeld := {"service": "wohngeld-mietzuschuss", "has_service": true}

declared(class) := {"declared": [class], "declared_count": 1}

granted(purpose) := {"purpose": purpose, "caller": {"purposes": [purpose]}}

trained_social := {
	"declared": ["sozialdaten"],
	"declared_count": 1,
	"models": {"own": {"trains_on_input": true}},
}

letter := object.union(wohngeld, {
	"purpose": "letter_from_human_decision",
	"ruling": {"made": true, "burdening": true, "hearing": "held"},
})

chain := object.union(letter, {
	"chain": ["extraction", "legal_references"],
	"chain_count": 2,
	"ruling": {"made": false},
})

automatic := {
	"purpose": "automated_decision",
	"automation": {"requested": true, "complete": true, "free_text": false},
}

high_risk := object.union(wohngeld, {"purpose": "recommendation"})
