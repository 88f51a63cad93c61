// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Config holds the parts of a Gateway. All but Retriever, Now, NewID and Logger
// are required.
type Config struct {
	Screener Screener
	Decider  Decider
	// Retriever finds passages for requests that name sources; nil: such requests are refused.
	Retriever Retriever
	Router    Router
	Model     Model
	Recorder  Recorder
	// Quota bounds what callers use; nil: nothing is bounded.
	Quota Quota
	// Observer watches for metrics and traces; nil: nobody does.
	Observer Observer
	// Vault keeps content where an obligation demands it; nil: such requests are denied.
	Vault Keeper
	// KnownPurpose and KnownService tell names from words that a caller made up, which
	// may name a person: those reach neither rules nor record. nil: all are known.
	KnownPurpose func(Purpose) bool
	KnownService func(ServiceID) bool
	// KnownField and KnownSource do the same for fields of a service and sources of a tenant.
	KnownField  func(ServiceID, string) bool
	KnownSource func(TenantID, string) bool
	// Pseudonymise is a keyed digest under a key of the tenant; kind separates
	// the domains ("case", "user", "content").
	Pseudonymise func(tenant TenantID, kind, value string) Pseudonym
	// Now and NewID default to the clock and to time-ordered random ids.
	Now   func() time.Time
	NewID func(time.Time) string
	// Logger gets failures that no caller may see; default: discard.
	Logger *slog.Logger
	// RecordTimeout bounds writing the end of a record, default 5 s.
	RecordTimeout time.Duration
	// RecordFirst has every record durable before any model is asked. Else those of the
	// house may be asked while their record is on its way, if Recorder is a Beginner.
	RecordFirst bool
}

// Gateway is the one way through which text goes to a model and comes back. It
// is safe for concurrent use.
type Gateway struct{ Config }

// New checks that every required part is there.
func New(c Config) (*Gateway, error) {
	if c.Screener == nil || c.Decider == nil || c.Router == nil || c.Model == nil || c.Recorder == nil || c.Pseudonymise == nil {
		return nil, errors.New("gateway: Screener, Decider, Router, Model, Recorder and Pseudonymise are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = NewID
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.RecordTimeout == 0 {
		c.RecordTimeout = 5 * time.Second
	}
	return &Gateway{Config: c}, nil
}

// Response is a complete answer.
type Response struct {
	ID        string
	Decision  Decision
	Route     Route
	Usage     Usage
	Citations []Citation
	// Body is the model's JSON with every placeholder restored; a "schleuse"
	// field is added when there is something to tell (notice, citations, release).
	Body []byte
}

// Complete takes one request through the whole passage and returns the answer.
// Errors are *Error: CodeDenied with the decision, CodeNoRecord when the record
// could not be written, the model's own failures, and so on.
func (g *Gateway) Complete(ctx context.Context, r Request) (_ *Response, err error) {
	p := g.newPassage(r, modelNeeded)
	defer p.letGo()
	ctx = g.observeStart(ctx, p.request)
	defer p.recovered(ctx, &err)
	if err := p.admit(ctx); err != nil {
		return nil, err
	}
	answer, err := p.complete(ctx)
	if err != nil {
		return nil, p.fail(ctx, err)
	}
	body, err := p.review(ctx, answer.Body)
	if err != nil {
		return nil, p.fail(ctx, err)
	}
	if err := p.close(ctx, OutcomeAnswered); err != nil {
		return nil, err
	}
	return &Response{
		ID: p.request.ID, Decision: p.decision, Route: p.current.route, Usage: answer.Usage,
		Citations: p.citations(), Body: body,
	}, nil
}

// Stream is Complete with the answer in pieces. It returns when the model has
// accepted the request; what fails before is an ordinary error.
func (g *Gateway) Stream(ctx context.Context, r Request) (_ *Stream, err error) {
	p := g.newPassage(r, modelNeededStreaming)
	defer func() {
		if err != nil {
			p.letGo()
		}
	}()
	ctx = g.observeStart(ctx, p.request)
	defer p.recovered(ctx, &err)
	if err := p.admit(ctx); err != nil {
		return nil, err
	}
	upstream, err := p.begin(ctx)
	if err != nil {
		return nil, p.fail(ctx, err)
	}
	if err := p.durable(ctx); err != nil {
		_ = upstream.Close()
		return nil, err
	}
	return newStream(ctx, p, upstream), nil
}

// Permit takes a request that needs no model (a check by rules, a letter, a
// search) through screening, decision and record. The caller closes the permit.
func (g *Gateway) Permit(ctx context.Context, r Request) (_ *Permit, err error) {
	p := g.newPassage(r, noModel)
	ctx = g.observeStart(ctx, p.request)
	defer p.recovered(ctx, &err)
	if err := p.admit(ctx); err != nil {
		return nil, err
	}
	return &Permit{passage: p}, nil
}

// Permit is an admitted and recorded request without a model.
type Permit struct{ passage *passage }

// ID is the id of the record.
func (p *Permit) ID() string { return p.passage.request.ID }

// Decision is the decision that admitted the request.
func (p *Permit) Decision() Decision { return p.passage.decision }

// Close ends the record; result is a short fact without personal data.
func (p *Permit) Close(ctx context.Context, o Outcome, result string) error {
	p.passage.closing.Result = result
	return p.passage.close(ctx, o)
}

// need says what an operation needs of the passage.
type need int

const (
	noModel need = iota
	modelNeeded
	modelNeededStreaming
)

// passage is one request on its way through the gateway.
type passage struct {
	g         *Gateway
	request   Request
	need      need
	started   time.Time
	called    time.Time
	screening Screening
	decider   Decider  // one state of the policies for the whole passage
	decision  Decision // with the obligations of all stages so far
	passages  []Passage
	record    Record
	restorer  Restorer // nil: nothing was replaced
	labels    []string // of the placeholders that were given out
	texts     []string // of the body, as they were screened
	masked    []string // the same with every finding replaced
	given     []string // what the model was given
	closing   Closing
	// routes may be taken, current is the attempt under way or the last one; nil: there was none.
	routes  []Route
	current *try
	first   try
	ticket  Ticket
	// citing is set when the answer has to name its sources.
	citing *citing
	// keeping is set when the content must be kept.
	keeping *keeping
	// inside and outside are the bodies for models of the house and for others,
	// undo turns the placeholders of outside back.
	inside, outside Body
	undo            Restorer
	produced        int       // bytes of text the model has produced
	lost            MicroEuro // cost of attempts that came to nothing
	// beforeWait, if set, has the caller hand on what was released.
	beforeWait func()
	// opening, opened and closed say how far the record has got; underway is set while
	// it is on its way, release frees what waited for it.
	opening, opened, closed bool
	underway                *underway
	release                 context.CancelCauseFunc
	// clientWantsUsage: the caller asked for the usage event itself.
	clientWantsUsage bool
}

// admit is the way of a request up to the point where it may leave the house:
// counted in, confined, in scope, screened, decided, enriched, decided again, routed,
// pseudonymised, paid for, kept where that is demanded, recorded.
func (p *passage) admit(ctx context.Context) (err error) {
	if err := p.limit(ctx); err != nil {
		return err
	}
	if err := p.confine(ctx); err != nil {
		return err
	}
	if err := p.scope(ctx); err != nil {
		return err
	}
	if err := p.screen(ctx); err != nil {
		return err
	}
	if err := p.decide(ctx, StageRequest); err != nil {
		return err
	}
	if err := p.retrieve(ctx); err != nil {
		return err
	}
	if err := p.route(ctx); err != nil {
		return err
	}
	if err := p.apply(); err != nil {
		return p.refuse(ctx, err)
	}
	if err := p.decideAhead(ctx); err != nil {
		return err
	}
	if err := p.reserve(ctx); err != nil {
		return err
	}
	if err := p.keep(ctx); err != nil {
		return err
	}
	if b, ok := p.ahead(); ok {
		err = p.openAhead(ctx, b)
	} else {
		err = p.open(ctx)
	}
	if err != nil {
		p.unkeep(ctx)
	}
	return err
}

// unknownName stands for a purpose or service that nobody knows; the rules refuse it.
const unknownName = "unknown"

func (g *Gateway) newPassage(r Request, n need) *passage {
	now := g.Now()
	if r.Time.IsZero() {
		r.Time = now
	}
	if r.CaseDate.IsZero() {
		r.CaseDate = r.Time
	}
	if r.ID == "" {
		r.ID = g.NewID(r.Time)
	}
	if r.Purpose == "" {
		r.Purpose = r.Caller.DefaultPurpose
	}
	if r.Purpose != "" && g.KnownPurpose != nil && !g.KnownPurpose(r.Purpose) {
		r.Purpose = unknownName
	}
	if r.Service != "" && g.KnownService != nil && !g.KnownService(r.Service) {
		r.Service = unknownName
	}
	if r.Body.raw == nil {
		r.Body = Body{raw: []byte("{}")}
	}
	return &passage{g: g, request: r, need: n, started: now, decider: g.pin(), record: newRecord(g, r)}
}

func (g *Gateway) screener(tenant TenantID) Screener {
	if s, ok := g.Screener.(TenantScreener); ok {
		return s.For(tenant)
	}
	return g.Screener
}

func (p *passage) screen(ctx context.Context) error {
	inner, ended := p.g.observeStage(ctx, "screen")
	p.texts = p.request.Body.Texts()
	screening, err := p.g.screener(p.request.Caller.Tenant).Screen(inner, p.texts, p.request.Entities)
	ended(err)
	if err != nil {
		return p.refuse(ctx, p.fault("screen", err))
	}
	p.screening = screening
	p.ownTenor()
	p.record.Screened = p.screened()
	return nil
}

// screened is the screener's summary with what no screener can read.
func (p *passage) screened() Screened {
	s := p.screening.Summary()
	s.Unscreenable = p.request.Body.Unscreenable() + len(p.request.Files)
	return s
}

// decide asks the policies at a stage. Whatever is not a clear permission is a denial.
func (p *passage) decide(ctx context.Context, stage Stage) error {
	candidates, err := p.candidates(ctx)
	if err != nil {
		return p.refuse(ctx, p.fault("list models", err))
	}
	question := Question{
		Stage: stage, Request: p.asked(), Screened: p.record.Screened,
		Models: candidates, Passages: p.passages,
	}
	inner, ended := p.g.observeStage(ctx, "decide")
	d, err := p.g.ask(inner, p.decider, question)
	ended(err)
	if err != nil {
		return p.refuse(ctx, err)
	}
	p.record.Decisions = append(p.record.Decisions, d)
	p.decision = d.after(p.decision)
	if !p.decision.Allowed() {
		return p.deny(ctx)
	}
	return nil
}

// candidates are the models that could do the request; after a first decision
// only those it left.
func (p *passage) candidates(ctx context.Context) ([]ModelCard, error) {
	if p.need == noModel {
		return nil, nil
	}
	cards, err := p.g.Router.Candidates(ctx, p.request)
	if err != nil {
		return nil, err
	}
	cards = p.inScope(cards)
	if len(p.record.Decisions) == 0 {
		return cards, nil
	}
	var left []ModelCard
	for _, c := range cards {
		if containsModel(p.decision.Models, c.ID) {
			left = append(left, c)
		}
	}
	return left, nil
}

// retrieve looks up passages with the caller's rights, puts them before the
// conversation and asks the policies again: what they contain may narrow the models.
func (p *passage) retrieve(ctx context.Context) error {
	if len(p.request.Sources) == 0 || p.request.Operation != OperationChat {
		return nil
	}
	if p.g.Retriever == nil {
		return p.refuse(ctx, &Error{Op: "retrieve", Code: CodeInvalid, Path: "sources", Message: "Es sind keine Quellen eingerichtet."})
	}
	inner, ended := p.g.observeStage(ctx, "retrieve")
	found, err := p.g.Retriever.Retrieve(inner, Query{
		Tenant: p.request.Caller.Tenant, Principals: p.request.Caller.Principals,
		Sources: p.request.Sources, Text: p.request.Body.LastUserText(), For: p.request,
	})
	ended(err)
	if err != nil {
		return p.refuse(ctx, p.fault("retrieve", err))
	}
	p.passages = found
	for _, f := range found {
		p.record.Passages = append(p.record.Passages, f.ref(p.g.pseudonym(p.request, "document", f.Citation.Document)))
	}
	body, err := p.request.Body.PrependMessage("system", sourcesPrompt(found))
	if err != nil {
		return p.refuse(ctx, err)
	}
	p.request.Body = body
	if err := p.screen(ctx); err != nil {
		return err
	}
	return p.decide(ctx, StageContext)
}

func (p *passage) route(ctx context.Context) error {
	if p.need == noModel {
		return nil
	}
	permitted, err := p.permitted(ctx)
	if err != nil {
		return p.refuse(ctx, err)
	}
	routes, err := p.g.Router.Plan(ctx, p.request, permitted)
	if err == nil && (len(routes) == 0 || len(routes) > MaxRoutes) {
		err = errors.New("plan has no route or too many")
	}
	if err != nil {
		return p.refuse(ctx, p.fault("route", err))
	}
	for _, r := range routes {
		if !containsModel(permitted, r.Model) {
			return p.refuse(ctx, &Error{Op: "route", Code: CodeInternal, Message: "Der gewählte Weg war nicht erlaubt."})
		}
	}
	p.routes = routes
	p.record.Route, p.record.Fallback = &routes[0], routes[1:]
	return nil
}

// open writes the record. Nothing has left the house before.
func (p *passage) open(ctx context.Context) error {
	p.opening = true
	inner, ended := p.g.observeStage(ctx, "record")
	err := p.g.Recorder.Open(inner, p.record)
	ended(err)
	if err != nil {
		return p.unopened(ctx, err)
	}
	p.opened = true
	p.called = p.g.Now()
	return nil
}

// unopened ends a request of which there is no record.
func (p *passage) unopened(ctx context.Context, err error) error {
	if ctx.Err() != nil && CodeOf(err) == CodeCancelled {
		p.leave(ctx, CodeCancelled) // the caller is gone, the record is not
		return &Error{Op: "open record", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", RequestID: p.request.ID, Err: err}
	}
	p.leave(ctx, CodeNoRecord)
	return &Error{Op: "open record", Code: CodeNoRecord, Message: "Die Anfrage konnte nicht protokolliert werden und wurde deshalb nicht bearbeitet.", RequestID: p.request.ID, Err: err}
}

// complete asks for a whole answer.
func (p *passage) complete(ctx context.Context) (Answer, error) {
	err := p.attempt(ctx, func(ctx context.Context, t *try) (err error) {
		t.answer, err = p.g.Model.Complete(ctx, t.call)
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	t := p.current
	p.closing.Usage = t.answer.Usage
	if p.generates() {
		p.produced = len(t.answer.Body)
	}
	t.note.Output = p.output()
	p.done(t, nil)
	return t.answer, nil
}

// begin asks for an answer in pieces and returns when its first piece is there.
// The attempt ends with the stream.
func (p *passage) begin(ctx context.Context) (*ledStream, error) {
	err := p.attempt(ctx, func(ctx context.Context, t *try) error {
		upstream, err := p.g.Model.Stream(ctx, t.call)
		if err != nil {
			return err
		}
		if t.stream, err = lead(upstream); err != nil {
			return err
		}
		t.note.FirstByte = p.g.Now().Sub(t.note.Started)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return p.current.stream, nil
}

// fault turns an error of a part into one a caller may see.
func (p *passage) fault(op string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	code := CodeOf(err)
	return &Error{Op: op, Code: code, Message: "Die Anfrage konnte nicht bearbeitet werden.", RequestID: p.request.ID, Err: err}
}
