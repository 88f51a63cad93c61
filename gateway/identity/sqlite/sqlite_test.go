// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	"github.com/ki-schleuse/schleuse/gateway/identity/sqlite"
)

func TestStore(t *testing.T) {
	t.Parallel()
	identitytest.Run(t, backend)
}

func BenchmarkStore(b *testing.B) { identitytest.Benchmark(b, backend) }

func backend(t testing.TB) identitytest.Attach {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tenants.db")
	return func(t testing.TB) identity.Store {
		t.Helper()
		return open(t, path)
	}
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestTheFileIsPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tenants.db")
	s := open(t, path)
	if err := s.Used(context.Background(), map[string]int64{"key-one1": 1}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v; want the database and its log", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is readable for others: %v, %v", f, info.Mode(), err)
		}
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	identitytest.RunTickets(t, func(t testing.TB) identitytest.AttachTickets {
		t.Helper()
		path := filepath.Join(t.TempDir(), "tenants.db")
		return func(t testing.TB) identity.TicketStore { t.Helper(); return open(t, path) }
	})
}
