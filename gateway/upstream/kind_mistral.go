// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import "github.com/ki-schleuse/schleuse/gateway"

// mistral is the interface of Mistral AI (api.mistral.ai).
//
// It refuses every field it does not know with 422 "extra_forbidden", seen for
// max_completion_tokens and for include_usage in stream_options; a stream reports
// usage unasked, in its last event (docs.mistral.ai; editor-code-assistant/eca
// issue 315, avante-corp/avante.nvim issue 2347, TabbyML/tabby pull request 4082).
// Its names are max_tokens and random_seed, and output_dimension for vectors
// (docs.mistral.ai, chat and embeddings endpoints). Fields that change an answer
// and that it does not know stay in the body: a refusal is better than an answer
// to another question. It has no completions of plain text and no rerank; the
// message of an error may be an object. Thoughts come as parts of the content.
func mistral() kind {
	chat := []gateway.Operation{gateway.OperationChat}
	return kind{
		name: "mistral", models: "/models",
		lacks: []gateway.Operation{gateway.OperationCompletion, gateway.OperationRerank},
		edits: []edit{
			newLimit(),
			{field: "seed", to: "random_seed", in: chat},
			{field: "stream_options", in: chat},
			{field: "user"},
			{field: "dimensions", to: "output_dimension", in: []gateway.Operation{gateway.OperationEmbeddings}},
		},
	}
}
