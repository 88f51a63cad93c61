// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"embed"
	"strings"
)

// Template is the beginning of a configuration for one provider: an endpoint and
// typical models. Everything that is to be agreed by contract is left at its
// strictest value, prices are left out: both are the operator's to fill in.
type Template struct {
	// Name is that of the kind.
	Name string
	// Title is German.
	Title string
	// YAML has the keys endpoints and models, and comments that name sources.
	YAML string
}

//go:embed catalog/*.yaml
var catalog embed.FS

// Templates are all there are, in the order of Kinds.
func Templates() []Template {
	titles := map[string]string{
		"openai":     "Server mit OpenAI-Schnittstelle im eigenen Haus",
		"vllm":       "vLLM im eigenen Rechenzentrum",
		"ollama":     "Ollama auf einem eigenen Rechner",
		"llamacpp":   "llama-server (llama.cpp) auf einem eigenen Rechner",
		"mistral":    "Mistral AI",
		"ionos":      "IONOS AI Model Hub",
		"stackit":    "STACKIT AI Model Serving",
		"ovhcloud":   "OVHcloud AI Endpoints",
		"scaleway":   "Scaleway Generative APIs",
		"alephalpha": "Aleph Alpha PhariaInference",
	}
	var all []Template
	for _, name := range Kinds() {
		raw, err := catalog.ReadFile("catalog/" + name + ".yaml")
		if err != nil {
			continue // a kind without a template; a test sees to it that there is none
		}
		all = append(all, Template{Name: name, Title: titles[name], YAML: withoutLicence(string(raw))})
	}
	return all
}

// withoutLicence drops the comment lines about our licence: the configuration is
// the operator's.
func withoutLicence(text string) string {
	for strings.HasPrefix(text, "# SPDX") || strings.HasPrefix(text, "\n") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}
