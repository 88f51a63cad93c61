// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// bearer sends the key of a town.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	r.Header.Set("Schleuse-Case", "50.21/2026-004711")
	return http.DefaultTransport.RoundTrip(r)
}

func (w *town) mcp(t *testing.T) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	s, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: w.server.URL + "/mcp", MaxRetries: -1, DisableStandaloneSSE: true, HTTPClient: &http.Client{Transport: bearer(w.key)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func callTool(t *testing.T, s *sdk.ClientSession, name string, arguments any) (*sdk.CallToolResult, string) {
	t.Helper()
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var b strings.Builder
	for _, c := range r.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			b.WriteString(text.Text)
		}
	}
	return r, b.String()
}

// Every tool of ours works through the protocol with the rights of the key, and
// leaves its record.
func TestOurToolsOverMCP(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	s := w.mcp(t)
	raw, err := os.ReadFile(demoApplication)
	if err != nil {
		t.Fatal(err)
	}
	var application map[string]any
	if err := json.Unmarshal(raw, &application); err != nil {
		t.Fatal(err)
	}
	check := map[string]any{"service": application["service"], "application": application["application"]}
	if date, ok := application["date"]; ok {
		check["date"] = date
	}
	r, text := callTool(t, s, "vollstaendigkeit_pruefen", check)
	if r.IsError || !strings.Contains(text, `"status":"unvollstaendig"`) {
		t.Errorf("check: %.300s", text)
	}
	decision, _ := r.Meta["schleuse/decision"].(string)
	if e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, decision); err != nil || e.Record.Operation != gateway.OperationCheck || e.Record.Purpose != gateway.PurposeCompletenessCheck {
		t.Errorf("record %q: %+v, %v", decision, e, err)
	}
	r, text = callTool(t, s, "normen_suchen", map[string]any{"query": "Gilt § 60 Abs. 1 SGB I, und was sagt § 999 WoGG?"})
	if r.IsError || !strings.Contains(text, `"exists":true`) || !strings.Contains(text, `"exists":false`) {
		t.Errorf("norms: %.400s", text)
	}
	r, text = callTool(t, s, "einordnen", map[string]any{"purpose": "social_scoring"})
	if r.IsError || !strings.Contains(text, `"allowed":false`) || !strings.Contains(text, `"class":"prohibited"`) {
		t.Errorf("classification: %.400s", text)
	}
	if r, text = callTool(t, s, "akte_durchsuchen", map[string]any{"query": "Miete", "sources": []string{"akte"}}); r.IsError || !strings.Contains(text, `"passages":[]`) {
		t.Errorf("a source the key may not read: %.300s", text)
	}
	if r, text = callTool(t, s, "schreiben_entwerfen", map[string]any{"kind": "erfunden"}); !r.IsError || text == "" {
		t.Errorf("a letter of no kind: %.300s", text)
	}
}

// A tool outside the house gets placeholders and gives names back; a purpose the
// key does not have keeps it out.
func TestReleasedToolThroughTheRules(t *testing.T) {
	t.Parallel()
	var seen []string
	foreign := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server {
		s := sdk.NewServer(&sdk.Implementation{Name: "fach", Version: "1"}, nil)
		s.AddTool(&sdk.Tool{Name: "wiederholen", Description: "Wiederholt.", InputSchema: json.RawMessage(`{"type":"object"}`)},
			func(_ context.Context, q *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				seen = append(seen, string(q.Params.Arguments))
				return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(q.Params.Arguments)}}}, nil
			})
		return s
	}, &sdk.StreamableHTTPOptions{Stateless: true}))
	defer foreign.Close()
	w := setupWith(t, func(c *Config) {
		c.ToolServers = []ToolServerConfig{{
			Name: "fach", URL: foreign.URL, Tenants: []gateway.TenantID{demoTenant}, Tools: []ToolReleaseConfig{{Name: "wiederholen", Purpose: gateway.PurposeResearch}},
			Residency: gateway.ResidencyPrivateEU, Operator: "Anbieter GmbH", Country: "DE", ProcessorKind: "private", Contract: "AVV-2",
			DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal},
		}}
	})
	w.tools.Refresh(t.Context())
	s := w.mcp(t)
	arguments := map[string]any{"text": "Erika Mustermann, IBAN DE89 3704 0044 0532 0130 00"}
	if r, text := callTool(t, s, "fach__wiederholen", arguments); !r.IsError || len(seen) > 0 {
		t.Errorf("a file number without what is known of the case: %q, the tool saw %q", text, seen)
	}
	r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "fach__wiederholen", Arguments: arguments, Meta: sdk.Meta{"schleuse": map[string]any{
		"case_entities": []any{map[string]any{"type": "person", "value": map[string]any{"first": "Erika", "last": "Mustermann"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	text := r.Content[0].(*sdk.TextContent).Text
	if r.IsError || !strings.Contains(text, "Erika Mustermann, IBAN DE89 3704 0044 0532 0130 00") {
		t.Errorf("answer: %q", text)
	}
	if len(seen) != 1 || strings.Contains(seen[0], "DE89") || strings.Contains(seen[0], "Mustermann") || !strings.Contains(seen[0], "IBAN_1") {
		t.Errorf("the tool saw %q", seen)
	}
	decision, _ := r.Meta["schleuse/decision"].(string)
	e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, decision)
	if err != nil || e.Record.Operation != gateway.OperationTool || e.Record.Masked != 2 || e.Record.Route.Endpoint != "mcp:fach" || !slices.Contains(e.Record.Applied, gateway.ObligationPseudonymise) {
		t.Errorf("record: %+v, %v", e.Record, err)
	}
	status, body, _ := w.post(t, "/v1/chat/completions", `{"model":"werkzeug/fach/wiederholen","messages":[{"role":"user","content":"x"}]}`, "Schleuse-Purpose", "summarise")
	if status == http.StatusOK {
		t.Errorf("a tool answered a chat: %s", body)
	}
}
