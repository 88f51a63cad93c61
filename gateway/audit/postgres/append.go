// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

// takeLock waits for the writers before us. The server ends a replica that
// has stopped answering while it holds the lock. Without statistics, in a young
// table, the planner may choose to read all of it: never right here.
const takeLock = `SELECT set_config('idle_in_transaction_session_timeout', '5s', true), set_config('enable_seqscan', 'off', true),
	pg_advisory_xact_lock($1)`

// Append implements audit.Store. It needs two round trips: one reads the end
// of the log under the lock, one writes the batch and commits.
func (s *Store) Append(ctx context.Context, ids []string, build func(audit.Tail) (audit.Batch, error)) error {
	conn, tail, err := s.begin(ctx, ids)
	if err != nil {
		return err
	}
	// Release closes a connection whose transaction is still open, which ends it.
	defer conn.Release()
	batch, err := build(tail)
	if err != nil || len(batch.Rows) == 0 {
		return errors.Join(err, rollback(ctx, conn))
	}
	return commit(ctx, conn, &pgx.Batch{}, tail.Latest, batch)
}

// Continue implements audit.Store. It needs one round trip.
func (s *Store) Continue(ctx context.Context, after audit.Checkpoint, batch audit.Batch) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer conn.Release()
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(takeLock, s.lock)
	err = commit(ctx, conn, b, after, batch)
	if err != nil && conn.Conn().IsClosed() && len(batch.Rows) > 0 {
		return s.settle(ctx, batch.Rows[0], err)
	}
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && class(refused) == constraint {
		return fmt.Errorf("%w: %w", audit.ErrElsewhere, err)
	}
	return err
}

// settle finds out what became of a batch whose connection broke: the lock is
// free only when the server has ended that transaction. The connection may have
// been broken before, while it lay in the pool.
func (s *Store) settle(ctx context.Context, first audit.Row, cause error) error {
	conn, _, err := s.begin(ctx, nil)
	if err != nil {
		return errors.Join(cause, err)
	}
	defer conn.Release()
	rows, err := reader(conn.Query).Rows(ctx, first.Seq, 1)
	if err := errors.Join(err, rollback(ctx, conn)); err != nil {
		return errors.Join(cause, err)
	}
	if len(rows) == 1 && rows[0].Seq == first.Seq && rows[0].ID == first.ID && rows[0].Kind == first.Kind {
		return nil
	}
	return fmt.Errorf("%w: nothing was written: %w", audit.ErrElsewhere, cause)
}

// constraint is the class of errors of what a table refuses: a number or a story
// that is there already, a checkpoint behind another one than was expected.
const constraint = "23"

func class(e *pgconn.PgError) string { return e.Code[:min(2, len(e.Code))] }

// commit sends what was queued and the batch, in one round trip.
func commit(ctx context.Context, conn *pgxpool.Conn, b *pgx.Batch, after audit.Checkpoint, batch audit.Batch) error {
	queueInserts(b, after, batch)
	committed := false
	b.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		committed = tag.String() == "COMMIT"
		return nil
	})
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return errors.Join(fmt.Errorf("insert batch: %w", err), rollback(ctx, conn))
	}
	if !committed {
		return errors.New("commit: the server rolled the batch back")
	}
	return nil
}

// begin reads the end of the log on a connection that works. The server may
// have ended some while they lay in the pool; nothing has been written then.
func (s *Store) begin(ctx context.Context, ids []string) (*pgxpool.Conn, audit.Tail, error) {
	for attempts := s.pool.Config().MaxConns; ; attempts-- {
		conn, err := s.pool.Acquire(ctx)
		if err != nil {
			return nil, audit.Tail{}, fmt.Errorf("begin: %w", err)
		}
		tail, err := s.readTail(ctx, conn, ids)
		if err == nil {
			return conn, tail, nil
		}
		broken := conn.Conn().IsClosed()
		conn.Release()
		if !broken || attempts == 0 || ctx.Err() != nil {
			return nil, audit.Tail{}, fmt.Errorf("read the end of the log: %w", err)
		}
	}
}

func rollback(ctx context.Context, conn *pgxpool.Conn) error {
	if conn.Conn().IsClosed() {
		return nil
	}
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// readTail begins the transaction and takes the lock; what follows in the same
// round trip sees everything that earlier holders of the lock committed.
func (s *Store) readTail(ctx context.Context, conn *pgxpool.Conn, ids []string) (tail audit.Tail, err error) {
	if ids == nil {
		ids = []string{}
	}
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(takeLock, s.lock)
	b.Queue(query.LatestSQL).Query(func(rows pgx.Rows) (err error) {
		tail.Latest, err = query.ScanLatest(rows)
		return err
	})
	b.Queue(dialect.StatesSQL(), ids).Query(func(rows pgx.Rows) (err error) {
		tail.States, err = query.ScanStates(rows)
		return err
	})
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		return tail, err
	}
	r := reader(conn.Query)
	tail.Hashes = func(indexes []int64) ([]tlog.Hash, error) { return r.Hashes(ctx, indexes) }
	return tail, nil
}

const insertEntries = "INSERT INTO entry (" + query.EntryColumns + `)
	SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[],
		$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
		$20::text[], $21::int[], $22::int[], $23::bytea[])`

// insertCheckpoint writes it behind the one that the batch was built on. Behind
// any other one it has no note, which the table refuses.
const insertCheckpoint = `INSERT INTO checkpoint (size, at, note)
	SELECT $1, $2, CASE WHEN size = $4 AND note = $5 THEN $3::bytea END FROM checkpoint ORDER BY size DESC LIMIT 1`

func queueInserts(b *pgx.Batch, after audit.Checkpoint, batch audit.Batch) {
	c := batch.Checkpoint
	if after.Size == 0 {
		b.Queue("INSERT INTO checkpoint (size, at, note) VALUES ($1, $2, $3)", c.Size, c.Time.UnixNano(), c.Note)
	} else {
		b.Queue(insertCheckpoint, c.Size, c.Time.UnixNano(), c.Note, after.Size, after.Note)
	}
	if batch.Supersedes > 0 {
		b.Queue("DELETE FROM checkpoint WHERE size = $1", batch.Supersedes)
	}
	b.Queue(insertEntries, columns(batch.Rows)...)
	hashes := make([][]byte, len(batch.Hashes))
	for i := range batch.Hashes {
		hashes[i] = batch.Hashes[i][:]
	}
	b.Queue("INSERT INTO node (idx, hash) SELECT $1::bigint + n - 1, h FROM unnest($2::bytea[]) WITH ORDINALITY AS x (h, n)", batch.First, hashes)
	queuePending(b, batch.Rows)
	if len(batch.Remove) > 0 {
		b.Queue("SELECT record_remove($1)", batch.Remove)
	}
}

// queuePending keeps the list of entries without an end.
func queuePending(b *pgx.Batch, rows []audit.Row) {
	var seqs []int64
	var ids, tenants, writers, ended []string
	for _, r := range rows {
		switch r.Kind {
		case audit.KindOpen:
			seqs, ids = append(seqs, r.Seq), append(ids, r.ID)
			tenants, writers = append(tenants, string(r.Tenant)), append(writers, r.Writer)
		case audit.KindClose:
			ended = append(ended, r.ID)
		case audit.KindNote: // belongs to no story
		}
	}
	if len(ids) > 0 {
		b.Queue("INSERT INTO pending (id, seq, tenant, writer) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[])", ids, seqs, tenants, writers)
	}
	if len(ended) > 0 {
		b.Queue("DELETE FROM pending WHERE id = ANY($1)", ended)
	}
}

// columns turns rows into one array per column, in the order of query.EntryColumns.
func columns(rows []audit.Row) []any {
	const texts = 18
	seqs, times, bodies := make([]int64, len(rows)), make([]int64, len(rows)), make([][]byte, len(rows))
	floors, ceilings := make([]int32, len(rows)), make([]int32, len(rows))
	all := make([]string, texts*len(rows))
	column := func(i int) []string { return all[i*len(rows) : (i+1)*len(rows)] }
	for n := range rows {
		r := &rows[n]
		seqs[n], times[n], bodies[n] = r.Seq, r.Time, r.Body
		floors[n], ceilings[n] = int32(r.Floor), int32(r.Ceiling)
		for i, v := range [texts]string{
			string(r.Kind), r.ID, string(r.Tenant), r.Writer, r.System, r.Purpose, r.Service, r.Operation,
			r.Effect, r.Outcome, r.Model, r.Residency, r.File, r.Rules, string(r.Result), r.Revision, r.Topic, r.Object,
		} {
			column(i)[n] = v
		}
	}
	args := make([]any, 0, texts+5)
	args = append(args, seqs)
	for i := range texts {
		if i == 4 {
			args = append(args, times)
		}
		args = append(args, column(i))
	}
	return append(args, floors, ceilings, bodies)
}
