// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// roads is a router with several routes and a model behind each that does what
// the test says, one behaviour for each call.
type roads struct {
	*parts
	routes []gateway.Route
	// tries are the behaviours of the model, in the order in which it is called.
	tries []try
	// next answers Router.Next; nil: the next route, as long as there is one.
	next func(attempts []gateway.Attempt, err error) (int, time.Duration, bool)
	// enter fails entering a route.
	enter func(gateway.Route) error

	bodies []string
	asked  int
	places []*place
	closed int // streams
}

// try is what a model does when it is called.
type try struct {
	err    error    // instead of an answer
	answer string   // of Complete
	events []string // of Stream
	end    error    // after the events; io.EOF when nil
	panics bool     // instead of the end
	usage  *gateway.Usage
}

// place counts how often it was left.
type place struct {
	left []gateway.Attempt
}

func (p *place) Leave(a gateway.Attempt) { p.left = append(p.left, a) }

var (
	errDown = &gateway.Error{Op: "call model", Code: gateway.CodeUnavailable, RetryAfter: 2 * time.Second, Upstream: &gateway.UpstreamError{Status: 503}}

	outside = gateway.Route{Model: external, Residency: gateway.ResidencyPrivateEU, Upstream: "up-extern", Endpoint: "b", Price: gateway.Price{Input: 1_000_000, Output: 2_000_000}}
	inside  = gateway.Route{Model: own, Residency: gateway.ResidencyOwn, Upstream: "up-eigenes", Endpoint: "a", Price: gateway.Price{Input: 3_000_000, Output: 3_000_000}}
)

func onRoads(t testing.TB, change ...func(*gateway.Config)) (*roads, *gateway.Gateway) {
	t.Helper()
	p, g := setup(t)
	r := &roads{parts: p, routes: []gateway.Route{outside, inside}}
	c := g.Config
	c.Router, c.Model = r, r
	for _, f := range change {
		f(&c)
	}
	g, err := gateway.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r, g
}

func (r *roads) Plan(context.Context, gateway.Request, []gateway.ModelID) ([]gateway.Route, error) {
	return r.routes, nil
}

func (r *roads) Enter(_ context.Context, _ gateway.Request, route gateway.Route) (gateway.Place, error) {
	if r.enter != nil {
		if err := r.enter(route); err != nil {
			return nil, err
		}
	}
	r.places = append(r.places, &place{})
	return r.places[len(r.places)-1], nil
}

func (r *roads) Next(_ context.Context, _ gateway.Request, routes []gateway.Route, attempts []gateway.Attempt, err error) (int, time.Duration, bool) {
	r.asked++
	if r.next != nil {
		return r.next(attempts, err)
	}
	return len(attempts), 0, len(attempts) < len(routes)
}

func (r *roads) behave(c gateway.Call) try {
	r.bodies = append(r.bodies, string(c.Body))
	return r.tries[min(len(r.bodies), len(r.tries))-1]
}

func (r *roads) Complete(_ context.Context, c gateway.Call) (gateway.Answer, error) {
	b := r.behave(c)
	if b.panics {
		panic("Erika")
	}
	answer := gateway.Answer{Body: []byte(b.answer)}
	if b.usage != nil {
		answer.Usage = *b.usage
	}
	return answer, b.err
}

func (r *roads) Stream(_ context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	b := r.behave(c)
	if b.err != nil {
		return nil, b.err
	}
	return &roadStream{r: r, try: b}, nil
}

// roadStream hands out events in one buffer, as the wire client does.
type roadStream struct {
	r *roads
	try
	buf []byte
}

func (s *roadStream) Next() (gateway.Chunk, error) {
	for i := range s.buf {
		s.buf[i] = 'x'
	}
	if len(s.events) == 0 {
		switch {
		case s.panics:
			panic("Erika")
		case s.end != nil:
			return gateway.Chunk{}, s.end
		}
		return gateway.Chunk{}, io.EOF
	}
	s.buf = append(s.buf[:0], s.events[0]...)
	s.events = s.events[1:]
	return gateway.Chunk{Data: s.buf, Usage: s.usage}, nil
}

func (s *roadStream) Close() error {
	s.r.closed++
	return nil
}

// left checks that every place was left once, and returns with which codes.
func (r *roads) left(t *testing.T) (codes []gateway.Code) {
	t.Helper()
	for i, p := range r.places {
		if len(p.left) != 1 {
			t.Errorf("place %d was left %d times", i, len(p.left))
			continue
		}
		codes = append(codes, p.left[0].Code)
	}
	return codes
}

const (
	named = `{"choices":[{"message":{"content":"Guten Tag Erika"},"finish_reason":"stop"}]}`
	fine  = `{"choices":[{"message":{"content":"Guten Tag [NAME_1]"},"finish_reason":"stop"}]}`
	role  = `{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`
)

func TestFallbackTakesTheNextRoute(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.tries = []try{{err: errDown}, {answer: fine}}
	response, err := g.Complete(t.Context(), chat(t, "Hallo Erika"))
	if err != nil {
		t.Fatal(err)
	}
	if response.Route != inside || !slices.Equal(r.left(t), []gateway.Code{gateway.CodeUnavailable, ""}) {
		t.Errorf("route %+v, places %+v", response.Route, r.places)
	}
	if !strings.Contains(r.bodies[0], "Hallo [NAME_1]") || !strings.Contains(r.bodies[1], "Hallo Erika") || !strings.Contains(r.bodies[1], `"model":"up-eigenes"`) {
		t.Errorf("bodies %q: the one outside has the placeholder, the one in the house the name", r.bodies)
	}
	if !strings.Contains(string(response.Body), "Guten Tag [NAME_1]") {
		t.Errorf("answer %s: in the house nothing was replaced, so nothing is restored", response.Body)
	}
	rec, end := r.records[0], r.closings[0]
	if *rec.Route != outside || !slices.Equal(rec.Fallback, []gateway.Route{inside}) || rec.Masked != 1 {
		t.Errorf("record %+v", rec)
	}
	if end.Answered == nil || *end.Answered != inside || len(end.Attempts) != 2 || end.Outcome != gateway.OutcomeAnswered {
		t.Fatalf("closing %+v", end)
	}
	if first := end.Attempts[0]; first.Status != 503 || first.RetryAfter != 2*time.Second || first.Endpoint != "b" || end.Attempts[1].Code != "" {
		t.Errorf("attempts %+v", end.Attempts)
	}
}

func TestFallbackOutOfTheHouseIsPseudonymised(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.routes = []gateway.Route{inside, outside}
	r.tries = []try{{err: errDown}, {answer: fine}}
	response, err := g.Complete(t.Context(), chat(t, "Hallo Erika"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.bodies[0], "Hallo Erika") || strings.Contains(r.bodies[1], "Erika") {
		t.Errorf("bodies %q", r.bodies)
	}
	if !strings.Contains(string(response.Body), "Guten Tag Erika") || r.closings[0].Restored != 1 {
		t.Errorf("answer %s", response.Body)
	}
}

func TestOneGoodAttemptIsNotWorthMentioning(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.tries = []try{{answer: fine}}
	if _, err := g.Complete(t.Context(), chat(t, "x")); err != nil {
		t.Fatal(err)
	}
	if c := r.closings[0]; c.Attempts != nil || c.Answered != nil || r.asked != 0 {
		t.Errorf("closing %+v, router asked %d times", c, r.asked)
	}
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	again := func([]gateway.Attempt, error) (int, time.Duration, bool) { return 0, 0, true }
	for name, c := range map[string]struct {
		change func(*roads)
		calls  int
		code   gateway.Code
	}{
		"the router says no": {func(r *roads) {
			r.next = func([]gateway.Attempt, error) (int, time.Duration, bool) { return 1, 0, false }
		}, 1, gateway.CodeUnavailable},
		"the router never says no": {func(r *roads) { r.next = again }, gateway.MaxAttempts, gateway.CodeUnavailable},
		"the router names no route": {func(r *roads) {
			r.next = func([]gateway.Attempt, error) (int, time.Duration, bool) { return 2, 0, true }
		}, 1, gateway.CodeUnavailable},
		"the router names route -1": {func(r *roads) {
			r.next = func([]gateway.Attempt, error) (int, time.Duration, bool) { return -1, 0, true }
		}, 1, gateway.CodeUnavailable},
		"no place anywhere": {func(r *roads) {
			r.enter = func(gateway.Route) error { return &gateway.Error{Code: gateway.CodeOverloaded} }
		}, 0, gateway.CodeOverloaded},
		"a strange error of a queue": {func(r *roads) { r.enter = func(gateway.Route) error { return errors.New("strange") } }, 0, gateway.CodeInternal},
		"every route fails, in turn": {func(*roads) {}, 2, gateway.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, stream := range []bool{false, true} {
				r, g := onRoads(t)
				r.tries = []try{{err: errDown}}
				c.change(r)
				if err := ask(t.Context(), g, chat(t, "x"), stream); gateway.CodeOf(err) != c.code {
					t.Errorf("error %v, want %s", err, c.code)
				}
				if len(r.bodies) != c.calls {
					t.Errorf("%d calls, want %d", len(r.bodies), c.calls)
				}
				r.left(t)
				if len(r.closings) != 1 || r.closings[0].Outcome != gateway.OutcomeFailed || len(r.closings[0].Attempts) == 0 {
					t.Errorf("closings %+v", r.closings)
				}
			}
		})
	}
}

// ask takes a request through the gateway and returns how it ended.
func ask(ctx context.Context, g *gateway.Gateway, r gateway.Request, stream bool) error {
	if !stream {
		_, err := g.Complete(ctx, r)
		return err
	}
	s, err := g.Stream(ctx, r)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
}

func TestNoAttemptAfterTheCallerHasLeft(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"between attempts": 0, "in a pause": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := onRoads(t)
			r.tries = []try{{err: errDown}}
			ctx, cancel := context.WithCancel(t.Context())
			r.next = func([]gateway.Attempt, error) (int, time.Duration, bool) {
				cancel()
				return 0, pause, true
			}
			_, err := g.Complete(ctx, chat(t, "x"))
			if gateway.CodeOf(err) != gateway.CodeCancelled || len(r.bodies) != 1 {
				t.Errorf("error %v after %d calls", err, len(r.bodies))
			}
			if r.closings[0].Outcome != gateway.OutcomeCancelled {
				t.Errorf("closing %+v", r.closings[0])
			}
		})
	}
}

// What a stream brings before its first text decides whether another way is
// still open.
func TestStreamFallsBackBeforeItsFirstText(t *testing.T) {
	t.Parallel()
	truncated := &gateway.Error{Code: gateway.CodeTruncated}
	for name, first := range map[string]try{
		"dies at once":             {end: truncated},
		"dies after the role":      {events: []string{role, role}, end: truncated},
		"dies after the usage":     {events: []string{`{"choices":[],"usage":{}}`}, end: truncated, usage: &gateway.Usage{Reported: true}},
		"an error event":           {events: []string{role}, end: errDown},
		"an error as a chunk":      {events: []string{role, `{"error":{"message":"CUDA"}}`}},
		"broken JSON":              {events: []string{role, `{"choices":[`}},
		"the server does not take": {err: errDown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := onRoads(t)
			r.tries = []try{first, {events: []string{role, event("Guten Tag", ""), event("", "stop")}}}
			s, err := g.Stream(t.Context(), chat(t, "Erika"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Route() != inside {
				t.Errorf("route %+v", s.Route())
			}
			text, events, err := read(t, s)
			if text != "Guten Tag" || events != 3 || !errors.Is(err, io.EOF) {
				t.Errorf("text %q in %d events, error %v", text, events, err)
			}
			if codes := r.left(t); len(codes) != 2 || codes[0] == "" || codes[1] != "" {
				t.Errorf("places were left with %q", codes)
			}
			if want := 1; first.err == nil && r.closed < want {
				t.Errorf("the first stream was not closed")
			}
		})
	}
}

func TestStreamNeverFallsBackAfterItsFirstText(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.tries = []try{{events: []string{event("Guten ", "")}, end: &gateway.Error{Code: gateway.CodeTruncated}}, {events: []string{event("x", "stop")}}}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	text, _, err := read(t, s)
	if text != "Guten " || gateway.CodeOf(err) != gateway.CodeTruncated || len(r.bodies) != 1 || r.asked != 0 {
		t.Errorf("text %q, error %v, %d calls, router asked %d times", text, err, len(r.bodies), r.asked)
	}
	if codes := r.left(t); !slices.Equal(codes, []gateway.Code{gateway.CodeTruncated}) {
		t.Errorf("place left with %q", codes)
	}
}

func TestStreamBeginnings(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]string{role}, 40)
	for name, c := range map[string]struct {
		try    try
		events int
	}{
		"a proper answer without text": {try{events: []string{role, event("", "stop")}}, 2},
		"no event at all":              {try{}, 0},
		"only the role, then the end":  {try{events: []string{role}}, 1},
		"many empty events":            {try{events: append(many, event("a", "stop"))}, 41},
		"only usage, not asked for":    {try{events: []string{`{"choices":[],"usage":{}}`}, usage: &gateway.Usage{Input: 1, Reported: true}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := onRoads(t)
			r.tries = []try{c.try}
			s, err := g.Stream(t.Context(), chat(t, "x"))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, events, err := read(t, s); events != c.events || !errors.Is(err, io.EOF) {
				t.Errorf("%d events, want %d, error %v", events, c.events, err)
			}
			if c.try.usage != nil && r.closings[0].Usage != *c.try.usage {
				t.Errorf("usage %+v", r.closings[0].Usage)
			}
			r.left(t)
		})
	}
}

// The place is given back once, whatever happens.
func TestPlaceIsAlwaysLeftOnce(t *testing.T) {
	t.Parallel()
	begun := []string{event("Guten Tag Erika", "")}
	for name, c := range map[string]struct {
		change func(*roads)
		stream bool
		code   gateway.Code // of the attempt
	}{
		"the model panics":          {func(r *roads) { r.tries = []try{{panics: true}} }, false, gateway.CodeInternal},
		"a stream panics at once":   {func(r *roads) { r.tries = []try{{panics: true}} }, true, gateway.CodeInternal},
		"a stream panics later":     {func(r *roads) { r.tries = []try{{events: begun, panics: true}} }, true, gateway.CodeInternal},
		"the answer is refused":     {func(r *roads) { r.denyFindings(); r.tries = []try{{answer: named}} }, false, ""},
		"the stream is refused":     {func(r *roads) { r.denyFindings(); r.tries = []try{{events: begun}} }, true, gateway.CodeDenied},
		"the end is not recorded":   {func(r *roads) { r.closeErr = errors.New("full"); r.tries = []try{{answer: fine}} }, false, ""},
		"a stream is not recorded":  {func(r *roads) { r.closeErr = errors.New("full"); r.tries = []try{{events: begun}} }, true, ""},
		"the screener panics later": {func(r *roads) { r.tries = []try{{answer: fine}}; r.later("screen") }, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := onRoads(t)
			r.routes = r.routes[:1]
			c.change(r)
			err := ask(t.Context(), g, chat(t, "x"), c.stream)
			if err == nil || errors.Is(err, io.EOF) {
				t.Error("no error")
			}
			if codes := r.left(t); !slices.Equal(codes, []gateway.Code{c.code}) {
				t.Errorf("place left with %q, want %q", codes, c.code)
			}
			if len(r.closings) != 1 {
				t.Errorf("closings %+v", r.closings)
			}
			if c.stream && r.closed == 0 {
				t.Error("the stream was not closed")
			}
		})
	}
}

// later has a part panic the second time it is called.
func (p *parts) later(call string) {
	decide := p.decide
	p.decide = func(q gateway.Question) (gateway.Decision, error) {
		p.panicAt = call
		return decide(q)
	}
}

func TestClosedStreamLeavesItsPlace(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.tries = []try{{events: []string{event("Guten Tag, ", ""), event("Erika", "")}}}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if len(r.places[0].left) != 0 {
		t.Error("the place was left while the stream was open")
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if codes := r.left(t); !slices.Equal(codes, []gateway.Code{gateway.CodeCancelled}) {
		t.Errorf("place left with %q", codes)
	}
	end := r.closings[0]
	want := gateway.Usage{Input: (len(r.bodies[0]) + 2) / 3, Output: 4, Estimated: true} // "Guten Tag, " has 11 bytes
	if end.Usage != want || end.Cost != outside.Price.Of(want.Input, want.Output) || end.Cost == 0 {
		t.Errorf("usage %+v, want %+v; cost %d", end.Usage, want, end.Cost)
	}
}

func TestUseIsAccountedFor(t *testing.T) {
	t.Parallel()
	reported := &gateway.Usage{Input: 100, Output: 10, Reported: true}
	for name, c := range map[string]struct {
		tries     []try
		estimated bool
		cost      gateway.MicroEuro
	}{
		"reported":                       {[]try{{events: []string{event("a", "stop")}, usage: reported}}, false, 120},
		"reported by the second model":   {[]try{{err: errDown}, {events: []string{event("a", "stop")}, usage: reported}}, false, 330},
		"nothing was sent":               {[]try{{err: errDown}, {err: errDown}}, false, 0},
		"the answer did not come to end": {[]try{{events: []string{event("a", "")}, end: &gateway.Error{Code: gateway.CodeTruncated}}}, true, -1},
		"no answer in time":              {[]try{{err: &gateway.Error{Code: gateway.CodeTimeout}}}, true, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, g := onRoads(t)
			r.tries = c.tries
			_ = ask(t.Context(), g, chat(t, "x"), true)
			u, cost := r.closings[0].Usage, r.closings[0].Cost
			if u.Estimated != c.estimated || c.cost >= 0 && cost != c.cost || c.cost < 0 && cost <= 0 {
				t.Errorf("usage %+v, cost %d", u, cost)
			}
		})
	}
}
