// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// Keys keeps wrapped keys in the table vault_key and erasures under way in vault_job.
type Keys struct {
	Read, Write *sql.DB
	// Wipe removes what was overwritten from the files of the database.
	Wipe func(ctx context.Context) error
}

var _ vault.Keyring = (*Keys)(nil)

const keyColumns = "id, tenant, name, made, ends, destroyed, wrapped"

// executor is a database or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Make implements vault.Keyring. Usually the key is there and lives long enough,
// which takes one look and no write.
func (k *Keys) Make(ctx context.Context, key vault.Key) (vault.Key, error) {
	have, found, err := k.current(ctx, k.Read, key.Tenant, key.Name)
	if err != nil || found && (!have.Destroyed.IsZero() || !have.Until.Before(key.Until)) {
		return have, err
	}
	for range 3 { // an old key may be forgotten between looking and moving its end
		if have, found, err = k.makeOrExtend(ctx, key); err != nil || found {
			return have, err
		}
	}
	return vault.Key{}, errors.New("the key that was made is not there")
}

func (k *Keys) makeOrExtend(ctx context.Context, key vault.Key) (have vault.Key, found bool, err error) {
	err = transact(ctx, k.Write, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO vault_key ("+keyColumns+", newest) VALUES ($1, $2, $3, $4, $5, 0, $6, 1) ON CONFLICT DO NOTHING",
			key.ID, string(key.Tenant), key.Name, key.Made.UnixNano(), key.Until.UnixNano(), key.Wrapped)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE vault_key SET ends = $3 WHERE tenant = $1 AND name = $2 AND newest = 1 AND destroyed = 0 AND ends < $3",
			string(key.Tenant), key.Name, key.Until.UnixNano())
		if err != nil {
			return err
		}
		have, found, err = k.current(ctx, tx, key.Tenant, key.Name)
		return err
	})
	return have, found, err
}

func (k *Keys) current(ctx context.Context, db executor, tenant gateway.TenantID, name string) (vault.Key, bool, error) {
	keys, err := k.keys(ctx, db, " WHERE tenant = $1 AND name = $2 AND newest = 1", string(tenant), name)
	if err != nil || len(keys) == 0 {
		return vault.Key{}, false, err
	}
	return keys[0], true, nil
}

func (k *Keys) keys(ctx context.Context, db executor, where string, args ...any) (out []vault.Key, err error) {
	rows, err := db.QueryContext(ctx, "SELECT "+keyColumns+" FROM vault_key"+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key vault.Key
		var made, until, destroyed int64
		if err := rows.Scan(&key.ID, &key.Tenant, &key.Name, &made, &until, &destroyed, &key.Wrapped); err != nil {
			return nil, fmt.Errorf("read keys: %w", err)
		}
		key.Made, key.Until = time.Unix(0, made).UTC(), time.Unix(0, until).UTC()
		if destroyed != 0 {
			key.Destroyed = time.Unix(0, destroyed).UTC()
		}
		out = append(out, key)
	}
	return out, rows.Err()
}

// Key implements vault.Keyring.
func (k *Keys) Key(ctx context.Context, tenant gateway.TenantID, id string) (vault.Key, error) {
	keys, err := k.keys(ctx, k.Read, " WHERE tenant = $1 AND id = $2", string(tenant), id)
	if err != nil {
		return vault.Key{}, err
	}
	if len(keys) == 0 {
		return vault.Key{}, &gateway.Error{Op: "find key", Code: gateway.CodeNotFound, Message: "Zu diesem Inhalt gibt es keinen Schlüssel mehr."}
	}
	return keys[0], nil
}

// Destroy implements vault.Keyring: overwritten, then gone, then out of the files.
func (k *Keys) Destroy(ctx context.Context, tenant gateway.TenantID, names []string, at time.Time) (n int, err error) {
	for _, name := range names {
		const which = " WHERE tenant = $1 AND name = $2 AND newest = 1 AND "
		noise := make([]byte, 1+12+32+16) // as long as a wrapped key
		rand.Read(noise)
		done, err := k.Write.ExecContext(ctx, "UPDATE vault_key SET wrapped = $3, destroyed = $4"+which+"destroyed = 0", string(tenant), name, noise, at.UnixNano())
		if err != nil {
			return n, fmt.Errorf("overwrite key: %w", err)
		}
		gone, err := done.RowsAffected()
		if err != nil {
			return n, err
		}
		n += int(gone)
		if _, err := k.Write.ExecContext(ctx, "UPDATE vault_key SET wrapped = NULL"+which+"destroyed <> 0", string(tenant), name); err != nil {
			return n, fmt.Errorf("delete key: %w", err)
		}
	}
	// Also when nothing was left to do: a crash may have come before this.
	return n, k.Wipe(ctx)
}

// Reopen implements vault.Keyring.
func (k *Keys) Reopen(ctx context.Context, tenant gateway.TenantID, name string) (bool, error) {
	done, err := k.Write.ExecContext(ctx, "UPDATE vault_key SET newest = 0 WHERE tenant = $1 AND name = $2 AND newest = 1 AND destroyed <> 0", string(tenant), name)
	if err != nil {
		return false, err
	}
	n, err := done.RowsAffected()
	return n > 0, err
}

// Erased implements vault.Keyring.
func (k *Keys) Erased(ctx context.Context, tenant gateway.TenantID, name string) (at time.Time, err error) {
	var latest sql.NullInt64
	err = k.Read.QueryRowContext(ctx, "SELECT max(destroyed) FROM vault_key WHERE tenant = $1 AND name = $2 AND destroyed <> 0", string(tenant), name).Scan(&latest)
	if err != nil || !latest.Valid {
		return time.Time{}, err
	}
	return time.Unix(0, latest.Int64).UTC(), nil
}

// Stale implements vault.Keyring.
func (k *Keys) Stale(ctx context.Context, before time.Time, after string, limit int) ([]vault.Key, error) {
	return k.keys(ctx, k.Read, fmt.Sprintf(" WHERE destroyed = 0 AND ends < $1 AND id > $2 ORDER BY id LIMIT %d", limit), before.UnixNano(), after)
}

// Forget implements vault.Keyring.
func (k *Keys) Forget(ctx context.Context, key vault.Key) error {
	done, err := k.Write.ExecContext(ctx, "DELETE FROM vault_key WHERE tenant = $1 AND id = $2 AND destroyed = 0 AND ends = $3", string(key.Tenant), key.ID, key.Until.UnixNano())
	if err != nil {
		return err
	}
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return vault.ErrMoved
	}
	return err
}

// Begin implements vault.Keyring.
func (k *Keys) Begin(ctx context.Context, j vault.Job) error {
	body, err := json.Marshal(j)
	if err != nil {
		return err
	}
	_, err = k.Write.ExecContext(ctx, "INSERT INTO vault_job (id, body) VALUES ($1, $2)", j.ID, string(body))
	return err
}

// Jobs implements vault.Keyring.
func (k *Keys) Jobs(ctx context.Context) (out []vault.Job, err error) {
	rows, err := k.Read.QueryContext(ctx, "SELECT body FROM vault_job ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		var j vault.Job
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			return nil, fmt.Errorf("read erasures: %w", err)
		}
		out = append(out, j)
	}
	return out, rows.Err()
}

// End implements vault.Keyring.
func (k *Keys) End(ctx context.Context, id string) error {
	_, err := k.Write.ExecContext(ctx, "DELETE FROM vault_job WHERE id = $1", id)
	return err
}
