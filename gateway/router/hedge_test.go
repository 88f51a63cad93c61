// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// hedged is the catalogue in which every model of the house has a time.
func hedged(change ...func(*router.Config)) router.Config {
	c := router.Config{Catalogue: catalogue()}
	c.Models[0].HedgeAfter, c.Models[1].HedgeAfter = time.Second, 2*time.Second
	for _, f := range change {
		f(&c)
	}
	return c
}

var (
	atA = gateway.Route{Model: "haus", Residency: gateway.ResidencyOwn, Endpoint: "a"}
	atB = gateway.Route{Model: "haus", Residency: gateway.ResidencyOwn, Endpoint: "b"}
	atC = gateway.Route{Model: "eu", Residency: gateway.ResidencyPrivateEU, Endpoint: "c"}
)

func TestPatience(t *testing.T) {
	t.Parallel()
	r := open(t, hedged(func(c *router.Config) {
		c.Groups = []router.Group{
			{Name: "eilig", Models: []gateway.ModelID{"haus", "eu"}, HedgeAfter: 300 * time.Millisecond},
			{Name: "gelassen", Models: []gateway.ModelID{"haus", "eu"}},
		}
	}))
	for name, c := range map[string]struct {
		model gateway.ModelID
		first gateway.Route
		want  time.Duration
	}{
		"the model says":       {"haus", atA, time.Second},
		"its replica says":     {"haus", atB, 2 * time.Second},
		"nobody says":          {"eu", atC, 0},
		"the group says":       {"eilig", atC, 300 * time.Millisecond},
		"for all its models":   {"eilig", atB, 300 * time.Millisecond},
		"a group says nothing": {"gelassen", atA, time.Second},
		"no model named":       {"", atA, time.Second},
		"a route that is gone": {"haus", gateway.Route{Model: "haus", Endpoint: "z"}, 0},
	} {
		q := chat(t, `{}`)
		q.Model = c.model
		if got := r.Patience(q, c.first); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	if got := open(t, router.Config{Catalogue: catalogue()}).Patience(chat(t, `{}`), atA); got != 0 {
		t.Errorf("without a word %s", got)
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	enter := func(t *testing.T, r *router.Router) {
		t.Helper()
		if _, err := r.Enter(context.Background(), gateway.Request{}, atB); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		routes  []gateway.Route
		slow    int
		change  func(*router.Config)
		prepare func(t *testing.T, r *router.Router)
		want    int // -1: none
	}{
		"a replica":                {routes: []gateway.Route{atA, atB}, want: 1},
		"the other replica":        {routes: []gateway.Route{atA, atB}, slow: 1, want: 0},
		"a replica before another": {routes: []gateway.Route{atC, atA, atB}, slow: 2, want: 1},
		"a more sovereign one":     {routes: []gateway.Route{atC, atA}, want: 1},
		"no less sovereign one":    {routes: []gateway.Route{atA, atC}, want: -1},
		"not the same endpoint":    {routes: []gateway.Route{atA, {Model: "zweites", Residency: gateway.ResidencyOwn, Endpoint: "a"}}, want: -1},
		"alone":                    {routes: []gateway.Route{atA}, want: -1},
		"one that left":            {routes: []gateway.Route{atA, {Model: "haus", Residency: gateway.ResidencyOwn, Endpoint: "z"}}, want: -1},
		"not one that is left alone": {
			routes: []gateway.Route{atA, atB}, want: -1,
			change: func(c *router.Config) { c.Breaker.Consecutive = 3 },
			prepare: func(t *testing.T, r *router.Router) {
				t.Helper()
				for range 3 {
					if err := try(t, r, atB, crashed); err != nil {
						t.Fatal(err)
					}
				}
			},
		},
		"not one without a place": {
			routes: []gateway.Route{atA, atB}, want: -1, prepare: enter,
			change: func(c *router.Config) { c.Limits.Concurrent = 1 },
		},
		"not one whose endpoint has no place": {
			routes: []gateway.Route{atA, atB}, want: -1, prepare: enter,
			change: func(c *router.Config) { c.Endpoints = map[string]router.Limits{"b": {Concurrent: 1}} },
		},
		"not without a retry left": {
			routes: []gateway.Route{atA, atB}, want: -1,
			change: func(c *router.Config) { c.Retry = router.Retry{Reserve: 1, Share: 0.001, PerSecond: 1e-9} },
			prepare: func(t *testing.T, r *router.Router) {
				t.Helper()
				attempts := []gateway.Attempt{{Model: "haus", Endpoint: "b", Code: gateway.CodeUnavailable, Status: 503}}
				if _, _, again := r.Next(t.Context(), gateway.Request{}, []gateway.Route{atB}, attempts, fault(failed)); !again {
					t.Fatal("the retry was not made")
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			config := hedged(func(config *router.Config) { config.Now = clock.Now })
			if c.change != nil {
				c.change(&config)
			}
			r := open(t, config)
			if c.prepare != nil {
				c.prepare(t, r)
			}
			route, ok := r.Beside(gateway.Request{}, c.routes, c.slow)
			if !ok {
				route = -1
			}
			if route != c.want {
				t.Errorf("route %d, want %d", route, c.want)
			}
			if hedges := hedgesOf(r); ok != (hedges == 1) {
				t.Errorf("%d hedges counted", hedges)
			}
		})
	}
}

func hedgesOf(r *router.Router) (n uint64) {
	for _, s := range r.Status() {
		n += s.Hedges
	}
	return n
}

// When every request is slow, a second way is taken by a small share of them: the
// servers' trouble does not become twice as large.
func TestHedgesAreAShare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		share     float64
		low, high int // of 2000
	}{
		"as usual":   {0, 60, 104},
		"twenty":     {0.2, 300, 404},
		"next to no": {0.001, 1, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			r := open(t, hedged(func(config *router.Config) {
				config.Now, config.Hedge.Share = clock.Now, c.share
				config.Retry = router.Retry{Share: 1, Reserve: 100_000}
			}))
			made := 0
			for range 2000 {
				clock.add(time.Second) // time alone brings none
				if r.Patience(chat(t, `{}`), atA) == 0 {
					t.Fatal("no patience")
				}
				if _, ok := r.Beside(gateway.Request{}, []gateway.Route{atA, atB}, 0); ok {
					made++
				}
			}
			if made < c.low || made > c.high {
				t.Errorf("%d of 2000 requests went a second way, want %d to %d", made, c.low, c.high)
			}
		})
	}
}

// What nobody could take is not used up.
func TestHedgesThatAreNotMadeAreKept(t *testing.T) {
	t.Parallel()
	r := open(t, hedged())
	for range 100 {
		if _, ok := r.Beside(gateway.Request{}, []gateway.Route{atA}, 0); ok {
			t.Fatal("a second way on one route")
		}
	}
	if _, ok := r.Beside(gateway.Request{}, []gateway.Route{atA, atB}, 0); !ok {
		t.Error("no second way is left")
	}
}

func TestHedgeMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*router.Config){
		"models[0] haus: Die Dauer unter hedge_after (5ms) ist kürzer als 10ms.": func(c *router.Config) { c.Models[0].HedgeAfter = 5 * time.Millisecond },
		"models[1] haus: Die Dauer unter hedge_after (-1s)":                      func(c *router.Config) { c.Models[1].HedgeAfter = -time.Second },
		"groups[0] g: Die Dauer unter hedge_after (1ns)": func(c *router.Config) {
			c.Groups = []router.Group{{Name: "g", Models: []gateway.ModelID{"eu"}, HedgeAfter: 1}}
		},
		"hedge.share: Der Anteil 1.5 liegt nicht":  func(c *router.Config) { c.Hedge.Share = 1.5 },
		"hedge.share: Der Anteil -0.1 liegt nicht": func(c *router.Config) { c.Hedge.Share = -0.1 },
	} {
		if _, err := router.Open(hedged(spoil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A server that lost a race was slow; that it was stopped is no failure of its.
func TestSupersededTeachesSlowness(t *testing.T) {
	t.Parallel()
	clock := newClock()
	r := open(t, hedged(func(c *router.Config) { c.Now, c.Strategy = clock.Now, router.StrategyLatency }))
	for range 10 {
		ctx, stop := context.WithCancel(t.Context())
		place, err := r.Enter(ctx, gateway.Request{}, atA)
		if err != nil {
			t.Fatal(err)
		}
		clock.add(3 * time.Second)
		stop()
		place.Leave(gateway.Attempt{Model: "haus", Endpoint: "a", Started: clock.Now().Add(-3 * time.Second), Code: gateway.CodeSuperseded})
		if err := try(t, r, atB, gateway.Attempt{Output: 10, FirstByte: 50 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	if s := statusOf(t, r, "haus", "a"); s.Failures != 0 || s.State != router.StateClosed || s.FirstByte < time.Second {
		t.Errorf("status %+v", s)
	}
	q := chat(t, `{"messages":[]}`)
	q.Model = "haus"
	if got := places(plan(t, r, q)); !slices.Equal(got, []string{"haus@b", "haus@a"}) {
		t.Errorf("plan %v", got)
	}
}

// paced is a model that takes its time, by endpoint.
type paced map[string]time.Duration

func (p paced) Complete(ctx context.Context, c gateway.Call) (gateway.Answer, error) {
	select {
	case <-time.After(p[c.Route.Endpoint]):
		return (&script{answers: []error{nil}}).Complete(ctx, c)
	case <-ctx.Done():
		return gateway.Answer{}, ctx.Err()
	}
}

func (paced) Stream(context.Context, gateway.Call) (gateway.AnswerStream, error) {
	return nil, errors.New("not used")
}

// Through the whole gateway: one replica hangs, and nobody notices more than the
// time that was set, until the share is used up.
func TestHangingReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := hedged(func(c *router.Config) { c.Strategy, c.Hedge.Share = router.StrategyOrder, 1 })
		config.Models = config.Models[:2]
		log := &keeper{}
		r := open(t, config)
		g, err := gateway.New(gateway.Config{
			Screener: blind{}, Decider: lenient{}, Model: paced{"a": time.Minute, "b": 100 * time.Millisecond}, Recorder: log, Router: r,
			Pseudonymise: func(gateway.TenantID, string, string) gateway.Pseudonym { return "p" },
		})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 6 {
			q := chat(t, `{"model":"haus","messages":[{"role":"user","content":"Guten Tag"}]}`)
			q.Purpose, q.Model = gateway.PurposeChat, "haus"
			if _, err := g.Complete(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			end := log.closings[n]
			first := log.records[n].Route.Endpoint
			switch {
			case end.Total == 100*time.Millisecond && first == "b" && end.Attempts == nil:
			case end.Total == 1100*time.Millisecond && first == "a" && len(end.Attempts) == 2 && end.Attempts[0].Code == gateway.CodeSuperseded && end.Answered.Endpoint == "b":
			default:
				t.Errorf("request %d began at %s and took %s: %+v", n, first, end.Total, end.Attempts)
			}
		}
		if hedges := hedgesOf(r); hedges == 0 {
			t.Error("no request went a second way")
		}
		synctest.Wait()
		for _, s := range r.Status() {
			if s.InFlight != 0 || s.Failures != 0 {
				t.Errorf("status %+v", s)
			}
		}
	})
}
