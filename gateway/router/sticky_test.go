// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

func TestFirstUserMessage(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`[{"role":"system","content":"a } ] \" b"},{"role":"user","content":"x"},{"role":"user","content":"y"}]`: `{"role":"user","content":"x"}`,
		` [ {"content":[{"text":"user"}],"role" : "user"} ]`:                                                     `{"content":[{"text":"user"}],"role" : "user"}`,
		`[{"role":"system","content":"user"}]`:                                                                   `{"role":"system","content":"user"}`, // harmless
		`[{"role":"assistant"}]`:                                                                                 ``,
		`[]`:                                                                                                     ``,
		``:                                                                                                       ``,
		`"user"`:                                                                                                 ``,
	} {
		if got := string(firstUserMessage([]byte(raw))); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

// Whatever stands in a body: reading it ends, and what is found is one JSON value.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"system","content":"\\\" } é"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:;base64,AA"}}]}],"tools":[{}],"logprobs":1}`))
	f.Add([]byte(`{"messages":"user","prompt":["a"],"input":"b","response_format":{"type":"json_schema"},"max_tokens":1e9}`))
	f.Add([]byte(`{"messages":[[{"role":"user"}],{"x":"\\\\"}]}`))
	r, err := New([]Entry{{
		Endpoint: "e", Card: gateway.ModelCard{ID: "m", Residency: gateway.ResidencyOwn, Operations: operations, Context: 1, Capabilities: []gateway.Capability{}},
	}, {
		Endpoint: "f", Card: gateway.ModelCard{ID: "n", Residency: gateway.ResidencyOwn, Operations: operations},
	}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		endOfObject(raw, 0) // must end on any bytes, also such that are no JSON
		body, err := gateway.ParseBody(raw)
		if err != nil {
			return
		}
		for _, o := range operations {
			q := gateway.Request{Operation: o, Body: body}
			if n, long := tooLong(q, 1); long && n*bytesPerToken > len(raw) {
				t.Errorf("%d tokens at least in %d bytes", n, len(raw))
			}
			cards, err := r.Candidates(t.Context(), q)
			if err != nil || len(cards) == 0 || cards[len(cards)-1].ID != "n" {
				t.Fatalf("the model of which nothing is said cannot do it: %v, %v", cards, err)
			}
			if routes, err := r.Plan(t.Context(), q, []gateway.ModelID{"m", "n"}); err != nil || len(routes) != len(cards) {
				t.Errorf("%d routes for %d candidates: %v", len(routes), len(cards), err)
			}
		}
		messages, _ := body.Get("messages")
		if found := firstUserMessage(messages); len(found) > 0 && !(json.Valid(found) && bytes.Contains(messages, found)) {
			t.Errorf("%q is no message of %q", found, messages)
		}
	})
}

func TestWindow(t *testing.T) {
	t.Parallel()
	var w window
	now := time.Unix(1_000_000, 0)
	const span = 10 * time.Second
	for i := range 100 {
		w.add(now.Add(time.Duration(i)*time.Second), span, i%2 == 0)
		if all, failed := w.sums(); all > 10 || failed > 5 {
			t.Fatalf("second %d: %d of %d in a window of ten seconds", i, failed, all)
		}
	}
	if all, failed := w.sums(); all != 10 || failed != 5 {
		t.Errorf("%d of %d, want 5 of 10", failed, all)
	}
	w.add(now, span, true) // a clock that goes back breaks nothing
	w.move(now.Add(time.Hour), span)
	if all, failed := w.sums(); all != 0 || failed != 0 {
		t.Errorf("%d of %d after an hour", failed, all)
	}
}
