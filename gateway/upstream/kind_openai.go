// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

// openAI is any server with the OpenAI interface, and every server of which no
// more is known. Nothing is changed and everything is tried.
func openAI() kind { return kind{name: "openai", models: "/models"} }
