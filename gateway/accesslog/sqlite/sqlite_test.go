// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/accesslog/accesslogtest"
	"github.com/ki-schleuse/schleuse/gateway/accesslog/sqlite"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.db")
	accesslogtest.Run(t, func(t *testing.T) accesslog.Store {
		t.Helper()
		return open(t, path)
	})
}

func TestWhatIsDeletedIsInNoFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := open(t, filepath.Join(folder, "access.db"))
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for _, id := range []string{"1", "2"} {
		if err := s.Add(t.Context(), accesslog.Retrieval{ID: id, Tenant: "a", Time: at, Case: "p1_fall", Request: "e-kanarie"}); err != nil {
			t.Fatal(err)
		}
	}
	if !found(t, folder, "e-kanarie") {
		t.Fatal("the entry is not found while it is there: this test would prove nothing")
	}
	if n, err := s.Expire(t.Context(), at.Add(time.Second)); err != nil || n != 2 {
		t.Fatalf("deleted %d, %v", n, err)
	}
	if found(t, folder, "e-kanarie") || found(t, folder, "p1_fall") {
		t.Error("what was deleted is in the files")
	}
}

func found(t *testing.T, folder, text string) (yes bool) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		yes = yes || bytes.Contains(raw, []byte(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return yes
}
