// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package telemetry_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/telemetry"
)

var route = gateway.Route{Model: "klein", Endpoint: "haus", Operator: "Rechenzentrum", Residency: gateway.ResidencyOwn}

// pass tells the telemetry about one request.
func pass(ctx context.Context, t *telemetry.Telemetry, purpose gateway.Purpose, effect gateway.Effect, c gateway.Closing) string {
	r := gateway.Request{ID: "e-1", Operation: gateway.OperationChat, Purpose: purpose, Caller: gateway.Caller{Tenant: "tannberg", User: "erika.mustermann"}, Case: "50.21/4711"}
	ctx = t.Start(ctx, r)
	_, ended := t.Stage(ctx, "screen")
	ended(nil)
	inner, done := t.Attempt(ctx, r, route)
	trace := t.Traceparent(inner)
	done(gateway.Attempt{Model: route.Model, Endpoint: route.Endpoint, Duration: time.Second, FirstByte: time.Millisecond, Code: c.Code, Output: 7})
	t.End(ctx, gateway.Record{
		ID: "e-1", Tenant: "tannberg", Operation: gateway.OperationChat, Purpose: purpose, Route: &route, Masked: 3, Case: "p1_x",
		Decisions: []gateway.Decision{{Stage: gateway.StageRequest, Effect: effect, Revision: "r1", Reasons: []gateway.Reason{{Rule: "KIVO-05", Severity: "block"}}}},
	}, c)
	return trace
}

func scrape(t *testing.T, m *telemetry.Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m, err := telemetry.New(t.Context(), telemetry.Config{Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	pass(t.Context(), m, "summarise", gateway.EffectAllow, gateway.Closing{
		Outcome: gateway.OutcomeAnswered, Usage: gateway.Usage{Input: 5, Output: 7, Reported: true}, Cost: 2_500_000, Restored: 2, Total: 3 * time.Second, Model: 2 * time.Second,
	})
	pass(t.Context(), m, "Erika Mustermann", gateway.EffectDeny, gateway.Closing{Outcome: gateway.OutcomeDenied, Code: gateway.CodeDenied})
	text := scrape(t, m)
	for _, want := range []string{
		`schleuse_requests_total{channel="",code="",operation="chat",outcome="answered",purpose="summarise"} 1`,
		`schleuse_requests_total{channel="",code="denied",operation="chat",outcome="denied",purpose="other"} 1`,
		`schleuse_tenant_requests_total{outcome="answered",tenant="tannberg"} 1`,
		`schleuse_decisions_total{effect="deny",stage="request"} 1`,
		`schleuse_rule_reasons_total{rule="KIVO-05",severity="block"} 2`,
		`schleuse_values_total{direction="replaced"} 6`,
		`schleuse_values_total{direction="restored"} 2`,
		`schleuse_cost_euro_total{model="klein"} 2.5`,
		`gen_ai_client_token_usage_total{estimated="false",gen_ai_request_model="klein",gen_ai_token_type="output"} 7`,
		`gen_ai_client_operation_duration_seconds_count{error_type="",gen_ai_operation_name="chat",gen_ai_provider_name="Rechenzentrum",gen_ai_request_model="klein"} 1`,
		`schleuse_requests_running{operation="chat"} 0`,
		`schleuse_stage_duration_seconds_count{stage="screen"} 2`,
		`schleuse_overhead_seconds_sum{operation="chat"} 1`,
		`schleuse_build_info{version="1"} 1`, "go_goroutines",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	for _, secret := range []string{"rika", "ustermann", "4711", "p1_x"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics name %q", secret)
		}
	}
}

// The spans of a request hang together, continue the caller's trace and hold
// neither persons nor file numbers.
func TestTraces(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	m, err := telemetry.New(t.Context(), telemetry.Config{Exporter: spans, Parent: func(context.Context) string { return parent }})
	if err != nil {
		t.Fatal(err)
	}
	sent := pass(t.Context(), m, "summarise", gateway.EffectAllow, gateway.Closing{Outcome: gateway.OutcomeTruncated, Code: gateway.CodeTruncated})
	if !strings.HasPrefix(sent, parent[:36]) || len(sent) != len(parent) || sent == parent {
		t.Errorf("sent on: %q", sent)
	}
	if err := m.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range spans.GetSpans() {
		names[s.Name] = true
		if s.SpanContext.TraceID().String() != parent[3:35] {
			t.Errorf("%s: another trace", s.Name)
		}
		for _, a := range s.Attributes {
			if v := a.Value.String(); strings.Contains(v, "mustermann") || strings.Contains(v, "4711") {
				t.Errorf("%s: %s=%s", s.Name, a.Key, v)
			}
		}
	}
	if !names["schleuse chat"] || !names["screen"] || !names["chat klein"] {
		t.Errorf("spans: %v", names)
	}
	if err := m.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestExportOverTheNetwork(t *testing.T) {
	t.Parallel()
	got := make(chan string, 8)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.URL.Path + " " + r.Header.Get("X-Key")
	}))
	defer collector.Close()
	m, err := telemetry.New(t.Context(), telemetry.Config{OTLP: collector.URL, Headers: map[string]string{"X-Key": "k"}})
	if err != nil {
		t.Fatal(err)
	}
	pass(t.Context(), m, "summarise", gateway.EffectAllow, gateway.Closing{Outcome: gateway.OutcomeAnswered})
	if err := m.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if path := <-got; path != "/v1/traces k" {
		t.Errorf("exported to %q", path)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []telemetry.Config{{OTLP: "otel:4317"}, {OTLP: "ftp://x"}, {Sample: 2}} {
		if _, err := telemetry.New(t.Context(), c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// A collector of a new configuration takes the place of the old one's.
func TestRegister(t *testing.T) {
	t.Parallel()
	m, err := telemetry.New(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []float64{1, 2} {
		if err := m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "x"}, func() float64 { return v })); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(scrape(t, m), "\nx 2\n") {
		t.Error("the old collector is still there")
	}
}

func BenchmarkRequest(b *testing.B) {
	m, err := telemetry.New(b.Context(), telemetry.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		pass(b.Context(), m, "summarise", gateway.EffectAllow, gateway.Closing{Outcome: gateway.OutcomeAnswered, Usage: gateway.Usage{Input: 1, Output: 1}})
	}
}
