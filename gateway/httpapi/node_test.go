// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/httpapi/nodetest"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// TestNodeClients lets the official clients speak to the gateway, one script for
// each door. They are skipped only where node, npm or the packages cannot be had.
func TestNodeClients(t *testing.T) {
	t.Parallel()
	folder := nodetest.Folder(t)
	for script, cases := range map[string]int{"client": 17, "responses": 8, "anthropic": 10, "langchain": 10} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			runNode(t, folder, script, cases)
		})
	}
}

func runNode(t *testing.T, folder, script string, cases int) {
	t.Helper()
	b := setup(t)
	control := httptest.NewServer(b.control())
	defer control.Close()
	nodetest.Run(t, folder, script, cases, "SCHLEUSE_URL="+b.url, "SCHLEUSE_CONTROL="+control.URL, "ANTHROPIC_AUTH_TOKEN=", "LANGSMITH_TRACING=false")
}

// control lets the client steer the mock model server.
func (b *bench) control() http.Handler {
	behaviours := map[string]upstreamtest.Behaviour{
		"rejected": {Status: 400, Body: `{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`},
		"limited":  {Status: 429, Header: map[string]string{"Retry-After": "1"}},
		"cut":      {Defect: upstreamtest.Drop},
		"slow":     {Gap: 50 * time.Millisecond, Text: strings.Repeat("Wort ", 400)},

		"completion":       {Status: 200, Body: completionAnswer},
		"completionStream": {Status: 200, Header: map[string]string{"Content-Type": "text/event-stream"}, Body: completionStream},
		"transcript":       {Status: 200, Body: transcript},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/last", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b.mock.Last().Body) })
	mux.HandleFunc("/next", func(_ http.ResponseWriter, r *http.Request) { b.mock.Next(behaviours[r.FormValue("case")]) })
	mux.HandleFunc("/abandoned", func(w http.ResponseWriter, _ *http.Request) {
		answer := "no"
		if b.mock.WaitAbandoned(time.Second) {
			answer = "yes"
		}
		_, _ = io.WriteString(w, answer)
	})
	return mux
}
