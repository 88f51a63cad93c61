// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// events1000 is a model server that writes 1,000 events, each at once.
func events1000() http.Handler {
	const event = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1767225600,"model":"mock","choices":[{"index":0,"delta":{"content":"Wort "},"finish_reason":null}]}` + "\n\n"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		control := http.NewResponseController(w)
		for range 1000 {
			_, _ = io.WriteString(w, event)
			_ = control.Flush()
		}
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
}

// BenchmarkStream1000 is one streamed answer of 1,000 events: directly, through
// the reverse proxy of the standard library, and through our transport and wire
// client with a pipeline that does nothing else.
func BenchmarkStream1000(b *testing.B) {
	server := httptest.NewServer(events1000())
	defer server.Close()
	target, err := url.Parse(server.URL)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("direct", func(b *testing.B) { streams(b, server.URL+"/v1") })
	b.Run("reverse_proxy", func(b *testing.B) {
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.FlushInterval = -1
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex() // without it the proxy loses streams
			proxy.ServeHTTP(w, r)
		}))
		defer front.Close()
		streams(b, front.URL+"/v1")
	})
	b.Run("httpapi_and_upstream", func(b *testing.B) {
		client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL + "/v1"}}})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		streams(b, setupBench(b, wire{client})+"/v1")
	})
	b.Run("httpapi_gateway_and_upstream", func(b *testing.B) {
		client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL + "/v1"}}})
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		g, err := gateway.New(gateway.Config{
			Screener: screener{}, Decider: decider{}, Router: router{}, Model: client, Recorder: noRecord{},
			Pseudonymise: func(gateway.TenantID, string, string) gateway.Pseudonym { return "p" },
		})
		if err != nil {
			b.Fatal(err)
		}
		streams(b, setupBench(b, httpapi.Through(g))+"/v1")
	})
}

// noRecord is a recorder that keeps nothing.
type noRecord struct{ gatewaytest.Patient }

func (noRecord) Open(context.Context, gateway.Record) error   { return nil }
func (noRecord) Close(context.Context, gateway.Closing) error { return nil }

func streams(b *testing.B, base string) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequest(http.MethodPost, base+"/chat/completions", strings.NewReader(streaming))
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
		if err != nil || !strings.HasSuffix(string(raw), "[DONE]\n\n") {
			b.Fatalf("%v: %.100s", err, raw)
		}
	}
}
