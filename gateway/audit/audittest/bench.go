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
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	b.Run("retain", func(b *testing.B) { removal(b, backend) })
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

// Paced measures the wait of one entry at 40 requests per second, none of which has
// company: beside a plain table that is written to as durably, and beside a file of a
// fixed length into which as many bytes are written and forced to disk. Nobody can wait
// for less than the latter.
func Paced(b *testing.B, backend Backend) {
	sample := request(b)
	b.Run("record", func(b *testing.B) {
		withLog(b, backend, func(log *audit.Log) {
			pace(b, func(n int) error { return log.Open(context.Background(), sample.record(n)) },
				func(n int) error {
					if c := sample.closing(n); !log.CloseSoon(c) {
						return log.Close(context.Background(), c)
					}
					return nil
				})
		})
	})
	nothing := func(int) error { return nil }
	b.Run("baseline", func(b *testing.B) {
		insert := backend.Baseline(b)
		pace(b, func(n int) error {
			r := sample.record(n)
			body, err := json.Marshal(r)
			if err != nil {
				return err
			}
			return insert(context.Background(), r.ID, body)
		}, nothing)
	})
	b.Run("file", func(b *testing.B) {
		const length = 6 << 10
		file, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		if _, err := file.Write(make([]byte, (b.N+1)*length)); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
		body := bytes.Repeat([]byte("x"), length)
		pace(b, func(n int) error {
			if _, err := file.WriteAt(body, int64(n*length)); err != nil {
				return err
			}
			return syncData(file)
		}, nothing)
	})
}

// pace does b.N operations, one every 25 ms, each with something after it that nobody
// waits for.
func pace(b *testing.B, do, then func(n int) error) {
	b.Helper()
	waits := make([]time.Duration, b.N)
	tick := time.NewTicker(time.Second / 40)
	defer tick.Stop()
	b.ResetTimer()
	reportCPU(b, func() {
		for n := range b.N {
			<-tick.C
			begin := time.Now()
			if err := do(n); err != nil {
				b.Error(err)
				return
			}
			waits[n] = time.Since(begin)
			time.Sleep(time.Millisecond)
			if err := then(n); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	reportWaits(b, waits)
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
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	reportWaits(b, waits)
}

func reportWaits(b *testing.B, waits []time.Duration) {
	b.Helper()
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
}

// removal measures how many contents of entries a retention removes in a second, and
// how long somebody who writes meanwhile waits at most. The pauses between the batches
// are for the writers and are counted in.
func removal(b *testing.B, backend Backend) {
	const entries = 5000
	ctx := context.Background()
	for b.Loop() {
		b.StopTimer()
		var now atomic.Int64
		now.Store(start.UnixNano())
		private, _ := Key(b)
		store := backend.Attach(b, backend.New(b).Address)
		log, err := audit.New(ctx, audit.Config{Store: store, Key: private, Clock: func() time.Time { return time.Unix(0, now.Load()).UTC() }})
		if err != nil {
			b.Fatalf("start the log: %v", err)
		}
		var wg sync.WaitGroup
		for w := range 100 {
			wg.Go(func() {
				for n := w; n < entries; n += 100 {
					r := Record(n, "musterhausen")
					if err := errors.Join(log.Open(ctx, r), log.Close(ctx, Closing(r))); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, days := range []int{399, 401} { // the record has shown the date for a day
			now.Store(start.AddDate(0, 0, days).UnixNano())
			if err := log.Note(ctx, audit.Note{Topic: audit.TopicSignedIn, Text: "Eine Person hat sich angemeldet."}); err != nil {
				b.Fatal(err)
			}
		}
		stop, longest := make(chan struct{}), time.Duration(0)
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r := Record(n, "beispielstadt")
				r.Time = time.Unix(0, now.Load())
				begin := time.Now()
				if err := log.Open(ctx, r); err != nil {
					b.Error(err)
					return
				}
				longest = max(longest, time.Since(begin))
				_ = log.CloseSoon(Closing(r)) // a benchmark may leave some open
			}
		})
		b.StartTimer()
		done, err := log.Retain(ctx, audit.Retention{Floor: 183, Ceiling: 365})
		b.StopTimer()
		close(stop)
		wg.Wait()
		if err != nil || done.Entries != entries {
			b.Fatalf("removed %+v, %v", done, err)
		}
		b.ReportMetric(float64(longest.Microseconds())/1000, "longest-wait-ms")
		if err := errors.Join(log.Shutdown(ctx), store.Close()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(entries*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
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
