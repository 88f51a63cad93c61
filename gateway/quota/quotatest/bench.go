// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quotatest

import (
	"context"
	"fmt"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// Benchmark measures one request through Admit, Reserve and Settle with five
// scopes and all kinds of limits, alone and in parallel, beside a baseline: one
// conditional UPDATE to reserve and one UPDATE to settle per request.
func Benchmark(b *testing.B, backend Backend) {
	for _, parallel := range []bool{false, true} {
		name := "alone"
		if parallel {
			name = "parallel"
		}
		b.Run(fmt.Sprintf("keeper/%s", name), func(b *testing.B) { keeper(b, backend, parallel) })
		b.Run(fmt.Sprintf("baseline/%s", name), func(b *testing.B) {
			reserve, settle := backend.Baseline(b)
			measure(b, parallel, func() error {
				if ok, err := reserve(context.Background(), 2); err != nil || !ok {
					return fmt.Errorf("reserve: %t, %w", ok, err)
				}
				return settle(context.Background(), 2, 1)
			})
		})
	}
}

func keeper(b *testing.B, backend Backend, parallel bool) {
	store := backend.Attach(b, backend.New(b))
	most := quota.Limit{
		RequestsPerMinute: 1e11, InputTokensPerMinute: 1e11, OutputTokensPerMinute: 1e11, Concurrent: 1e6,
		BudgetPerDay: 1e14, BudgetPerMonth: 1e14,
	}
	all := map[string]quota.Limit{"*": most}
	k, err := quota.New(quota.Config{
		Store: store, Replica: "bench",
		Limits: quota.Limits{All: most, Tenants: all, Systems: all, Keys: all, Purposes: map[string]quota.Limit{"*/summarise": most}},
	})
	if err != nil {
		b.Fatalf("start the keeper: %v", err)
	}
	for range 50_000 { // until the leases have the size that belongs to the pace
		if err := spend(context.Background(), k, 2, 1); err != nil {
			b.Fatalf("first requests: %v", err)
		}
	}
	r, u := request(tenant), used(1, 100, 50)
	measure(b, parallel, func() error {
		ctx := context.Background()
		ticket, err := k.Admit(ctx, r)
		if err != nil {
			return err
		}
		if err := ticket.Reserve(ctx, gateway.Estimate{Input: 100, Output: 100, Cost: 2}); err != nil {
			return err
		}
		ticket.Settle(ctx, u)
		return nil
	})
	if err := k.Shutdown(context.Background()); err != nil {
		b.Fatalf("shut down: %v", err)
	}
	if err := store.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
}

func measure(b *testing.B, parallel bool, do func() error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	defer b.StopTimer()
	if !parallel {
		for range b.N {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
