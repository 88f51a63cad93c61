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
	audittest.Run(t, audittest.Backend{New: newDatabase})
}

func newDatabase(t testing.TB) audittest.Database {
	path := filepath.Join(t.TempDir(), "record.db")
	exec := func(t testing.TB, text string, args ...any) {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatalf("open %s: %v", path, err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return audittest.Database{
		Open: func(t testing.TB) audittest.Store {
			store, err := sqlite.Open(context.Background(), path)
			if err != nil {
				t.Fatalf("open store: %v", err)
			}
			return store
		},
		Exec: exec,
		Unlock: func(t testing.TB) {
			exec(t, "DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER node_update; DROP TRIGGER node_delete")
		},
	}
}
