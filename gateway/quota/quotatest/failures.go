// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quotatest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

func storeDown(t *testing.T, b Backend) {
	limits := quota.Limits{Tenants: map[string]quota.Limit{"*": {BudgetPerDay: 1000 * cents, Concurrent: 8, RequestsPerMinute: 60_000}}}
	f := newFixture(t, b, limits)
	k, store := f.keeper()
	ctx := context.Background()
	if err := spend(ctx, k, cents, cents); err != nil {
		t.Fatalf("spend: %v", err)
	}
	store.broken.Store(true)
	n := 0
	var err error
	for begin := time.Now(); err == nil && time.Since(begin) < 10*time.Second; n++ {
		err = spend(ctx, k, cents, cents)
	}
	if gateway.CodeOf(err) != gateway.CodeBudget || n < 5 {
		t.Errorf("without the store %d requests went on from the lease, then %v; want some, then %s", n, err, gateway.CodeBudget)
	}
	e, ok := errors.AsType[*gateway.Error](err)
	if !ok || e.RetryAfter <= 0 || !strings.Contains(e.Message, "nicht geprüft") {
		t.Errorf("the refusal is %+v", e)
	}
	// Rates go on; a settlement never waits.
	ticket, err := k.Admit(ctx, request("nachbarstadt"))
	if err != nil {
		t.Fatalf("a rate without the store: %v", err)
	}
	begin := time.Now()
	ticket.Settle(ctx, used(0, 1, 1))
	if d := time.Since(begin); d > time.Second {
		t.Errorf("settling took %v", d)
	}
	if !k.Status().StoreDown || k.Status().RefusedWithoutStore == 0 {
		t.Errorf("status = %+v, want the store down", k.Status())
	}
	store.broken.Store(false)
	eventually(t, "the keeper comes back by itself", func() bool { return spend(ctx, k, cents, cents) == nil })
	n++
	f.stop(k)
	if book := f.book(); book.Used != int64(n)*cents || book.Leased != 0 {
		t.Errorf("the ledger says %+v, want %d used", book, n*cents)
	}

	strict, store := f.keeper(func(c *quota.Config) { c.Rates, c.Budgets = quota.Refuse, quota.Allow })
	if err := spend(ctx, strict, cents, cents); err != nil {
		t.Fatalf("spend: %v", err)
	}
	store.broken.Store(true)
	if _, err := strict.Admit(ctx, request("drittstadt")); gateway.CodeOf(err) != gateway.CodeRateLimited {
		t.Errorf("a strict rate without the store: %v, want %s", err, gateway.CodeRateLimited)
	}
	for range 50 {
		if err := spend(ctx, strict, cents, cents); err != nil {
			t.Fatalf("a budget that allows without the store: %v", err)
		}
	}
	store.broken.Store(false)
	f.stop(strict)
	if book := f.book(); book.Used != int64(n+51)*cents || book.Leased != 0 {
		t.Errorf("the ledger says %+v, want %d used", book, (n+51)*cents)
	}
}

func shutdown(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{
		All:     quota.Limit{RequestsPerMinute: 6000, Concurrent: 10},
		Tenants: map[string]quota.Limit{"*": {BudgetPerMonth: 1000 * cents, InputTokensPerMinute: 1_000_000}},
	})
	k, store := f.keeper(func(c *quota.Config) { c.Energy = func(gateway.ModelID) float64 { return 2.5 } })
	const n = 40
	for i := range n {
		store.lost.Store(i%4 == 1) // answers of the store get lost again and again
		if err := spend(context.Background(), k, 2*cents, cents); err != nil {
			eventually(t, "spending goes on", func() bool {
				store.lost.Store(false)
				return spend(context.Background(), k, 2*cents, cents) == nil
			})
		}
	}
	refused := k.Status().RefusedWithoutStore
	store.lost.Store(false)
	f.stop(k)
	for scope, kinds := range map[quota.Scope][]quota.Kind{
		{Class: "all"}:                    {quota.KindRequests, quota.KindConcurrent},
		{Class: "tenant", Tenant: tenant}: {quota.KindMonth, quota.KindInput},
	} {
		for _, kind := range kinds {
			book := f.bookOf(scope, kind)
			if book.Leased != 0 || book.Lost != 0 || kind == quota.KindMonth && book.Used != n*cents {
				t.Errorf("%v, %s: the ledger says %+v, want nothing leased or lost and %d used of the budget", scope, kind, book, n*cents)
			}
		}
	}
	rows, err := k.Usage(context.Background(), quota.Filter{By: []quota.Dimension{quota.ByOutcome, quota.ByPurpose, quota.ByModel, quota.ByCostCentre, quota.ByPerson}, Tenant: tenant})
	if gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("usage by person without an agreement: %v, %v; want %s", rows, err, gateway.CodeDenied)
	}
	rows, err = f.attach().SumUsage(context.Background(), quota.Filter{Limit: 10, By: []quota.Dimension{quota.ByOutcome, quota.ByPurpose, quota.ByModel, quota.ByCostCentre, quota.ByPerson}})
	if err != nil || len(rows) == 0 {
		t.Fatalf("usage = %+v, %v", rows, err)
	}
	answered := rows[0]
	want := quota.Count{Requests: n, InputReported: n * 100, OutputReported: n * 50, Cost: n * cents, Masked: 2 * n, Energy: n * 50 * 2500}
	if answered.Count != want || answered.Model != "haus-70b" || answered.CostCentre != "5010" || answered.Person != "" || answered.Purpose != gateway.PurposeSummarise {
		t.Errorf("usage of answered requests = %+v, want %+v", answered, want)
	}
	var limited int64
	for _, r := range rows[1:] {
		if r.Outcome == quota.OutcomeLimited {
			limited += r.Requests
		}
	}
	if limited < refused {
		t.Errorf("%d limited requests in the usage, %d were refused", limited, refused)
	}
}

func journal(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{})
	path := filepath.Join(t.TempDir(), "usage.json")
	agreed := func(c *quota.Config) {
		c.Journal = path
		c.PerPerson = func(id gateway.TenantID) bool { return id == tenant }
	}
	k, store := f.keeper(agreed)
	// Written, but the answer is lost; then the store is gone.
	store.lost.Store(true)
	if err := spend(context.Background(), k, 0, cents); err != nil {
		t.Fatalf("spend: %v", err)
	}
	eventually(t, "the first batch is in the store", func() bool {
		rows, err := k.Usage(context.Background(), quota.Filter{})
		return err == nil && len(rows) == 1
	})
	store.broken.Store(true)
	if err := spend(context.Background(), k, 0, cents); err != nil {
		t.Fatalf("spend: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if err := k.Shutdown(ctx); err == nil {
		t.Error("shutting down without the store reported no error")
	}
	again, _ := f.keeper(agreed)
	eventually(t, "both requests are counted once", func() bool {
		rows, err := again.Usage(context.Background(), quota.Filter{Tenant: tenant, By: []quota.Dimension{quota.ByPerson}})
		if err != nil {
			t.Fatalf("usage: %v", err)
		}
		if len(rows) == 1 && rows[0].Requests > 2 {
			t.Fatalf("counted %d requests", rows[0].Requests)
		}
		return len(rows) == 1 && rows[0].Requests == 2 && rows[0].Cost == 2*cents && rows[0].Person == "p1_user"
	})
	eventually(t, "the journal is gone", func() bool {
		_, err := os.Stat(path)
		return os.IsNotExist(err)
	})
}

func left(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{
		All:      quota.Limit{BudgetPerMonth: 9000 * cents},
		Tenants:  map[string]quota.Limit{"*": {BudgetPerDay: 100 * cents}, "nachbarstadt": {BudgetPerDay: cents}},
		Systems:  map[string]quota.Limit{"*": {Concurrent: 5}},
		Purposes: map[string]quota.Limit{"*/summarise": {RequestsPerMinute: 60}},
	})
	still := newClock()
	k, _ := f.keeper(func(c *quota.Config) { c.Now = still.now })
	if err := spend(context.Background(), k, 10*cents, 10*cents); err != nil {
		t.Fatalf("spend: %v", err)
	}
	eventually(t, "the spending is reported", func() bool { return f.book().Used == 10*cents })
	list, err := k.Left(context.Background(), request(tenant).Caller, gateway.PurposeSummarise)
	if err != nil || len(list) != 4 {
		t.Fatalf("limits = %+v, %v; want four", list, err)
	}
	if l := list[0]; l.Kind != quota.KindConcurrent || l.Most != 5 || l.Left != 5 {
		t.Errorf("places = %+v", l)
	}
	if l := list[1]; l.Kind != quota.KindRequests || l.Scope.Class != "purpose" || l.Scope.Tenant != tenant || l.Left != 9 {
		t.Errorf("requests = %+v, want 9 of 10 at once", l)
	}
	if l := list[2]; l.Used != 10*cents || l.Most != 100*cents || l.Left+l.Held != 90*cents || l.Frees == nil || l.Title != "Tagesbudget des Mandanten" {
		t.Errorf("budget = %+v", l)
	}
	if l := list[3]; !l.Hidden || l.Most != 0 || l.Used != 0 || l.Left != 0 {
		t.Errorf("the budget of all tenants shows numbers: %+v", l)
	}
	var found bool
	for _, s := range k.Status().Budgets {
		found = found || s.Scope.Tenant == tenant && s.Fraction > 0.09 && s.Fraction < 0.11
	}
	if !found {
		t.Errorf("status = %+v, want a tenth used", k.Status())
	}
}

func refusals(t *testing.T, b Backend) {
	f := newFixture(t, b, quota.Limits{
		All:     quota.Limit{BudgetPerDay: 7777 * cents},
		Keys:    map[string]quota.Limit{"eng": {RequestsPerMinute: 6}},
		Tenants: map[string]quota.Limit{"arm": {BudgetPerMonth: 2 * cents}, "klein": {Concurrent: 1}},
	})
	k, _ := f.keeper()
	for _, c := range []struct {
		name   string
		tenant gateway.TenantID
		key    string
		cost   gateway.MicroEuro
		times  int
		code   gateway.Code
		says   []string
	}{
		{"rate", "x", "eng", 0, 2, gateway.CodeRateLimited, []string{"dieses Schlüssels", "6 Anfragen je Minute", "Sekunden"}},
		{"places", "klein", "k", 0, 2, gateway.CodeRateLimited, []string{"des Mandanten", "1 gleichzeitige"}},
		{"request above the budget", "arm", "k", 3 * cents, 1, gateway.CodeBudget, []string{"Monatsbudget", "0,02 €", "Länge der Antwort"}},
		{"budget", "arm", "k", 15_000, 2, gateway.CodeBudget, []string{"Monatsbudget des Mandanten", "0,02 €"}},
		{"budget of all: above the budget", "x", "k", 8000 * cents, 1, gateway.CodeBudget, []string{"Betreibers"}},
	} {
		var err error
		for range c.times {
			r := request(c.tenant)
			r.Caller.KeyID = c.key
			var ticket gateway.Ticket
			if ticket, err = k.Admit(context.Background(), r); err == nil {
				err = ticket.Reserve(context.Background(), gateway.Estimate{Cost: c.cost})
				if c.cost > 0 {
					ticket.Settle(context.Background(), used(c.cost, 1, 1))
				}
			}
		}
		e, ok := errors.AsType[*gateway.Error](err)
		never := strings.HasSuffix(c.name, "above the budget")
		if !ok || e.Code != c.code || (e.RetryAfter <= 0) != never {
			t.Errorf("%s: %+v, want %s and a time, unless waiting does not help", c.name, err, c.code)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(e.Message, part) {
				t.Errorf("%s: %q does not say %q", c.name, e.Message, part)
			}
		}
		if strings.Contains(e.Message, "77,77") {
			t.Errorf("%s: %q shows the operator's budget", c.name, e.Message)
		}
	}
}
