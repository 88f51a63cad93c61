// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps ledger, usage and notices of the quota in a SQLite file,
// for the processes of one machine. Several machines use quota/postgres. Start
// at [Open].
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/quota/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a quota in one file.
type Store struct {
	sqlstore.Store
}

var _ quota.Store = (*Store)(nil)

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("quota %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // readable for its owner only
	if err != nil {
		return nil, fmt.Errorf("create quota: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("create quota: %w", err)
	}
	s := &Store{sqlstore.Store{Now: time.Now, Dialect: sqlstore.Dialect{Rows: table}}}
	if s.Write, err = open(path, "immediate"); err != nil {
		return nil, err
	}
	s.Write.SetMaxOpenConns(1)
	if s.Read, err = open(path, "deferred"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.Read.SetMaxOpenConns(4)
	if err := migrate(ctx, s.Write); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate quota %s: %w", path, err), s.Close())
	}
	return s, nil
}

// open sets what durability needs: in WAL mode only synchronous=FULL forces
// every commit to disk.
func open(path, lock string) (*sql.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", lock)
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open quota %s: %w", path, err)
	}
	return db, nil
}

// table makes a table x of the JSON array in $1.
func table(columns ...sqlstore.Column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = "value ->> '" + c.Name + "' AS " + c.Name
	}
	return "(SELECT " + strings.Join(fields, ", ") + " FROM json_each($1)) AS x"
}

func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS quota_migration (name TEXT PRIMARY KEY)`); err != nil {
		return err
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	for _, f := range files {
		done, err := tx.ExecContext(ctx, `INSERT INTO quota_migration (name) VALUES ($1) ON CONFLICT DO NOTHING`, f.Name())
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return err
			}
			continue
		}
		script, err := migrations.ReadFile("migrations/" + f.Name())
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
	}
	return tx.Commit()
}

// Close closes the file.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.Read, s.Write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
