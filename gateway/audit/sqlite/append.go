// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
	"modernc.org/sqlite"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

// Append implements audit.Store. What runs inside is not cut short by the
// context: a commit that was begun ends one way or the other, locks are waited
// for no longer than busy_timeout, and the driver would start a goroutine for
// every statement that could be cancelled.
func (s *Store) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	return s.transact(ctx, func(ctx context.Context) error {
		tail, err := s.readTail(ctx, ids)
		if err != nil {
			return err
		}
		batch, err := build(tail)
		if err != nil || len(batch.Rows) == 0 {
			return err
		}
		return s.insert(ctx, tail.Latest, batch)
	})
}

// Continue implements audit.Store.
func (s *Store) Continue(ctx context.Context, after audit.Checkpoint, batch audit.Batch) error {
	err := s.transact(ctx, func(ctx context.Context) error { return s.insert(ctx, after, batch) })
	if failed := (*sqlite.Error)(nil); errors.As(err, &failed) && failed.Code()&0xff == constraint {
		return fmt.Errorf("%w: %w", audit.ErrElsewhere, err)
	}
	return err
}

// constraint is SQLITE_CONSTRAINT: a number or a story that is there already.
const constraint = 19

// transact runs do between BEGIN and COMMIT.
func (s *Store) transact(ctx context.Context, do func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	ctx = context.WithoutCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.run(ctx, &s.statements.begin); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	committed := false
	defer func() {
		if !committed { // also when do panics; without a transaction there is nothing to undo
			_ = s.run(ctx, &s.statements.rollback)
		}
	}()
	if err := do(ctx); err != nil {
		return err
	}
	if err := s.run(ctx, &s.statements.commit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	committed = true
	s.lookAfter()
	return nil
}

func (s *Store) run(ctx context.Context, one *statement) error {
	return s.conn.Raw(func(any) error { return one.run(ctx) })
}

func (s *Store) readTail(ctx context.Context, ids []string) (audit.Tail, error) {
	r := reader(s.conn.QueryContext)
	latest, err := r.Latest(ctx)
	if err != nil {
		return audit.Tail{}, err
	}
	found, err := r.Query(ctx, dialect.StatesSQL(), asJSON(ids))
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read states: %w", err)
	}
	states, err := query.ScanStates(found)
	if err != nil {
		return audit.Tail{}, fmt.Errorf("read states: %w", err)
	}
	return audit.Tail{Latest: latest, States: states, Hashes: func(indexes []int64) ([]tlog.Hash, error) {
		return r.Hashes(ctx, indexes)
	}}, nil
}

// insert writes a batch behind a checkpoint, in one go at the driver itself.
func (s *Store) insert(ctx context.Context, after audit.Checkpoint, b audit.Batch) error {
	s.mover.written += size(b)
	return s.conn.Raw(func(any) error { return s.statements.insert(ctx, after, b) })
}

// statements are prepared once; every call of them costs more than a row, so
// that those of many rows do most of the work.
type statements struct {
	begin, commit, rollback               statement
	first, next, replace                  statement // checkpoints
	entry, node, nodes, pending, pending8 statement
	ended, ended8                         statement
	remove                                statement
}

const (
	entryWidth    = 23
	pendingWidth  = 4
	nodesAtOnce   = 16
	storiesAtOnce = 8
)

// The checkpoint is written only behind the one that the batch was built on: a
// database that was set back, or that somebody else has written to, takes none.
const (
	firstSQL   = "INSERT INTO checkpoint (size, at, note) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM checkpoint)"
	nextSQL    = "INSERT INTO checkpoint (size, at, note) SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM checkpoint WHERE size = ?4 AND note = ?5)" + newest
	replaceSQL = "UPDATE checkpoint SET size = ?1, at = ?2, note = ?3 WHERE size = ?4 AND note = ?5" + newest
	newest     = " AND NOT EXISTS (SELECT 1 FROM checkpoint WHERE size > ?4)"
	removeSQL  = `UPDATE entry SET removed = 1, body = x'', writer = '', system = '', purpose = '', service = '', operation = '', effect = '', outcome = '',
		model = '', residency = '', file = '', rules = '', result = '', revision = '', topic = '', object = '', floor = 0, ceiling = 0
		WHERE seq = ?1 AND removed = 0`
)

func (s *statements) all() map[*statement]string {
	values := func(width, times int) string {
		one := "(?" + strings.Repeat(", ?", width-1) + ")"
		return one + strings.Repeat(", "+one, times-1)
	}
	const pending = "INSERT INTO pending (id, seq, tenant, writer) VALUES "
	return map[*statement]string{
		&s.begin: "BEGIN IMMEDIATE", &s.commit: "COMMIT", &s.rollback: "ROLLBACK",
		&s.first: firstSQL, &s.next: nextSQL, &s.replace: replaceSQL, &s.remove: removeSQL,
		&s.entry:   "INSERT INTO entry (" + query.EntryColumns + ") VALUES " + values(entryWidth, 1),
		&s.node:    "INSERT INTO node (idx, hash) VALUES (?, ?)",
		&s.nodes:   "INSERT INTO node (idx, hash) VALUES " + values(2, nodesAtOnce),
		&s.pending: pending + values(pendingWidth, 1), &s.pending8: pending + values(pendingWidth, storiesAtOnce),
		&s.ended:  "DELETE FROM pending WHERE id = ?",
		&s.ended8: "DELETE FROM pending WHERE id IN " + values(storiesAtOnce, 1),
	}
}

// prepare and close run with the connection of the driver.
func (s *statements) prepare(ctx context.Context, conn any) error {
	c, ok := conn.(driver.ConnPrepareContext)
	if !ok {
		return errors.New("the driver cannot prepare statements")
	}
	for to, text := range s.all() {
		stmt, err := c.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		exec, ok := stmt.(driver.StmtExecContext)
		if !ok {
			return errors.Join(errors.New("the driver cannot execute statements"), stmt.Close())
		}
		to.stmt, to.exec = stmt, exec
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for one := range s.all() {
		if one.stmt != nil {
			errs = append(errs, one.stmt.Close())
		}
	}
	return errors.Join(errs...)
}

func (s *statements) insert(ctx context.Context, after audit.Checkpoint, b audit.Batch) error {
	if err := s.checkpoint(ctx, after, b); err != nil {
		return err
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		if err := s.entry.run(ctx, query.EntryValues(*r)...); err != nil {
			return fmt.Errorf("insert entry %d: %w", r.Seq, err)
		}
	}
	if err := s.hashes(ctx, b); err != nil {
		return fmt.Errorf("insert hashes: %w", err)
	}
	if err := s.stories(ctx, b.Rows); err != nil {
		return fmt.Errorf("note stories as open or ended: %w", err)
	}
	for _, seq := range b.Remove {
		if err := s.remove.run(ctx, seq); err != nil {
			return fmt.Errorf("remove the content of entry %d: %w", seq, err)
		}
		if s.remove.affected != 1 {
			return fmt.Errorf("remove the content of entry %d: %w", seq, audit.ErrElsewhere)
		}
	}
	return nil
}

func (s *statements) checkpoint(ctx context.Context, after audit.Checkpoint, b audit.Batch) error {
	c := b.Checkpoint
	one, args := &s.next, []any{c.Size, c.Time.UnixNano(), c.Note, after.Size, after.Note}
	switch {
	case after.Size == 0:
		one, args = &s.first, args[:3]
	case b.Supersedes == after.Size:
		one = &s.replace
	}
	if err := one.run(ctx, args...); err != nil {
		return fmt.Errorf("insert checkpoint: %w", err)
	}
	if one.affected != 1 {
		return fmt.Errorf("insert checkpoint of size %d: %w", c.Size, audit.ErrElsewhere)
	}
	return nil
}

func (s *statements) hashes(ctx context.Context, b audit.Batch) error {
	index, hashes := b.First, b.Hashes
	values := make([]any, 0, 2*nodesAtOnce)
	for len(hashes) > 0 {
		one, n := &s.node, 1
		if len(hashes) >= nodesAtOnce {
			one, n = &s.nodes, nodesAtOnce
		}
		values = values[:0]
		for i := range n {
			values = append(values, index+int64(i), hashes[i][:])
		}
		if err := one.run(ctx, values...); err != nil {
			return err
		}
		index, hashes = index+int64(n), hashes[n:]
	}
	return nil
}

// stories keeps the list of entries without an end.
func (s *statements) stories(ctx context.Context, rows []audit.Row) error {
	var begun, ended []any
	for i := range rows {
		switch r := &rows[i]; r.Kind {
		case audit.KindOpen:
			begun = append(begun, r.ID, r.Seq, string(r.Tenant), r.Writer)
		case audit.KindClose:
			ended = append(ended, r.ID)
		case audit.KindNote: // belongs to no story
		}
	}
	if err := several(ctx, begun, pendingWidth, &s.pending, &s.pending8); err != nil {
		return err
	}
	return several(ctx, ended, 1, &s.ended, &s.ended8)
}

// several runs a statement of many rows as often as possible, one of a single
// row for the rest.
func several(ctx context.Context, values []any, width int, single, many *statement) error {
	for len(values) > 0 {
		one, n := single, width
		if len(values) >= storiesAtOnce*width {
			one, n = many, storiesAtOnce*width
		}
		if err := one.run(ctx, values[:n]...); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// statement is one prepared statement with its arguments, which are used again.
type statement struct {
	stmt     driver.Stmt
	exec     driver.StmtExecContext
	args     []driver.NamedValue
	affected int64
}

func (s *statement) run(ctx context.Context, values ...any) error {
	s.args = s.args[:0]
	for i, v := range values {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	result, err := s.exec.ExecContext(ctx, s.args)
	clear(s.args)
	if err != nil {
		return err
	}
	s.affected, err = result.RowsAffected()
	return err
}
