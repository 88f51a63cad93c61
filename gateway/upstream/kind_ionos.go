// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

// ionos is the AI Model Hub of IONOS Cloud.
//
// Its interface is that of OpenAI, with both names for the limit of an answer
// (api.ionos.com/docs/inference-openai/v1). The limit is stated to be 16 tokens
// when a request names none, so callers should name one. Five requests in a
// second for a contract, ten for a moment; above that 429 with Retry-After
// (docs.ionos.com, rate limits). Its own errors are a list of messages, seen for 401
// (docs.ionos.com, troubleshooting).
func ionos() kind { return kind{name: "ionos", models: "/models"} }
