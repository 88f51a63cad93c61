// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Benchmark measures durable entries per second and the wait of one entry,
// beside a plain table that commits every entry by itself, and verification.
func Benchmark(b *testing.B, backend Backend) {
	b.Run("verify", func(b *testing.B) { verification(b, backend) })
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("record/writers=%d", writers), func(b *testing.B) {
			private, _ := Key(b)
			store := backend.Attach(b, backend.New(b).Address)
			log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private})
			if err != nil {
				b.Fatalf("start the log: %v", err)
			}
			measure(b, writers, func(n int) error { return log.Open(context.Background(), Record(n, "musterhausen")) })
			if err := log.Shutdown(context.Background()); err != nil {
				b.Fatalf("shut down: %v", err)
			}
			if err := store.Close(); err != nil {
				b.Fatalf("close: %v", err)
			}
		})
		b.Run(fmt.Sprintf("baseline/writers=%d", writers), func(b *testing.B) {
			insert := backend.Baseline(b)
			measure(b, writers, func(n int) error {
				r := Record(n, "musterhausen")
				body, err := json.Marshal(r)
				if err != nil {
					return err
				}
				return insert(context.Background(), r.ID, body)
			})
		})
	}
}

// measure does b.N operations by so many goroutines.
func measure(b *testing.B, writers int, do func(n int) error) {
	b.Helper()
	waits := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
				begin := time.Now()
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
				waits[n] = time.Since(begin)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(waits)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(waits[b.N/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[b.N*99/100].Microseconds())/1000, "p99-ms")
}

// verification measures how many leaves a verification proves in a second.
func verification(b *testing.B, backend Backend) {
	const entries = 5000
	private, _ := Key(b)
	store := backend.Attach(b, backend.New(b).Address)
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private})
	if err != nil {
		b.Fatalf("start the log: %v", err)
	}
	var wg sync.WaitGroup
	for w := range 100 {
		wg.Go(func() {
			for n := w; n < entries; n += 100 {
				if err := log.Open(context.Background(), Record(n, "musterhausen")); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for b.Loop() {
		report, err := log.Verify(context.Background())
		if err != nil || !report.OK() || report.Leaves != entries {
			b.Fatalf("verify: %d leaves, %v, %v", report.Leaves, report.Problems, err)
		}
	}
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
	if err := log.Shutdown(context.Background()); err != nil {
		b.Fatalf("shut down: %v", err)
	}
	if err := store.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
}
