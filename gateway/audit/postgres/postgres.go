// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package postgres keeps the record in PostgreSQL, for any number of replicas:
// an advisory lock makes their batches follow one another, so that together
// they write one tree. Start at [Open].
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a record in one schema.
type Store struct {
	query.Reader
	pool *pgxpool.Pool
	// lock is the advisory lock of this schema's record.
	lock  int64
	now   func() time.Time
	grace time.Duration

	mu     sync.Mutex
	silent map[string]time.Time // writers without a sign of life, since when
}

// grace is how long a writer must have shown no sign of life before its entries
// are taken from it: a living one whose session broke has a new one before that.
const grace = 5 * heartbeat

var _ audit.Store = (*Store)(nil)

var dialect = query.Dialect{
	In:       func(p string) string { return "= ANY(" + p + ")" },
	List:     func(slice any) any { return slice },
	Position: "strpos",
}

// Open uses a pool, which stays the caller's, and brings the schema up to date.
// The pool must lead to the server itself or to a proxy that keeps sessions:
// the sign of life of a writer is a lock of its session.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	if err := postgres.Migrate(ctx, pool, "record", folder); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, Reader: reader(pool.Query), now: time.Now, grace: grace}
	if err := pool.QueryRow(ctx, "SELECT 'entry'::regclass::oid::bigint").Scan(&s.lock); err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	s.lock |= appendLock << 32
	return s, nil
}

// Two kinds of advisory locks, in the upper half of the key, so that neither
// meets the locks of other components or of other schemas of the database.
const (
	appendLock = 0x5c4c0002
	aliveLock  = 0x5c4c0003
)

func reader(q func(context.Context, string, ...any) (pgx.Rows, error)) query.Reader {
	return query.Reader{Dialect: dialect, Query: func(ctx context.Context, text string, args ...any) (query.Rows, error) {
		return q(ctx, text, args...) //nolint:sqlclosecheck // query reads, checks and closes them
	}}
}

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
	b := inserts(batch)
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

// Continue implements audit.Store.
func (s *Store) Continue(context.Context, audit.Checkpoint, audit.Batch) error {
	return audit.ErrElsewhere
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
		$10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bytea[])`

func inserts(batch audit.Batch) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(insertEntries, columns(batch.Rows)...)
	hashes := make([][]byte, len(batch.Hashes))
	for i := range batch.Hashes {
		hashes[i] = batch.Hashes[i][:]
	}
	b.Queue("INSERT INTO node (idx, hash) SELECT $1::bigint + n - 1, h FROM unnest($2::bytea[]) WITH ORDINALITY AS x (h, n)", batch.First, hashes)
	queuePending(b, batch.Rows)
	if batch.Supersedes > 0 {
		b.Queue("DELETE FROM checkpoint WHERE size = $1", batch.Supersedes)
	}
	c := batch.Checkpoint
	b.Queue("INSERT INTO checkpoint (size, at, note) VALUES ($1, $2, $3)", c.Size, c.Time.UnixNano(), c.Note)
	return b
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

// columns turns rows into one array per column.
func columns(rows []audit.Row) []any {
	width := len(query.EntryValues(audit.Row{}))
	texts := make([][]string, width)
	var seqs, times []int64
	var bodies [][]byte
	for _, r := range rows {
		for i, v := range query.EntryValues(r) {
			switch v := v.(type) {
			case string:
				texts[i] = append(texts[i], v)
			case []byte:
				bodies = append(bodies, v)
			}
		}
		seqs, times = append(seqs, r.Seq), append(times, r.Time)
	}
	args := make([]any, width)
	for i := range args {
		args[i] = texts[i]
	}
	args[0], args[5], args[width-1] = seqs, times, bodies
	return args
}

// aliveKey is the advisory lock a writer holds while it lives.
func (s *Store) aliveKey(writer string) int64 {
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%d %s", s.lock, writer)
	return aliveLock<<32 | int64(h.Sum32())
}

// Enlist holds a lock in a session of its own, which the server ends when the
// process does. If the session breaks, it is renewed.
func (s *Store) Enlist(ctx context.Context, writer string) (io.Closer, error) {
	conn, err := s.connectAlive(ctx, writer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &alive{stop: cancel}
	a.done.Go(func() { s.keepAlive(ctx, writer, conn) })
	return a, nil
}

type alive struct {
	stop func()
	done sync.WaitGroup
}

func (a *alive) Close() error {
	a.stop()
	a.done.Wait()
	return nil
}

func (s *Store) connectAlive(ctx context.Context, writer string) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect for the sign of life: %w", err)
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", s.aliveKey(writer)); err != nil {
		return nil, errors.Join(fmt.Errorf("sign of life: %w", err), conn.Close(ctx))
	}
	return conn, nil
}

// heartbeat is how often the session is looked after.
const heartbeat = 2 * time.Second

func (s *Store) keepAlive(ctx context.Context, writer string, conn *pgx.Conn) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if conn != nil {
				ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), heartbeat)
				_ = conn.Close(ended)
				cancel()
			}
			return
		case <-tick.C:
			conn = s.renew(ctx, writer, conn)
		}
	}
}

// renew returns the connection if it answers, else a new one, else nil.
func (s *Store) renew(ctx context.Context, writer string, conn *pgx.Conn) *pgx.Conn {
	ctx, cancel := context.WithTimeout(ctx, heartbeat)
	defer cancel()
	if conn != nil {
		if conn.Ping(ctx) == nil {
			return conn
		}
		_ = conn.Close(ctx)
	}
	fresh, err := s.connectAlive(ctx, writer)
	if err != nil {
		return nil
	}
	return fresh
}

// Orphans implements audit.Store. A writer whose lock can be had shows no sign of
// life; it is gone when the same was true at an earlier look, the grace ago.
func (s *Store) Orphans(ctx context.Context, self string) ([]audit.Pending, error) {
	pending, err := s.Pending(ctx)
	if err != nil {
		return nil, err
	}
	silent := map[string]bool{self: false}
	for _, p := range pending {
		if _, known := silent[p.Writer]; known {
			continue
		}
		if silent[p.Writer], err = s.gone(ctx, p.Writer); err != nil {
			return nil, fmt.Errorf("look for writer: %w", err)
		}
	}
	gone := s.silentSince(silent)
	return slices.DeleteFunc(pending, func(p audit.Pending) bool { return !gone[p.Writer] }), nil
}

// silentSince notes who shows no sign of life and returns who has not for the grace.
func (s *Store) silentSince(silent map[string]bool) (gone map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, before := s.now(), s.silent
	s.silent, gone = map[string]time.Time{}, map[string]bool{}
	for writer, is := range silent {
		if !is {
			continue
		}
		since, known := before[writer]
		if !known {
			since = now
		}
		s.silent[writer] = since
		gone[writer] = now.Sub(since) >= s.grace
	}
	return gone
}

func (s *Store) gone(ctx context.Context, writer string) (gone bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", s.aliveKey(writer)).Scan(&gone)
	})
	return gone, err
}
