// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps contents and keys of the vault in PostgreSQL, for any
// number of replicas: the keys in a database of their own, or at least in a schema
// of their own, which a dump can leave out. Start at [Open] and [OpenKeys].
//
// A destroyed key is overwritten, and its table rewritten into a new file, so that
// no old version of the row stays there. Archived write-ahead logs and backups
// of the key database live as long as they are kept: that time is what this
// database of its own is for.
package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	"github.com/ki-schleuse/schleuse/gateway/vault/internal/sqlstore"
)

//go:embed contents/migrations/*.sql keys/migrations/*.sql
var scripts embed.FS

// Contents keeps contents in one schema.
type Contents struct{ sqlstore.Contents }

// Keys keeps keys in another.
type Keys struct {
	sqlstore.Keys

	pool *pgxpool.Pool
}

var (
	_ vault.Contents = (*Contents)(nil)
	_ vault.Keyring  = (*Keys)(nil)
)

// What the vault takes of a pool.
const (
	contentConnections = 8
	keyConnections     = 4
)

// Open uses a pool, which stays the caller's, and brings the schema up to date.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Contents, error) {
	if err := migrate(ctx, pool, "vault", "contents"); err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	db.SetMaxOpenConns(contentConnections)
	return &Contents{sqlstore.Contents{Read: db, Write: db}}, nil
}

// OpenKeys connects to the database of the keys. shared: it is the database of the
// contents, and the keys get a schema beside the one that is in use there.
func OpenKeys(ctx context.Context, dsn string, shared bool) (*Keys, error) {
	var options []func(*pgxpool.Config)
	if shared {
		schema, err := keySchema(ctx, dsn)
		if err != nil {
			return nil, err
		}
		options = append(options, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["search_path"] = schema })
	}
	options = append(options, func(c *pgxpool.Config) { c.MaxConns = keyConnections })
	pool, err := postgres.Open(ctx, dsn, options...)
	if err != nil {
		return nil, fmt.Errorf("database of the keys: %w", err)
	}
	if err := migrate(ctx, pool, "vault_keys", "keys"); err != nil {
		pool.Close()
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	return &Keys{sqlstore.Keys{Read: db, Write: db, Wipe: func(ctx context.Context) error { return rewrite(ctx, pool) }}, pool}, nil
}

// rewrite puts the rows that are in the table of keys into a new file. VACUUM (FULL)
// would keep old versions for as long as any transaction of the database may see
// them; TRUNCATE drops the file with the commit.
func rewrite(ctx context.Context, pool *pgxpool.Pool) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, step := range []string{
			"LOCK TABLE vault_key IN ACCESS EXCLUSIVE MODE",
			"CREATE TEMPORARY TABLE vault_key_left ON COMMIT DROP AS SELECT * FROM vault_key",
			"TRUNCATE vault_key",
			"INSERT INTO vault_key SELECT * FROM vault_key_left",
		} {
			if _, err := tx.Exec(ctx, step); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rewrite the table of keys: %w", err)
	}
	return nil
}

// keySchema makes the schema of the keys, named after the one in use.
func keySchema(ctx context.Context, dsn string) (string, error) {
	pool, err := postgres.Open(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer pool.Close()
	var name string
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "SELECT current_schema()").Scan(&name); err != nil {
			return err
		}
		name = pgx.Identifier{name + "_keys"}.Sanitize()
		_, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+name)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make the schema of the keys: %w", err)
	}
	return name, nil
}

// schemaLock lets replicas that start together make the schema one after the other.
const schemaLock = 0x5c4c0002

func migrate(ctx context.Context, pool *pgxpool.Pool, component, folder string) error {
	migrations, err := fs.Sub(scripts, folder+"/migrations")
	if err != nil {
		return err
	}
	return postgres.Migrate(ctx, pool, component, migrations)
}

// Close gives the connections back to the pool.
func (c *Contents) Close() error { return c.Read.Close() }

// Close closes the connections to the keys.
func (k *Keys) Close() error {
	err := k.Read.Close()
	k.pool.Close()
	return err
}
