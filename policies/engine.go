// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package policies answers whether a request may go ahead, on which conditions
// and to which models. It embeds OPA as a library; the rules are Rego files with
// a legal basis, the tables they use are dated YAML files.
//
// It is not a scanner (it never sees text), not a router (it only says which
// models may be used) and not a log (the gateway records the decision).
//
// Start at [Engine.Decide]. The path of one call: [gateway.Question] → input.go
// (facts, no content) → rego/main.rego → result.go (strict decoding; whatever is
// unexpected is a denial) → [gateway.Decision]. README.md says how to add a rule.
package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/ki-schleuse/schleuse/gateway"
)

// DefaultTimeout bounds one evaluation.
const DefaultTimeout = 100 * time.Millisecond

// Config of an Engine. The zero value decides with the shipped library, and
// refuses everybody, because it knows no tenant.
type Config struct {
	// FS holds manifest.yaml, capabilities.json, catalog/ and rego/; nil: Library().
	FS fs.FS
	// Tenants known to the gateway. A request of any other is refused.
	Tenants map[gateway.TenantID]Tenant
	// Services known to the gateway. A request that names any other is refused.
	Services []gateway.ServiceCard
	// Overrides replace parts of the catalogue, by table name, for example
	// {"residency": {"personal": […]}}. Objects are merged, everything else replaced.
	Overrides map[string]any
	// Timeout of one evaluation; 0 means DefaultTimeout.
	Timeout time.Duration
	// NoCache asks the rules again at every question, also at one that was decided before.
	NoCache bool
	// Now is the clock for the age of remembered decisions; nil: time.Now. The rules
	// see no clock, only the day in a question.
	Now func() time.Time
	// Logger gets what must not be shown to callers; nil discards it.
	Logger *slog.Logger
}

// Tenant is what policies know about a Mandant.
type Tenant struct {
	// Active is false for a suspended tenant: everything is refused.
	Active bool `json:"active" yaml:"active"`
	// Services the tenant may use; empty: all.
	Services []gateway.ServiceID `json:"services" yaml:"services"`
	// Residencies, if not empty, narrows where models may run, for all data classes.
	Residencies []gateway.Residency `json:"residencies" yaml:"residencies"`
	// Releases of high-risk purposes (Art. 26, 27, 49 KI-VO).
	Releases     []Release `json:"releases" yaml:"releases"`
	TenantDuties `yaml:",inline"`
	// Rules of the tenant itself, Rego modules of package tenantrules["<tenant>"].
	// They can only narrow; rules that cannot be read refuse everything.
	Rules []string `json:"rules,omitempty" yaml:"rules"`
}

// Release is a tenant's documented release of high-risk purposes. All references
// must be present, else it does not count.
type Release struct {
	Service  gateway.ServiceID `json:"service" yaml:"service"`
	Purposes []gateway.Purpose `json:"purposes" yaml:"purposes"`
	// Registration is the number in the EU database (Art. 49 Abs. 3, Art. 71).
	Registration string `json:"registration" yaml:"registration"`
	// FRIA is the reference of the fundamental rights impact assessment (Art. 27).
	FRIA string `json:"fria" yaml:"fria"`
	// DPIA is the reference of the data protection impact assessment (Art. 35 DSGVO).
	DPIA string `json:"dpia" yaml:"dpia"`
	// Oversight names the office that oversees the system (Art. 26 Abs. 2).
	Oversight string `json:"oversight" yaml:"oversight"`
	// ValidFrom and ValidTo are dates (2026-11-21); ValidTo may be empty.
	ValidFrom string `json:"valid_from" yaml:"valid_from"`
	ValidTo   string `json:"valid_to" yaml:"valid_to"`
}

// Engine decides. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	timeout time.Duration
	log     *slog.Logger
	active  atomic.Pointer[snapshot]
	// models and writers are what inputs are written with.
	models  *modelSets
	writers sync.Pool

	// shadow, if any, is asked beside.
	shadow atomic.Pointer[Shadow]

	// reload guards what the next snapshot is made from, cfg.FS too.
	reload  sync.Mutex
	bundle  *bundle
	tenants map[gateway.TenantID]Tenant
}

var _ gateway.Decider = (*Engine)(nil)

// New compiles the library and asks the canary questions. An engine that exists
// has refused what must be refused and allowed what must be allowed.
func New(ctx context.Context, c Config) (*Engine, error) {
	for _, id := range ReservedTenants() {
		if _, taken := c.Tenants[id]; taken {
			return nil, &gateway.Error{Op: "load policies", Code: gateway.CodeInvalid, Path: "tenants", Message: fmt.Sprintf("Kein Mandant darf „%s“ heißen: So nennen die Richtlinien, was keinem Mandanten gehört. Bitte wählen Sie eine andere Kennung.", id)}
		}
	}
	e := newEngine(c)
	if err := e.Reload(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// ReservedTenants are ids that no tenant can have: what the rules see instead of an
// id that is none, and those of the control questions.
func ReservedTenants() []gateway.TenantID {
	return []gateway.TenantID{invalidIdent, canaryTenant, unknownTenant}
}

// newEngine has no policies yet.
func newEngine(c Config) *Engine {
	if c.FS == nil {
		c.FS = Library()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	e := &Engine{cfg: c, models: newModelSets(), timeout: c.Timeout, log: c.Logger, tenants: c.Tenants}
	if e.timeout <= 0 {
		e.timeout = DefaultTimeout
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	return e
}

// Reload reads the bundle again and activates it, if it compiles and passes the
// canary questions. Otherwise the old one stays active.
func (e *Engine) Reload(ctx context.Context) error {
	e.reload.Lock()
	defer e.reload.Unlock()
	b, err := readBundle(e.cfg.FS)
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	return e.activate(ctx, b, e.tenants)
}

// SetTenants replaces the tenants, without reading or compiling the bundle again.
// Every decision is made with the old or with the new tenants, none with some of
// both. The canary questions are asked before; on an error the old ones stay.
func (e *Engine) SetTenants(ctx context.Context, tenants map[gateway.TenantID]Tenant) error {
	e.reload.Lock()
	defer e.reload.Unlock()
	if err := e.activate(ctx, e.bundle, tenants); err != nil {
		return err
	}
	if s := e.shadow.Load(); s != nil {
		return s.other.SetTenants(ctx, tenants)
	}
	return nil
}

// activate is called with e.reload held.
func (e *Engine) activate(ctx context.Context, b *bundle, tenants map[gateway.TenantID]Tenant) error {
	c := e.cfg
	c.Tenants = tenantData(tenants, nil) // a copy: the caller may go on with his map
	next, err := b.snapshot(ctx, c)
	if err != nil {
		return fmt.Errorf("compile policies %s: %w", b.revision, err)
	}
	if err := b.canaries(ctx, c.Tenants, canaryTimeout); err != nil {
		return fmt.Errorf("canary questions on policies %s: %w", b.revision, err)
	}
	e.bundle, e.tenants = b, c.Tenants
	e.active.Store(next)
	e.log.InfoContext(ctx, "policies active", slog.String("revision", next.revision), slog.String("digest", next.digest),
		slog.Int("rules", len(next.rules)), slog.Int("tenants", len(c.Tenants)))
	return nil
}

// Decide answers a question. It always returns a Decision: whatever goes wrong
// is a denial with rule KERN-000. An error is returned besides only when the
// caller's context ended.
func (e *Engine) Decide(ctx context.Context, q gateway.Question) (gateway.Decision, error) {
	return e.decide(ctx, e.active.Load(), q)
}

func (e *Engine) decide(ctx context.Context, s *snapshot, q gateway.Question) (gateway.Decision, error) {
	start := time.Now()
	f, err := factsWith(q, e.models.of)
	if err != nil {
		return e.failed(ctx, s, q.Stage, nil, start, fmt.Errorf("build policy input: %w", err))
	}
	if e.cfg.NoCache {
		return e.answer(ctx, s, q.Stage, f.canonical(), start, func() (gateway.Decision, error) { return s.decideFacts(ctx, &f, e.timeout) })
	}
	return e.remembered(ctx, s, &f, start)
}

// Replay decides a recorded policy input (Decision.Input) again with the active
// policies. The same revision gives the same decision.
func (e *Engine) Replay(ctx context.Context, recorded json.RawMessage) (gateway.Decision, error) {
	start := time.Now()
	s := e.active.Load()
	input, stage, err := recordedInput(recorded)
	if err != nil {
		return e.failed(ctx, s, stage, nil, start, fmt.Errorf("read recorded input: %w", err))
	}
	return e.answer(ctx, s, stage, canonicalJSON(input), start, func() (gateway.Decision, error) {
		view, err := s.recordedView(ctx, input, e.timeout)
		if err != nil {
			return gateway.Decision{}, err
		}
		return s.decideView(ctx, stage, view, e.timeout)
	})
}

// Rules lists the rules of the active policies, ordered by id.
func (e *Engine) Rules() []RuleInfo { return append([]RuleInfo(nil), e.active.Load().rules...) }

// KnowsPurpose reports whether the tables have a purpose, under this or another name.
func (e *Engine) KnowsPurpose(p gateway.Purpose) bool {
	s := e.active.Load()
	return s.tables["purposes"].Get(ast.StringTerm(s.purpose(string(p)))) != nil
}

// Revision of the active policies.
func (e *Engine) Revision() string { return e.active.Load().revision }

// Digest is the SHA-256 over everything that decides: rules, tables,
// capabilities, tenants, services and overrides.
func (e *Engine) Digest() string { return e.active.Load().digest }

// Bundle is the BundleDigest of the rules' files, as they were signed.
func (e *Engine) Bundle() string { return e.active.Load().signed }

// answer completes a decision, whatever becomes of it.
func (e *Engine) answer(ctx context.Context, s *snapshot, stage gateway.Stage, input json.RawMessage, start time.Time, decide func() (gateway.Decision, error)) (gateway.Decision, error) {
	if err := ctx.Err(); err != nil {
		return e.failed(ctx, s, stage, input, start, err)
	}
	d, err := decide()
	if err != nil {
		return e.failed(ctx, s, stage, input, start, err)
	}
	d.Stage, d.Input, d.Duration = stage, input, time.Since(start)
	return d, nil
}

func (e *Engine) failed(ctx context.Context, s *snapshot, stage gateway.Stage, input json.RawMessage, start time.Time, cause error) (gateway.Decision, error) {
	level := slog.LevelError
	if errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelDebug // the caller has left
	}
	e.log.LogAttrs(ctx, level, "policy evaluation refused", slog.String("stage", string(stage)), slog.Any("error", cause))
	d := kernelDenial(s, stage)
	if f, ok := errors.AsType[*tenantError](cause); ok {
		d.Reasons = []gateway.Reason{f.reason}
	}
	d.Input = input
	d.Duration = time.Since(start)
	return d, ctx.Err()
}

// remembered is the decision made before on the same facts, or a new one.
func (e *Engine) remembered(ctx context.Context, s *snapshot, f *facts, start time.Time) (gateway.Decision, error) {
	w, _ := e.writers.Get().(*jsonWriter)
	if w == nil {
		w = &jsonWriter{}
	}
	defer e.writers.Put(w)
	w.out = w.out[:0]
	f.write(w, exact)
	key, stage := s.keyOf(f, w), f.question.Stage
	d, ok := s.cache.recall(key)
	if !ok || ctx.Err() != nil {
		input := bytes.Clone(w.out)
		return e.answer(ctx, s, stage, input, start, func() (gateway.Decision, error) { return e.learn(ctx, s, f, key, input) })
	}
	if !bytes.Equal(d.Input, w.out) {
		d.Input = bytes.Clone(w.out)
	}
	d.Stage, d.Duration = stage, time.Since(start)
	return d, nil
}

// learn decides and remembers.
func (e *Engine) learn(ctx context.Context, s *snapshot, f *facts, key cacheKey, input json.RawMessage) (gateway.Decision, error) {
	d, err := s.decideFacts(ctx, f, e.timeout)
	if err == nil {
		d.Input = input
		s.cache.keep(key, d)
	}
	return d, err
}

func (s *snapshot) decideFacts(ctx context.Context, f *facts, limit time.Duration) (gateway.Decision, error) {
	view, err := s.questionView(ctx, f, limit)
	if err != nil {
		return gateway.Decision{}, err
	}
	return s.decideView(ctx, f.question.Stage, view, limit)
}

// decideView is what the rules make of a view, without input and duration.
func (s *snapshot) decideView(ctx context.Context, stage gateway.Stage, view ast.Value, limit time.Duration) (gateway.Decision, error) {
	term, err := s.main.evaluate(ctx, view, limit)
	if err != nil {
		return gateway.Decision{}, fmt.Errorf("evaluate policies: %w", err)
	}
	d, err := s.decision(stage, view, term)
	if err != nil {
		return gateway.Decision{}, fmt.Errorf("decode decision: %w", err)
	}
	if s.own == nil {
		return d, nil
	}
	return s.narrowed(ctx, d, view, limit)
}

// evaluate runs a prepared query. The deadline stops the evaluation itself,
// without a goroutine per call.
func evaluate(ctx context.Context, query rego.PreparedEvalQuery, input ast.Value, limit time.Duration, options ...rego.EvalOption) (*ast.Term, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cancel := topdown.NewCancel()
	timer := time.AfterFunc(limit, cancel.Cancel)
	defer timer.Stop()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	var out *ast.Term
	options = append([]rego.EvalOption{
		rego.EvalParsedInput(input),
		rego.EvalExternalCancel(cancel),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalSortSets(true),
		rego.EvalGenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) {
			out = t
			return nil, nil //nolint:nilnil // the term is kept; the caller needs no JSON
		}),
	}, options...)
	results, err := query.Eval(ctx, options...)
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || out == nil {
		return nil, errors.New("the result is undefined")
	}
	return out, nil
}
