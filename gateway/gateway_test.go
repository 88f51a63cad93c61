// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/gatewaytest"
)

// parts are hand-written fakes around one gateway. They note the order in which
// they were called.
type parts struct {
	gatewaytest.Roads
	gatewaytest.Patient

	calls    []string
	decide   func(gateway.Question) (gateway.Decision, error)
	openErr  error
	closeErr error
	answer   string
	events   []string
	eventErr error // after the events; io.EOF when nil
	modelErr error
	sent     string
	records  []gateway.Record
	closings []gateway.Closing
	closed   bool
	passages []gateway.Passage
	panicAt  string // the call that panics
	category string // what the screener hints at in every text
	usage    *gateway.Usage
	read     int // events read
	decided  []given
}

// call notes a call, and panics if it is the one to do so.
func (p *parts) call(name string) {
	p.calls = append(p.calls, name)
	if p.panicAt == name {
		panic("Erika")
	}
}

const (
	own      = gateway.ModelID("eigenes")
	external = gateway.ModelID("extern")
)

func setup(t testing.TB) (*parts, *gateway.Gateway) {
	t.Helper()
	p := &parts{answer: `{"choices":[{"message":{"content":"Guten Tag [NAME_1]"},"finish_reason":"stop"}]}`}
	t.Cleanup(func() { p.unchanged(t) })
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		d := gateway.Decision{Effect: gateway.EffectAllow, Obligations: []gateway.Obligation{{ID: gateway.ObligationPseudonymise}}}
		for _, m := range q.Models {
			d.Models = append(d.Models, m.ID)
		}
		return d, nil
	}
	g, err := gateway.New(gateway.Config{
		Screener: p, Decider: p, Retriever: p, Router: p, Model: p, Recorder: p,
		Pseudonymise: func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
			return gateway.Pseudonym("p:" + kind)
		},
		Now:   func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) },
		NewID: func(time.Time) string { return "e-1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, g
}

func (p *parts) Screen(_ context.Context, texts []string, _ []gateway.Entity) (gateway.Screening, error) {
	p.call("screen")
	s := nameScreening{texts: texts}
	if p.category != "" {
		s.categories = []string{p.category}
	}
	return s, nil
}

// nameScreening finds the word Erika.
type nameScreening struct{ texts, categories []string }

func (s nameScreening) Findings() []gateway.Finding {
	var out []gateway.Finding
	for i, t := range s.texts {
		if at := strings.Index(t, "Erika"); at >= 0 {
			out = append(out, gateway.Finding{Kind: "person", Text: i, Start: at, End: at + 5})
		}
	}
	return out
}

func (s nameScreening) Summary() gateway.Screened {
	return gateway.Screened{Counts: map[gateway.FindingKind]int{"person": len(s.Findings())}, Categories: s.categories}
}

func (s nameScreening) Pseudonymise() ([]string, gateway.Restorer) {
	out := make([]string, len(s.texts))
	for i, t := range s.texts {
		out[i] = strings.ReplaceAll(t, "Erika", "[NAME_1]")
	}
	return out, nameRestorer{}
}

type nameRestorer struct{}

func (nameRestorer) Restore(text string, _ bool) (string, int) {
	return strings.ReplaceAll(text, "[NAME_1]", "Erika"), strings.Count(text, "[NAME_1]")
}
func (nameRestorer) Stream(bool) gateway.StreamRestorer { return &nameStream{} }

// nameStream holds everything back from an open bracket on.
type nameStream struct {
	rest  string
	count int
}

func (s *nameStream) Write(piece string) string {
	s.rest += piece
	s.count += strings.Count(s.rest, "[NAME_1]")
	s.rest = strings.ReplaceAll(s.rest, "[NAME_1]", "Erika")
	if i := strings.LastIndexByte(s.rest, '['); i >= 0 {
		out := s.rest[:i]
		s.rest = s.rest[i:]
		return out
	}
	return s.Flush()
}

func (s *nameStream) Flush() string {
	out := s.rest
	s.rest = ""
	return out
}
func (s *nameStream) Count() int { return s.count }

func (p *parts) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	p.call("decide " + string(q.Stage))
	d, err := p.decide(q)
	if len(p.decided) < 100 {
		p.decided = append(p.decided, given{d, fmt.Sprintf("%+v", d)})
	}
	return d, err
}

// given is a decision as it was handed out: others may have got the same.
type given struct {
	decision gateway.Decision
	was      string
}

// unchanged reports decisions that were written into.
func (p *parts) unchanged(t testing.TB) {
	t.Helper()
	for _, g := range p.decided {
		if is := fmt.Sprintf("%+v", g.decision); is != g.was {
			t.Errorf("a decision was changed: %s instead of %s", is, g.was)
		}
	}
}

func (p *parts) Retrieve(_ context.Context, q gateway.Query) ([]gateway.Passage, error) {
	p.calls = append(p.calls, "retrieve "+q.Text)
	return p.passages, nil
}

func (p *parts) Candidates(_ context.Context, r gateway.Request) ([]gateway.ModelCard, error) {
	return []gateway.ModelCard{{ID: own, Residency: gateway.ResidencyOwn}, {ID: external, Residency: gateway.ResidencyPrivateEU}}, nil
}

func (p *parts) Plan(_ context.Context, r gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	p.call("route")
	if len(permitted) == 0 {
		return nil, &gateway.Error{Code: gateway.CodeNoModel}
	}
	id := permitted[len(permitted)-1]
	residency := gateway.ResidencyOwn
	if id == external {
		residency = gateway.ResidencyPrivateEU
	}
	return []gateway.Route{{Model: id, Residency: residency, Upstream: "up-" + string(id)}}, nil
}

func (p *parts) Open(_ context.Context, r gateway.Record) error {
	p.call("open")
	p.records = append(p.records, r)
	return p.openErr
}

func (p *parts) Close(ctx context.Context, c gateway.Closing) error {
	p.calls = append(p.calls, "close "+string(c.Outcome))
	p.closings = append(p.closings, c)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.closeErr
}

func (p *parts) Complete(_ context.Context, c gateway.Call) (gateway.Answer, error) {
	p.call("complete")
	p.sent = string(c.Body)
	return gateway.Answer{Body: []byte(p.answer)}, p.modelErr
}

func (p *parts) Stream(_ context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	p.call("stream")
	p.sent = string(c.Body)
	return &answerStream{p: p}, p.modelErr
}

type answerStream struct {
	p *parts
	i int
}

func (s *answerStream) Next() (gateway.Chunk, error) {
	s.p.call("next")
	if s.i < len(s.p.events) {
		s.i++
		s.p.read = s.i
		return gateway.Chunk{Data: []byte(s.p.events[s.i-1]), Usage: s.p.usage}, nil
	}
	if s.p.eventErr != nil {
		return gateway.Chunk{}, s.p.eventErr
	}
	return gateway.Chunk{}, io.EOF
}

func (s *answerStream) Close() error {
	s.p.closed = true
	return nil
}

func chat(t testing.TB, text string) gateway.Request {
	t.Helper()
	return gateway.Request{
		Operation: gateway.OperationChat, Purpose: gateway.PurposeChat, Case: "50.21/4711",
		Body: parse(t, `{"model":"x","temperature":0.2,"schleuse":{"purpose":"chat"},"messages":[{"role":"user","content":"`+text+`"}]}`),
	}
}

func TestCompleteTellsTheStoryInOrder(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.passages = []gateway.Passage{{Text: "Erika wohnt hier.", Citation: gateway.Citation{Document: "d1", Title: "Akte", Page: 2, SHA256: "ab"}}}
	r := chat(t, "Wo wohnt Erika?")
	r.Sources = []string{"akte"}
	response, err := g.Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	order := strings.Join(p.calls, " → ")
	want := "screen → decide request → retrieve Wo wohnt Erika? → screen → decide context → route → decide response → open → complete → screen → close answered"
	if order != want {
		t.Errorf("order\n%s\nwant\n%s", order, want)
	}
	if strings.Contains(p.sent, "Erika") || !strings.Contains(p.sent, "[NAME_1] wohnt hier") || !strings.Contains(p.sent, "temperature\":0.2") {
		t.Errorf("what left the house: %s", p.sent)
	}
	if strings.Contains(p.sent, "schleuse\"") || !strings.Contains(p.sent, `"model":"up-extern"`) {
		t.Errorf("the body was not addressed to the model: %s", p.sent)
	}
	if !strings.Contains(string(response.Body), "Guten Tag Erika") || !strings.Contains(string(response.Body), `"citations":[{`) {
		t.Errorf("answer: %s", response.Body)
	}
	rec := p.records[0]
	if len(rec.Changes) != 1 || rec.Changes[0].ID != gateway.ObligationPseudonymise || rec.Changes[0].Count != rec.Masked {
		t.Errorf("changes %+v", rec.Changes)
	}
	if rec.Masked != 2 || rec.Case != "p:case" || len(rec.Passages) != 1 || len(rec.Decisions) != 2 || p.closings[0].Restored != 1 {
		t.Errorf("record %+v, closing %+v", rec, p.closings[0])
	}
}

func TestNothingLeavesWithoutDecisionAndRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*parts)
		code    gateway.Code
		outcome gateway.Outcome
	}{
		"denied":          {func(p *parts) { p.deny("request") }, gateway.CodeDenied, gateway.OutcomeDenied},
		"no decision":     {func(p *parts) { p.decide = broken }, gateway.CodeDenied, gateway.OutcomeDenied},
		"unknown effect":  {func(p *parts) { p.decide = maybe }, gateway.CodeDenied, gateway.OutcomeDenied},
		"strange duty":    {func(p *parts) { p.decide = strangeDuty }, gateway.CodeDenied, gateway.OutcomeDenied},
		"foreign model":   {func(p *parts) { p.decide = foreignModel }, gateway.CodeNoModel, gateway.OutcomeFailed},
		"record not open": {func(p *parts) { p.openErr = errors.New("disk full") }, gateway.CodeNoRecord, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			c.change(p)
			_, err := g.Complete(t.Context(), chat(t, "Hallo"))
			if gateway.CodeOf(err) != c.code {
				t.Errorf("error %v, want code %s", err, c.code)
			}
			if p.sent != "" {
				t.Errorf("something left the house: %s", p.sent)
			}
			if c.outcome != "" && (len(p.closings) != 1 || p.closings[0].Outcome != c.outcome) {
				t.Errorf("closings %+v, want one with outcome %s", p.closings, c.outcome)
			}
		})
	}
}

func (p *parts) deny(stage gateway.Stage) {
	allow := p.decide
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		if q.Stage == stage {
			return gateway.Decision{Effect: gateway.EffectDeny, Reasons: []gateway.Reason{{Rule: "X-1", Text: "Nein.", Severity: "block"}}}, nil
		}
		return allow(q)
	}
}

func broken(gateway.Question) (gateway.Decision, error) {
	return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{own}}, errors.New("eval")
}

func maybe(gateway.Question) (gateway.Decision, error) {
	return gateway.Decision{Effect: "maybe", Models: []gateway.ModelID{own}}, nil
}

func strangeDuty(gateway.Question) (gateway.Decision, error) {
	return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{own}, Obligations: []gateway.Obligation{{ID: "sing"}}}, nil
}

func foreignModel(gateway.Question) (gateway.Decision, error) {
	return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{"anderes"}}, nil
}

func TestAnswerIsWithheld(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*parts){
		"response denied":    func(p *parts) { p.deny(gateway.StageResponse) },
		"record not closed":  func(p *parts) { p.closeErr = errors.New("gone") },
		"model unreachable":  func(p *parts) { p.modelErr = &gateway.Error{Code: gateway.CodeUnavailable} },
		"answer is not JSON": func(p *parts) { p.answer = "<html>" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			change(p)
			if response, err := g.Complete(t.Context(), chat(t, "Hallo")); err == nil {
				t.Errorf("answer %s, want an error", response.Body)
			}
		})
	}
}

func event(content, finish string) string {
	end := "null"
	if finish != "" {
		end = `"` + finish + `"`
	}
	return `{"id":"c","choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":` + end + `}]}`
}

// read returns the restored text of a stream and the error it ended with.
func read(t *testing.T, s *gateway.Stream) (text string, events int, err error) {
	t.Helper()
	for {
		raw, err := s.Next()
		if err != nil {
			return text, events, err
		}
		events++
		_, after, ok := strings.Cut(string(raw), `"content":"`)
		if ok {
			piece, _, _ := strings.Cut(after, `"`)
			text += piece
		}
	}
}

func TestStreamRestoresOverPieces(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.events = []string{event("Guten Tag [NA", ""), event("ME_1", ""), event("], hier [N", ""), `{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`}
	s, err := g.Stream(t.Context(), chat(t, "Erika grüßen"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text, events, err := read(t, s)
	if !errors.Is(err, io.EOF) || text != "Guten Tag Erika, hier [N" {
		t.Errorf("text %q, error %v", text, err)
	}
	if events != 5 {
		t.Errorf("%d events, want the 4 of the model and one for the held back text", events)
	}
	if !strings.Contains(p.sent, `"include_usage":true`) {
		t.Errorf("usage was not asked for: %s", p.sent)
	}
	if c := p.closings[0]; c.Outcome != gateway.OutcomeAnswered || c.Restored != 1 {
		t.Errorf("closing %+v", c)
	}
}

func TestStreamRestoresToolArguments(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	call := func(args string) string {
		return `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"` + args + `"}}]},"finish_reason":null}]}`
	}
	p.events = []string{call(`{\"n\":\"[NAM`), call(`E_1]\"}`), event("", "tool_calls")}
	s, err := g.Stream(t.Context(), chat(t, "Erika"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all := ""
	for {
		raw, err := s.Next()
		if err != nil {
			break
		}
		all += string(raw)
	}
	if strings.Contains(all, "NAM") || !strings.Contains(all, "Erika") {
		t.Errorf("events %s", all)
	}
}

func TestStreamEndsHonestly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		eventErr error
		code     gateway.Code
		outcome  gateway.Outcome
	}{
		"connection ends": {&gateway.Error{Code: gateway.CodeTruncated}, gateway.CodeTruncated, gateway.OutcomeTruncated},
		"error event":     {&gateway.Error{Code: gateway.CodeUnavailable}, gateway.CodeUnavailable, gateway.OutcomeFailed},
		"strange error":   {errors.New("boom"), gateway.CodeInternal, gateway.OutcomeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			p.events, p.eventErr = []string{event("Ein Anfang", "")}, c.eventErr
			s, err := g.Stream(t.Context(), chat(t, "x"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			text, _, err := read(t, s)
			if text != "Ein Anfang" || gateway.CodeOf(err) != c.code || p.closings[0].Outcome != c.outcome || !p.closed {
				t.Errorf("text %q, error %v, closing %+v, upstream closed %v", text, err, p.closings[0], p.closed)
			}
		})
	}
}

func TestStreamCloseRecordsTheCallerLeaving(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.events = []string{event("a", ""), event("b", "stop")}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := g.Stream(ctx, chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(p.closings) != 1 || p.closings[0].Outcome != gateway.OutcomeCancelled || !p.closed {
		t.Errorf("closings %+v, upstream closed %v", p.closings, p.closed)
	}
}

// TestTheCallerLeavesDuringADecision: that is no denial and no failure of the rules.
func TestTheCallerLeavesDuringADecision(t *testing.T) {
	t.Parallel()
	for _, stage := range []gateway.Stage{gateway.StageRequest, gateway.StageResponse} {
		p, g := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		decide := p.decide
		p.decide = func(q gateway.Question) (gateway.Decision, error) {
			if q.Stage != stage {
				return decide(q)
			}
			cancel()
			return gateway.Decision{Effect: gateway.EffectDeny, Reasons: []gateway.Reason{{Rule: "KERN-000", Severity: "block"}}}, ctx.Err()
		}
		_, err := g.Complete(ctx, chat(t, "x"))
		if gateway.CodeOf(err) != gateway.CodeCancelled || p.sent != "" {
			t.Errorf("%s: error %v, sent %q", stage, err, p.sent)
		}
		if len(p.closings) != 1 || p.closings[0].Outcome != gateway.OutcomeCancelled {
			t.Errorf("%s: closings %+v", stage, p.closings)
		}
		for _, d := range p.records[0].Decisions {
			if !d.Allowed() {
				t.Errorf("%s: a denial is recorded that nobody made: %+v", stage, d)
			}
		}
	}
}

func TestStreamHoldsUnreviewedText(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		if q.Stage == gateway.StageResponse && q.Screened.Total() > 0 {
			return gateway.Decision{Effect: gateway.EffectDeny}, nil
		}
		return gateway.Decision{Effect: gateway.EffectAllow, Models: []gateway.ModelID{own}, Obligations: []gateway.Obligation{{ID: gateway.ObligationReview}}}, nil
	}
	p.events = []string{event("Dies ist ein harmloser Satz ohne jeden Namen. ", ""), event("Frau Erika", ""), event(" wohnt dort.", "stop")}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text, _, err := read(t, s)
	if strings.Contains(text, "Erika") || !strings.Contains(text, "harmlos") || gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("text %q, error %v", text, err)
	}
	if p.closings[0].Outcome != gateway.OutcomeStopped {
		t.Errorf("closing %+v", p.closings[0])
	}
}

func TestPermit(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	permit, err := g.Permit(t.Context(), gateway.Request{Operation: gateway.OperationCheck, Purpose: gateway.PurposeCompletenessCheck})
	if err != nil {
		t.Fatal(err)
	}
	if err := permit.Close(t.Context(), gateway.OutcomeAnswered, "vollstaendig"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.calls, " → "); got != "screen → decide request → open → close answered" {
		t.Error(got)
	}
	if p.closings[0].Result != "vollstaendig" || p.records[0].Route != nil {
		t.Errorf("record %+v closing %+v", p.records[0], p.closings[0])
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	a := gateway.NewID(time.UnixMilli(1_700_000_000_000))
	b := gateway.NewID(time.UnixMilli(1_700_000_000_001))
	if len(a) != 28 || a >= b || a == gateway.NewID(time.UnixMilli(1_700_000_000_000)) {
		t.Errorf("ids %s %s: want 28 characters, ordered by time, different", a, b)
	}
	if !strings.HasPrefix(a, "e-01HF7YAT00") {
		t.Errorf("id %s does not begin with its time", a)
	}
}
