// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"context"
	"strings"
)

// A decision names one model, and the record says where the text went. Some
// servers and proxies let the body send it elsewhere as well: to a second model
// when the first fails, to a search engine, to a tool they run themselves, to an
// address they fetch a picture from. Such a request is refused, for models of
// the house too.

// detours are top-level fields that name another way, by who understands them.
var detours = [...]string{
	"web_search_options", "background", "conversation", "previous_response_id", // OpenAI
	"models", "provider", "providers", "route", "plugins", "transforms", "preset", // OpenRouter
	"fallbacks", "context_window_fallbacks", "api_base", "base_url", "api_key", "api_version",
	"custom_llm_provider", "extra_headers", "extra_body", "mock_response", "guardrails", // LiteLLM
	"kv_transfer_params", "chat_template", // vLLM: fetches from a host named here; runs a template of the caller
	"data_sources", "enhancements", // Azure
	"search_parameters", "web_search", // xAI, Mistral, Perplexity and others
}

// confine refuses a body that would leave the one way that is decided about.
func (p *passage) confine(ctx context.Context) error {
	if p.need == noModel {
		return nil
	}
	if path := detour(p.request.Body); path != "" {
		return p.refuse(ctx, &Error{
			Op: "confine request", Code: CodeInvalid, Path: path,
			Message: "Diese Angabe ließe den Server des Modells Inhalte an andere Stellen senden oder von dort holen. Das ist nicht erlaubt; bitte lassen Sie sie weg.",
		})
	}
	return nil
}

// detour is the path of the first field that names another way, or "".
func detour(b Body) string {
	for _, f := range b.fields {
		if containsFold(detours[:], f.key) && string(b.raw[f.valueAt:f.end]) != "null" {
			return strings.ToLower(f.key)
		}
	}
	if path := serverTool(b); path != "" {
		return path
	}
	if b.remote {
		return "messages"
	}
	return ""
}

// serverTool finds a tool that the model's server would run by itself. Functions
// and custom tools are run by the caller. A type that stands twice, or once in
// another case, is judged each time: servers differ in which of them they heed.
func serverTool(b Body) string {
	for _, f := range b.fields {
		if !strings.EqualFold(f.key, "tools") {
			continue
		}
		if c := (cursor{raw: b.raw[:f.end], at: f.valueAt}); !ownTools(&c) {
			return "tools"
		}
	}
	return ""
}

// ownTools walks a list of tools.
func ownTools(c *cursor) bool {
	if c.peek() != '[' {
		return c.peek() == 'n'
	}
	for ok := c.open(']'); ok; ok = c.more(']') {
		if c.peek() != '{' {
			return false
		}
		for ok := c.open('}'); ok; ok = c.more('}') {
			start, end := c.member()
			if c.mistake != 0 {
				return false
			}
			at := c.at
			c.skip()
			if strings.EqualFold(unquote(c.raw[start:end]), "type") && !ownTool(c.raw[at:c.at]) {
				return false
			}
		}
	}
	return c.mistake == 0
}

func ownTool(kind []byte) bool {
	if string(kind) == "null" {
		return true
	}
	if len(kind) < 2 || kind[0] != '"' {
		return false
	}
	switch unquote(kind[1 : len(kind)-1]) {
	case "", "function", "custom":
		return true
	}
	return false
}

// remoteURL: a picture or recording that the model's server would have to fetch.
func remoteURL(raw []byte) bool {
	s := strings.ToLower(strings.TrimSpace(readable(raw)))
	return !strings.HasPrefix(s, "data:") && (strings.Contains(s, "://") || strings.HasPrefix(s, "//") || strings.HasPrefix(s, "file:"))
}

// onlyNumbers checks that an answer to embeddings holds no text: besides vectors,
// also such in base64, only names of models and the like.
func (p *passage) onlyNumbers(raw []byte) error {
	unreadable := &Error{Op: "read answer", Code: CodeUnavailable, Message: "Die Antwort des Modells ist unlesbar."}
	answer, err := scanBody(raw, 0, nil)
	if err != nil {
		return unreadable
	}
	for _, t := range answer.texts {
		value := raw[t.start:t.end]
		if !base64Only(value) && (len(value) > 128 || bytes.IndexByte(value, ' ') >= 0) {
			return &Error{Op: "read answer", Code: CodeUnavailable, Message: "Das Modell hat statt Zahlen Text geliefert. Die Antwort wurde verworfen."}
		}
	}
	return nil
}
