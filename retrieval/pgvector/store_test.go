// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pgvector_test

import (
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/pgvector"
	"github.com/ki-schleuse/schleuse/retrieval/storetest"
)

func open(t testing.TB, c pgvector.Config) *pgvector.Store {
	t.Helper()
	s, err := pgvector.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) retrieval.Store {
		t.Helper()
		return open(t, pgvector.Config{DSN: postgrestest.DSN(t), Dim: storetest.Dim})
	})
}

func TestOpenAgain(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.DSN(t)
	open(t, pgvector.Config{DSN: dsn}).Close()
	open(t, pgvector.Config{DSN: dsn, Dim: 8}).Close()
	open(t, pgvector.Config{DSN: dsn, Dim: 8}).Close()
	_, err := pgvector.Open(t.Context(), pgvector.Config{DSN: dsn, Dim: 16})
	if err == nil || !strings.Contains(err.Error(), "halfvec(8)") {
		t.Errorf("another dimension gave %v, want an error that names the stored one", err)
	}
}

func TestOpenHidesThePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://u:geheim@127.0.0.1:1/x?connect_timeout=1", "postgres://u:geheim@[::1/x"} {
		_, err := pgvector.Open(t.Context(), pgvector.Config{DSN: dsn})
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("error %v, want one without the password", err)
		}
	}
}

// TestManyRows takes the approximate index, as it is used when a caller may
// read very many rows: half of all, here from 100 on.
func TestManyRows(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.DSN(t)
	indexed := open(t, pgvector.Config{DSN: dsn, Dim: storetest.Dim, Exact: 100})
	exact := open(t, pgvector.Config{DSN: dsn, Dim: storetest.Dim})
	recall := storetest.Recall(t, indexed, exact, 1000, 2)
	t.Logf("recall@10 through the index, half of 1,000 rows readable: %.3f", recall)
	if recall < 0.95 {
		t.Errorf("recall %.3f, want 0.95 or more", recall)
	}
}
