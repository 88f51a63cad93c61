// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

func TestStore(t *testing.T) {
	t.Parallel()
	audittest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { audittest.Child(t, backend()) }

func BenchmarkStore(b *testing.B) { audittest.Benchmark(b, backend()) }

func backend() audittest.Backend {
	return audittest.Backend{New: newDatabase, Attach: attach, Baseline: baseline}
}

func attach(t testing.TB, path string) audittest.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	return store
}

// baseline commits every entry by itself, as durably as the record does.
func baseline(t testing.TB) func(context.Context, string, []byte) error {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "plain.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE plain (id TEXT PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		t.Fatalf("create table: %v", err)
	}
	return func(ctx context.Context, id string, body []byte) error {
		_, err := db.ExecContext(ctx, "INSERT INTO plain (id, body) VALUES ($1, $2)", id, body)
		return err
	}
}

func newDatabase(t testing.TB) audittest.Database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() { _ = db.Close() })
	exec := func(t testing.TB, text string, args ...any) {
		t.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return audittest.Database{
		Address: path,
		Exec:    exec,
		Unlock: func(t testing.TB) {
			t.Helper()
			exec(t, "DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER node_update; DROP TRIGGER node_delete")
		},
	}
}
