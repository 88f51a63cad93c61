// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// BenchmarkCall sends a body of 30 KB and reads the answer, beside a plain
// http.Client that does the same and understands nothing.
func BenchmarkCall(b *testing.B) {
	const answer = `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Guten Tag"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	body := []byte(`{"model":"m","max_completion_tokens":50,"messages":[{"role":"user","content":"` + strings.Repeat("Sehr geehrte Damen und Herren, ", 1000) + `"}]}`)
	b.Run("baseline_http_client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, server.URL+"/v1/chat/completions", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				b.Fatal(err)
			}
			_, err = io.ReadAll(response.Body)
			if err = errors.Join(err, response.Body.Close()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, kind := range []string{"openai", "mistral"} {
		c, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {Kind: kind, BaseURL: server.URL + "/v1"}}})
		if err != nil {
			b.Fatal(err)
		}
		call := gateway.Call{Operation: gateway.OperationChat, Route: gateway.Route{Endpoint: "haus"}, Body: body}
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Complete(context.Background(), call); err != nil {
					b.Fatal(err)
				}
			}
		})
		c.Close()
	}
}
