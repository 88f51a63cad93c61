// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps shared documents in PostgreSQL, for any number of
// replicas. Start at [Open].
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps documents in one schema.
type Store struct{ sqlstore.Store }

var _ state.Store = (*Store)(nil)

// connections bounds what the documents take from the pool.
const connections = 4

// Open uses a pool, which stays the caller's, and brings the schema up to date.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if err := postgres.Migrate(ctx, pool, "state", folder); err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(connections)
	return &Store{sqlstore.Store{Read: db, Write: db, Now: time.Now}}, nil
}

// Close gives the connections back to the pool.
func (s *Store) Close() error { return s.Read.Close() }
