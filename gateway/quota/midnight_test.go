// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/quota/sqlite"
)

// A request that runs over midnight is booked on the day on which it began.
func TestABudgetIsWholeAgainAtGermanMidnight(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "quota.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	var now atomic.Int64
	now.Store(time.Date(2026, 11, 22, 22, 59, 0, 0, time.UTC).UnixNano())
	const budget = 1_000_000
	k, err := quota.New(quota.Config{
		Store: store, Replica: "a", Every: 20 * time.Millisecond,
		Limits: quota.Limits{Tenants: map[string]quota.Limit{"*": {BudgetPerDay: budget, BudgetPerMonth: 10 * budget}}},
		Now:    func() time.Time { return time.Unix(0, now.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(cost gateway.MicroEuro) (gateway.Ticket, error) {
		ticket, err := k.Admit(ctx, gateway.Request{Caller: gateway.Caller{Tenant: "m"}})
		if err != nil {
			t.Fatal(err)
		}
		return ticket, ticket.Reserve(ctx, gateway.Estimate{Cost: cost})
	}
	late, err := reserve(budget)
	if err != nil {
		t.Fatalf("the whole budget before midnight: %v", err)
	}
	if _, err := reserve(1); gateway.CodeOf(err) != gateway.CodeBudget {
		t.Fatalf("one more before midnight: %v, want %s", err, gateway.CodeBudget)
	}
	now.Add(int64(time.Minute))
	early, err := reserve(budget / 2)
	if err != nil {
		t.Fatalf("half the budget after midnight: %v", err)
	}
	for ticket, cost := range map[gateway.Ticket]gateway.MicroEuro{late: budget, early: budget / 4} {
		ticket.Settle(ctx, gateway.Used{Closing: gateway.Closing{Outcome: gateway.OutcomeAnswered, Cost: cost}})
	}
	if err := k.Shutdown(ctx); err != nil {
		t.Fatalf("shut down: %v", err)
	}
	scope := quota.Scope{Class: "tenant", Tenant: "m"}
	books, err := store.Books(ctx, []quota.Account{
		{Scope: scope, Kind: quota.KindDay, Period: "2026-11-22"}, {Scope: scope, Kind: quota.KindDay, Period: "2026-11-23"}, {Scope: scope, Kind: quota.KindMonth, Period: "2026-11"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{budget, budget / 4, budget + budget/4} {
		if books[i].Used != want || books[i].Leased != 0 {
			t.Errorf("book %d = %+v, want %d used", i, books[i], want)
		}
	}
}
