// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps tenants in a SQLite file. Several processes of one
// machine may have it open: a server and the command line beside it. It is no
// place for replicas on several machines; those use identity/postgres. Start at
// [Open].
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps tenants in one file.
type Store struct{ files sqlite.Files }

var _ identity.Store = (*Store)(nil)

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	files, err := sqlite.Open(ctx, path, "tenant", migrations)
	if err != nil {
		return nil, err
	}
	return &Store{files}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.files.Close() }

// inTransaction commits what f did, if it did it without an error.
func inTransaction(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

const revisionSQL = `SELECT n FROM tenant_revision`

// Revision implements identity.Store.
func (s *Store) Revision(ctx context.Context) (n int64, err error) {
	if err := s.files.Read.QueryRowContext(ctx, revisionSQL).Scan(&n); err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return n, nil
}

// Changed implements identity.Store.
func (s *Store) Changed(ctx context.Context, after int64) (list []identity.Row, revision int64, err error) {
	err = inTransaction(ctx, s.files.Read, func(tx *sql.Tx) (err error) {
		if err := tx.QueryRowContext(ctx, revisionSQL).Scan(&revision); err != nil {
			return err
		}
		list, err = rows(ctx, tx, `SELECT id, version, body FROM tenant WHERE revision > ?`, after)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read tenants: %w", err)
	}
	return list, revision, nil
}

func rows(ctx context.Context, tx *sql.Tx, query string, args ...any) ([]identity.Row, error) {
	found, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var list []identity.Row
	for found.Next() {
		var r identity.Row
		if err := found.Scan(&r.ID, &r.Version, &r.Body); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, found.Err()
}

// Update implements identity.Store.
func (s *Store) Update(ctx context.Context, l identity.Lookup, build func(identity.Current) (identity.Write, error)) error {
	return inTransaction(ctx, s.files.Write, func(tx *sql.Tx) error {
		current, err := look(ctx, tx, l)
		if err != nil {
			return fmt.Errorf("read tenants: %w", err)
		}
		w, err := build(current)
		if err != nil {
			return err
		}
		if err := write(ctx, tx, w); err != nil {
			return fmt.Errorf("write tenants: %w", err)
		}
		return nil
	})
}

func look(ctx context.Context, tx *sql.Tx, l identity.Lookup) (identity.Current, error) {
	c := identity.Current{Rows: map[gateway.TenantID]identity.Row{}}
	ids, err := json.Marshal(l.Tenants)
	if err != nil {
		return c, err
	}
	list, err := rows(ctx, tx, `SELECT id, version, body FROM tenant WHERE id IN (SELECT value FROM json_each(?))`, string(ids))
	if err != nil {
		return c, err
	}
	for _, r := range list {
		c.Rows[r.ID] = r
	}
	if l.Request == "" {
		return c, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT answer FROM tenant_request WHERE id = ?`, l.Request).Scan(&c.Answer)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return c, err
}

func write(ctx context.Context, tx *sql.Tx, w identity.Write) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM tenant_request WHERE at < ?`, w.Forget); err != nil {
		return err
	}
	if w.Answer != nil {
		if _, err := tx.ExecContext(ctx, `INSERT INTO tenant_request (id, at, answer) VALUES (?, ?, ?)`, w.Request, w.At, w.Answer); err != nil {
			return err
		}
	}
	if len(w.Rows) == 0 {
		return nil
	}
	var revision int64
	if err := tx.QueryRowContext(ctx, `UPDATE tenant_revision SET n = n + 1 RETURNING n`).Scan(&revision); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, `INSERT INTO tenant (id, version, revision, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, revision = excluded.revision, body = excluded.body`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, r := range w.Rows {
		if _, err := insert.ExecContext(ctx, string(r.ID), r.Version, revision, r.Body); err != nil {
			return err
		}
	}
	return nil
}

// Used implements identity.Store.
func (s *Store) Used(ctx context.Context, days map[string]int64) error {
	raw, err := json.Marshal(days)
	if err != nil {
		return fmt.Errorf("write days of use: %w", err)
	}
	// WHERE true keeps the parser from reading ON as part of the SELECT.
	_, err = s.files.Write.ExecContext(ctx, `INSERT INTO key_use (key, day) SELECT key, value FROM json_each(?) WHERE true
		ON CONFLICT (key) DO UPDATE SET day = max(day, excluded.day)`, string(raw))
	if err != nil {
		return fmt.Errorf("write days of use: %w", err)
	}
	return nil
}

// LastUsed implements identity.Store.
func (s *Store) LastUsed(ctx context.Context, keys []string) (map[string]int64, error) {
	raw, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("read days of use: %w", err)
	}
	found, err := s.files.Read.QueryContext(ctx, `SELECT key, day FROM key_use WHERE key IN (SELECT value FROM json_each(?))`, string(raw))
	if err != nil {
		return nil, fmt.Errorf("read days of use: %w", err)
	}
	defer found.Close()
	days := make(map[string]int64, len(keys))
	for found.Next() {
		var key string
		var day int64
		if err := found.Scan(&key, &day); err != nil {
			return nil, fmt.Errorf("read days of use: %w", err)
		}
		days[key] = day
	}
	return days, found.Err()
}
