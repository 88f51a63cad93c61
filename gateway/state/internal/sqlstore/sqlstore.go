// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlstore keeps documents in a table that looks the same in SQLite and
// PostgreSQL. Start at [Store].
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Store keeps documents in the table state_document.
type Store struct {
	Read, Write *sql.DB
	Now         func() time.Time
}

const columns = "kind, id, tenant, version, changed, body"

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, kind, id string) (state.Document, error) {
	if err := state.CheckName(kind, id); err != nil {
		return state.Document{}, err
	}
	d, err := scan(s.Read.QueryRowContext(ctx, "SELECT "+columns+" FROM state_document WHERE kind = $1 AND id = $2", kind, id))
	if errors.Is(err, sql.ErrNoRows) {
		return state.Document{}, state.NotFound(kind, id)
	}
	if err != nil {
		return state.Document{}, fmt.Errorf("read %s %s: %w", kind, id, err)
	}
	return d, nil
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, f state.Filter) (out []state.Document, err error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	query, args := "SELECT "+columns+" FROM state_document WHERE kind = $1 AND id > $2", []any{f.Kind, f.After}
	if f.Tenant != nil {
		query, args = query+" AND tenant = $3", append(args, string(*f.Tenant))
	}
	rows, err := s.Read.QueryContext(ctx, fmt.Sprintf("%s ORDER BY id LIMIT %d", query, f.Most()), args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", f.Kind, err)
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", f.Kind, err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, d state.Document) (state.Document, error) {
	if err := d.Check(); err != nil {
		return state.Document{}, err
	}
	d.Time = s.Now().UTC()
	query := "INSERT INTO state_document (kind, id, tenant, changed, body, version) VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT DO NOTHING"
	args := []any{d.Kind, d.ID, string(d.Tenant), d.Time.UnixNano(), string(d.Body)}
	if d.Version != 0 {
		query = "UPDATE state_document SET changed = $4, body = $5, version = version + 1 WHERE kind = $1 AND id = $2 AND tenant = $3 AND version = $6"
		args = append(args, d.Version)
	}
	n, err := s.exec(ctx, query, args...)
	if err != nil {
		return state.Document{}, fmt.Errorf("write %s %s: %w", d.Kind, d.ID, err)
	}
	if n == 0 {
		return state.Document{}, state.Conflict(d.Kind, d.ID)
	}
	d.Version++
	return d, nil
}

// Delete implements state.Store.
func (s *Store) Delete(ctx context.Context, kind, id string, version int64) error {
	if err := state.CheckName(kind, id); err != nil {
		return err
	}
	n, err := s.exec(ctx, "DELETE FROM state_document WHERE kind = $1 AND id = $2 AND version = $3", kind, id, version)
	if err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, id, err)
	}
	if n > 0 {
		return nil
	}
	if _, err := s.Get(ctx, kind, id); err != nil {
		return err
	}
	return state.Conflict(kind, id)
}

func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	done, err := s.Write.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return done.RowsAffected()
}

func scan(row interface{ Scan(into ...any) error }) (d state.Document, err error) {
	var tenant, body string
	var changed int64
	if err := row.Scan(&d.Kind, &d.ID, &tenant, &d.Version, &changed, &body); err != nil {
		return state.Document{}, err
	}
	d.Tenant, d.Time, d.Body = gateway.TenantID(tenant), time.Unix(0, changed).UTC(), []byte(body)
	return d, nil
}
