// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	quotapostgres "github.com/ki-schleuse/schleuse/gateway/quota/postgres"
	"github.com/ki-schleuse/schleuse/gateway/quota/quotatest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t) // skips the whole suite at once where there is no server
	quotatest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { quotatest.Child(t, backend()) }

func BenchmarkKeeper(b *testing.B) {
	postgrestest.DSN(b)
	quotatest.Benchmark(b, backend())
}

func backend() quotatest.Backend {
	return quotatest.Backend{New: newDatabase, Attach: attach, Baseline: baseline}
}

func newDatabase(t testing.TB) string {
	t.Helper()
	return postgrestest.DSN(t)
}

func open(t testing.TB, dsn string, connections int32) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), dsn, func(c *pgxpool.Config) { c.MaxConns = connections })
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return pool
}

func attach(t testing.TB, dsn string) quotatest.Store {
	t.Helper()
	pool := open(t, dsn, 2)
	s, err := quotapostgres.Open(context.Background(), pool)
	if err != nil {
		pool.Close()
		t.Fatalf("open store: %v", err)
	}
	return store{s, pool}
}

// store closes its pool with it.
type store struct {
	*quotapostgres.Store
	pool *pgxpool.Pool
}

func (s store) Close() error {
	err := s.Store.Close()
	s.pool.Close()
	return err
}

// baseline commits every reservation and settlement by itself.
func baseline(t testing.TB) (reserve func(context.Context, int64) (bool, error), settle func(context.Context, int64, int64) error) {
	t.Helper()
	pool := open(t, postgrestest.DSN(t), 16)
	t.Cleanup(pool.Close)
	_, err1 := pool.Exec(context.Background(), "CREATE TABLE plain (id BIGINT PRIMARY KEY, used BIGINT, reserved BIGINT, most BIGINT)")
	_, err2 := pool.Exec(context.Background(), "INSERT INTO plain VALUES (1, 0, 0, 1000000000000)")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatalf("create table: %v", err)
	}
	reserve = func(ctx context.Context, n int64) (bool, error) {
		tag, err := pool.Exec(ctx, "UPDATE plain SET reserved = reserved + $1 WHERE id = 1 AND used + reserved + $1 <= most", n)
		return tag.RowsAffected() == 1, err
	}
	settle = func(ctx context.Context, n, cost int64) error {
		_, err := pool.Exec(ctx, "UPDATE plain SET reserved = reserved - $1, used = used + $2 WHERE id = 1", n, cost)
		return err
	}
	return reserve, settle
}
