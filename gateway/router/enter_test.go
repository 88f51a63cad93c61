// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// bounded is a router with one model that takes so much.
func bounded(t testing.TB, l router.Limits) (*router.Router, gateway.Route) {
	t.Helper()
	e := entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat)
	e.Limits = l
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: []router.Entry{e}}})
	return r, gateway.Route{Model: "haus", Endpoint: "e"}
}

func TestQueueInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, route := bounded(t, router.Limits{Concurrent: 1, Queue: 100, Wait: time.Hour})
		first, err := r.Enter(t.Context(), tenant("x"), route)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var served []string
		enter := func(who string) {
			go func() {
				place, err := r.Enter(context.Background(), tenant(who), route)
				if err != nil {
					t.Errorf("%s: %v", who, err)
					return
				}
				mu.Lock()
				served = append(served, who)
				mu.Unlock()
				time.Sleep(time.Second)
				place.Leave(fine)
			}()
			synctest.Wait() // one after the other
		}
		for _, who := range []string{"a", "a", "a", "a", "b", "c", "b"} {
			enter(who)
		}
		if s := statusOf(t, r, "haus", "e"); s.InFlight != 1 || s.Waiting != 7 || s.Limit != 1 {
			t.Errorf("status %+v, want 1 in flight and 7 waiting", s)
		}
		first.Leave(fine)
		time.Sleep(10 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if got, want := fmt.Sprint(served), "[a b c a b a a]"; got != want {
			t.Errorf("served %s, want %s", got, want)
		}
	})
}

func TestQueueRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, route := bounded(t, router.Limits{Concurrent: 2, Queue: 4, Wait: 3 * time.Second})
		var held []gateway.Place
		for range 2 {
			place, err := r.Enter(t.Context(), tenant("a"), route)
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, place)
		}
		results := make(chan error, 8)
		for range 4 {
			go func() { _, err := r.Enter(context.Background(), tenant("a"), route); results <- err }()
		}
		synctest.Wait()
		if _, err := r.Enter(t.Context(), tenant("a"), route); asError(err).Code != gateway.CodeOverloaded || asError(err).RetryAfter != 3*time.Second {
			t.Errorf("full queue: %+v, want overloaded for the 3 s that 5 requests need at 2 places and a second each", asError(err))
		}
		// Whoever waits with few takes the place of whoever waits with many.
		began := time.Now()
		other := make(chan error, 1)
		go func() { _, err := r.Enter(context.Background(), tenant("b"), route); other <- err }()
		if err := <-results; asError(err).Code != gateway.CodeOverloaded || time.Since(began) > 0 {
			t.Errorf("the youngest of the longest line got %v after %s", err, time.Since(began))
		}
		synctest.Wait()
		held[0].Leave(fine)
		held[1].Leave(fine)
		if err := <-other; err != nil {
			t.Errorf("the tenant with one request: %v", err)
		}
		if err := <-results; err != nil {
			t.Errorf("the oldest of the tenant with many: %v", err)
		}
		for range 2 { // nobody leaves any more
			if err := <-results; asError(err).Code != gateway.CodeOverloaded || time.Since(began) != 3*time.Second {
				t.Errorf("after %s of waiting: %v, want overloaded after 3 s", time.Since(began), err)
			}
		}
	})
}

func TestNoQueue(t *testing.T) {
	t.Parallel()
	r, route := bounded(t, router.Limits{Concurrent: 1, Queue: -1})
	if _, err := r.Enter(t.Context(), tenant("a"), route); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Enter(t.Context(), tenant("b"), route); gateway.CodeOf(err) != gateway.CodeOverloaded {
		t.Errorf("the second got %v, want overloaded at once", err)
	}
}

func TestCancelledLeavesNoGhost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, route := bounded(t, router.Limits{Concurrent: 1})
		held, err := r.Enter(t.Context(), tenant("a"), route)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		late, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		results := make(chan error, 2)
		for _, c := range []context.Context{ctx, late} {
			go func() { _, err := r.Enter(c, tenant("b"), route); results <- err }()
		}
		synctest.Wait()
		cancel()
		if err := <-results; gateway.CodeOf(err) != gateway.CodeCancelled || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := <-results; gateway.CodeOf(err) != gateway.CodeTimeout {
			t.Errorf("out of time: %v", err)
		}
		if s := statusOf(t, r, "haus", "e"); s.InFlight != 1 || s.Waiting != 0 {
			t.Errorf("status %+v, want nobody waiting", s)
		}
		held.Leave(fine)
		held.Leave(fine) // a second call does nothing
		if s := statusOf(t, r, "haus", "e"); s.InFlight != 0 || s.Requests != 1 {
			t.Errorf("status %+v, want an empty model after one request", s)
		}
	})
}

// All models of an endpoint together stay below its bound.
func TestEndpointBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := three()
		models[0].Endpoint, models[1].Endpoint, models[2].Endpoint = "gpu", "gpu", "gpu"
		r := open(t, router.Config{Catalogue: router.Catalogue{
			Models: models, Limits: router.Limits{Concurrent: 2},
			Endpoints: map[string]router.Limits{"gpu": {Concurrent: 3, Wait: time.Hour}},
		}})
		var inside, most atomic.Int64
		var all sync.WaitGroup
		for _, id := range everything[:3] {
			for range 5 {
				all.Go(func() {
					place, err := r.Enter(context.Background(), tenant(string(id)), gateway.Route{Model: id, Endpoint: "gpu"})
					if err != nil {
						t.Errorf("%s: %v", id, err)
						return
					}
					if n := inside.Add(1); n > most.Load() {
						most.Store(n)
					}
					time.Sleep(time.Second)
					inside.Add(-1)
					place.Leave(fine)
				})
			}
		}
		all.Wait()
		if most.Load() != 3 {
			t.Errorf("at most %d requests at once, want 3", most.Load())
		}
		for _, s := range r.Status() {
			if s.InFlight != 0 || s.Waiting != 0 {
				t.Errorf("left behind: %+v", s)
			}
		}
	})
}

// Fifty tenants, one of which asks a hundred times as much: everybody who asks
// for less than a fair share gets it, and the rest goes to the greedy one.
func TestFairnessUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tenants, greedy, places, work = 49, 500, 10, time.Second
		r, route := bounded(t, router.Limits{Concurrent: places, Queue: 1000, Wait: time.Hour})
		ctx, stop := context.WithTimeout(t.Context(), 200*time.Second)
		defer stop()
		var done [tenants + 1]atomic.Int64
		var longest atomic.Int64
		client := func(who int) {
			for ctx.Err() == nil {
				began := time.Now()
				place, err := r.Enter(ctx, tenant(fmt.Sprint(who)), route)
				if err != nil {
					continue
				}
				if waited := int64(time.Since(began)); who > 0 && waited > longest.Load() {
					longest.Store(waited)
				}
				time.Sleep(work)
				place.Leave(fine)
				done[who].Add(1)
			}
		}
		var all sync.WaitGroup
		for range greedy {
			all.Go(func() { client(0) })
		}
		for who := range tenants {
			all.Go(func() { client(who + 1) })
		}
		all.Wait()
		// 10 places, 1 s each: 2,000 answers among 50 tenants, 40 each at a fair share.
		least, most := int64(1<<62), int64(0)
		for who := 1; who <= tenants; who++ {
			least, most = min(least, done[who].Load()), max(most, done[who].Load())
		}
		if least < 30 || most > 42 || done[0].Load() > 500 {
			t.Errorf("the modest got %d to %d answers, the greedy one %d; want about 33 and no more than 500", least, most, done[0].Load())
		}
		if limit := int64(6 * time.Second); longest.Load() > limit {
			t.Errorf("a modest tenant waited %s, want at most one round of 50 at 10 places", time.Duration(longest.Load()))
		}
	})
}

// Hundreds of goroutines enter, leave, give up and fail while the catalogue is
// replaced: the bound holds, and in the end nobody is inside.
func TestPlacesUnderRace(t *testing.T) {
	t.Parallel()
	const places = 7
	catalogue := func(n int) router.Catalogue {
		e := entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat)
		e.Limits = router.Limits{Concurrent: n, Queue: 300, Wait: 20 * time.Millisecond}
		return router.Catalogue{Models: append(three()[:2], e), Endpoints: map[string]router.Limits{"e": {Concurrent: places, Queue: 300}}}
	}
	r := open(t, router.Config{Catalogue: catalogue(places), Breaker: router.Breaker{Open: time.Millisecond, MaxOpen: 5 * time.Millisecond}})
	var inside, served, broken atomic.Int64
	outcomes := []gateway.Attempt{fine, fine, fine, crashed, tired, cancelled, wrong, silent}
	outcomes[4].RetryAfter = time.Millisecond
	worker := func(id int) {
		random := rand.New(rand.NewPCG(uint64(id), 1))
		for range 60 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(3000))*time.Microsecond)
			q := tenant(fmt.Sprint(id % 9))
			routes, err := r.Plan(ctx, q, everything)
			if err != nil {
				t.Error(err)
			}
			_ = routes
			if place, err := r.Enter(ctx, q, gateway.Route{Model: "haus", Endpoint: "e"}); err == nil {
				if inside.Add(1) > places {
					broken.Add(1)
				}
				time.Sleep(time.Duration(random.IntN(200)) * time.Microsecond)
				inside.Add(-1)
				a := outcomes[random.IntN(len(outcomes))]
				a.Model, a.Endpoint = "haus", "e"
				place.Leave(a)
				served.Add(1)
				_, _, _ = r.Next(ctx, q, routes, []gateway.Attempt{a}, fault(a))
			}
			cancel()
		}
	}
	var all sync.WaitGroup
	for id := range 300 {
		all.Go(func() { worker(id) })
	}
	for i := range 50 {
		if err := r.Update(catalogue(1 + i%places)); err != nil {
			t.Error(err)
		}
		r.Status()
		time.Sleep(time.Millisecond)
	}
	all.Wait()
	if broken.Load() > 0 || served.Load() == 0 {
		t.Errorf("the bound was broken %d times, %d requests served", broken.Load(), served.Load())
	}
	if s := statusOf(t, r, "haus", "e"); s.InFlight != 0 || s.Waiting != 0 {
		t.Errorf("left behind: %+v", s)
	}
}
