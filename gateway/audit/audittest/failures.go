// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// interrupted leaves a log without shutting it down, as a killed process does.
func interrupted(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 3)
	for n := 3; n < 6; n++ {
		if err := s.log.Open(context.Background(), Record(n, "musterhausen")); err != nil {
			t.Fatalf("open: %v", err)
		}
	}
	s.stop(t) // the lock of the writer is gone as it is after a crash, the entries are open
	store, log := s.start(t)
	s.store, s.log = store, log
	report := verify(t, log)
	mustBeSound(t, report)
	if report.Unfinished != 0 || report.Leaves != 12 {
		t.Errorf("after the restart %d leaves, %d unfinished; want 12, 0", report.Leaves, report.Unfinished)
	}
	page, err := log.List(context.Background(), audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}, Outcome: gateway.OutcomeInterrupted})
	if err != nil || len(page.Items) != 3 {
		t.Errorf("%d entries are interrupted, %v; want 3", len(page.Items), err)
	}
	// The living writer's own open entries are left alone.
	r := Record(7, "musterhausen")
	if err := log.Open(context.Background(), r); err != nil {
		t.Fatalf("open: %v", err)
	}
	if b.Shared {
		other, second := s.start(t)
		defer func() { _ = other.Close() }()
		defer shutdown(t, second)
	}
	if err := log.Close(context.Background(), Closing(r)); err != nil {
		t.Errorf("close what a living writer opened: %v", err)
	}
}

// broken is a store whose disk is full while broken is set.
type broken struct {
	audit.Store
	state atomic.Int32
}

const (
	works    int32 = iota
	fullDisk       // nothing is written
	lost           // everything is written, but the answer is lost
)

var errDisk = errors.New("database or disk is full")

func (b *broken) Continue(ctx context.Context, after audit.Checkpoint, batch audit.Batch) error {
	return b.failing(func() error { return b.Store.Continue(ctx, after, batch) })
}

func (b *broken) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	return b.failing(func() error { return b.Store.Append(ctx, ids, build) })
}

func (b *broken) failing(do func() error) error {
	switch b.state.Load() {
	case fullDisk:
		return errDisk
	case lost:
		if err := do(); err != nil {
			return err
		}
		return errDisk
	}
	return do()
}

func failing(t *testing.T, b Backend) {
	private, _ := Key(t)
	db := b.New(t)
	inner := b.Attach(t, db.Address)
	defer func() { _ = inner.Close() }()
	store := &broken{Store: inner}
	ctx := context.Background()
	log, err := audit.New(ctx, audit.Config{Store: store, Key: private})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	defer shutdown(t, log)

	before := Record(0, "musterhausen")
	if err := log.Open(ctx, before); err != nil {
		t.Fatalf("open: %v", err)
	}
	for n, state := range []int32{fullDisk, lost} {
		store.state.Store(state)
		err := log.Open(ctx, Record(n+1, "musterhausen"))
		var known *gateway.Error
		if !errors.As(err, &known) || known.Code != gateway.CodeNoRecord || known.Message == "" || !errors.Is(err, errDisk) {
			t.Errorf("open on a failing store = %v, want no record with the cause", err)
		}
	}
	store.state.Store(fullDisk)
	if err := log.Close(ctx, Closing(before)); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("close on a failing store = %v, want no record", err)
	}

	// When the store works again, the lost ending is written, and the entry
	// nobody knows about is ended.
	store.state.Store(works)
	deadline := time.Now().Add(15 * time.Second)
	report := verify(t, log)
	for report.Leaves != 4 || report.Unfinished != 0 {
		if time.Now().After(deadline) {
			t.Fatalf("log has %d leaves, %d unfinished; want 4, 0", report.Leaves, report.Unfinished)
		}
		time.Sleep(50 * time.Millisecond)
		report = verify(t, log)
	}
	mustBeSound(t, report)
	for n, want := range map[int]gateway.Outcome{0: gateway.OutcomeAnswered, 2: gateway.OutcomeFailed} {
		entry, err := log.Show(ctx, audit.Scope{All: true}, Record(n, "musterhausen").ID)
		if err != nil || entry.Closing == nil || entry.Closing.Outcome != want {
			t.Errorf("entry %d ends with %+v, %v; want %s", n, entry.Closing, err, want)
		}
	}

	if err := log.Shutdown(ctx); err != nil {
		t.Fatalf("shut down: %v", err)
	}
	if err := log.Open(ctx, Record(9, "musterhausen")); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("open after the shutdown = %v, want no record", err)
	}
}
