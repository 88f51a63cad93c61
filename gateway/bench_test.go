// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// letter is a chat request of about 30 KB with umlauts, a tool call and a tool result.
func letter(tb testing.TB) []byte {
	tb.Helper()
	text := strings.Repeat("Sehr geehrte Frau Müller, zu Ihrem Antrag auf Wohngeld fehlen noch Unterlagen über die Höhe der Miete.\n", 130)
	raw, err := json.Marshal(map[string]any{
		"model": "m", "temperature": 0.2,
		"messages": []any{
			map[string]any{"role": "system", "content": text},
			map[string]any{"role": "user", "content": text[:len(text)/2]},
			map[string]any{"role": "assistant", "tool_calls": []any{map[string]any{"id": "c1", "type": "function", "function": map[string]any{"name": "f", "arguments": `{"antrag":"4711","ort":"Tannberg"}`}}}},
			map[string]any{"role": "tool", "content": `{"miete":720,"steuer_id":86095742719,"notiz":"` + strings.Repeat("Seite ", 1200) + `"}`},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// BenchmarkBody: reading, all texts, one changed, written again, beside the
// decoding and encoding of the same bytes by encoding/json.
func BenchmarkBody(b *testing.B) {
	raw := letter(b)
	b.Run("splice", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			body, err := gateway.ParseBody(raw)
			if err != nil {
				b.Fatal(err)
			}
			texts := body.Texts()
			texts[1] = "[PERSON_1]"
			_ = body.WithTexts(texts)
		}
	})
	b.Run("baseline_encoding_json", func(b *testing.B) {
		b.SetBytes(int64(len(raw)))
		b.ReportAllocs()
		for b.Loop() {
			var v map[string]any
			if err := json.Unmarshal(raw, &v); err != nil {
				b.Fatal(err)
			}
			v["model"] = "[PERSON_1]"
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkStreamEvent: one event of a stream through the whole of Stream.Next,
// without and with something to restore and with held windows, beside a
// baseline that only copies the bytes.
func BenchmarkStreamEvent(b *testing.B) {
	var events []string
	for i := range 1000 {
		events = append(events, fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":" Wort%d"},"logprobs":null,"finish_reason":null}]}`, i))
	}
	events = append(events, event("", "stop"))
	for name, c := range map[string]struct {
		text string
		hold bool
	}{"pass": {"Hallo", false}, "restore": {"Erika", false}, "restore_held": {"Erika", true}} {
		b.Run(name, func(b *testing.B) {
			p, g := setup(b)
			if c.hold {
				p.denyFindings()
			}
			p.events = events
			r := chat(b, c.text)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if n%len(events) != 1 {
					continue
				}
				drain(b, g, r) // all events at once; a loop counts as one event
				p.calls, p.records, p.closings = nil, nil, nil
			}
		})
	}
	b.Run("baseline_copy", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			_ = bytes.Clone([]byte(events[i%len(events)]))
			i++
		}
	})
}

func drain(b *testing.B, g *gateway.Gateway, r gateway.Request) {
	b.Helper()
	s, err := g.Stream(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for {
		if _, err := s.Next(); err != nil {
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
			return
		}
	}
}
