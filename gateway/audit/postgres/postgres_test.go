// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t) // skips the whole suite at once where there is no server
	audittest.Run(t, audittest.Backend{New: newDatabase, Shared: true})
}

// store closes its pool with it.
type store struct {
	*auditpostgres.Store
	pool *pgxpool.Pool
}

func (s store) Close() error {
	s.pool.Close()
	return nil
}

func open(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), dsn, func(c *pgxpool.Config) { c.MaxConns = 3 })
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return pool
}

func newDatabase(t testing.TB) audittest.Database {
	dsn := postgrestest.DSN(t)
	exec := func(t testing.TB, text string, args ...any) {
		t.Helper()
		pool := open(t, dsn)
		defer pool.Close()
		if _, err := pool.Exec(context.Background(), text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return audittest.Database{
		Open: func(t testing.TB) audittest.Store {
			pool := open(t, dsn)
			s, err := auditpostgres.Open(context.Background(), pool)
			if err != nil {
				t.Fatalf("open store: %v", err)
			}
			return store{s, pool}
		},
		Exec: exec,
		Unlock: func(t testing.TB) {
			exec(t, "DROP TRIGGER entry_append_only ON entry")
			exec(t, "DROP TRIGGER node_append_only ON node")
		},
	}
}
