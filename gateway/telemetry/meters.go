// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package telemetry

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ki-schleuse/schleuse/gateway"
)

// meters are all metrics about requests. Names that begin with gen_ai follow the
// OpenTelemetry conventions (dots written as underscores, units appended).
type meters struct {
	requests  *prometheus.CounterVec
	tenants   *prometheus.CounterVec
	refused   *prometheus.CounterVec
	running   *prometheus.GaugeVec
	overhead  *prometheus.HistogramVec
	stages    *prometheus.HistogramVec
	decisions *prometheus.CounterVec
	rules     *prometheus.CounterVec
	masked    *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	cost      *prometheus.CounterVec

	duration *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	first    *prometheus.HistogramVec

	tenantNames, words bounded
}

// Buckets in seconds: what the gateway adds is small, what models take is not.
var (
	fine   = []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, 1, 5}
	coarse = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640}
)

func newMeters(r prometheus.Registerer) *meters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	m := &meters{
		requests:  counter("schleuse_requests_total", "Requests by what became of them.", "operation", "purpose", "channel", "outcome", "code"),
		tenants:   counter("schleuse_tenant_requests_total", "Requests by tenant and outcome.", "tenant", "outcome"),
		refused:   counter("schleuse_model_refusals_total", "Models that a decision excluded, by rule.", "rule"),
		overhead:  histogram("schleuse_overhead_seconds", "Time of a request outside of the model.", fine, "operation"),
		stages:    histogram("schleuse_stage_duration_seconds", "Time of one part of the passage.", fine, "stage"),
		decisions: counter("schleuse_decisions_total", "Decisions by stage and effect.", "stage", "effect"),
		rules:     counter("schleuse_rule_reasons_total", "Reasons given in decisions, by rule.", "rule", "severity"),
		masked:    counter("schleuse_values_total", "Values replaced before a text left and restored in the answer.", "direction"),
		attempts:  counter("schleuse_attempts_total", "Tries at models by endpoint and result.", "model", "endpoint", "code"),
		cost:      counter("schleuse_cost_euro_total", "Cost of models at the prices of the catalogue.", "model"),
		duration:  histogram("gen_ai_client_operation_duration_seconds", "Time of one call of a model.", coarse, "gen_ai_operation_name", "gen_ai_request_model", "gen_ai_provider_name", "error_type"),
		tokens:    counter("gen_ai_client_token_usage_total", "Tokens as reported or estimated.", "gen_ai_request_model", "gen_ai_token_type", "estimated"),
		first:     histogram("gen_ai_server_time_to_first_token_seconds", "Time to the first piece of a streamed answer.", coarse, "gen_ai_request_model"),
		// Purposes and services are foreign input until a rule has spoken.
		tenantNames: bounded{limit: 5000}, words: bounded{limit: 128},
	}
	m.running = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "schleuse_requests_running", Help: "Requests under way."}, []string{"operation"})
	r.MustRegister(m.running)
	return m
}

// bounded keeps the number of values of a label finite, whatever callers send.
type bounded struct {
	limit int
	mu    sync.RWMutex
	seen  map[string]struct{}
}

const other = "other"

// value is s, or "other" when there are too many. Only what a rule has let pass
// takes a new place, so that junk does not crowd out what is real.
func (b *bounded) value(s string, passed bool) string {
	b.mu.RLock()
	_, ok := b.seen[s]
	b.mu.RUnlock()
	if ok {
		return s
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !passed || len(b.seen) >= b.limit {
		return other
	}
	if b.seen == nil {
		b.seen = map[string]struct{}{}
	}
	b.seen[s] = struct{}{}
	return s
}

// count books what was recorded about a request.
func (m *meters) count(rec gateway.Record, c gateway.Closing) {
	operation := string(rec.Operation)
	purpose := m.words.value(string(rec.Purpose), rec.Effect() == gateway.EffectAllow)
	m.requests.WithLabelValues(operation, purpose, string(rec.Channel), string(c.Outcome), string(c.Code)).Inc()
	m.tenants.WithLabelValues(m.tenantNames.value(string(rec.Tenant), true), string(c.Outcome)).Inc()
	m.overhead.WithLabelValues(operation).Observe(max(0, c.Total-c.Model).Seconds())
	for _, d := range rec.Decisions {
		m.decide(d)
	}
	if c.Response != nil {
		m.decide(*c.Response)
	}
	if rec.Masked > 0 {
		m.masked.WithLabelValues("replaced").Add(float64(rec.Masked))
	}
	if c.Restored > 0 {
		m.masked.WithLabelValues("restored").Add(float64(c.Restored))
	}
	m.use(rec, c)
}

func (m *meters) decide(d gateway.Decision) {
	m.decisions.WithLabelValues(string(d.Stage), string(d.Effect)).Inc()
	for _, r := range d.Reasons {
		m.rules.WithLabelValues(r.Rule, r.Severity).Inc()
	}
	for _, rules := range d.Rejected {
		for _, rule := range rules {
			m.refused.WithLabelValues(rule).Inc()
		}
	}
}

func (m *meters) use(rec gateway.Record, c gateway.Closing) {
	route := rec.Route
	if c.Answered != nil {
		route = c.Answered
	}
	if route == nil {
		return
	}
	model, estimated := string(route.Model), "false"
	if c.Usage.Estimated {
		estimated = "true"
	}
	if c.Usage.Input > 0 {
		m.tokens.WithLabelValues(model, "input", estimated).Add(float64(c.Usage.Input))
	}
	if c.Usage.Output > 0 {
		m.tokens.WithLabelValues(model, "output", estimated).Add(float64(c.Usage.Output))
	}
	if c.Cost > 0 {
		m.cost.WithLabelValues(model).Add(float64(c.Cost) / 1e6)
	}
}
