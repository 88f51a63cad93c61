// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps the retrieval log in PostgreSQL, for any number of
// replicas. Start at [Open].
package postgres

import (
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/accesslog/internal/sqlstore"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps the log in one schema.
type Store struct{ sqlstore.Store }

var _ accesslog.Store = (*Store)(nil)

// connections bounds what the log takes from the pool.
const connections = 4

// Open uses a pool, which stays the caller's, and brings the schema up to date.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, pool, "access", folder); err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(connections)
	return &Store{sqlstore.Store{Read: db, Write: db}}, nil
}

// Close gives the connections back to the pool.
func (s *Store) Close() error { return s.Read.Close() }
