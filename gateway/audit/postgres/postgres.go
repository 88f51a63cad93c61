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
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
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
	Bytes:    func(column, p string) string { return "position(" + p + "::bytea IN " + column + ") > 0" },
}

// Open uses a pool, which stays the caller's, and brings the schema up to date.
// The pool must lead to the server itself or to a proxy that keeps sessions:
// the sign of life of a writer is a lock of its session.
func Open(ctx context.Context, pool *pgxpool.Pool) (*Store, error) {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	if err := migrate(ctx, pool, folder); err != nil {
		return nil, err
	}
	s := &Store{pool: pool, Reader: reader(pool.Query), now: time.Now, grace: grace}
	if err := pool.QueryRow(ctx, "SELECT 'entry'::regclass::oid::bigint").Scan(&s.lock); err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	s.lock |= appendLock << 32
	return s, nil
}

// Three kinds of advisory locks, in the upper half of the key, so that none
// meets the locks of other components or of other schemas of the database.
const (
	appendLock = 0x5c4c0002
	aliveLock  = 0x5c4c0003
	jobLock    = 0x5c4c0004
)

func reader(q func(context.Context, string, ...any) (pgx.Rows, error)) query.Reader {
	return query.Reader{Dialect: dialect, Query: func(ctx context.Context, text string, args ...any) (query.Rows, error) {
		return q(ctx, text, args...) //nolint:sqlclosecheck // query reads, checks and closes them
	}}
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
