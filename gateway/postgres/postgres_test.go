// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), postgrestest.DSN(t))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestMigrateAppliesEachScriptOnce(t *testing.T) {
	t.Parallel()
	ctx, pool := context.Background(), open(t)
	folder := fstest.MapFS{
		"002_more.sql":  {Data: []byte(`INSERT INTO step VALUES (2); INSERT INTO step VALUES (3);`)},
		"001_begin.sql": {Data: []byte(`CREATE TABLE step (n INT);`)},
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := postgres.Migrate(ctx, pool, "test", folder); err != nil {
				t.Errorf("migrate: %v", err)
			}
		})
	}
	wg.Wait()
	var n int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM step`).Scan(&n); err != nil || n != 2 {
		t.Errorf("after four migrations at once there are %d rows, %v; want 2", n, err)
	}
}

func TestMigrateKeepsNothingOfAFailedRun(t *testing.T) {
	t.Parallel()
	ctx, pool := context.Background(), open(t)
	folder := fstest.MapFS{"001.sql": {Data: []byte(`CREATE TABLE kept (n INT);`)}, "002.sql": {Data: []byte(`CREATE BROKEN`)}}
	if err := postgres.Migrate(ctx, pool, "test", folder); err == nil || !strings.Contains(err.Error(), "002.sql") {
		t.Fatalf("broken script gives %v, want an error that names it", err)
	}
	var there bool
	if err := pool.QueryRow(ctx, `SELECT to_regclass('kept') IS NOT NULL`).Scan(&there); err != nil || there {
		t.Errorf("table of the failed run exists: %v, %v", there, err)
	}
}

func TestOpenHidesThePassword(t *testing.T) {
	t.Parallel()
	_, err := postgres.Open(context.Background(), "postgres://user:geheim@host:port/db")
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("error of a malformed address = %v", err)
	}
}
