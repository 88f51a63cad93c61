// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps ledger, usage and notices of the quota in PostgreSQL,
// for any number of replicas. Leases expire by the clock of the server. Start at
// [Open].
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/quota/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a quota in one schema.
type Store struct {
	sqlstore.Store
}

var _ quota.Store = (*Store)(nil)

// connections bounds what the quota takes from the pool.
const connections = 4

// Open uses a pool, which stays the caller's, and brings the schema up to date.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open quota: %w", err)
	}
	if err := postgres.Migrate(ctx, pool, "quota", folder); err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(connections)
	return &Store{sqlstore.Store{
		Read: db, Write: db, Now: time.Now,
		Dialect: sqlstore.Dialect{
			Rows: table, Lock: " FOR UPDATE",
			Clock: "SELECT (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint",
		},
	}}, nil
}

// Close gives the connections back to the pool.
func (s *Store) Close() error { return s.Read.Close() }

// table makes a table x of the JSON array in $1.
func table(columns ...sqlstore.Column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		if fields[i] = c.Name + " bigint"; c.Text {
			fields[i] = c.Name + " text"
		}
	}
	return "jsonb_to_recordset($1::jsonb) AS x(" + strings.Join(fields, ", ") + ")"
}
