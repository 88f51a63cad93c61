// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
	"github.com/ki-schleuse/schleuse/gateway/dialect/anthropic"
	"github.com/ki-schleuse/schleuse/gateway/dialect/responses"
)

// BenchmarkRequest is the translation of a prompt of 30 KB beside reading the
// same bytes with encoding/json.
func BenchmarkRequest(b *testing.B) {
	text := strings.Repeat("Sehr geehrte Damen und Herren, anbei der Bescheid. ", 600)
	messages := []byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"` + text + `"}]}`)
	items := []byte(`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"` + text + `"}]}]}`)
	run := func(name string, body []byte, translate func([]byte) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := translate(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("encoding_json", messages, func(body []byte) error {
		var v map[string]any
		return json.Unmarshal(body, &v)
	})
	run("messages", messages, func(body []byte) error {
		_, err := anthropic.Parse(body)
		return err
	})
	run("responses", items, func(body []byte) error {
		_, err := responses.Parse(body)
		return err
	})
}

// BenchmarkStream is one answer of 1,000 chunks, beside decoding them.
func BenchmarkStream(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,"model":"mock","choices":[{"index":0,"delta":{"content":"Wort "},"finish_reason":null}]}`)
	end := []byte(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
	b.Run("encoding_json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for range 1000 {
				var v struct {
					Choices []struct {
						Delta struct {
							Content string `json:"content"`
						} `json:"delta"`
					} `json:"choices"`
				}
				if err := json.Unmarshal(chunk, &v); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	run := func(name string, r dialect.Request) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := r.Stream("e-1")
				var out []byte
				var err error
				for range 1000 {
					if out, err = s.Event(out[:0], chunk); err != nil {
						b.Fatal(err)
					}
				}
				if _, err = s.Event(out[:0], end); err != nil {
					b.Fatal(err)
				}
				if _, err = s.End(out[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	m, err := anthropic.Parse([]byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	r, err := responses.Parse([]byte(`{"model":"m","input":"x"}`))
	if err != nil {
		b.Fatal(err)
	}
	run("messages", m)
	run("responses", r)
}
