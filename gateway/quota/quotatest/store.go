// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quotatest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

var day = quota.Account{
	Scope: quota.Scope{Class: "tenant", Tenant: tenant}, Kind: quota.KindDay, Period: "2026-03-02",
	Ends: time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC),
}

func exchange(t *testing.T, s quota.Store, replica string, ttl time.Duration, c quota.Claim) quota.Grant {
	t.Helper()
	grants, err := s.Exchange(context.Background(), replica, ttl, []quota.Claim{c})
	if err != nil {
		t.Fatalf("exchange: %v", err)
	}
	return grants[0]
}

func claimedOnce(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	s := f.attach()
	first := quota.Claim{Account: day, Seq: 1, Limit: 1000, Need: 100, Want: 400, Least: 100}
	g := exchange(t, s, "a", time.Minute, first)
	if g.Amount != 100 {
		t.Fatalf("granted %d of 1000, want what is needed (100): a sixteenth is less", g.Amount)
	}
	if again := exchange(t, s, "a", time.Minute, first); again.Amount != 100 || again.Book.Leased != 100 {
		t.Errorf("the same claim again: %+v, want the same grant and 100 leased", again)
	}
	spent := quota.Claim{Account: day, Seq: 2, Limit: 1000, Spent: 70, Keep: 30}
	for range 2 {
		if g = exchange(t, s, "a", time.Minute, spent); g.Book.Used != 70 || g.Book.Leased != 30 {
			t.Errorf("after 70 were spent: %+v, want 70 used, 30 leased", g.Book)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total int64
	for n := range 20 {
		wg.Go(func() {
			grants, err := s.Exchange(context.Background(), string(rune('b'+n)), time.Minute, []quota.Claim{{Account: day, Seq: 1, Limit: 1000, Need: 60, Least: 60}})
			if err != nil {
				t.Errorf("exchange: %v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			total += grants[0].Amount
		})
	}
	wg.Wait()
	if total != 900 { // 15 of 60; 1000 - 70 - 30
		t.Errorf("twenty replicas at once got %d, want 900", total)
	}
}

func expired(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	s := f.attach()
	exchange(t, s, "a", 50*time.Millisecond, quota.Claim{Account: day, Seq: 1, Limit: 1000, Need: 800, Least: 800})
	time.Sleep(150 * time.Millisecond)
	g := exchange(t, s, "b", time.Minute, quota.Claim{Account: day, Seq: 1, Limit: 1000, Need: 300, Least: 300})
	if g.Amount != 0 || g.Book.Lost != 800 || g.Book.Leased != 0 {
		t.Errorf("after the lease of a silent replica: %+v, want nothing granted, 800 lost", g)
	}
	g = exchange(t, s, "a", time.Minute, quota.Claim{Account: day, Seq: 2, Limit: 1000, Spent: 250, Keep: 50})
	if g.Book.Lost != 0 || g.Book.Used != 250 || g.Book.Leased != 50 {
		t.Errorf("after the replica came back: %+v, want 250 used, 50 leased, nothing lost", g.Book)
	}
	if g = exchange(t, s, "b", time.Minute, quota.Claim{Account: day, Seq: 2, Limit: 1000, Need: 300, Least: 300}); g.Amount != 300 {
		t.Errorf("then %d are granted, want 300", g.Amount)
	}
}

func sharesExpire(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	s := f.attach()
	account := quota.Account{Scope: quota.Scope{Class: "all"}, Kind: quota.KindRequests}
	claim := func(replica string, seq, keep int64) quota.Grant {
		ttl := time.Minute
		if replica == "a" {
			ttl = 50 * time.Millisecond
		}
		return exchange(t, s, replica, ttl, quota.Claim{Account: account, Seq: seq, Limit: 600, Keep: keep, Need: 1, Want: 600, Least: 1, Fill: 10 * time.Second})
	}
	if g := claim("a", 1, 0); g.Amount != 600 {
		t.Fatalf("the only replica got %d of 600", g.Amount)
	}
	time.Sleep(150 * time.Millisecond)
	g := claim("b", 1, 0)
	if g.Amount != 600 || g.Wait < 8*time.Second || g.Wait > 10*time.Second {
		t.Errorf("after the expiry: %+v, want 600, empty at first", g)
	}
	if g = claim("a", 2, 600); g.Kept != 0 || g.Amount != 0 {
		t.Errorf("the replica that was silent keeps %d and got %d, want nothing", g.Kept, g.Amount)
	}
}

func usage(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	s := f.attach()
	ctx := context.Background()
	row := func(day string, hour int, tenant gateway.TenantID, system gateway.SystemID, cost gateway.MicroEuro) quota.Row {
		return quota.Row{
			Key:   quota.Key{Day: day, Hour: hour, Tenant: tenant, System: system, Purpose: "chat", Model: "haus-70b", Outcome: gateway.OutcomeAnswered},
			Count: quota.Count{Requests: 1, InputReported: 10, OutputEstimated: 5, Cost: cost, Masked: 2, Energy: 7},
		}
	}
	first := quota.Batch{ID: "1", Time: time.Now(), Rows: []quota.Row{
		row("2026-03-01", 9, "a", "x", 100), row("2026-03-02", 9, "a", "x", 200), row("2026-03-02", 10, "a", "y", 300), row("2026-03-02", 10, "b", "x", 400),
	}}
	second := quota.Batch{ID: "2", Time: time.Now(), Rows: []quota.Row{row("2026-03-02", 9, "a", "x", 1000)}}
	for _, batch := range []quota.Batch{first, first, second, second} {
		if err := s.AddUsage(ctx, batch); err != nil {
			t.Fatalf("add usage: %v", err)
		}
	}
	for _, c := range []struct {
		name   string
		filter quota.Filter
		costs  []gateway.MicroEuro
	}{
		{"everything", quota.Filter{}, []gateway.MicroEuro{2000}},
		{"by tenant", quota.Filter{By: []quota.Dimension{quota.ByTenant}}, []gateway.MicroEuro{1600, 400}},
		{"one tenant by system", quota.Filter{Tenant: "a", By: []quota.Dimension{quota.BySystem}}, []gateway.MicroEuro{1300, 300}},
		{"by day and hour", quota.Filter{By: []quota.Dimension{quota.ByDay, quota.ByHour}}, []gateway.MicroEuro{100, 1200, 700}},
		{"by month", quota.Filter{By: []quota.Dimension{quota.ByMonth}}, []gateway.MicroEuro{2000}},
		{"days", quota.Filter{From: "2026-03-02", To: "2026-03-02"}, []gateway.MicroEuro{1900}},
		{"no rows", quota.Filter{From: "2027-01-01"}, nil},
		{"a name with a quote", quota.Filter{Tenant: "a' OR '1'='1"}, nil},
		{"limit", quota.Filter{By: []quota.Dimension{quota.ByTenant}, Limit: 1}, []gateway.MicroEuro{1600}},
	} {
		if c.filter.Limit == 0 {
			c.filter.Limit = 100
		}
		rows, err := s.SumUsage(ctx, c.filter)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var costs []gateway.MicroEuro
		for _, r := range rows {
			costs = append(costs, r.Cost)
		}
		if !slices.Equal(costs, c.costs) {
			t.Errorf("%s: costs %v, want %v", c.name, costs, c.costs)
		}
	}
	rows, err := s.SumUsage(ctx, quota.Filter{Limit: 10, By: []quota.Dimension{quota.ByMonth}})
	if want := (quota.Count{Requests: 5, InputReported: 50, OutputEstimated: 25, Cost: 2000, Masked: 10, Energy: 35}); err != nil || len(rows) != 1 || rows[0].Count != want || rows[0].Day != "2026-03" {
		t.Errorf("sum by month = %+v, %v; want %+v in 2026-03", rows, err, want)
	}
	if _, err := s.SumUsage(ctx, quota.Filter{By: []quota.Dimension{"day; DROP TABLE quota_usage"}, Limit: 1}); err == nil {
		t.Error("a group that does not exist was accepted")
	}
	if err := s.Tidy(ctx, time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)); err != nil {
		t.Fatalf("tidy: %v", err)
	}
	if rows, err = s.SumUsage(ctx, quota.Filter{Limit: 10}); err != nil || len(rows) != 1 || rows[0].Cost != 1900 {
		t.Errorf("after tidying: %+v, %v; want the second day alone", rows, err)
	}
}

func notices(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	s := f.attach()
	ctx := context.Background()
	notice := func(tenant gateway.TenantID, percent int) quota.Notice {
		return quota.Notice{
			Time: time.Date(2026, 3, 2, 9, percent%60, 0, 0, time.UTC), Scope: quota.Scope{Class: "tenant", Tenant: tenant}, Kind: quota.KindDay,
			Period: "2026-03-02", Ends: day.Ends, Percent: percent, Budget: 5_000_000, Used: 4_000_000, Text: "Vom Tagesbudget …",
		}
	}
	fresh, err := s.AddNotices(ctx, []quota.Notice{notice("a", 80), notice("b", 80)})
	if err != nil || len(fresh) != 2 {
		t.Fatalf("first notices: %v, %v", fresh, err)
	}
	fresh, err = s.AddNotices(ctx, []quota.Notice{notice("a", 80), notice("a", 90)})
	if err != nil || len(fresh) != 1 || fresh[0].Percent != 90 {
		t.Errorf("the same again and a new one: %v, %v; want the new one", fresh, err)
	}
	mine, err := s.Notices(ctx, "a", 10)
	if err != nil || len(mine) != 2 || mine[0] != notice("a", 90) && !mine[0].Time.Equal(notice("a", 90).Time) || mine[0].Budget != 5_000_000 {
		t.Errorf("notices of a = %+v, %v", mine, err)
	}
	all, err := s.Notices(ctx, "", 2)
	if err != nil || len(all) != 2 {
		t.Errorf("two of all notices = %+v, %v", all, err)
	}
}
