// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// quota is a Quota and its own Ticket; it notes what it was asked.
type quota struct {
	admitErr, reserveErr error
	panicAt              string
	reserved             []gateway.Estimate
	settled              []gateway.Used
	ctxErr               error // of the context Settle got
}

func (q *quota) Admit(context.Context, gateway.Request) (gateway.Ticket, error) {
	if q.admitErr != nil {
		return nil, q.admitErr
	}
	return q, nil
}

func (q *quota) Reserve(_ context.Context, e gateway.Estimate) error {
	q.reserved = append(q.reserved, e)
	if q.panicAt == "reserve" {
		panic("Erika")
	}
	return q.reserveErr
}

func (q *quota) Settle(ctx context.Context, u gateway.Used) {
	q.settled = append(q.settled, u)
	q.ctxErr = ctx.Err()
}

// watcher is an Observer that notes what began and ended.
type watcher struct {
	starts, ends, attempts, over int
	open                         map[string]int // stages that have not ended
	last                         gateway.Closing
	lost                         []string // calls without the context of Start
}

type watched struct{}

func (w *watcher) Start(ctx context.Context, _ gateway.Request) context.Context {
	w.starts++
	return context.WithValue(ctx, watched{}, w)
}

func (w *watcher) has(ctx context.Context, what string) {
	if ctx.Value(watched{}) != w {
		w.lost = append(w.lost, what)
	}
}

func (w *watcher) Stage(ctx context.Context, name string) (context.Context, func(error)) {
	w.has(ctx, name)
	w.open[name]++
	return ctx, func(error) { w.open[name]-- }
}

func (w *watcher) Attempt(ctx context.Context, _ gateway.Request, _ gateway.Route) (context.Context, func(gateway.Attempt)) {
	w.has(ctx, "attempt")
	w.attempts++
	return ctx, func(gateway.Attempt) { w.over++ }
}

func (w *watcher) End(ctx context.Context, _ gateway.Record, c gateway.Closing) {
	w.has(ctx, "end")
	w.ends++
	w.last = c
}

// counted is a gateway with a quota and an observer.
func counted(t testing.TB) (*roads, *quota, *watcher, *gateway.Gateway) {
	t.Helper()
	q, w := &quota{}, &watcher{open: map[string]int{}}
	r, g := onRoads(t, func(c *gateway.Config) { c.Quota, c.Observer = q, w })
	return r, q, w, g
}

// Every request that was counted in is settled once and ends once for the
// observer, on whatever path it leaves.
func TestEveryPathSettlesOnce(t *testing.T) {
	t.Parallel()
	content := []string{event("Guten Tag Erika", "")}
	for name, c := range map[string]struct {
		change  func(*roads, *quota)
		stream  bool
		code    gateway.Code
		records int
		settled int
		outcome gateway.Outcome
	}{
		"answered":            {func(r *roads, _ *quota) { r.tries = []try{{answer: fine}} }, false, "", 1, 1, gateway.OutcomeAnswered},
		"streamed":            {func(r *roads, _ *quota) { r.tries = []try{{events: []string{event("a", "stop")}}} }, true, "", 1, 1, gateway.OutcomeAnswered},
		"not counted in":      {func(_ *roads, q *quota) { q.admitErr = &gateway.Error{Code: gateway.CodeRateLimited} }, false, gateway.CodeRateLimited, 0, 0, gateway.OutcomeFailed},
		"no money left":       {func(_ *roads, q *quota) { q.reserveErr = &gateway.Error{Code: gateway.CodeBudget} }, false, gateway.CodeBudget, 1, 1, gateway.OutcomeFailed},
		"quota panics":        {func(_ *roads, q *quota) { q.panicAt = "reserve" }, false, gateway.CodeInternal, 1, 1, gateway.OutcomeFailed},
		"denied":              {func(r *roads, _ *quota) { r.deny(gateway.StageRequest) }, false, gateway.CodeDenied, 1, 1, gateway.OutcomeDenied},
		"answer denied":       {func(r *roads, _ *quota) { r.denyFindings(); r.tries = []try{{answer: named}} }, false, gateway.CodeDenied, 1, 1, gateway.OutcomeStopped},
		"denied ahead":        {func(r *roads, _ *quota) { r.deny(gateway.StageResponse) }, true, gateway.CodeDenied, 1, 1, gateway.OutcomeDenied},
		"record not opened":   {func(r *roads, _ *quota) { r.openErr = errors.New("full") }, false, gateway.CodeNoRecord, 1, 1, gateway.OutcomeFailed},
		"denial not recorded": {func(r *roads, _ *quota) { r.deny(gateway.StageRequest); r.openErr = errors.New("full") }, false, gateway.CodeNoRecord, 1, 1, gateway.OutcomeFailed},
		"recorder panics":     {func(r *roads, _ *quota) { r.panicAt = "open" }, true, gateway.CodeNoRecord, 0, 1, gateway.OutcomeFailed},
		"record not closed":   {func(r *roads, _ *quota) { r.closeErr = errors.New("full"); r.tries = []try{{answer: fine}} }, false, gateway.CodeNoRecord, 1, 1, gateway.OutcomeAnswered},
		"the model fails":     {func(r *roads, _ *quota) { r.tries = []try{{err: errDown}} }, true, gateway.CodeUnavailable, 1, 1, gateway.OutcomeFailed},
		"the model panics":    {func(r *roads, _ *quota) { r.tries = []try{{panics: true}} }, false, gateway.CodeInternal, 1, 1, gateway.OutcomeFailed},
		"a stream panics":     {func(r *roads, _ *quota) { r.tries = []try{{events: content, panics: true}} }, true, gateway.CodeInternal, 1, 1, gateway.OutcomeFailed},
		"a stream is cut off": {func(r *roads, _ *quota) {
			r.tries = []try{{events: content, end: &gateway.Error{Code: gateway.CodeTruncated}}}
		}, true, gateway.CodeTruncated, 1, 1, gateway.OutcomeTruncated},
		"a stream is not ended": {func(r *roads, _ *quota) { r.closeErr = errors.New("full"); r.tries = []try{{events: content}} }, true, gateway.CodeNoRecord, 1, 1, gateway.OutcomeAnswered},
		"the screener panics":   {func(r *roads, _ *quota) { r.panicAt = "screen" }, true, gateway.CodeInternal, 1, 1, gateway.OutcomeFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, q, w, g := counted(t)
			c.change(r, q)
			err := ask(t.Context(), g, chat(t, "x"), c.stream)
			if c.code == "" && c.stream {
				err = nil // io.EOF
			}
			if gateway.CodeOf(err) != c.code {
				t.Errorf("error %v, want %s", err, c.code)
			}
			if len(r.records) != c.records {
				t.Errorf("%d records, want %d", len(r.records), c.records)
			}
			if len(q.settled) != c.settled || q.ctxErr != nil {
				t.Errorf("settled %d times, want %d; context %v", len(q.settled), c.settled, q.ctxErr)
			}
			if w.starts != 1 || w.ends != 1 || w.attempts != w.over || len(w.lost) > 0 {
				t.Errorf("observer: %d starts, %d ends, %d of %d attempts over, without context %q", w.starts, w.ends, w.over, w.attempts, w.lost)
			}
			if w.last.Outcome != c.outcome || w.last.Code != c.code && c.outcome != gateway.OutcomeAnswered {
				t.Errorf("end %+v, want %s", w.last, c.outcome)
			}
		})
	}
}

func TestStreamClosedEarlyIsSettled(t *testing.T) {
	t.Parallel()
	r, q, w, g := counted(t)
	r.tries = []try{{events: []string{event("a", ""), event("b", "stop")}}}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := g.Stream(ctx, chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if len(q.settled) != 0 {
		t.Error("settled before the end")
	}
	cancel()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if len(q.settled) != 1 || q.ctxErr != nil || w.ends != 1 || w.over != 1 {
		t.Errorf("settled %d times with context %v, %d ends, %d attempts over", len(q.settled), q.ctxErr, w.ends, w.over)
	}
	if u := q.settled[0]; u.Closing.Outcome != gateway.OutcomeCancelled || u.Record.ID != "e-1" || !u.Closing.Usage.Estimated {
		t.Errorf("used %+v", u.Closing)
	}
}

func TestPermitIsSettledWithoutReserving(t *testing.T) {
	t.Parallel()
	r, q, w, g := counted(t)
	permit, err := g.Permit(t.Context(), gateway.Request{Operation: gateway.OperationCheck, Purpose: gateway.PurposeCompletenessCheck})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := permit.Close(t.Context(), gateway.OutcomeAnswered, "vollstaendig"); err != nil {
			t.Fatal(err)
		}
	}
	if len(q.reserved) != 0 || len(q.settled) != 1 || w.ends != 1 || w.attempts != 0 || len(r.places) != 0 {
		t.Errorf("reserved %d, settled %d, %d ends, %d attempts", len(q.reserved), len(q.settled), w.ends, w.attempts)
	}
	if c := r.closings[0]; c.Code != "" || c.Attempts != nil || c.Usage != (gateway.Usage{}) {
		t.Errorf("closing %+v", c)
	}
}

// What is set aside is the most that any of the routes can use.
func TestReserveTheMost(t *testing.T) {
	t.Parallel()
	const prompt = `"messages":[{"role":"user","content":"Hallo"}]`
	for name, c := range map[string]struct {
		fields    string
		operation gateway.Operation
		output    int
	}{
		"nothing said":            {``, gateway.OperationChat, 2048},
		"a bound":                 {`"max_tokens":100,`, gateway.OperationChat, 100},
		"of two names the larger": {`"max_tokens":100,"max_completion_tokens":50,`, gateway.OperationChat, 100},
		"several choices":         {`"max_tokens":100,"n":3,`, gateway.OperationChat, 300},
		"best of":                 {`"max_tokens":100,"n":2,"best_of":5,`, gateway.OperationCompletion, 500},
		"nonsense":                {`"max_tokens":-5,"n":"9",`, gateway.OperationChat, 2048},
		"no text comes back":      {``, gateway.OperationEmbeddings, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, q, _, g := counted(t)
			r.tries = []try{{answer: fine}}
			body := parse(t, "{"+c.fields+prompt+"}")
			if err := ask(t.Context(), g, gateway.Request{Operation: c.operation, Purpose: gateway.PurposeChat, Body: body}, false); err != nil && c.operation != gateway.OperationEmbeddings {
				t.Fatal(err)
			}
			in := (body.Len() + 2) / 3
			want := gateway.Estimate{Input: in, Output: c.output, Cost: max(outside.Price.Of(in, c.output), inside.Price.Of(in, c.output))}
			if !slices.Equal(q.reserved, []gateway.Estimate{want}) {
				t.Errorf("reserved %+v, want %+v", q.reserved, want)
			}
		})
	}
}

// A recording costs by the minute: what the server says of its length, else what
// its size lets expect; set aside is the longest it can be.
func TestRecordingsCostByTheMinute(t *testing.T) {
	t.Parallel()
	const size = 480_000 // a minute as it usually is
	for name, c := range map[string]struct {
		usage   gateway.Usage
		seconds int
	}{
		"the server says the length":  {gateway.Usage{AudioSeconds: 91}, 91},
		"and counts tokens":           {gateway.Usage{Input: 10, Output: 20, Reported: true, AudioSeconds: 30}, 30},
		"the server says nothing":     {gateway.Usage{}, 60},
		"tokens, nothing of a length": {gateway.Usage{Input: 10, Output: 20, Reported: true}, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, q, _, g := counted(t)
			for i := range r.routes {
				r.routes[i].Price = gateway.Price{Minute: 6000}
			}
			r.tries = []try{{answer: `{"text":"Guten Tag"}`, usage: &c.usage}}
			in := gateway.Request{Operation: gateway.OperationTranscription, Purpose: gateway.PurposeTranscribe, Body: parse(t, `{"response_format":"json"}`), Files: []gateway.File{{Content: make([]byte, size)}}}
			if _, err := g.Complete(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if len(q.reserved) != 1 || q.reserved[0].AudioSeconds != size/2000 || q.reserved[0].Cost != 4*6000 {
				t.Errorf("reserved %+v", q.reserved)
			}
			end := q.settled[0].Closing
			if end.Usage.AudioSeconds != c.seconds || end.Cost != gateway.MicroEuro(c.seconds*100) {
				t.Errorf("booked %d s, %d, want %d s", end.Usage.AudioSeconds, end.Cost, c.seconds)
			}
		})
	}
}

func TestScopeOfAKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		caller  gateway.Caller
		service gateway.ServiceID
		sources []string
		path    string // of the refusal
	}{
		"no limits":               {gateway.Caller{}, "wohngeld", []string{"akte"}, ""},
		"its service":             {gateway.Caller{Services: []gateway.ServiceID{"wohngeld"}}, "wohngeld", nil, ""},
		"another service":         {gateway.Caller{Services: []gateway.ServiceID{"wohngeld"}}, "baugenehmigung", nil, "service"},
		"its source":              {gateway.Caller{Sources: []string{"akte", "recht"}}, "", []string{"recht"}, ""},
		"another source":          {gateway.Caller{Sources: []string{"akte"}}, "", []string{"akte", "recht"}, "sources"},
		"all sources":             {gateway.Caller{Sources: []string{"akte"}}, "", []string{"*"}, ""},
		"all sources and another": {gateway.Caller{Sources: []string{"akte"}}, "", []string{"*", "recht"}, "sources"},
		"a key for all sources":   {gateway.Caller{Sources: []string{"*"}}, "", []string{"recht"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			r := chat(t, "x")
			r.Caller, r.Service, r.Sources = c.caller, c.service, c.sources
			_, err := g.Complete(t.Context(), r)
			var e *gateway.Error
			if c.path == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.As(err, &e) || e.Code != gateway.CodeDenied || e.Path != c.path || p.sent != "" {
				t.Errorf("error %v, sent %q", err, p.sent)
			}
			if len(p.records) != 1 || p.closings[0].Outcome != gateway.OutcomeDenied || p.records[0].Effect() != gateway.EffectDeny {
				t.Errorf("records %+v, closings %+v", p.records, p.closings)
			}
		})
	}
}

// "*" means: all that the key may read, not all there is.
func TestAllSourcesAreThoseOfTheKey(t *testing.T) {
	t.Parallel()
	asked := &query{}
	_, g := onRoads(t, func(c *gateway.Config) {
		asked.parts = c.Retriever.(*parts)
		c.Retriever = asked
	})
	r := chat(t, "x")
	r.Caller.Sources, r.Sources = []string{"akte"}, []string{"*"}
	_, _ = g.Complete(t.Context(), r)
	if !slices.Equal(asked.sources, []string{"akte"}) {
		t.Errorf("looked in %q", asked.sources)
	}
}

type query struct {
	*parts
	sources []string
}

func (q *query) Retrieve(ctx context.Context, in gateway.Query) ([]gateway.Passage, error) {
	q.sources = in.Sources
	return q.parts.Retrieve(ctx, in)
}

func TestModelsOfAKey(t *testing.T) {
	t.Parallel()
	p, g := setup(t)
	r := chat(t, "x")
	r.Caller.Models = []gateway.ModelID{own}
	response, err := g.Complete(t.Context(), r)
	if err != nil || response.Route.Model != own {
		t.Errorf("route %+v, error %v", response, err)
	}
	if d := p.records[0].Decisions[0]; !slices.Equal(d.Models, []gateway.ModelID{own}) {
		t.Errorf("permitted %v", d.Models)
	}
	p, g = setup(t)
	r.Caller.Models = []gateway.ModelID{"anderes"}
	if _, err := g.Complete(t.Context(), r); gateway.CodeOf(err) != gateway.CodeNoModel || p.sent != "" {
		t.Errorf("error %v, sent %q", err, p.sent)
	}
}

func TestFilesAreUnscreenableAndCommittedTo(t *testing.T) {
	t.Parallel()
	committed := map[string]bool{}
	for _, content := range []string{"", "a", "b"} {
		var said []string
		r, g := onRoads(t, func(c *gateway.Config) {
			c.Pseudonymise = func(_ gateway.TenantID, kind, value string) gateway.Pseudonym {
				if kind == "content" {
					said = append(said, value)
				}
				return "p"
			}
		})
		r.tries = []try{{answer: fine}}
		in := chat(t, "x")
		if content != "" {
			in.Files = []gateway.File{{Name: "a.wav", Content: []byte(content)}, {Name: "b.wav"}}
		}
		if _, err := g.Complete(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if n := r.records[0].Screened.Unscreenable; n != len(in.Files) {
			t.Errorf("%d unscreenable parts, want %d", n, len(in.Files))
		}
		committed[said[0]] = true
		if strings.Contains(said[0], "a.wav") || len(said[0]) != 32 {
			t.Errorf("commitment %q is no digest", said[0])
		}
	}
	if len(committed) != 3 {
		t.Errorf("%d commitments for three different requests", len(committed))
	}
}
