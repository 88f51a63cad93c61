// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/quota/sqlite"
)

// A budget that one request uses up tells of 80, 90 and 100 per cent in this order,
// however long the first listener takes.
func TestNoticesComeInOrder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "quota.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	const budget = 1_000_000
	var heard []int // the notices come one after the other, Shutdown waits for them
	k, err := quota.New(quota.Config{
		Store: store, Replica: "a", Every: 10 * time.Millisecond,
		Limits: quota.Limits{Tenants: map[string]quota.Limit{"*": {BudgetPerDay: budget}}},
		Notice: func(n quota.Notice) {
			time.Sleep(time.Duration(110-n.Percent) * time.Millisecond)
			heard = append(heard, n.Percent)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		ticket, err := k.Admit(ctx, gateway.Request{Caller: gateway.Caller{Tenant: "m"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := ticket.Reserve(ctx, gateway.Estimate{Cost: budget / 10}); err != nil {
			t.Fatal(err)
		}
		ticket.Settle(ctx, gateway.Used{Closing: gateway.Closing{Outcome: gateway.OutcomeAnswered, Cost: budget / 10}})
		time.Sleep(15 * time.Millisecond)
	}
	if err := k.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if want := []int{80, 90, 100}; !slices.Equal(heard, want) {
		t.Errorf("heard of %v, want %v", heard, want)
	}
}
