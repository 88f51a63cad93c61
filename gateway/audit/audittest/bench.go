// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the sample
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Benchmark measures verification, durable entries per second and the wait of
// one entry, beside a plain table that commits every entry by itself, and whole
// requests as the gateway writes them: nobody waits for their end.
func Benchmark(b *testing.B, backend Backend) {
	b.Run("verify", func(b *testing.B) { verification(b, backend) })
	sample := request(b)
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("record/writers=%d", writers), func(b *testing.B) {
			withLog(b, backend, func(log *audit.Log) {
				measure(b, writers, func(n int) error { return log.Open(context.Background(), sample.record(n)) })
			})
		})
		b.Run(fmt.Sprintf("request/writers=%d", writers), func(b *testing.B) {
			withLog(b, backend, func(log *audit.Log) {
				measure(b, writers, func(n int) error {
					if err := log.Open(context.Background(), sample.record(n)); err != nil {
						return err
					}
					if c := sample.closing(n); !log.CloseSoon(c) {
						return log.Close(context.Background(), c)
					}
					return nil
				})
			})
		})
		b.Run(fmt.Sprintf("baseline/writers=%d", writers), func(b *testing.B) {
			insert := backend.Baseline(b)
			measure(b, writers, func(n int) error {
				r := sample.record(n)
				body, err := json.Marshal(r)
				if err != nil {
					return err
				}
				return insert(context.Background(), r.ID, body)
			})
		})
	}
}

// withLog hands out a log on a fresh database.
func withLog(b *testing.B, backend Backend, do func(*audit.Log)) {
	b.Helper()
	private, _ := Key(b)
	store := backend.Attach(b, backend.New(b).Address)
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private})
	if err != nil {
		b.Fatalf("start the log: %v", err)
	}
	do(log)
	if err := log.Shutdown(context.Background()); err != nil {
		b.Fatalf("shut down: %v", err)
	}
	if err := store.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
}

//go:embed testdata/request.json
var requestJSON []byte

// sample is one request as the gateway records it, under the rules it is shipped with.
type sample struct {
	Record  gateway.Record  `json:"record"`
	Closing gateway.Closing `json:"closing"`
}

func request(b *testing.B) *sample {
	b.Helper()
	s := &sample{}
	if err := json.Unmarshal(requestJSON, s); err != nil {
		b.Fatalf("read the sample: %v", err)
	}
	for i := range s.Record.Decisions {
		var input bytes.Buffer
		if err := json.Compact(&input, s.Record.Decisions[i].Input); err != nil {
			b.Fatalf("read the sample: %v", err)
		}
		s.Record.Decisions[i].Input = input.Bytes()
	}
	return s
}

func (s *sample) record(n int) gateway.Record {
	r := s.Record
	r.ID, r.Time = requestID(n), start.Add(time.Duration(n)*time.Millisecond)
	return r
}

func (s *sample) closing(n int) gateway.Closing {
	c := s.Closing
	c.ID, c.Time = requestID(n), start.Add(time.Duration(n+700)*time.Millisecond)
	return c
}

// requestID is in the order of time up to its random part, as those of the gateway are.
func requestID(n int) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return fmt.Sprintf("e-%010X%X", n, sum[:8])
}

// measure does b.N operations by so many goroutines.
func measure(b *testing.B, writers int, do func(n int) error) {
	b.Helper()
	waits := make([]time.Duration, b.N)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	reportCPU(b, func() {
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
	})
	b.StopTimer()
	slices.Sort(waits)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
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
