// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quotatest

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

func rate(t *testing.T, b Backend) {
	const perMinute = 1200
	f := newFixture(t, b, quota.Limits{All: quota.Limit{RequestsPerMinute: perMinute}})
	keepers := make([]*quota.Keeper, 2)
	for i := range keepers {
		keepers[i], _ = f.keeper()
	}
	var admitted [2]atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for n := range 64 {
		wg.Go(func() {
			for going(begin, 4*time.Second, &admitted[0], &admitted[1]) {
				ticket, err := keepers[n%2].Admit(context.Background(), request(tenant))
				if err != nil {
					if gateway.CodeOf(err) != gateway.CodeRateLimited {
						t.Errorf("admit: %v", err)
						return
					}
					time.Sleep(5 * time.Millisecond)
					continue
				}
				admitted[n%2].Add(1)
				ticket.Settle(context.Background(), used(0, 1, 1))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	total := admitted[0].Load() + admitted[1].Load()
	most := int64(perMinute*elapsed.Minutes()) + perMinute/6 + 2
	t.Logf("admitted %d and %d in %v, most is %d", admitted[0].Load(), admitted[1].Load(), elapsed, most)
	if total > most {
		t.Errorf("%d requests in %v, more than %d", total, elapsed, most)
	}
	if total < perMinute/6 {
		t.Errorf("only %d requests in %v", total, elapsed)
	}
	for i := range admitted {
		if admitted[i].Load() < 5 {
			t.Errorf("replica %d got only %d of %d", i, admitted[i].Load(), total)
		}
	}
}

// going: for the time given, and on a busy machine until both replicas had
// their turn.
func going(begin time.Time, least time.Duration, first, second *atomic.Int64) bool {
	d := time.Since(begin)
	return d < least || min(first.Load(), second.Load()) < 5 && d < 8*least
}

func concurrency(t *testing.T, b Backend) {
	const places = 10
	f := newFixture(t, b, quota.Limits{Systems: map[string]quota.Limit{"musterhausen/wohngeld": {Concurrent: places}}})
	keepers := make([]*quota.Keeper, 2)
	for i := range keepers {
		keepers[i], _ = f.keeper()
	}
	var running, highest atomic.Int64
	var served [2]atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for n := range 64 {
		wg.Go(func() {
			for going(begin, 3*time.Second, &served[0], &served[1]) {
				ticket, err := keepers[n%2].Admit(context.Background(), request(tenant))
				if err != nil {
					time.Sleep(2 * time.Millisecond)
					continue
				}
				raise(&highest, running.Add(1))
				time.Sleep(3 * time.Millisecond)
				running.Add(-1)
				served[n%2].Add(1)
				ticket.Settle(context.Background(), used(0, 1, 1))
			}
		})
	}
	wg.Wait()
	t.Logf("served %d and %d, at most %d at once", served[0].Load(), served[1].Load(), highest.Load())
	if h := highest.Load(); h > places || h < places/2 {
		t.Errorf("%d requests at once, want up to %d", h, places)
	}
	for i := range served {
		if served[i].Load() < 5 {
			t.Errorf("replica %d served nothing", i)
		}
	}
	other := request("nachbarstadt")
	for range 2 * places {
		if _, err := keepers[0].Admit(context.Background(), other); err != nil {
			t.Fatalf("the limit of one tenant's system stops another tenant: %v", err)
		}
	}
}

func tokens(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{Keys: map[string]quota.Limit{"k_7f31": {OutputTokensPerMinute: 1000}}})
	now := newClock()
	k, _ := f.keeper(func(c *quota.Config) { c.Now = now.now })
	ctx := context.Background()
	reserve := func(n int) (gateway.Ticket, error) {
		ticket, err := k.Admit(ctx, request(tenant))
		if err != nil {
			t.Fatalf("admit: %v", err)
		}
		return ticket, ticket.Reserve(ctx, gateway.Estimate{Output: n})
	}
	first, err := reserve(900)
	if err != nil {
		t.Fatalf("the first 900 of 1,000: %v", err)
	}
	second, err := reserve(200)
	if gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("200 more: %v, want %s", err, gateway.CodeRateLimited)
	}
	second.Settle(ctx, gateway.Used{})
	first.Settle(ctx, used(0, 10, 100)) // 800 were not needed
	third, err := reserve(850)
	if err != nil {
		t.Fatalf("850 after the first was settled: %v", err)
	}
	third.Settle(ctx, used(0, 10, 1500)) // far more than the estimate
	if _, err = reserve(1); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("with a debt of 600: %v, want %s", err, gateway.CodeRateLimited)
	}
	now.add(30 * time.Second)
	if _, err = reserve(1); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("with a debt of 100: %v, want %s", err, gateway.CodeRateLimited)
	}
	now.add(31 * time.Second)
	if _, err = reserve(5000); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("a request above the limit while the bucket is not full: %v, want %s", err, gateway.CodeRateLimited)
	}
	now.add(time.Minute)
	large, err := reserve(math.MaxInt32 * 1024)
	if err != nil {
		t.Fatalf("a request above the limit with a full bucket: %v", err)
	}
	now.add(30 * time.Second)
	beside, err := reserve(400)
	if err != nil {
		t.Fatalf("beside a request with a wild estimate: %v", err)
	}
	beside.Settle(ctx, used(0, 10, 400))
	large.Settle(ctx, used(0, 10, 1600)) // 600 more than were set aside
	if _, err = reserve(1); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("after more than was set aside: %v, want %s", err, gateway.CodeRateLimited)
	}
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func setLimits(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{Tenants: map[string]quota.Limit{"musterhausen": {Concurrent: 2}}})
	k, _ := f.keeper()
	ctx := context.Background()
	var tickets []gateway.Ticket
	admit := func(want gateway.Code) {
		t.Helper()
		ticket, err := k.Admit(ctx, request(tenant))
		if gateway.CodeOf(err) != want {
			t.Fatalf("request %d: %v, want %q", len(tickets)+1, err, want)
		}
		if err == nil {
			tickets = append(tickets, ticket)
		}
	}
	set := func(n int64) {
		t.Helper()
		l := quota.Limits{Tenants: map[string]quota.Limit{}}
		if n > 0 {
			l.Tenants["*"] = quota.Limit{Concurrent: n}
		}
		if err := k.SetLimits(l); err != nil {
			t.Fatalf("set limits: %v", err)
		}
	}
	admit("")
	admit("")
	admit(gateway.CodeRateLimited)
	set(3)
	admit("")
	admit(gateway.CodeRateLimited)
	set(0)
	admit("")
	admit("")
	set(1)
	admit(gateway.CodeRateLimited)
	for _, ticket := range tickets {
		ticket.Settle(ctx, used(0, 1, 1))
	}
	// What was given back before the limit of one is a matter of a moment.
	tickets = nil
	eventually(t, "one place is free", func() bool {
		ticket, err := k.Admit(ctx, request(tenant))
		if err == nil {
			tickets = append(tickets, ticket)
		}
		return err == nil
	})
	admit(gateway.CodeRateLimited)
	if err := k.SetLimits(quota.Limits{All: quota.Limit{Concurrent: -1}}); err == nil {
		t.Error("a negative limit was accepted")
	}
	admit(gateway.CodeRateLimited)
}

// refusedElsewhere: what one scope refuses costs the others nothing.
func refusedElsewhere(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{
		Keys:    map[string]quota.Limit{"*": {RequestsPerMinute: 60}}, // ten at once
		Tenants: map[string]quota.Limit{"*": {Concurrent: 1}},
	})
	still := newClock()
	k, _ := f.keeper(func(c *quota.Config) { c.Now = still.now })
	ctx := context.Background()
	first, err := k.Admit(ctx, request(tenant))
	if err != nil {
		t.Fatalf("admit: %v", err)
	}
	for range 30 {
		if _, err := k.Admit(ctx, request(tenant)); gateway.CodeOf(err) != gateway.CodeRateLimited {
			t.Fatalf("a second at once: %v, want %s", err, gateway.CodeRateLimited)
		}
	}
	first.Settle(ctx, used(0, 1, 1))
	for n := range 9 {
		ticket, err := k.Admit(ctx, request(tenant))
		if err != nil {
			t.Fatalf("request %d of ten of the key: %v", n+2, err)
		}
		ticket.Settle(ctx, used(0, 1, 1))
	}
	if _, err := k.Admit(ctx, request(tenant)); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Fatalf("the eleventh of the key: %v, want %s", err, gateway.CodeRateLimited)
	}
}
