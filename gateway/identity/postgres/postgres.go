// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps tenants in PostgreSQL, for any number of replicas: a
// change locks the one row that counts changes, so that changes follow one
// another and a replica that knows the count has seen everything before it.
// Start at [Open].
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps tenants in one schema.
type Store struct{ pool *pgxpool.Pool }

var _ identity.Store = (*Store)(nil)

// Open uses a pool, which stays the caller's, and brings the schema up to date.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open tenants: %w", err)
	}
	if err := postgres.Migrate(ctx, pool, "tenants", folder); err != nil {
		return nil, err
	}
	return &Store{pool: pool}, nil
}

const revisionSQL = `SELECT n FROM tenant_revision`

// Revision implements identity.Store.
func (s *Store) Revision(ctx context.Context) (n int64, err error) {
	if err := s.pool.QueryRow(ctx, revisionSQL).Scan(&n); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return n, nil
}

// Changed implements identity.Store. Both reads see one snapshot.
func (s *Store) Changed(ctx context.Context, after int64) (list []identity.Row, revision int64, err error) {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, snapshot, func(tx pgx.Tx) (err error) {
		if err := tx.QueryRow(ctx, revisionSQL).Scan(&revision); err != nil {
			return err
		}
		list, err = rows(ctx, tx, `SELECT id, version, body FROM tenant WHERE revision > $1`, after)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read tenants: %w", err)
	}
	return list, revision, nil
}

func rows(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]identity.Row, error) {
	found, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) (row identity.Row, err error) {
		return row, r.Scan(&row.ID, &row.Version, &row.Body)
	})
}

// Update implements identity.Store. The server ends a replica that has stopped
// answering while it holds the lock.
func (s *Store) Update(ctx context.Context, l identity.Lookup, build func(identity.Current) (identity.Write, error)) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('idle_in_transaction_session_timeout', '30s', true)`); err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		var revision int64
		if err := tx.QueryRow(ctx, revisionSQL+` FOR UPDATE`).Scan(&revision); err != nil {
			return fmt.Errorf("lock revision: %w", err)
		}
		current, err := look(ctx, tx, l)
		if err != nil {
			return fmt.Errorf("read tenants: %w", err)
		}
		w, err := build(current)
		if err != nil {
			return err
		}
		if err := write(ctx, tx, w, revision+1); err != nil {
			return fmt.Errorf("write tenants: %w", err)
		}
		return nil
	})
}

func look(ctx context.Context, tx pgx.Tx, l identity.Lookup) (identity.Current, error) {
	c := identity.Current{Rows: map[gateway.TenantID]identity.Row{}}
	list, err := rows(ctx, tx, `SELECT id, version, body FROM tenant WHERE id = ANY($1::text[])`, l.Tenants)
	if err != nil {
		return c, err
	}
	for _, r := range list {
		c.Rows[r.ID] = r
	}
	if l.Request == "" {
		return c, nil
	}
	err = tx.QueryRow(ctx, `SELECT answer FROM tenant_request WHERE id = $1`, l.Request).Scan(&c.Answer)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return c, err
}

const upsert = `INSERT INTO tenant (id, version, revision, body)
	SELECT id, version, $1, body FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS x (id, version, body)
	ON CONFLICT (id) DO UPDATE SET version = excluded.version, revision = excluded.revision, body = excluded.body`

func write(ctx context.Context, tx pgx.Tx, w identity.Write, revision int64) error {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM tenant_request WHERE at < $1`, w.Forget)
	if w.Answer != nil {
		b.Queue(`INSERT INTO tenant_request (id, at, answer) VALUES ($1, $2, $3)`, w.Request, w.At, w.Answer)
	}
	if len(w.Rows) > 0 {
		var ids []gateway.TenantID
		var versions []int64
		var bodies [][]byte
		for _, r := range w.Rows {
			ids, versions, bodies = append(ids, r.ID), append(versions, r.Version), append(bodies, r.Body)
		}
		b.Queue(upsert, revision, ids, versions, bodies)
		b.Queue(`UPDATE tenant_revision SET n = $1`, revision)
	}
	return tx.SendBatch(ctx, b).Close()
}

// Used implements identity.Store. The keys come in one order, so that replicas
// that write at once do not wait for each other in a circle.
func (s *Store) Used(ctx context.Context, days map[string]int64) error {
	keys := slices.Sorted(maps.Keys(days))
	values := make([]int64, len(keys))
	for i, k := range keys {
		values[i] = days[k]
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO key_use (key, day) SELECT * FROM unnest($1::text[], $2::bigint[])
		ON CONFLICT (key) DO UPDATE SET day = greatest(key_use.day, excluded.day)`, keys, values)
	if err != nil {
		return fmt.Errorf("write days of use: %w", err)
	}
	return nil
}

// LastUsed implements identity.Store.
func (s *Store) LastUsed(ctx context.Context, keys []string) (map[string]int64, error) {
	found, err := s.pool.Query(ctx, `SELECT key, day FROM key_use WHERE key = ANY($1::text[])`, keys)
	if err != nil {
		return nil, fmt.Errorf("read days of use: %w", err)
	}
	days := make(map[string]int64, len(keys))
	var key string
	var day int64
	if _, err := pgx.ForEachRow(found, []any{&key, &day}, func() error { days[key] = day; return nil }); err != nil {
		return nil, fmt.Errorf("read days of use: %w", err)
	}
	return days, nil
}
