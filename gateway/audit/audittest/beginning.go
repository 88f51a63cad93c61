// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// begun begins many entries before it waits for any of them, by several at once
// and again.
func begun(t *testing.T, b Backend) {
	s := newSetup(t, b)
	ctx := context.Background()
	const writers, each = 16, 30
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			openings := make([]gateway.Pending, each)
			for n := range openings {
				var err error
				if openings[n], err = s.log.Begin(ctx, Record(w*each+n, "musterhausen")); err != nil {
					t.Errorf("begin: %v", err)
					return
				}
			}
			for n, o := range openings {
				var waiting sync.WaitGroup
				for range 2 {
					waiting.Go(func() {
						if err := o.Wait(ctx); err != nil {
							t.Errorf("wait: %v", err)
						}
					})
				}
				waiting.Wait()
				if !s.log.CloseSoon(Closing(Record(w*each+n, "musterhausen"))) {
					t.Error("an ending is not taken over")
				}
			}
		})
	}
	wg.Wait()
	again, err := s.log.Begin(ctx, Record(3, "musterhausen"))
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	for range 2 {
		var known *gateway.Error
		if err := again.Wait(ctx); !errors.As(err, &known) || known.Code != gateway.CodeConflict || known.RequestID != Record(3, "musterhausen").ID {
			t.Errorf("an entry that is there already = %v, want a conflict", err)
		}
	}
	if _, err := s.log.Begin(ctx, gateway.Record{ID: "x"}); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("an entry without a tenant = %v, want no record", err)
	}
	if err := s.log.Flush(ctx); err != nil {
		t.Fatalf("flush: %v", err)
	}
	report := verify(t, s.log)
	mustBeSound(t, report)
	if report.Leaves != 2*writers*each || report.Unfinished != 0 {
		t.Errorf("log has %d leaves, %d unfinished; want %d, 0", report.Leaves, report.Unfinished, 2*writers*each)
	}
}

// left leaves entries that were begun while the store works, stands still and
// fails: they come into the record with an end that says so, or not at all.
func left(t *testing.T, b Backend) {
	private, _ := Key(t)
	inner := b.Attach(t, b.New(t).Address)
	defer func() { _ = inner.Close() }()
	store := &standing{Store: inner, gate: make(chan struct{})}
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private, Timeout: time.Second})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	defer shutdown(t, log)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	ids := map[string]gateway.Outcome{}
	begin := func(n int, outcome gateway.Outcome) gateway.Pending {
		t.Helper()
		r := Record(n, "musterhausen")
		o, err := log.Begin(t.Context(), r)
		if err != nil {
			t.Fatalf("begin: %v", err)
		}
		ids[r.ID] = outcome
		return o
	}
	store.stand()
	for n := range 2 { // the first is taken, perhaps, the second certainly not
		if err := begin(n, gateway.OutcomeCancelled).Wait(gone); gateway.CodeOf(err) != gateway.CodeCancelled {
			t.Errorf("wait for entry %d of a caller who has gone = %v, want cancelled", n, err)
		}
	}
	if err := begin(2, gateway.OutcomeFailed).Wait(t.Context()); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("wait for a store that stands still = %v, want no record", err)
	}
	store.goOn()
	if err := log.Flush(context.Background()); err != nil {
		t.Fatalf("flush: %v", err)
	}
	deadline := time.Now().Add(15 * time.Second)
	report := verify(t, log)
	for ; report.Leaves != 6 || report.Unfinished != 0; report = verify(t, log) {
		if time.Now().After(deadline) {
			t.Fatalf("log has %d leaves, %d unfinished; want 6, 0", report.Leaves, report.Unfinished)
		}
		time.Sleep(50 * time.Millisecond)
	}
	mustBeSound(t, report)
	for id, want := range ids {
		entry, err := log.Show(context.Background(), audit.Scope{All: true}, id)
		if err != nil || entry.Closing == nil || entry.Closing.Outcome != want {
			t.Errorf("entry %s ends with %+v, %v; want %s", id, entry.Closing, err, want)
		}
	}
	if _, err := log.Begin(gone, Record(9, "musterhausen")); gateway.CodeOf(err) != gateway.CodeCancelled {
		t.Errorf("begin for a caller who has gone = %v, want cancelled", err)
	}
}

// fullQueue fills the queue before a store that stands still.
func fullQueue(t *testing.T, b Backend) {
	private, _ := Key(t)
	inner := b.Attach(t, b.New(t).Address)
	defer func() { _ = inner.Close() }()
	store := &standing{Store: inner, gate: make(chan struct{})}
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private, Queue: 4, MaxBatch: 2, Timeout: time.Second})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	store.stand()
	refused := 0
	var openings []gateway.Pending
	for n := 0; refused < 2 && n < 20; n++ {
		o, err := log.Begin(context.Background(), Record(n, "musterhausen"))
		switch gateway.CodeOf(err) {
		case "":
			openings = append(openings, o)
		case gateway.CodeNoRecord:
			refused++
		default:
			t.Fatalf("begin: %v", err)
		}
	}
	if refused != 2 || len(openings) > 8 {
		t.Errorf("a queue of 4 took %d entries and refused %d", len(openings), refused)
	}
	store.goOn()
	shutdown(t, log)
	for _, o := range openings {
		if err := o.Wait(context.Background()); err != nil && gateway.CodeOf(err) != gateway.CodeNoRecord {
			t.Errorf("wait: %v", err)
		}
	}
	if _, err := log.Begin(context.Background(), Record(99, "musterhausen")); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("begin after the shutdown = %v, want no record", err)
	}
	mustBeSound(t, verify(t, log))
}

// standing is a store that can be made to stand still.
type standing struct {
	audit.Store
	mu     sync.Mutex
	stands bool
	gate   chan struct{}
}

func (s *standing) stand() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stands = true
}

func (s *standing) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stands = false
	close(s.gate)
}

func (s *standing) pass() {
	s.mu.Lock()
	stands := s.stands
	s.mu.Unlock()
	if stands {
		<-s.gate
	}
}

func (s *standing) Continue(ctx context.Context, after audit.Checkpoint, batch audit.Batch) error {
	s.pass()
	return s.Store.Continue(context.WithoutCancel(ctx), after, batch)
}

func (s *standing) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	s.pass()
	return s.Store.Append(context.WithoutCancel(ctx), ids, build)
}
