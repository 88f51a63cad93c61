// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlstore keeps retrievals in a table that looks the same in SQLite and
// PostgreSQL. Start at [Store].
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
)

// Store keeps retrievals in the table access_retrieval.
type Store struct{ Read, Write *sql.DB }

var _ accesslog.Store = (*Store)(nil)

// Add implements accesslog.Store.
func (s *Store) Add(ctx context.Context, r accesslog.Retrieval) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode retrieval: %w", err)
	}
	_, err = s.Write.ExecContext(ctx, `INSERT INTO access_retrieval (tenant, id, at, system, person, file, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		string(r.Tenant), r.ID, r.Time.UnixNano(), clean(string(r.System)), string(r.User), string(r.Case), clean(string(body)))
	if err != nil {
		return fmt.Errorf("write retrieval: %w", err)
	}
	return nil
}

// clean leaves out what PostgreSQL takes in no text.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
}

// List implements accesslog.Store.
func (s *Store) List(ctx context.Context, f accesslog.Filter) (found []accesslog.Retrieval, err error) {
	text, args := "SELECT body FROM access_retrieval WHERE tenant = $1", []any{string(f.Tenant)}
	where := func(condition string, values ...any) {
		for _, v := range values {
			args = append(args, v)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		text += " AND " + condition
	}
	if !f.From.IsZero() {
		where("at >= ?", f.From.UnixNano())
	}
	if !f.To.IsZero() {
		where("at < ?", f.To.UnixNano())
	}
	for column, value := range map[string]string{"system": string(f.System), "person": string(f.User), "file": string(f.Case)} {
		if value != "" {
			where(column+" = ?", clean(value))
		}
	}
	if a := f.After; a != nil {
		where("(at < ? OR at = ? AND id < ?)", a.Time.UnixNano(), a.Time.UnixNano(), a.ID)
	}
	rows, err := s.Read.QueryContext(ctx, fmt.Sprintf("%s ORDER BY at DESC, id DESC LIMIT %d", text, f.Limit), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		var r accesslog.Retrieval
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return nil, fmt.Errorf("read retrieval: %w", err)
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

// Remove implements accesslog.Store.
func (s *Store) Remove(ctx context.Context, tenant gateway.TenantID, file gateway.Pseudonym) (int, error) {
	return s.delete(ctx, "DELETE FROM access_retrieval WHERE tenant = $1 AND file = $2", string(tenant), string(file))
}

// Expire implements accesslog.Store.
func (s *Store) Expire(ctx context.Context, before time.Time) (int, error) {
	return s.delete(ctx, "DELETE FROM access_retrieval WHERE at < $1", before.UnixNano())
}

func (s *Store) delete(ctx context.Context, query string, args ...any) (int, error) {
	done, err := s.Write.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := done.RowsAffected()
	return int(n), err
}
