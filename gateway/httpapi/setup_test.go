// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// bench is a server with a real gateway and a real upstream client in front of
// the mock model server; policies, screening and record are fakes.
type bench struct {
	url   string
	mock  *upstreamtest.Server
	rec   *recorder
	log   *safeBuffer
	setup *httpapi.Server
}

type option func(*httpapi.Config, *gateway.Config)

func setup(t testing.TB, options ...option) *bench {
	t.Helper()
	b := &bench{mock: upstreamtest.Start(t), rec: &recorder{}, log: &safeBuffer{}}
	client, err := upstream.New(upstream.Config{
		Endpoints: map[string]upstream.Endpoint{"haus": {
			BaseURL: b.mock.URL, Key: "sk-upstream-canary",
			Timeouts: upstream.Timeouts{Connect: time.Second, FirstByte: 5 * time.Second, Idle: 5 * time.Second, Total: 30 * time.Second},
		}},
		Trace: httpapi.Traceparent,
	})
	if err != nil {
		t.Fatalf("upstream: %v", err)
	}
	t.Cleanup(client.Close)
	parts := gateway.Config{
		Screener: screener{}, Decider: decider{}, Router: router{}, Model: client, Recorder: b.rec,
		Pseudonymise: func(gateway.TenantID, string, string) gateway.Pseudonym { return "p" },
	}
	c := httpapi.Config{
		Auth: auth{}, Models: models{}, Logger: slog.New(slog.NewJSONHandler(b.log, nil)),
	}
	for _, o := range options {
		o(&c, &parts)
	}
	g, err := gateway.New(parts)
	if err != nil {
		t.Fatalf("gateway: %v", err)
	}
	if c.Gateway == nil {
		c.Gateway = httpapi.Through(g)
	}
	if b.setup, err = httpapi.New(c); err != nil {
		t.Fatalf("httpapi: %v", err)
	}
	server := httptest.NewServer(b.setup)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// answer is a whole HTTP answer.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("answer is no JSON object: %v: %s", err, a.body)
	}
	return v
}

// at follows a path of keys through JSON objects.
func at(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (b *bench) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	response := b.open(t, t.Context(), method, path, body, headers...)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return answer{response.StatusCode, response.Header, string(raw)}
}

func (b *bench) open(t *testing.T, ctx context.Context, method, path, body string, headers ...string) *http.Response { //nolint:revive // the test comes first
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer gut")
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return response
}

type auth struct{}

func (auth) Authenticate(_ context.Context, r *http.Request) (gateway.Caller, error) {
	caller := gateway.Caller{
		Tenant: "musterstadt", System: "wohngeld", KeyID: "k1", DefaultPurpose: gateway.PurposeChat,
		User: r.Header.Get("Schleuse-User"), Principals: []gateway.Principal{"group:wohngeld"},
	}
	switch r.Header.Get("Authorization") {
	case "Bearer gut":
		return caller, nil
	case "Bearer revision":
		caller.Roles = []string{"revision"}
		return caller, nil
	case "Bearer nachbar":
		caller.Tenant = "nachbarstadt"
		return caller, nil
	}
	return gateway.Caller{}, &gateway.Error{Op: "authenticate", Code: gateway.CodeUnauthenticated, Message: "Der Schlüssel ist ungültig."}
}

var card = gateway.ModelCard{ID: "haus/mock", Residency: gateway.ResidencyOwn, Operator: "Musterstadt"}

type models struct{}

func (models) Models(context.Context, gateway.Caller) []gateway.ModelCard {
	return []gateway.ModelCard{card}
}

type router struct{ gatewaytest.Roads }

func (router) Candidates(context.Context, gateway.Request) ([]gateway.ModelCard, error) {
	return []gateway.ModelCard{card}, nil
}

func (router) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	return []gateway.Route{{Model: card.ID, Residency: card.Residency, Upstream: "mock", Endpoint: "haus"}}, nil
}

// decider refuses the purpose "profiling" and allows the rest.
type decider struct{}

func (decider) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	d := gateway.Decision{Stage: q.Stage, Effect: gateway.EffectAllow, Revision: "test"}
	for _, m := range q.Models {
		d.Models = append(d.Models, m.ID)
	}
	if q.Request.Purpose == "profiling" {
		d.Effect = gateway.EffectDeny
		d.Reasons = []gateway.Reason{
			{Rule: "DSGVO-01", Severity: "info", Text: "Hinweis."},
			{Rule: "KIVO-05", Title: "Verbotene Praxis", Basis: "Art. 5 KI-VO", Text: "Dieser Zweck ist verboten.", Severity: "block"},
		}
	}
	return d, nil
}

type screener struct{}

func (screener) Screen(context.Context, []string, []gateway.Entity) (gateway.Screening, error) {
	return screening{}, nil
}

type screening struct{}

func (screening) Findings() []gateway.Finding { return nil }
func (screening) Summary() gateway.Screened {
	return gateway.Screened{Counts: map[gateway.FindingKind]int{}}
}
func (screening) Pseudonymise() ([]string, gateway.Restorer) { return nil, nil }

// recorder keeps records in memory.
type recorder struct {
	gatewaytest.Patient

	mu      sync.Mutex
	records []gateway.Record
	closed  []gateway.Closing
}

func (r *recorder) Open(_ context.Context, rec gateway.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
	return nil
}

func (r *recorder) Close(_ context.Context, c gateway.Closing) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = append(r.closed, c)
	return nil
}

func (r *recorder) last() gateway.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) == 0 {
		return gateway.Record{}
	}
	return r.records[len(r.records)-1]
}

func (r *recorder) closings() []gateway.Closing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.closed)
}

// safeBuffer is a buffer for a log that several goroutines write.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// do sends a chat request that may fail, because its caller leaves.
func (b *bench) do(ctx context.Context, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+chatPath, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer gut")
	return http.DefaultClient.Do(r)
}

// wire is a pipeline that does nothing but call the model.
type wire struct{ gateway.Model }

func (w wire) Complete(ctx context.Context, r gateway.Request) (*gateway.Response, error) {
	answer, err := w.Model.Complete(ctx, call(r))
	return &gateway.Response{ID: r.ID, Body: answer.Body}, err
}

func (w wire) Stream(ctx context.Context, r gateway.Request) (httpapi.Stream, error) {
	s, err := w.Model.Stream(ctx, call(r))
	return wireStream{r.ID, s}, err
}

func (wire) Permit(context.Context, gateway.Request) (httpapi.Permit, error) {
	return nil, &gateway.Error{Code: gateway.CodeInternal}
}

func call(r gateway.Request) gateway.Call {
	return gateway.Call{Operation: r.Operation, Route: gateway.Route{Endpoint: "haus"}, Body: r.Body.Bytes()}
}

type wireStream struct {
	id string
	gateway.AnswerStream
}

func (s wireStream) ID() string { return s.id }

func (s wireStream) Next() ([]byte, error) {
	chunk, err := s.AnswerStream.Next()
	return chunk.Data, err
}

func (s wireStream) BeforeWait(f func()) bool {
	u, ok := s.AnswerStream.(interface{ BeforeWait(f func()) bool })
	return ok && u.BeforeWait(f)
}

// setupBench is a server over a pipeline, without a log.
func setupBench(b *testing.B, p httpapi.Pipeline) string {
	b.Helper()
	s, err := httpapi.New(httpapi.Config{Gateway: p, Auth: auth{}, Models: models{}})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s)
	b.Cleanup(server.Close)
	return server.URL
}
