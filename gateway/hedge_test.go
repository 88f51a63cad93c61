// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// lane is what the server of one route does with a call.
type lane struct {
	after  time.Duration // until it answers
	err    error         // instead of an answer
	panics bool          // instead of an answer
	deaf   bool          // goes on when it is stopped
	queue  time.Duration // until there is a place
}

// lanes is a router that may send a request a second way, and the models behind it.
type lanes struct {
	*roads
	patience time.Duration
	beside   func() (int, bool)
	by       map[string]lane // by endpoint

	mu      sync.Mutex
	calls   []string // endpoints in the order in which their models were asked
	held    map[string]int
	notes   map[string]gateway.Code // with which places were left
	open    int                     // streams
	asked   int                     // for a second way
	sent    map[string]string
	watches int // attempts that are watched
}

func (l *lanes) Patience(gateway.Request, gateway.Route) time.Duration { return l.patience }

func (l *lanes) Beside(gateway.Request, []gateway.Route, int) (int, bool) {
	l.asked++
	return l.beside()
}

func (l *lanes) Enter(ctx context.Context, _ gateway.Request, route gateway.Route) (gateway.Place, error) {
	if err := pass(ctx, l.by[route.Endpoint].queue, false); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[route.Endpoint]++
	return lanePlace{l, route.Endpoint}, nil
}

type lanePlace struct {
	l        *lanes
	endpoint string
}

func (p lanePlace) Leave(a gateway.Attempt) {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	p.l.held[p.endpoint]--
	p.l.notes[p.endpoint] = a.Code
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration, deaf bool) error {
	if deaf {
		ctx = context.WithoutCancel(ctx)
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lanes) drive(ctx context.Context, c gateway.Call) error {
	b := l.by[c.Route.Endpoint]
	l.mu.Lock()
	l.calls = append(l.calls, c.Route.Endpoint)
	l.sent[c.Route.Endpoint] = string(c.Body)
	l.mu.Unlock()
	if err := pass(ctx, b.after, b.deaf); err != nil {
		return err
	}
	if b.panics {
		panic("Erika")
	}
	return b.err
}

func (l *lanes) Complete(ctx context.Context, c gateway.Call) (gateway.Answer, error) {
	return gateway.Answer{Body: []byte(fine), Usage: gateway.Usage{Input: 10, Output: 20, Reported: true}}, l.drive(ctx, c)
}

func (l *lanes) Stream(ctx context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	return &laneStream{l: l, ctx: ctx, call: c, rest: []string{role, event("Guten Tag [NAME_1]", ""), event("", "stop")}}, nil
}

// laneStream is accepted at once and takes its time for the first content.
type laneStream struct {
	l      *lanes
	ctx    context.Context
	call   gateway.Call
	rest   []string
	driven bool
	closed sync.Once
}

func (s *laneStream) Next() (gateway.Chunk, error) {
	if len(s.rest) == 2 && !s.driven {
		s.driven = true
		if err := s.l.drive(s.ctx, s.call); err != nil {
			return gateway.Chunk{}, err
		}
	}
	if s.ctx.Err() != nil && !s.l.by[s.call.Route.Endpoint].deaf {
		return gateway.Chunk{}, s.ctx.Err()
	}
	if len(s.rest) == 0 {
		return gateway.Chunk{}, io.EOF
	}
	data := s.rest[0]
	s.rest = s.rest[1:]
	return gateway.Chunk{Data: []byte(data), Usage: &gateway.Usage{Input: 10, Output: 20, Reported: true}}, nil
}

func (s *laneStream) Close() error {
	s.closed.Do(func() {
		s.l.mu.Lock()
		defer s.l.mu.Unlock()
		s.l.open--
	})
	return nil
}

// Start and the next three are an Observer: attempts may end beside the passage.
func (l *lanes) Start(ctx context.Context, _ gateway.Request) context.Context { return ctx }

func (l *lanes) Stage(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}

func (l *lanes) End(context.Context, gateway.Record, gateway.Closing) {}

func (l *lanes) Attempt(ctx context.Context, _ gateway.Request, _ gateway.Route) (context.Context, func(gateway.Attempt)) {
	l.watch(1)
	return ctx, func(gateway.Attempt) { l.watch(-1) }
}

func (l *lanes) watch(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watches += n
}

// Two servers of the house with different prices, the first one first.
var (
	left  = gateway.Route{Model: own, Residency: gateway.ResidencyOwn, Upstream: "up", Endpoint: "left", Price: gateway.Price{Input: 3_000_000, Output: 3_000_000}}
	right = gateway.Route{Model: own, Residency: gateway.ResidencyOwn, Upstream: "up", Endpoint: "right", Price: gateway.Price{Input: 1_000_000, Output: 1_000_000}}
)

func hedging(t *testing.T, first, second lane) (*lanes, *quota, *gateway.Gateway) {
	t.Helper()
	q := &quota{}
	l := &lanes{
		patience: time.Second, beside: func() (int, bool) { return 1, true }, by: map[string]lane{"left": first, "right": second},
		held: map[string]int{}, notes: map[string]gateway.Code{}, sent: map[string]string{},
	}
	_, g := onRoads(t, func(c *gateway.Config) {
		l.roads = c.Model.(*roads)
		c.Model, c.Router, c.Observer, c.Quota, c.Now = l, l, l, q, time.Now
	})
	l.routes = []gateway.Route{left, right}
	return l, q, g
}

// mustRest checks that nothing is under way any more.
func (l *lanes) mustRest(t *testing.T) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	for endpoint, n := range l.held {
		if n != 0 {
			t.Errorf("%d places are held at %s", n, endpoint)
		}
	}
	if l.open != 0 || l.watches != 0 {
		t.Errorf("%d streams are open, %d attempts not ended for the observer", l.open, l.watches)
	}
}

// tried writes the attempts as endpoint:code.
func tried(attempts []gateway.Attempt) string {
	var out []string
	for _, a := range attempts {
		out = append(out, a.Endpoint+":"+string(a.Code))
	}
	return strings.Join(out, " ")
}

const ms = time.Millisecond

func TestSecondWay(t *testing.T) {
	t.Parallel()
	down := &gateway.Error{Code: gateway.CodeUnavailable}
	for name, c := range map[string]struct {
		first, second lane
		took          time.Duration
		code          gateway.Code
		calls         string // endpoints whose model was asked
		tried         string
		wins          string // endpoint
	}{
		"fast first":                  {lane{after: 900 * ms}, lane{}, 900 * ms, "", "left", "", "left"},
		"slow first, fast second":     {lane{after: time.Hour}, lane{after: 100 * ms}, 1100 * ms, "", "left right", "left:superseded right:", "right"},
		"the first wins late":         {lane{after: 1200 * ms}, lane{after: time.Hour}, 1200 * ms, "", "left right", "right:superseded left:", "left"},
		"the first fails at once":     {lane{err: down}, lane{}, 0, "", "left right", "left:upstream_unavailable right:", "right"},
		"the first fails meanwhile":   {lane{after: 1200 * ms, err: down}, lane{after: time.Second}, 2 * time.Second, "", "left right", "left:upstream_unavailable right:", "right"},
		"the second fails":            {lane{after: 1500 * ms}, lane{err: down}, 1500 * ms, "", "left right", "right:upstream_unavailable left:", "left"},
		"both fail":                   {lane{after: 1500 * ms, err: down}, lane{after: 100 * ms, err: down}, 1500 * ms, gateway.CodeUnavailable, "left right", "right:upstream_unavailable left:upstream_unavailable", ""},
		"the second panics":           {lane{after: 1500 * ms}, lane{panics: true}, 1500 * ms, "", "left right", "right:internal left:", "left"},
		"the first panics":            {lane{after: 1500 * ms, panics: true}, lane{after: time.Second}, 2 * time.Second, "", "left right", "left:internal right:", "right"},
		"no place for the second":     {lane{after: 1500 * ms}, lane{queue: time.Hour}, 1500 * ms, "", "left", "right:superseded left:", "left"},
		"a queue before the first":    {lane{queue: 5 * time.Second, after: 900 * ms}, lane{}, 5900 * ms, "", "left", "", "left"},
		"the slow one does not stop":  {lane{after: time.Hour, deaf: true}, lane{after: 100 * ms}, 1100 * ms, "", "left right", "left:superseded right:", "right"},
		"the slow one fails too late": {lane{after: time.Hour, deaf: true, err: down}, lane{after: 100 * ms}, 1100 * ms, "", "left right", "left:superseded right:", "right"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, stream bool) {
				t.Helper()
				l, q, g := hedging(t, c.first, c.second)
				l.next = func(attempts []gateway.Attempt, _ error) (int, time.Duration, bool) {
					return 1, 0, len(attempts) == 1
				}
				began := time.Now()
				err := ask(t.Context(), g, chat(t, "Hallo"), stream)
				if code := gateway.CodeOf(err); code != c.code && !errors.Is(err, io.EOF) {
					t.Fatalf("ended with %v, want %q", err, c.code)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if calls := strings.Join(l.calls, " "); calls != c.calls {
					t.Errorf("asked %s, want %s", calls, c.calls)
				}
				end := l.closings[0]
				if got := tried(end.Attempts); got != c.tried {
					t.Errorf("tried %s, want %s", got, c.tried)
				}
				if (end.Answered != nil) != (c.wins == "right") || end.Answered != nil && *end.Answered != right {
					t.Errorf("answered by %+v, want %q", end.Answered, c.wins)
				}
				if len(q.settled) != 1 || len(l.closings) != 1 {
					t.Errorf("settled %d times, closed %d times", len(q.settled), len(l.closings))
				}
				time.Sleep(2 * time.Hour) // who does not stop is waited for by nobody
				l.mustRest(t)
			})
		})
	}
}

// What the slower model has read is paid for, at its price; one that was not asked is not.
func TestSecondWayIsPaidFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second lane
		more          func(input int) gateway.MicroEuro
		wins          gateway.Route
	}{
		"alone":         {lane{}, lane{}, func(int) gateway.MicroEuro { return 0 }, left},
		"second":        {lane{after: time.Hour}, lane{}, func(n int) gateway.MicroEuro { return left.Price.Of(n, 0) }, right},
		"first":         {lane{after: 2 * time.Second}, lane{after: time.Hour}, func(n int) gateway.MicroEuro { return right.Price.Of(n, 0) }, left},
		"first, queued": {lane{after: 2 * time.Second}, lane{queue: time.Hour}, func(int) gateway.MicroEuro { return 0 }, left},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, stream bool) {
				t.Helper()
				l, q, g := hedging(t, c.first, c.second)
				if err := ask(t.Context(), g, chat(t, "Hallo"), stream); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				input := (len(l.sent["left"]) + 2) / 3
				if got, want := q.settled[0].Closing.Cost, c.wins.Price.Of(10, 20)+c.more(input); got != want {
					t.Errorf("cost %d, want %d", got, want)
				}
				l.mustRest(t)
			})
		})
	}
}

func TestNoSecondWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*lanes)
		asked  int // how often the router
	}{
		"not configured":            {func(l *lanes) { l.patience = 0 }, 0},
		"one route":                 {func(l *lanes) { l.routes = l.routes[:1] }, 0},
		"no budget":                 {func(l *lanes) { l.beside = func() (int, bool) { return 1, false } }, 1},
		"the same route":            {func(l *lanes) { l.beside = func() (int, bool) { return 0, true } }, 1},
		"a route that is not there": {func(l *lanes) { l.beside = func() (int, bool) { return 2, true } }, 1},
		"route -1":                  {func(l *lanes) { l.beside = func() (int, bool) { return -1, true } }, 1},
		"a laxer residency":         {func(l *lanes) { l.routes[1].Residency = gateway.ResidencyPublicEU }, 1},
		"an unknown residency":      {func(l *lanes) { l.routes[1].Residency = "orbit" }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, stream bool) {
				t.Helper()
				l, _, g := hedging(t, lane{after: time.Minute}, lane{})
				c.change(l)
				if err := ask(t.Context(), g, chat(t, "Hallo"), stream); err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				if len(l.calls) != 1 || l.asked != c.asked || l.closings[0].Attempts != nil {
					t.Errorf("asked %v, the router %d times, attempts %+v", l.calls, l.asked, l.closings[0].Attempts)
				}
				l.mustRest(t)
			})
		})
	}
	for _, operation := range []gateway.Operation{gateway.OperationTool, gateway.OperationTranscription} {
		t.Run(string(operation), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _, g := hedging(t, lane{after: time.Minute}, lane{})
				r := chat(t, "Hallo")
				r.Operation = operation
				if _, err := g.Complete(t.Context(), r); err != nil || len(l.calls) != 1 || l.asked != 0 {
					t.Errorf("ended with %v, asked %v", err, l.calls)
				}
			})
		})
	}
}

// After both ways have failed the router says what follows, and knows of both.
func TestAttemptsGoOnAfterBothWays(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		l, _, g := hedging(t, lane{after: 2 * time.Second, err: errDown}, lane{err: errDown})
		l.next = func(attempts []gateway.Attempt, _ error) (int, time.Duration, bool) {
			l.by["left"] = lane{after: time.Minute}
			return 0, 0, len(attempts) == 2
		}
		if err := ask(t.Context(), g, chat(t, "Hallo"), stream); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if got := tried(l.closings[0].Attempts); got != "right:upstream_unavailable left:upstream_unavailable left:" || l.asked != 1 {
			t.Errorf("tried %s, asked for a second way %d times", got, l.asked)
		}
		l.mustRest(t)
	})
}

func TestCallerLeavesWhileTwoAreAsked(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		l, q, g := hedging(t, lane{after: time.Hour}, lane{after: time.Hour})
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(1500*ms, leave)
		began := time.Now()
		if err := ask(ctx, g, chat(t, "Hallo"), stream); gateway.CodeOf(err) != gateway.CodeCancelled || time.Since(began) != 1500*ms {
			t.Errorf("ended with %v after %s", err, time.Since(began))
		}
		end := l.closings[0]
		if len(end.Attempts) != 2 || end.Attempts[0].Code != gateway.CodeCancelled || end.Attempts[1].Code != gateway.CodeCancelled || end.Outcome != gateway.OutcomeCancelled {
			t.Errorf("closing %+v", end)
		}
		input := (len(l.sent["left"]) + 2) / 3
		if got, want := q.settled[0].Closing.Cost, left.Price.Of(input, 0)+right.Price.Of(input, 0); got != want {
			t.Errorf("cost %d, want %d", got, want)
		}
		l.mustRest(t)
	})
}

// Both bring something at the same moment: one is taken, the other one given back.
func TestTwoAnswersAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		modes(t, func(t *testing.T, stream bool) {
			t.Helper()
			l, q, g := hedging(t, lane{after: 1100 * ms, deaf: true}, lane{after: 100 * ms, deaf: true})
			if err := ask(t.Context(), g, chat(t, "Hallo"), stream); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if got := tried(l.closings[0].Attempts); got != "left:superseded right:" && got != "right:superseded left:" {
				t.Errorf("tried %s", got)
			}
			if len(q.settled) != 1 {
				t.Errorf("settled %d times", len(q.settled))
			}
			l.mustRest(t)
		})
	}
}

// A second way into the house, beside a first one out of it: each model is given its
// own text, and the answer is read as that of the one which gave it.
func TestSecondWayIntoTheHouse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, second lane
		name          string
		restored      int
	}{
		"outside wins": {lane{after: 2 * time.Second}, lane{after: time.Hour}, "Guten Tag Erika", 1},
		"inside wins":  {lane{after: time.Hour}, lane{}, "Guten Tag [NAME_1]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, _, g := hedging(t, c.first, c.second)
				abroad := outside
				abroad.Endpoint = "left"
				l.routes = []gateway.Route{abroad, right}
				response, err := g.Complete(t.Context(), chat(t, "Hallo Erika"))
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(l.sent["left"], "Erika") || !strings.Contains(l.sent["right"], "Hallo Erika") {
					t.Errorf("sent %q", l.sent)
				}
				if !strings.Contains(string(response.Body), c.name) || l.closings[0].Restored != c.restored {
					t.Errorf("answer %s, restored %d", response.Body, l.closings[0].Restored)
				}
				l.mustRest(t)
			})
		})
	}
}

// The router breaks while an attempt is under way: it is stopped, nothing stays behind.
func TestSecondWayPanics(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		l, q, g := hedging(t, lane{after: time.Hour}, lane{})
		l.beside = func() (int, bool) { panic("Erika") }
		if err := ask(t.Context(), g, chat(t, "Hallo"), stream); gateway.CodeOf(err) != gateway.CodeInternal {
			t.Errorf("ended with %v", err)
		}
		if len(l.closings) != 1 || len(q.settled) != 1 {
			t.Errorf("closings %+v, settled %d times", l.closings, len(q.settled))
		}
		l.mustRest(t)
	})
}

// slowJournal is a recorder that takes its time.
type slowJournal struct {
	*parts
	err error
}

func (s slowJournal) Begin(_ context.Context, r gateway.Record) (gateway.Pending, error) {
	s.records = append(s.records, r)
	return s, nil
}

func (s slowJournal) Wait(context.Context) error {
	time.Sleep(3 * time.Second)
	return s.err
}

func TestLostRecordStopsBothWays(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		l, q, g := hedging(t, lane{after: time.Hour}, lane{after: time.Hour})
		g.Recorder = slowJournal{l.parts, errDisk}
		began := time.Now()
		if err := ask(t.Context(), g, chat(t, "Hallo"), stream); gateway.CodeOf(err) != gateway.CodeNoRecord || time.Since(began) != 3*time.Second {
			t.Errorf("ended with %v after %s", err, time.Since(began))
		}
		if len(l.closings) != 0 || len(q.settled) != 1 || !slices.Equal(l.calls, []string{"left", "right"}) {
			t.Errorf("closings %+v, settled %d times, asked %v", l.closings, len(q.settled), l.calls)
		}
		if codes := fmt.Sprint(l.notes); codes != "map[left:cancelled right:cancelled]" {
			t.Errorf("places left with %s", codes)
		}
		l.mustRest(t)
	})
}
