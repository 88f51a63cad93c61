// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps a shelf in PostgreSQL, for any number of replicas. What
// it keeps should be sealed, see shelf.Seal. Start at [Open].
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps items in one schema.
type Store struct {
	pool *pgxpool.Pool
	most int64
}

var _ shelf.Store = (*Store)(nil)

// Most bytes of one tenant: a busy one does not fill the database.
const Most = 1 << 30

// Open uses a pool, which stays the caller's, and brings the schema up to date. A
// tenant keeps no more than most bytes; 0 means Most.
func Open(ctx context.Context, pool *pgxpool.Pool, most int64) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open shelf: %w", err)
	}
	if err := postgres.Migrate(ctx, pool, "shelf", folder); err != nil {
		return nil, err
	}
	if most == 0 {
		most = Most
	}
	return &Store{pool: pool, most: most}, nil
}

const (
	putSQL = "INSERT INTO shelf_item (kind, tenant, id, until, size, value) VALUES ($1, $2, $3, $4, $5, $6) " +
		"ON CONFLICT (kind, tenant, id) DO UPDATE SET until = excluded.until, size = excluded.size, value = excluded.value"
	// What has ended goes, a bounded number at a time.
	sweepSQL = "DELETE FROM shelf_item WHERE ctid IN (SELECT ctid FROM shelf_item WHERE until <= now() ORDER BY until LIMIT 100 FOR UPDATE SKIP LOCKED)"
	// Of a tenant with too much the items that end first go.
	surplusSQL = "DELETE FROM shelf_item WHERE (kind, tenant, id) IN (SELECT kind, tenant, id FROM (" +
		"SELECT kind, tenant, id, sum(size) OVER (ORDER BY until DESC, kind, id) AS kept FROM shelf_item WHERE tenant = $1) AS x WHERE kept > $2)"
)

// Put implements shelf.Store.
func (s *Store) Put(ctx context.Context, i shelf.Item) error {
	batch := &pgx.Batch{}
	batch.Queue(sweepSQL)
	batch.Queue(putSQL, i.Kind, string(i.Tenant), i.ID, i.Until, len(i.Value), i.Value)
	batch.Queue(surplusSQL, string(i.Tenant), s.most)
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep %s: %w", i.Kind, err)
	}
	return nil
}

// Get implements shelf.Store.
func (s *Store) Get(ctx context.Context, p shelf.Place) (shelf.Item, error) {
	i := shelf.Item{Place: p}
	err := s.pool.QueryRow(ctx, "SELECT until, value FROM shelf_item WHERE kind = $1 AND tenant = $2 AND id = $3 AND until > now()", p.Kind, string(p.Tenant), p.ID).
		Scan(&i.Until, &i.Value)
	if errors.Is(err, pgx.ErrNoRows) {
		return shelf.Item{}, shelf.NotFound(p)
	}
	if err != nil {
		return shelf.Item{}, fmt.Errorf("find %s: %w", p.Kind, err)
	}
	return i, nil
}
