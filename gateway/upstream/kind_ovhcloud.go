// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

// ovhcloud is AI Endpoints of OVHcloud.
//
// Its interface is that of OpenAI for chat, vectors and transcription
// (docs.ovhcloud.com, AI Endpoints). A body may have 2 MB, except for recordings;
// 400 requests a minute for a project and a model with a key, two for an address
// without one, then 429 (docs.ovhcloud.com, features, capabilities and limitations).
func ovhcloud() kind { return kind{name: "ovhcloud", models: "/models"} }
