// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// pinger counts pings and fails for those that are down.
type pinger struct {
	mu    sync.Mutex
	count map[string]int
	down  map[string]bool
}

func newPinger(down ...string) *pinger {
	p := &pinger{count: map[string]int{}, down: map[string]bool{}}
	for _, name := range down {
		p.down[name] = true
	}
	return p
}

func (p *pinger) ping(_ context.Context, endpoint string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count[endpoint]++
	if p.down[endpoint] {
		return errors.New("nobody there")
	}
	return nil
}

func (p *pinger) pinged() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := slices.Sorted(maps.Keys(p.count))
	clear(p.count)
	return names
}

func TestPingFindsWhatIsDown(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPinger("a")
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Now: clock.Now, Health: router.Health{Ping: p.ping}})
	r.Check(t.Context())
	if got := p.pinged(); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("pinged %v, want all: nobody has asked them yet", got)
	}
	if s := statusOf(t, r, "haus", "a"); s.State != router.StateClosed {
		t.Errorf("after one failed ping: %s, want closed", s.State)
	}
	if err := try(t, r, gateway.Route{Model: "eu", Endpoint: "c"}, fine); err != nil {
		t.Fatal(err)
	}
	r.Check(t.Context())
	if got := p.pinged(); !slices.Equal(got, []string{"a", "d"}) {
		t.Errorf("pinged %v, want not c, which has just answered", got)
	}
	if s := statusOf(t, r, "haus", "a"); s.State != router.StateOpen {
		t.Errorf("after two failed pings: %s, want open", s.State)
	}
	if got := plan(t, r, chat(t, `{}`))[0].Model; got != "eu" {
		t.Errorf("the first request goes to %s, want eu: haus does not answer pings", got)
	}
}

func TestPingBringsBack(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPinger()
	r := open(t, router.Config{
		Catalogue: router.Catalogue{Models: three()}, Now: clock.Now,
		Breaker: router.Breaker{Open: time.Hour, MaxOpen: time.Hour}, Health: router.Health{Ping: p.ping},
	})
	haus := gateway.Route{Model: "haus", Endpoint: "a"}
	for range 10 {
		_ = try(t, r, haus, crashed)
	}
	if try(t, r, haus, fine) == nil {
		t.Fatal("the circuit is not open")
	}
	r.Check(t.Context())
	if s := statusOf(t, r, "haus", "a"); s.State != router.StateHalfOpen {
		t.Errorf("after a good ping: %s, want half open", s.State)
	}
	if err := try(t, r, haus, fine); err != nil {
		t.Errorf("the probe: %v", err)
	}
	if s := statusOf(t, r, "haus", "a"); s.State != router.StateClosed {
		t.Errorf("after a good probe: %s, want closed", s.State)
	}
}

// A ping that asks for the wrong thing must not keep a good server away.
func TestRequestsHaveTheLastWord(t *testing.T) {
	t.Parallel()
	clock, p := newClock(), newPinger("a", "c", "d")
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Now: clock.Now, Health: router.Health{Ping: p.ping}})
	for range 5 {
		r.Check(t.Context())
	}
	clock.add(2 * time.Second)
	routes := plan(t, r, chat(t, `{}`))
	if err := try(t, r, routes[0], fine); err != nil || routes[0].Model != "haus" {
		t.Fatalf("%v %v", places(routes), err)
	}
	for range 5 {
		r.Check(t.Context())
	}
	if s := statusOf(t, r, "haus", "a"); s.State != router.StateClosed {
		t.Errorf("%s although requests are answered", s.State)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPinger()
		r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Health: router.Health{Ping: p.ping}})
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
		defer stop()
		r.Run(ctx)
		for name, n := range p.count {
			if n < 25 || n > 38 {
				t.Errorf("%s was pinged %d times in 5 minutes, want about 30", name, n)
			}
		}
		if len(p.count) != 3 {
			t.Errorf("pinged %v", p.count)
		}
		open(t, router.Config{Catalogue: router.Catalogue{Models: three()}}).Run(t.Context()) // without a ping: returns
	})
}

func TestPingHasAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Health: router.Health{Ping: hang}})
		began := time.Now()
		r.Check(t.Context())
		r.Check(t.Context())
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("two rounds took %s, want twice the 5 s a ping may take", took)
		}
		for _, s := range r.Status() {
			if s.State != router.StateOpen {
				t.Errorf("%s is %s, want open", s.Model, s.State)
			}
		}
	})
}

func TestUpdateKeepsWhatStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		models := three()
		models[1].Limits = router.Limits{Concurrent: 1, Wait: time.Hour}
		models[2].Limits = router.Limits{Concurrent: 1, Wait: time.Hour}
		r := open(t, router.Config{Catalogue: router.Catalogue{Models: models}})
		us, eu, haus := gateway.Route{Model: "us", Endpoint: "d"}, gateway.Route{Model: "eu", Endpoint: "c"}, gateway.Route{Model: "haus", Endpoint: "a"}
		for range 10 {
			_ = try(t, r, us, crashed)
		}
		_ = try(t, r, eu, gateway.Attempt{Output: 10})
		results := map[gateway.ModelID]chan error{"eu": make(chan error, 2), "haus": make(chan error, 2)}
		var inside []gateway.Place
		for _, route := range []gateway.Route{eu, haus} {
			place, err := r.Enter(t.Context(), tenant("a"), route)
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, place)
			for range 2 {
				go func() { _, err := r.Enter(context.Background(), tenant("b"), route); results[route.Model] <- err }()
			}
		}
		synctest.Wait()
		if err := r.Update(router.Catalogue{Models: []router.Entry{{}}}); err == nil {
			t.Error("a catalogue with mistakes was taken")
		}
		next := slices.Clone(models[:2]) // haus leaves, eu takes more, land comes
		next[1].Limits.Concurrent = 2
		land := entry("land", gateway.ResidencyPublicEU, 0, gateway.OperationChat)
		if err := r.Update(router.Catalogue{Models: append(next, land)}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-results["haus"]; gateway.CodeOf(err) != gateway.CodeOverloaded {
				t.Errorf("who waited for the model that left got %v", err)
			}
		}
		if err := <-results["eu"]; err != nil {
			t.Errorf("who waited for the model that takes more got %v", err)
		}
		if s := statusOf(t, r, "us", "d"); s.State != router.StateOpen || s.Failures != 10 {
			t.Errorf("us: %+v, want still open", s)
		}
		if s := statusOf(t, r, "eu", "c"); s.InFlight != 2 || s.Waiting != 1 || s.Limit != 2 || s.Requests != 1 {
			t.Errorf("eu: %+v, want 2 in flight and 1 waiting", s)
		}
		if _, err := r.Enter(t.Context(), tenant("a"), haus); gateway.CodeOf(err) != gateway.CodeOverloaded {
			t.Errorf("entering a model that left: %v", err)
		}
		for _, place := range inside {
			place.Leave(fine)
		}
		if err := <-results["eu"]; err != nil {
			t.Errorf("the last one got %v", err)
		}
		if got := places(plan(t, r, chat(t, `{}`))); !slices.Equal(got, []string{"land@e", "eu@c", "us@d"}) {
			t.Errorf("plan %v", got)
		}
	})
}
