// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestMigrateAppliesEachScriptOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	first := fstest.MapFS{"migrations/001.sql": {Data: []byte("CREATE TABLE a (x INT); INSERT INTO a VALUES (1);")}}
	both := fstest.MapFS{"migrations/001.sql": first["migrations/001.sql"], "migrations/002.sql": {Data: []byte("INSERT INTO a VALUES (2);")}}
	for _, migrations := range []fstest.MapFS{first, both, both} {
		f, err := Open(t.Context(), path, "test", migrations)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	f, err := Open(t.Context(), path, "test", both)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var sum int
	if err := f.Read.QueryRowContext(t.Context(), "SELECT sum(x) FROM a").Scan(&sum); err != nil || sum != 3 {
		t.Errorf("sum %d, %v, want 3", sum, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: others may read the file", info.Mode(), err)
	}
}

func TestMigrateKeepsNothingOfAFailedRun(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.db")
	broken := fstest.MapFS{"migrations/001.sql": {Data: []byte("CREATE TABLE a (x INT);")}, "migrations/002.sql": {Data: []byte("NONSENSE;")}}
	if _, err := Open(t.Context(), path, "test", broken); err == nil {
		t.Fatal("a broken script was applied")
	}
	f, err := Open(t.Context(), path, "test", fstest.MapFS{"migrations/001.sql": broken["migrations/001.sql"]})
	if err != nil {
		t.Fatalf("after a failed run: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
