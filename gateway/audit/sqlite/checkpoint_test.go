// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

// TestWriteAheadLog writes much more than the write-ahead log may hold, by several and
// beside readers: it keeps its length, and what a power failure leaves is sound.
func TestWriteAheadLog(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const reserve, entries, writers = 1 << 20, 400, 4
	path := filepath.Join(t.TempDir(), "record.db")
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	store.Move(reserve/2, reserve, reserve/8)
	private, public := audittest.Key(t)
	log, err := audit.New(ctx, audit.Config{Store: store, Key: private})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := w; n < entries; n += writers {
				r := audittest.Record(n, "musterhausen")
				if err := errors.Join(log.Open(ctx, r), log.Close(ctx, audittest.Closing(r))); err != nil {
					t.Error(err)
					return
				}
				if n%100 == 0 {
					if report, err := log.Verify(ctx); err != nil || !report.OK() {
						t.Errorf("verify: %+v, %v", report, err)
					}
				}
			}
		})
	}
	wg.Wait()
	store.Settle()
	info, err := os.Stat(path + "-wal")
	if err != nil || info.Size() < reserve || info.Size() > 8*reserve {
		t.Errorf("the write-ahead log has %d bytes, %v; want %d or a little more", info.Size(), err, reserve)
	}
	verifyCopy(t, path, public, 2*entries)
	if err := errors.Join(log.Shutdown(ctx), store.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is there after the file was closed: %v", err)
	}
}

// verifyCopy proves what is on disk now, as if the machine had stopped.
func verifyCopy(t *testing.T, path, public string, leaves int64) {
	t.Helper()
	ctx := context.Background()
	copied := filepath.Join(t.TempDir(), "record.db")
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+part, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := sqlite.Open(ctx, copied)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	viewer, err := audit.NewViewer(store, public)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := viewer.Verify(ctx); err != nil || !report.OK() || report.Leaves != leaves {
		t.Errorf("what a power failure leaves: %+v, %v; want %d sound leaves", report, err, leaves)
	}
}
