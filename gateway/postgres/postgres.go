// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres opens a pool of connections and brings schemas up to date:
// what all stores that use PostgreSQL share. It knows no tables of its own but
// the list of applied migrations. Start at [Open] and [Migrate].
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Open connects to a database and checks that it answers. Options may change
// the pool's configuration, for example to register types.
func Open(ctx context.Context, dsn string, options ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the address of the database is malformed") // the error would show the password
	}
	for _, option := range options {
		option(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach database: %w", err)
	}
	return pool, nil
}

// migrationLock is the advisory lock under which all components migrate.
const migrationLock = 0x5c4c0001

// Migrate applies the scripts of a folder that the database has not seen, in
// the order of their names, all in one transaction. component keeps the scripts
// of several stores apart. Replicas that start together wait for one another.
func Migrate(ctx context.Context, pool *pgxpool.Pool, component string, folder fs.FS) error {
	names, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return fmt.Errorf("migrate %s: %w", component, err)
	}
	slices.Sort(names)
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migration (
			component TEXT NOT NULL, name TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (component, name))`); err != nil {
			return err
		}
		for _, name := range names {
			if err := apply(ctx, tx, component, folder, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("migrate %s: %w", component, err)
	}
	return nil
}

func apply(ctx context.Context, tx pgx.Tx, component string, folder fs.FS, name string) error {
	tag, err := tx.Exec(ctx, `INSERT INTO schema_migration (component, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`, component, path.Base(name))
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	script, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, string(script))
	return err
}
