// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// oneRefused writes new entries and, in the same batches, some whose ids are
// there already: those alone are refused, whether they were written by this log,
// by an earlier one or in the same batch.
func oneRefused(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 4)
	s.stop(t)
	s.store, s.log = s.start(t)
	s.write(t, "musterhausen", 4, 8)
	var wg sync.WaitGroup
	var admitted atomic.Int32
	for n := range 32 {
		wg.Go(func() {
			err := s.log.Open(context.Background(), Record(n%16, "musterhausen"))
			switch gateway.CodeOf(err) {
			case "":
				admitted.Add(1)
			case gateway.CodeConflict:
			default:
				t.Errorf("open %d = %v, want none or a conflict", n, err)
			}
		})
	}
	wg.Wait()
	if got := admitted.Load(); got != 8 {
		t.Errorf("%d of 32 entries with 8 new ids were admitted", got)
	}
	for n := 8; n < 16; n++ {
		if err := s.log.Close(context.Background(), Closing(Record(n, "musterhausen"))); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	report := verify(t, s.log)
	mustBeSound(t, report)
	if report.Leaves != 32 || report.Unfinished != 0 {
		t.Errorf("log has %d leaves, %d unfinished; want 32, 0", report.Leaves, report.Unfinished)
	}
}

// impatient writes one request after the other, each behind the ending of the one
// before, which may wait for company: the beginning may not.
func impatient(t *testing.T, b Backend) {
	s := newSetup(t, b)
	const requests = 200
	soon := 0
	for n := range requests {
		r := Record(n, "musterhausen")
		begin := time.Now()
		if err := s.log.Open(context.Background(), r); err != nil {
			t.Fatalf("open: %v", err)
		}
		if time.Since(begin) < 15*time.Millisecond {
			soon++
		}
		if !s.log.CloseSoon(Closing(r)) {
			t.Fatal("an ending is not taken over")
		}
	}
	// Each but the first would wait for 100 ms. A busy machine may delay most, not all.
	if soon < requests/20 {
		t.Errorf("only %d of %d requests were written within 15 ms: they wait for the endings", soon, requests)
	}
	if err := s.log.Flush(context.Background()); err != nil {
		t.Fatalf("flush: %v", err)
	}
	report := verify(t, s.log)
	mustBeSound(t, report)
	if report.Leaves != 2*requests || report.Unfinished != 0 {
		t.Errorf("log has %d leaves, %d unfinished; want %d, 0", report.Leaves, report.Unfinished, 2*requests)
	}
}

// watched remembers the batches that were sent without asking and what became of them.
type watched struct {
	audit.Store
	after     audit.Checkpoint
	batch     audit.Batch
	continued int
	asked     int
}

func (w *watched) Continue(ctx context.Context, after audit.Checkpoint, batch audit.Batch) error {
	w.continued++
	w.after, w.batch = after, batch
	return w.Store.Continue(ctx, after, batch)
}

func (w *watched) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	w.asked++
	return w.Store.Append(ctx, ids, build)
}

// goesOn checks that a log asks once and goes on without asking, and that what
// it sends is taken only behind the checkpoint it was built on.
func goesOn(t *testing.T, b Backend) {
	ctx := context.Background()
	private, public := Key(t)
	db := b.New(t)
	inner := b.Attach(t, db.Address)
	defer func() { _ = inner.Close() }()
	store := &watched{Store: inner}
	log, err := audit.New(ctx, audit.Config{Store: store, Key: private})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	for n := range 6 {
		r := Record(n, "musterhausen")
		if err := log.Open(ctx, r); err != nil {
			t.Fatalf("open: %v", err)
		}
		if err := log.Close(ctx, Closing(r)); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	// The first batch of the start is empty, the next one is the first with entries.
	if store.continued != 11 || store.asked != 2 {
		t.Errorf("of 12 batches %d went on and %d asked, want 11 and 2 with that of the start", store.continued, store.asked)
	}
	shutdown(t, log)

	again := store.batch
	elsewhere := store.after
	elsewhere.Note = append([]byte(nil), elsewhere.Note...)
	elsewhere.Note[len(elsewhere.Note)-2] ^= 1
	latest, err := inner.Latest(ctx)
	if err != nil {
		t.Fatalf("latest: %v", err)
	}
	taken := again
	taken.Rows = []audit.Row{{Seq: latest.Size, Kind: audit.KindOpen, ID: Record(0, "musterhausen").ID, Tenant: "musterhausen", Body: []byte("{}")}}
	taken.First, taken.Supersedes = 1000, 0
	taken.Checkpoint.Size = latest.Size + 1
	for name, c := range map[string]struct {
		after audit.Checkpoint
		batch audit.Batch
	}{
		"the same batch again":                {store.after, again},
		"a checkpoint that is not the newest": {store.after, taken},
		"another note of the same size":       {elsewhere, again},
		"a story that has begun":              {latest, taken},
	} {
		if err := inner.Continue(ctx, c.after, c.batch); !errors.Is(err, audit.ErrElsewhere) {
			t.Errorf("%s = %v, want ErrElsewhere", name, err)
		}
	}
	viewer, err := audit.NewViewer(inner, public)
	if err != nil {
		t.Fatalf("viewer: %v", err)
	}
	report := verify(t, viewer)
	mustBeSound(t, report)
	if report.Leaves != 12 {
		t.Errorf("log has %d leaves, want 12: what was refused left something", report.Leaves)
	}
}
