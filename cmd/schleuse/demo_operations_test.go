// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// Every protocol can be tried against the demonstration, without a model.
func TestDemoAnswersEveryProtocol(t *testing.T) {
	t.Parallel()
	_, links := startDemo(t, t.TempDir())
	const tools = `"tools":[{"type":"function","function":{"name":"wetter","parameters":{"type":"object"}}}],"tool_choice":"required"`
	const hello = `"messages":[{"role":"user","content":"Guten Morgen."}]`
	for name, c := range map[string]struct{ path, body, want string }{
		"chat":              {"/v1/chat/completions", `{` + hello + `}`, `Guten Morgen\.`},
		"two answers":       {"/v1/chat/completions", `{"n":2,` + hello + `}`, `"index":1`},
		"tools":             {"/v1/chat/completions", `{` + tools + `,` + hello + `}`, `"name":"wetter"`},
		"tools, stream":     {"/v1/chat/completions", `{"stream":true,` + tools + `,` + hello + `}`, `"finish_reason":"tool_calls"`},
		"completion":        {"/v1/completions", `{"prompt":"Guten Morgen."}`, `Guten Morgen\.`},
		"completion stream": {"/v1/completions", `{"stream":true,"prompt":"Guten Morgen."}`, `\[DONE\]`},
		"embeddings":        {"/v1/embeddings", `{"input":["Guten Morgen.","Miete"]}`, `"index":1`},
		"rerank":            {"/v1/rerank", `{"query":"Miete","documents":["Guten Morgen allerseits","Die Miete steigt"]}`, `"results":\[\{"index":1`},
		"responses":         {"/v1/responses", `{"input":"Guten Morgen."}`, `Guten Morgen\.`},
		"messages":          {"/v1/messages", `{"model":"schleuse/klein","max_tokens":50,` + hello + `}`, `Guten Morgen\.`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, links.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+links.Key)
		r.Header.Set("Schleuse-Purpose", "chat")
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !regexp.MustCompile(c.want).Match(raw) {
			t.Errorf("%s: %d, %v, %s", name, answer.StatusCode, err, raw)
		}
	}
}

func TestDummyVectorsOfTheSameWordsAreNear(t *testing.T) {
	t.Parallel()
	rent := dummyVector("Die Miete steigt.")
	if near, far := nearness(rent, dummyVector("steigt die Miete")), nearness(rent, dummyVector("Guten Morgen")); near < 0.99 || far > 0.5 {
		t.Errorf("near %f, far %f", near, far)
	}
	if v := dummyVector(""); nearness(v, v) != 0 {
		t.Error("no words have a direction")
	}
}
