// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// benchEntries may be set to ask how lists behave over a longer record.
const benchEntries = "SCHLEUSE_BENCH_ENTRIES"

// BenchmarkLists measures a page with its totals, as the pages ask for it, over
// 20,000 entries or as many as the environment says.
func BenchmarkLists(b *testing.B, backend Backend) {
	entries := 20_000
	if n, err := strconv.Atoi(os.Getenv(benchEntries)); err == nil && n > 0 {
		entries = n
	}
	withLog(b, backend, func(log *audit.Log) {
		fill(b, log, entries)
		scope := audit.Scope{Tenant: "musterhausen"}
		for _, c := range []struct {
			name   string
			filter audit.Filter
		}{
			{"page", audit.Filter{Scope: scope}},
			{"page+totals/all", audit.Filter{Scope: scope, Totals: true}},
			{"page+totals/a day", audit.Filter{Scope: scope, Totals: true, From: start, To: start.Add(24 * time.Hour)}},
			{"page+totals/denied", audit.Filter{Scope: scope, Totals: true, Result: audit.ResultDenied}},
			{"page+totals/rules", audit.Filter{Scope: scope, Totals: true, Rules: []string{"AIA-005", "ROU-009"}}},
			{"page+totals/all tenants", audit.Filter{Scope: audit.Scope{All: true}, Totals: true}},
		} {
			b.Run(fmt.Sprintf("entries=%d/%s", entries, c.name), func(b *testing.B) {
				for b.Loop() {
					if _, err := log.List(context.Background(), c.filter); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	})
}

func fill(b *testing.B, log *audit.Log, entries int) {
	b.Helper()
	var wg sync.WaitGroup
	const writers = 256
	for w := range writers {
		wg.Go(func() {
			for n := w; n < entries; n += writers {
				r := Record(n, gateway.TenantID([]string{"musterhausen", "beispielstadt"}[n%10/8]))
				if err := log.Open(context.Background(), r); err != nil {
					b.Error(err)
					return
				}
				if c := Closing(r); !log.CloseSoon(c) {
					if err := log.Close(context.Background(), c); err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if err := log.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
}
