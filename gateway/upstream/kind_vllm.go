// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import "time"

// vllm is a server of the vLLM project.
//
// /health stands beside /v1, wants no key and answers 200 while the engine works
// (docs.vllm.ai, security guide: which paths --api-key protects). Rerank is at
// /v1/rerank in the forms of Jina and Cohere, transcription for speech models
// (docs.vllm.ai, online serving, v0.32). Unknown fields are taken or ignored, so
// guided_json, chat_template_kwargs and the like pass. Thoughts came as
// reasoning_content until v0.15 and come as reasoning since (vllm-project/vllm
// pull requests 33402 and 50624). Errors were flat until 2025 and stand below
// "error" since; one in a stream is an event of that shape. Its web server closes
// a connection that was unused for five seconds (VLLM_HTTP_TIMEOUT_KEEP_ALIVE;
// llm-d/llm-d pull request 1564 saw requests end with RST for it).
func vllm() kind {
	return kind{name: "vllm", models: "/models", health: "/health", idle: 4 * time.Second}
}
