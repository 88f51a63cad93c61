// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgrestest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

func TestEachTestHasASchemaOfItsOwn(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	first, second := connect(t, postgrestest.DSN(t)), connect(t, postgrestest.DSN(t))
	if _, err := first.Exec(ctx, `CREATE TABLE seen (v vector(2))`); err != nil {
		t.Fatalf("create a table with a vector: %v", err)
	}
	var visible bool
	if err := second.QueryRow(ctx, `SELECT to_regclass('seen') IS NOT NULL`).Scan(&visible); err != nil {
		t.Fatalf("look for the table: %v", err)
	}
	if visible {
		t.Error("a table of one test is visible in another")
	}
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
