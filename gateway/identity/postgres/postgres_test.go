// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	identitypostgres "github.com/ki-schleuse/schleuse/gateway/identity/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t) // skips the whole suite at once where there is no server
	identitytest.Run(t, backend)
}

func BenchmarkStore(b *testing.B) { identitytest.Benchmark(b, backend) }

func backend(t testing.TB) identitytest.Attach {
	t.Helper()
	dsn := postgrestest.DSN(t)
	return func(t testing.TB) identity.Store {
		t.Helper()
		pool, err := postgres.Open(context.Background(), dsn, func(c *pgxpool.Config) { c.MaxConns = 3 })
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		t.Cleanup(pool.Close)
		s, err := identitypostgres.Open(context.Background(), pool)
		if err != nil {
			t.Fatalf("open store: %v", err)
		}
		return s
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t)
	identitytest.RunTickets(t, func(t testing.TB) identitytest.AttachTickets {
		t.Helper()
		attach := backend(t)
		return func(t testing.TB) identity.TicketStore {
			t.Helper()
			store, ok := attach(t).(identity.TicketStore)
			if !ok {
				t.Fatal("the store keeps no tickets")
			}
			return store
		}
	})
}
