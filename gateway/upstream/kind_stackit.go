// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

// stackit is the AI Model Serving of STACKIT.
//
// Its interface is that of OpenAI for chat, completions, vectors and the list of
// models, with max_completion_tokens in its own examples (docs.stackit.cloud, use
// the models). Limits are requests and tokens per minute of a project, with
// written tokens counted five times (docs.stackit.cloud, rate limits on shared
// models). The list of models wants the key.
func stackit() kind { return kind{name: "stackit", models: "/models"} }
