// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlstore keeps contents and keys in tables that look the same in SQLite
// and PostgreSQL, in two databases. Start at [Contents] and [Keys].
package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// Contents keeps contents in the table vault_item.
type Contents struct {
	Read, Write *sql.DB
	// Wipe removes what was deleted from the files of the database; nil: it cannot
	// be done at once.
	Wipe func(ctx context.Context) error
}

var _ vault.Contents = (*Contents)(nil)

const itemColumns = "tenant, entry, kind, key_id, file, person, made, expires, content, bytes, days, original, truncated"

// Add implements vault.Contents.
func (c *Contents) Add(ctx context.Context, i vault.Item) error {
	done, err := c.Write.ExecContext(ctx, "INSERT INTO vault_item ("+itemColumns+", sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
		string(i.Tenant), i.Entry, string(i.Kind), i.Key, string(i.Case), string(i.User), i.Made.UnixNano(), i.Expires.UnixNano(),
		string(i.Content), i.Bytes, i.Days, number(i.Original), number(i.Truncated), i.Sealed)
	if err != nil {
		return fmt.Errorf("write content: %w", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return &gateway.Error{Op: "write content", Code: gateway.CodeConflict, RequestID: i.Entry, Message: "Zu diesem Eintrag ist schon ein Inhalt aufbewahrt."}
}

func number(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Items implements vault.Contents.
func (c *Contents) Items(ctx context.Context, q vault.Query) ([]vault.Item, error) {
	column, value := "entry", q.Entry
	switch {
	case q.Tenant == "":
		return nil, fmt.Errorf("read contents: the tenant is missing")
	case q.Entry != "":
	case q.Case != "":
		column, value = "file", string(q.Case)
	case q.User != "":
		column, value = "person", string(q.User)
	default:
		return nil, fmt.Errorf("read contents: what is wanted is missing")
	}
	text := " FROM vault_item WHERE tenant = $1 AND " + column + " = $2 ORDER BY made, entry, kind DESC" // the request first
	return c.items(ctx, q.Sealed, text, string(q.Tenant), value)
}

// Expired implements vault.Contents.
func (c *Contents) Expired(ctx context.Context, before time.Time, after vault.Item, limit int) ([]vault.Item, error) {
	text := fmt.Sprintf(" FROM vault_item WHERE expires <= $1 AND (tenant, entry, kind) > ($2, $3, $4) ORDER BY tenant, entry, kind LIMIT %d", limit)
	return c.items(ctx, false, text, before.UnixNano(), string(after.Tenant), after.Entry, string(after.Kind))
}

func (c *Contents) items(ctx context.Context, sealed bool, text string, args ...any) (out []vault.Item, err error) {
	columns := itemColumns + ", NULL"
	if sealed {
		columns = itemColumns + ", sealed"
	}
	rows, err := c.Read.QueryContext(ctx, "SELECT "+columns+text, args...) //nolint:gosec // made of constants, values are bound
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i vault.Item
		var made, expires int64
		var original, truncated int
		err := rows.Scan(&i.Tenant, &i.Entry, &i.Kind, &i.Key, &i.Case, &i.User, &made, &expires, &i.Content, &i.Bytes, &i.Days, &original, &truncated, &i.Sealed)
		if err != nil {
			return nil, fmt.Errorf("read contents: %w", err)
		}
		i.Made, i.Expires = time.Unix(0, made).UTC(), time.Unix(0, expires).UTC()
		i.Original, i.Truncated = original == 1, truncated == 1
		out = append(out, i)
	}
	return out, rows.Err()
}

// Remove implements vault.Contents.
func (c *Contents) Remove(ctx context.Context, items []vault.Item) (n int, err error) {
	err = transact(ctx, c.Write, func(tx *sql.Tx) error {
		for _, i := range items {
			done, err := tx.ExecContext(ctx, "DELETE FROM vault_item WHERE tenant = $1 AND entry = $2 AND kind = $3", string(i.Tenant), i.Entry, string(i.Kind))
			if err != nil {
				return err
			}
			gone, err := done.RowsAffected()
			if err != nil {
				return err
			}
			n += int(gone)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("delete contents: %w", err)
	}
	if n > 0 && c.Wipe != nil {
		err = c.Wipe(ctx)
	}
	return n, err
}

// Uses implements vault.Contents.
func (c *Contents) Uses(ctx context.Context, tenant gateway.TenantID, key string) (used bool, err error) {
	err = c.Read.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM vault_item WHERE tenant = $1 AND key_id = $2)", string(tenant), key).Scan(&used)
	return used, err
}

// transact runs f in one transaction.
func transact(ctx context.Context, db *sql.DB, f func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
