// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/quota/quotatest"
	"github.com/ki-schleuse/schleuse/gateway/quota/sqlite"
)

func TestStore(t *testing.T) {
	t.Parallel()
	quotatest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { quotatest.Child(t, backend()) }

func BenchmarkKeeper(b *testing.B) { quotatest.Benchmark(b, backend()) }

func backend() quotatest.Backend {
	return quotatest.Backend{New: newDatabase, Attach: attach, Baseline: baseline}
}

func newDatabase(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "quota.db")
}

func attach(t testing.TB, path string) quotatest.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	return store
}

// baseline commits every reservation and settlement by itself, as durably as
// the ledger does.
func baseline(t testing.TB) (reserve func(context.Context, int64) (bool, error), settle func(context.Context, int64, int64) error) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "plain.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE plain (id INTEGER PRIMARY KEY, used INTEGER, reserved INTEGER, most INTEGER); INSERT INTO plain VALUES (1, 0, 0, 1000000000000)"); err != nil {
		t.Fatalf("create table: %v", err)
	}
	reserve = func(ctx context.Context, n int64) (bool, error) {
		r, err := db.ExecContext(ctx, "UPDATE plain SET reserved = reserved + $1 WHERE id = 1 AND used + reserved + $1 <= most", n)
		if err != nil {
			return false, err
		}
		changed, err := r.RowsAffected()
		return changed == 1, err
	}
	settle = func(ctx context.Context, n, cost int64) error {
		_, err := db.ExecContext(ctx, "UPDATE plain SET reserved = reserved - $1, used = used + $2 WHERE id = 1", n, cost)
		return err
	}
	return reserve, settle
}
