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
	"path/filepath"

	_ "modernc.org/sqlite" // the driver
)

// Files is one file, open for one writer and several readers.
type Files struct{ Read, Write *sql.DB }

// readers bounds the connections that read at once.
const readers = 4

// Open opens the file, creates it readable for its owner only, and applies what is
// missing of the migrations, in the order of their names, each once.
func Open(ctx context.Context, path string, migrations fs.FS) (f Files, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return Files{}, fmt.Errorf("find %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return Files{}, fmt.Errorf("create database: %w", err)
	}
	if err := file.Close(); err != nil {
		return Files{}, fmt.Errorf("create database: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open database %s: %w", filepath.Base(path), err), f.Close())
		}
	}()
	if f.Write, err = connect(path, "immediate"); err != nil {
		return f, err
	}
	f.Write.SetMaxOpenConns(1)
	if f.Read, err = connect(path, "deferred"); err != nil {
		return f, err
	}
	f.Read.SetMaxOpenConns(readers)
	return f, Migrate(ctx, f.Write, migrations)
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
func connect(path, lock string) (*sql.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)"} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", lock)
	return sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
}

// Migrate applies the scripts of a folder that have not been applied, all or none.
func Migrate(ctx context.Context, db *sql.DB, migrations fs.FS) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY)"); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := apply(ctx, tx, migrations, name); err != nil {
			return fmt.Errorf("migrate %s: %w", name, err)
		}
	}
	return tx.Commit()
}

func apply(ctx context.Context, tx *sql.Tx, migrations fs.FS, name string) error {
	done, err := tx.ExecContext(ctx, "INSERT INTO migration (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
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
