// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// BenchmarkDoors is one streamed answer of 1,000 events through each door, with
// a pipeline that does nothing else.
func BenchmarkDoors(b *testing.B) {
	server := httptest.NewServer(events1000())
	defer server.Close()
	client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL + "/v1"}}})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	base := setupBench(b, wire{client})
	for _, c := range []struct{ name, path, body, end string }{
		{"chat", chatPath, doors["chat"].with(`"stream":true`), "[DONE]\n\n"},
		{"messages", "/v1/messages", doors["messages"].with(`"stream":true`), "message_stop\"}\n\n"},
		{"responses", "/v1/responses", doors["responses"].with(`"stream":true`), "}\n\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequest(http.MethodPost, base+c.path, strings.NewReader(c.body))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer gut")
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				raw, err := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if err != nil || !strings.HasSuffix(string(raw), c.end) || strings.Contains(string(raw), `"error":{`) {
					b.Fatalf("%v: %.100s", err, raw)
				}
			}
		})
	}
}
