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
	"strings"

	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the driver

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a record in one file.
type Store struct {
	query.Reader
	path   string
	reads  *sql.DB
	write  *sql.DB // one connection
	insert statements
}

type statements struct{ latest, states, entry, node, nodes, checkpoint, pending, ended, supersede *sql.Stmt }

var _ audit.Store = (*Store)(nil)

var dialect = query.Dialect{
	In:       func(p string) string { return "IN (SELECT value FROM json_each(" + p + "))" },
	List:     asJSON,
	Position: "instr",
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
	s := &Store{path: path}
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
	if err := s.prepare(ctx); err != nil {
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
// every commit to disk.
func open(path, lock string) (*sql.DB, error) {
	q := url.Values{}
	for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)"} {
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
		if _, err := tx.ExecContext(ctx, `INSERT INTO record_migration (name) VALUES (?)`, f.Name()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *Store) prepare(ctx context.Context) error {
	width := strings.Count(query.EntryColumns, ",") + 1
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.insert.latest, query.LatestSQL},
		{&s.insert.states, dialect.StatesSQL()},
		{&s.insert.entry, "INSERT INTO entry (" + query.EntryColumns + ") VALUES (?" + strings.Repeat(", ?", width-1) + ")"},
		{&s.insert.node, "INSERT INTO node (idx, hash) VALUES (?, ?)"},
		{&s.insert.nodes, "INSERT INTO node (idx, hash) VALUES (?, ?)" + strings.Repeat(", (?, ?)", nodesAtOnce-1)},
		{&s.insert.checkpoint, "INSERT INTO checkpoint (size, at, note) VALUES (?, ?, ?)"},
		{&s.insert.supersede, "DELETE FROM checkpoint WHERE size = ?"},
		{&s.insert.pending, "INSERT INTO pending (id, seq, tenant, writer) VALUES (?, ?, ?, ?)"},
		{&s.insert.ended, "DELETE FROM pending WHERE id = ?"},
	} {
		stmt, err := s.write.PrepareContext(ctx, p.text) //nolint:sqlclosecheck // lives as long as the database
		if err != nil {
			return err
		}
		*p.to = stmt
	}
	return nil
}

// Close closes the file.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reads, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// Append implements audit.Store. What runs inside is not cut short by the
// context: a commit that was begun ends one way or the other, locks are waited
// for no longer than busy_timeout, and the driver would start a goroutine for
// every statement that could be cancelled.
func (s *Store) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	tail, err := s.readTail(ctx, tx, ids)
	if err != nil {
		return err
	}
	batch, err := build(tail)
	if err != nil || len(batch.Rows) == 0 {
		return err
	}
	if err := s.insertBatch(ctx, tx, batch); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

//nolint:sqlclosecheck // a transaction closes its statements when it ends
func (s *Store) readTail(ctx context.Context, tx *sql.Tx, ids []string) (audit.Tail, error) {
	found, err := tx.StmtContext(ctx, s.insert.latest).QueryContext(ctx) //nolint:rowserrcheck // ScanLatest reads, checks and closes them
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read newest checkpoint: %w", err)
	}
	latest, err := query.ScanLatest(rows{found})
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read newest checkpoint: %w", err)
	}
	found, err = tx.StmtContext(ctx, s.insert.states).QueryContext(ctx, asJSON(ids)) //nolint:rowserrcheck // ScanStates reads, checks and closes them
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read states: %w", err)
	}
	states, err := query.ScanStates(rows{found})
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read states: %w", err)
	}
	return audit.Tail{Latest: latest, States: states, Hashes: func(indexes []int64) ([]tlog.Hash, error) {
		return reader(tx.QueryContext).Hashes(ctx, indexes)
	}}, nil
}

//nolint:sqlclosecheck // a transaction closes its statements when it ends
func (s *Store) insertBatch(ctx context.Context, tx *sql.Tx, b audit.Batch) error {
	entry, pending, ended := tx.StmtContext(ctx, s.insert.entry), tx.StmtContext(ctx, s.insert.pending), tx.StmtContext(ctx, s.insert.ended)
	for _, r := range b.Rows {
		if _, err := entry.ExecContext(ctx, query.EntryValues(r)...); err != nil {
			return fmt.Errorf("insert entry %d: %w", r.Seq, err)
		}
		var err error
		switch r.Kind {
		case audit.KindOpen:
			_, err = pending.ExecContext(ctx, r.ID, r.Seq, string(r.Tenant), r.Writer)
		case audit.KindClose:
			_, err = ended.ExecContext(ctx, r.ID)
		case audit.KindNote: // belongs to no story
		}
		if err != nil {
			return fmt.Errorf("note entry %d as open or ended: %w", r.Seq, err)
		}
	}
	if err := s.insertNodes(ctx, tx, b); err != nil {
		return fmt.Errorf("insert hashes: %w", err)
	}
	if b.Supersedes > 0 {
		if _, err := tx.StmtContext(ctx, s.insert.supersede).ExecContext(ctx, b.Supersedes); err != nil {
			return fmt.Errorf("replace checkpoint: %w", err)
		}
	}
	c := b.Checkpoint
	if _, err := tx.StmtContext(ctx, s.insert.checkpoint).ExecContext(ctx, c.Size, c.Time.UnixNano(), c.Note); err != nil {
		return fmt.Errorf("insert checkpoint: %w", err)
	}
	return nil
}

// nodesAtOnce is how many hashes one statement inserts: every statement costs
// more than what it inserts.
const nodesAtOnce = 8

//nolint:sqlclosecheck // a transaction closes its statements when it ends
func (s *Store) insertNodes(ctx context.Context, tx *sql.Tx, b audit.Batch) error {
	one, many := tx.StmtContext(ctx, s.insert.node), tx.StmtContext(ctx, s.insert.nodes)
	index, hashes := b.First, b.Hashes
	values := make([]any, 0, 2*nodesAtOnce)
	for len(hashes) >= nodesAtOnce {
		values = values[:0]
		for i := range nodesAtOnce {
			values = append(values, index+int64(i), hashes[i][:])
		}
		if _, err := many.ExecContext(ctx, values...); err != nil {
			return err
		}
		index, hashes = index+nodesAtOnce, hashes[nodesAtOnce:]
	}
	for i := range hashes {
		if _, err := one.ExecContext(ctx, index+int64(i), hashes[i][:]); err != nil {
			return err
		}
	}
	return nil
}

// Enlist locks the record for this process: a second file is held in an
// exclusive transaction, which the operating system ends with the process.
func (s *Store) Enlist(ctx context.Context, _ string) (io.Closer, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: s.path + ".writer", RawQuery: "_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)"}).String())
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
