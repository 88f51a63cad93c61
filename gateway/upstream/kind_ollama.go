// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import "github.com/ki-schleuse/schleuse/gateway"

// ollama is a server of the Ollama project.
//
// Its OpenAI interface knows max_tokens and ignores what it does not know
// (docs.ollama.com, OpenAI compatibility), so a limit under the new name would
// be no limit. It has no rerank. /api/version answers without a key. Thoughts
// come as reasoning. The length of the context and keep_alive cannot be said in
// this interface: a prompt that is longer than the server's setting
// (OLLAMA_CONTEXT_LENGTH, or num_ctx in a Modelfile) is cut without a word, so the
// catalogue must state that setting as the model's context.
func ollama() kind {
	return kind{
		name: "ollama", models: "/models", health: "/api/version",
		lacks: []gateway.Operation{gateway.OperationRerank},
		edits: []edit{newLimit()},
	}
}
