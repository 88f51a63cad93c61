// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps the record in a SQLite file, for one process at a time.
// Every commit is forced to disk. It is no place for several replicas; those
// use audit/postgres. Start at [Open].
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"modernc.org/sqlite"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a record in one file.
type Store struct {
	query.Reader
	path  string
	reads *sql.DB
	write *sql.DB // one connection

	mu         sync.Mutex // held while a transaction runs on the connection
	conn       *sql.Conn
	statements statements
	mover      mover
}

var _ audit.Store = (*Store)(nil)

var dialect = query.Dialect{
	In:       func(p string) string { return "IN (SELECT value FROM json_each(" + p + "))" },
	List:     asJSON,
	Position: "instr",
	Bytes:    func(column, p string) string { return "instr(" + column + ", " + p + ") > 0" },
}

// asJSON makes one argument of a list; strings and integers cannot fail.
func asJSON(slice any) any {
	b, err := json.Marshal(slice)
	if err != nil {
		return "[]"
	}
	return string(b)
}

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", path, err)
	}
	if err := create(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, mover: mover{limits: usual()}}
	if s.write, err = open(path, "immediate"); err != nil {
		return nil, err
	}
	s.write.SetMaxOpenConns(1)
	if s.reads, err = open(path, "deferred"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.reads.SetMaxOpenConns(4)
	if err := migrate(ctx, s.write); err != nil {
		return nil, errors.Join(fmt.Errorf("migrate record %s: %w", path, err), s.Close())
	}
	if s.conn, err = s.write.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open record %s: %w", path, err), s.Close())
	}
	if err := s.conn.Raw(func(c any) error { return s.statements.prepare(ctx, c) }); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare record %s: %w", path, err), s.Close())
	}
	s.Reader = reader(s.reads.QueryContext)
	return s, nil
}

// create makes the file readable for its owner only; SQLite gives the files it
// puts beside it the same rights.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("create record: %w", err)
	}
	return f.Close()
}

// open sets what durability needs: in WAL mode only synchronous=FULL forces
// every commit to disk. See mover for the pragma that keeps commits from more.
func open(path, lock string) (*sql.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "wal_autocheckpoint(0)"} {
		q.Add("_pragma", pragma)
	}
	q.Set("_txlock", lock)
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open record %s: %w", path, err)
	}
	return db, nil
}

func reader(q func(context.Context, string, ...any) (*sql.Rows, error)) query.Reader {
	return query.Reader{Dialect: dialect, Query: func(ctx context.Context, text string, args ...any) (query.Rows, error) {
		r, err := q(ctx, text, args...) //nolint:rowserrcheck // query reads, checks and closes them
		return rows{r}, err
	}}
}

type rows struct{ *sql.Rows }

func (r rows) Close() { _ = r.Rows.Close() }

func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS record_migration (name TEXT PRIMARY KEY)`); err != nil {
		return err
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	for _, f := range files {
		var done bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM record_migration WHERE name = ?)`, f.Name()).Scan(&done); err != nil {
			return err
		}
		if done {
			continue
		}
		script, err := migrations.ReadFile("migrations/" + f.Name())
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		if f.Name() == addsColumns {
			if err := fill(ctx, tx); err != nil {
				return fmt.Errorf("fill the columns of %s: %w", f.Name(), err)
			}
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO record_migration (name) VALUES (?)`, f.Name()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// addsColumns is the migration whose columns are filled from the bodies.
const addsColumns = "004_notes.sql"

// fill takes the columns of old rows from their bodies. A body that cannot be read
// has none; to say so is the task of the verification.
func fill(ctx context.Context, tx *sql.Tx) error {
	r := query.Reader{Dialect: dialect, Query: reader(tx.QueryContext).Query}
	return r.Fill(ctx, func(seq int64, c audit.Columns) error {
		_, err := tx.ExecContext(ctx, "UPDATE entry SET result = ?, revision = ?, topic = ?, object = ?, floor = ?, ceiling = ? WHERE seq = ?",
			string(c.Result), c.Revision, c.Topic, c.Object, c.Floor, c.Ceiling, seq)
		return err
	})
}

// Close closes the file.
func (s *Store) Close() error {
	s.stopMoving()
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Raw(func(any) error { return s.statements.close() }), s.conn.Close())
	}
	for _, db := range []*sql.DB{s.reads, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Enlist locks the record for this process: a second file is held in an
// exclusive transaction, which the operating system ends with the process.
func (s *Store) Enlist(ctx context.Context, _ string) (io.Closer, error) {
	return s.lock(ctx, "writer")
}

// Alone implements audit.Store, also across processes.
func (s *Store) Alone(ctx context.Context, name string, do func(context.Context) error) (bool, error) {
	held, err := s.lock(ctx, name)
	if failed := (*sqlite.Error)(nil); errors.As(err, &failed) && failed.Code()&0xff == busy {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, errors.Join(do(ctx), held.Close())
}

// busy is SQLITE_BUSY: another process holds the lock.
const busy = 5

// lock holds a file beside the record in an exclusive transaction.
func (s *Store) lock(ctx context.Context, name string) (io.Closer, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: s.path + "." + name, RawQuery: "_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)"}).String())
	if err != nil {
		return nil, fmt.Errorf("lock record %s: %w", s.path, err)
	}
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("record %s is in use by another process: %w", s.path, err), db.Close())
	}
	return writerLock{tx, db}, nil
}

type writerLock struct {
	tx *sql.Tx
	db *sql.DB
}

func (l writerLock) Close() error { return errors.Join(l.tx.Rollback(), l.db.Close()) }

// Orphans implements audit.Store. The asking writer holds the lock, so that
// every other one is gone.
func (s *Store) Orphans(ctx context.Context, self string) ([]audit.Pending, error) {
	pending, err := s.Pending(ctx)
	return slices.DeleteFunc(pending, func(p audit.Pending) bool { return p.Writer == self }), err
}
