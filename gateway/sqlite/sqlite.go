// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite opens the SQLite files of the stores and brings their schema up
// to date. It knows nothing of what they keep. Start at [Open].
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// Files is one file, open for one writer and several readers.
type Files struct{ Read, Write *sql.DB }

// readers bounds the connections that read at once.
const readers = 4

// Open opens the file, creates it readable for its owner only, and applies what is
// missing of migrations/*.sql, in the order of their names, each once. component
// names the table that remembers which.
func Open(ctx context.Context, file, component string, migrations fs.FS) (f Files, err error) {
	if file, err = filepath.Abs(file); err != nil {
		return Files{}, fmt.Errorf("find %s: %w", file, err)
	}
	created, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return Files{}, fmt.Errorf("create database: %w", err)
	}
	if err := created.Close(); err != nil {
		return Files{}, fmt.Errorf("create database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open %s: %w", filepath.Base(file), err), f.Close())
		}
	}()
	if f.Write, err = connect(file, "immediate"); err != nil {
		return f, err
	}
	f.Write.SetMaxOpenConns(1)
	if f.Read, err = connect(file, "deferred"); err != nil {
		return f, err
	}
	f.Read.SetMaxOpenConns(readers)
	return f, Migrate(ctx, f.Write, component, migrations)
}

// Close closes what is open.
func (f Files) Close() error {
	var problems []error
	for _, db := range []*sql.DB{f.Read, f.Write} {
		if db != nil {
			problems = append(problems, db.Close())
		}
	}
	return errors.Join(problems...)
}

// connect sets what durability needs: in WAL mode only synchronous=FULL forces
// every commit to disk. What is deleted is overwritten.
func connect(file, lock string) (*sql.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)"} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", lock)
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: q.Encode()}).String())
}

// Migrate applies the scripts migrations/*.sql that have not been applied, all or
// none.
func Migrate(ctx context.Context, db *sql.DB, component string, migrations fs.FS) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+component+"_migration (name TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := apply(ctx, tx, component, migrations, name); err != nil {
			return fmt.Errorf("migrate %s: %w", name, err)
		}
	}
	return tx.Commit()
}

func apply(ctx context.Context, tx *sql.Tx, component string, migrations fs.FS, name string) error {
	done, err := tx.ExecContext(ctx, "INSERT INTO "+component+"_migration (name) VALUES ($1) ON CONFLICT DO NOTHING", path.Base(name)) //nolint:gosec // the component is a constant of its store
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	script, err := fs.ReadFile(migrations, name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, string(script))
	return err
}
