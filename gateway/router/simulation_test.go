// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// server is a simulated model server: how it behaves at a time since the start.
type server struct {
	behave func(at time.Duration) behaviour
	calls  atomic.Int64
	inside atomic.Int64
	most   atomic.Int64
}

// behaviour takes some time, then fails or not.
type behaviour struct {
	takes time.Duration
	fails gateway.Code // "": answers
	// capacity is how many at once it takes before it answers 503; 0: any number.
	capacity int64
	status   int
	retry    time.Duration
}

func (s *server) call(ctx context.Context, at time.Duration) error {
	s.calls.Add(1)
	n := s.inside.Add(1)
	defer s.inside.Add(-1)
	s.note(n)
	b := s.behave(at)
	if b.capacity > 0 && n > b.capacity {
		return fault(failed)
	}
	select {
	case <-time.After(b.takes):
	case <-ctx.Done():
		return &gateway.Error{Code: gateway.CodeOf(ctx.Err())}
	}
	if b.fails == "" {
		return nil
	}
	return fault(gateway.Attempt{Code: b.fails, Status: b.status, RetryAfter: b.retry})
}

// note keeps the most requests there were at once.
func (s *server) note(n int64) {
	for {
		most := s.most.Load()
		if n <= most || s.most.CompareAndSwap(most, n) {
			return
		}
	}
}

// world is a router with servers behind it.
type world struct {
	router  *router.Router
	servers map[string]*server
	began   time.Time
}

// outcome of one request.
type outcome struct {
	model gateway.ModelID
	code  gateway.Code
	tries int
	took  time.Duration
}

// ask takes a request along its routes, as the gateway does.
func (w *world) ask(ctx context.Context, q gateway.Request) outcome {
	began := time.Now()
	routes, err := w.router.Plan(ctx, q, everything)
	if err != nil {
		return outcome{code: gateway.CodeOf(err)}
	}
	var attempts []gateway.Attempt
	tries := 0
	for at := 0; ; {
		route := routes[at]
		a := gateway.Attempt{Model: route.Model, Endpoint: route.Endpoint, Started: time.Now()}
		place, err := w.router.Enter(ctx, q, route)
		if err == nil {
			tries++
			err = w.servers[route.Endpoint].call(ctx, time.Since(w.began))
		}
		known := asError(err)
		a.Duration, a.Code, a.RetryAfter = time.Since(a.Started), gateway.CodeOf(err), known.RetryAfter
		if known.Upstream != nil {
			a.Status = known.Upstream.Status
		}
		if err == nil {
			a.Output = 50
		}
		attempts = append(attempts, a)
		if place != nil {
			place.Leave(a)
		}
		if err == nil || ctx.Err() != nil {
			return outcome{route.Model, a.Code, tries, time.Since(began)}
		}
		next, pause, again := w.router.Next(ctx, q, routes, attempts, err)
		if !again {
			return outcome{route.Model, a.Code, tries, time.Since(began)}
		}
		time.Sleep(pause)
		at = next
	}
}

// sum over the requests that began in one phase.
type sum struct {
	requests, answered, tries int
	by                        map[gateway.ModelID]int
	longest                   time.Duration
}

// load sends so many requests per second for each phase and sums up the phases.
func (w *world) load(perSecond int, phases ...time.Duration) []sum {
	var mu sync.Mutex
	var all sync.WaitGroup
	sums := make([]sum, len(phases))
	for i, phase := range phases {
		sums[i].by = map[gateway.ModelID]int{}
		for n := range int(phase.Seconds() * float64(perSecond)) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				q := tenant(fmt.Sprint(n % 20))
				q.Conversation = fmt.Sprint(w.began, time.Now())
				o := w.ask(ctx, q)
				mu.Lock()
				defer mu.Unlock()
				s := &sums[i]
				s.requests++
				s.tries += o.tries
				s.longest = max(s.longest, o.took)
				if o.code == "" {
					s.answered++
					s.by[o.model]++
				}
			})
			time.Sleep(time.Second / time.Duration(perSecond))
		}
	}
	all.Wait()
	return sums
}

func (s sum) amplification() float64 { return float64(s.tries) / float64(s.requests) }

func (s sum) share() float64 { return float64(s.answered) / float64(s.requests) }

func steady(takes time.Duration) *server {
	return &server{behave: func(time.Duration) behaviour { return behaviour{takes: takes} }}
}

func simulate(t *testing.T, c router.Config, servers map[string]*server) *world {
	t.Helper()
	return &world{router: open(t, c), servers: servers, began: time.Now()}
}

// during is one behaviour between two times and another one else.
func during(from, to time.Duration, bad, usual behaviour) *server {
	return &server{behave: func(at time.Duration) behaviour {
		if at >= from && at < to {
			return bad
		}
		return usual
	}}
}

// The house's server fails for a minute in every way: the others stand in, few
// requests are lost, and it gets its work back.
func TestSimulatedOutage(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]behaviour{
		"503":       {fails: gateway.CodeUnavailable, status: 503},
		"500":       {takes: 50 * time.Millisecond, fails: gateway.CodeUnavailable, status: 500},
		"silence":   {takes: 5 * time.Second, fails: gateway.CodeTimeout},
		"cut":       {takes: 300 * time.Millisecond, fails: gateway.CodeTruncated},
		"429":       {fails: gateway.CodeRateLimited, status: 429, retry: 5 * time.Second},
		"overtaxed": {takes: 3 * time.Second, capacity: 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				servers := map[string]*server{
					"a": during(time.Minute, 2*time.Minute, bad, behaviour{takes: 200 * time.Millisecond}),
					"c": steady(300 * time.Millisecond), "d": steady(100 * time.Millisecond),
				}
				w := simulate(t, router.Config{Catalogue: router.Catalogue{Models: three()}}, servers)
				const perSecond = 50
				s := w.load(perSecond, time.Minute, time.Minute, 2*time.Minute, time.Minute)
				for i, phase := range s {
					if phase.share() < .995 {
						t.Errorf("phase %d: %.3f of the requests answered, want nearly all", i, phase.share())
					}
					if phase.amplification() > 1.2 {
						t.Errorf("phase %d: %.2f tries per request, want at most 1.2", i, phase.amplification())
					}
				}
				if s[0].by["haus"] != s[0].requests || s[3].by["haus"] < s[3].requests*99/100 {
					t.Errorf("before and after the outage haus answered %d and %d of %d", s[0].by["haus"], s[3].by["haus"], s[3].requests)
				}
				if name != "overtaxed" && s[1].by["eu"] < s[1].requests*95/100 {
					t.Errorf("during the outage eu answered %d of %d", s[1].by["eu"], s[1].requests)
				}
				t.Logf("tries per request %.3f, %.3f, %.3f, %.3f; answered in the outage %.4f; longest %s",
					s[0].amplification(), s[1].amplification(), s[2].amplification(), s[3].amplification(), s[1].share(), s[1].longest)
			})
		})
	}
}

// With nobody to stand in, retries must not make an outage worse: neither with
// the breaker nor where it never opens.
func TestSimulatedOutageOfAll(t *testing.T) {
	t.Parallel()
	for name, breaker := range map[string]router.Breaker{
		"with breaker": {}, "without": {Consecutive: 1 << 30, Requests: 1 << 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bad := behaviour{fails: gateway.CodeUnavailable, status: 503}
				a := during(0, time.Minute, bad, behaviour{takes: 200 * time.Millisecond})
				c := router.Config{Catalogue: router.Catalogue{Models: three()[2:]}, Breaker: breaker}
				w := simulate(t, c, map[string]*server{"a": a})
				s := w.load(50, time.Minute, time.Minute, time.Minute)
				if s[0].answered > 0 || s[0].amplification() > 1.2 {
					t.Errorf("%d answered, %.2f tries per request, want at most 1.2", s[0].answered, s[0].amplification())
				}
				if name == "with breaker" && s[0].tries > s[0].requests/10 {
					t.Errorf("%d of %d requests reached a server that was down", s[0].tries, s[0].requests)
				}
				if s[2].share() < 1 {
					t.Errorf("two minutes after the outage %.3f answered", s[2].share())
				}
				t.Logf("tries per request in the outage: %.3f; answered after it: %.3f, %.3f", s[0].amplification(), s[1].share(), s[2].share())
			})
		})
	}
}

// A server that loses every twelfth request keeps its circuit closed, and the
// budget is enough for nearly all to be answered.
func TestSimulatedFlicker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		a := &server{behave: func(time.Duration) behaviour {
			if n.Add(1)%12 == 0 {
				return behaviour{fails: gateway.CodeUnavailable, status: 503}
			}
			return behaviour{takes: 100 * time.Millisecond}
		}}
		w := simulate(t, router.Config{Catalogue: router.Catalogue{Models: three()[2:]}}, map[string]*server{"a": a})
		s := w.load(50, 5*time.Minute)[0]
		if s.share() < .99 || s.amplification() > 1.2 {
			t.Errorf("%.4f answered with %.3f tries per request, want over .99 with at most 1.2", s.share(), s.amplification())
		}
		if o := statusOf(t, w.router, "haus", "a").Openings; o != 0 {
			t.Errorf("the circuit opened %d times", o)
		}
	})
}

// One of two replicas becomes ten times slower: most of its work goes to the
// other one, and comes back when it is well again.
func TestSimulatedSlowReplica(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		usual := behaviour{takes: 200 * time.Millisecond}
		servers := map[string]*server{
			"a": during(time.Minute, 3*time.Minute, behaviour{takes: 2 * time.Second}, usual), "b": during(0, 0, usual, usual), "c": steady(time.Second),
		}
		w := simulate(t, router.Config{Catalogue: catalogue()}, servers)
		before := [4]int64{}
		share := func() float64 {
			a, b := servers["a"].calls.Load(), servers["b"].calls.Load()
			before[0], before[1], before[2], before[3] = before[2], before[3], a, b
			return float64(a-before[0]) / float64(a-before[0]+b-before[1])
		}
		var shares []float64
		for _, phase := range []time.Duration{time.Minute, 30 * time.Second, 90 * time.Second, 2 * time.Minute, time.Minute} {
			w.load(40, phase)
			shares = append(shares, share())
		}
		for i, bounds := range [][2]float64{{.4, .6}, {0, .3}, {0, .2}, {.3, .6}, {.4, .6}} {
			if shares[i] < bounds[0] || shares[i] > bounds[1] {
				t.Errorf("phase %d: the replica has %.2f of the requests, want %.1f to %.1f (%.2f)", i, shares[i], bounds[0], bounds[1], shares)
			}
		}
	})
}

// A bound keeps a server that breaks under load from breaking.
func TestSimulatedBoundProtects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := three()[2:]
		models[0].Limits = router.Limits{Concurrent: 8, Queue: 200, Wait: 20 * time.Second}
		a := &server{behave: func(time.Duration) behaviour { return behaviour{takes: 200 * time.Millisecond, capacity: 8} }}
		w := simulate(t, router.Config{Catalogue: router.Catalogue{Models: models}}, map[string]*server{"a": a})
		s := w.load(39, time.Minute)[0] // 40 per second are possible
		if s.share() < 1 || a.most.Load() > 8 {
			t.Errorf("%.3f answered, %d at once, want all and at most 8", s.share(), a.most.Load())
		}
		s = w.load(80, time.Minute)[0] // twice as much
		if s.share() < .45 || a.most.Load() > 8 {
			t.Errorf("under twice the load %.3f answered, %d at once, want what is possible", s.share(), a.most.Load())
		}
	})
}
