// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// Two servers, of which the first hangs: the second answers, the first is stopped,
// and the record tells of both.
func TestSlowServerIsHedged(t *testing.T) {
	t.Parallel()
	for name, stream := range map[string]bool{"whole": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := upstreamtest.Start(t)
			w := setupWith(t, func(c *Config) {
				c.Endpoints["zweiter"] = EndpointConfig{URL: second.URL}
				other := c.Models[0]
				other.ID, other.Endpoint = "zweites", "zweiter"
				c.Models = append(c.Models, other)
				c.Routing.Groups = []GroupConfig{{
					Name: "eilig", Models: []gateway.ModelID{"modell", "zweites"}, Strategy: router.StrategyOrder, HedgeAfter: 50 * time.Millisecond,
				}}
			})
			w.model.Always(upstreamtest.Behaviour{Latency: time.Minute})
			second.Always(upstreamtest.Behaviour{Text: "Guten Tag"})
			body := fmt.Sprintf(`{"model":"eilig","stream":%t,"messages":[{"role":"user","content":"Hallo"}]}`, stream)
			status, answer, header := w.post(t, "/v1/chat/completions", body, "Schleuse-Purpose", "chat")
			if status != http.StatusOK || !stream && !strings.Contains(answer, "Guten Tag") || stream && streamed(t, answer) != "Guten Tag" {
				t.Fatalf("status %d: %s", status, answer)
			}
			if !w.model.WaitAbandoned(10 * time.Second) {
				t.Error("the server that lost goes on")
			}
			e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, header.Get("Schleuse-Decision"))
			if err != nil || e.Closing == nil {
				t.Fatalf("record %+v, %v", e, err)
			}
			end := e.Closing
			if len(end.Attempts) != 2 || end.Attempts[0].Endpoint != "anbieter" || end.Attempts[0].Code != gateway.CodeSuperseded || end.Attempts[1].Code != "" {
				t.Errorf("attempts %+v", end.Attempts)
			}
			if end.Answered == nil || end.Answered.Endpoint != "zweiter" || e.Record.Route.Endpoint != "anbieter" || end.Outcome != gateway.OutcomeAnswered {
				t.Errorf("answered by %+v, planned %+v", end.Answered, e.Record.Route)
			}
		})
	}
}
