// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

// llamaCPP is llama-server of the llama.cpp project.
//
// /health stands beside /v1, wants no key and answers 503 while the model is being
// loaded, as every other path does (tools/server/README.md of ggml-org/llama.cpp).
// Rerank is at /v1/rerank in the form of Jina and wants a server that was started
// for it. The limit of an answer is n_predict or max_tokens; builds before
// 2026-02 ignore max_completion_tokens (pull request 19831), newer ones take both.
// Answers carry timings beside usage; thoughts come as reasoning_content.
func llamaCPP() kind {
	return kind{name: "llamacpp", models: "/models", health: "/health", edits: []edit{newLimit()}}
}
