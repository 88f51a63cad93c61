// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	postgrestest.DSN(t) // skips the whole suite at once where there is no server
	audittest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { audittest.Child(t, backend()) }

func BenchmarkStore(b *testing.B) {
	postgrestest.DSN(b)
	audittest.Benchmark(b, backend())
}

func BenchmarkPaced(b *testing.B) {
	postgrestest.DSN(b)
	audittest.Paced(b, backend())
}

func BenchmarkLists(b *testing.B) {
	postgrestest.DSN(b)
	audittest.BenchmarkLists(b, backend())
}

func backend() audittest.Backend {
	return audittest.Backend{New: newDatabase, Attach: attachHasty, Baseline: baseline, Shared: true, Breakages: []audittest.Breakage{
		{Name: "the disk is full", Break: refusing("53100")},
		{Name: "the server is a read-only standby", Break: refusing("25006")},
		{Name: "connections break in mid-commit", Break: cutting},
	}}
}

// refusing lets the server refuse every checkpoint with a code.
func refusing(code string) func(testing.TB, audittest.Store, audittest.Database) func() {
	return func(t testing.TB, _ audittest.Store, db audittest.Database) func() {
		t.Helper()
		db.Exec(t, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '"+code+"'; END $$")
		db.Exec(t, "CREATE TRIGGER refuse BEFORE INSERT ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse()")
		return func() { db.Exec(t, "DROP TRIGGER refuse ON checkpoint") }
	}
}

// cutting ends the session of every writer that has sent its batch: it waits at the
// end of its transaction, and is cut there.
func cutting(t testing.TB, _ audittest.Store, db audittest.Database) func() {
	t.Helper()
	db.Exec(t, "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$")
	db.Exec(t, "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON checkpoint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()")
	return func() { db.Exec(t, "DROP TRIGGER cut ON checkpoint") }
}

// attachHasty ends the entries of dead writers at the first look, as the suite expects.
func attachHasty(t testing.TB, dsn string) audittest.Store {
	t.Helper()
	s := attach(t, dsn)
	s.SetGrace(0)
	return s
}

func attach(t testing.TB, dsn string) store {
	t.Helper()
	pool := open(t, dsn, 3)
	s, err := auditpostgres.Open(context.Background(), pool)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	return store{s, pool}
}

// baseline commits every entry by itself, over 32 connections.
func baseline(t testing.TB) func(context.Context, string, []byte) error {
	t.Helper()
	pool := open(t, postgrestest.DSN(t), 32)
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(context.Background(), "CREATE TABLE plain (id TEXT PRIMARY KEY, body BYTEA NOT NULL)"); err != nil {
		t.Fatalf("create table: %v", err)
	}
	return func(ctx context.Context, id string, body []byte) error {
		_, err := pool.Exec(ctx, "INSERT INTO plain (id, body) VALUES ($1, $2)", id, body)
		return err
	}
}

// store closes its pool with it.
type store struct {
	*auditpostgres.Store
	pool *pgxpool.Pool
}

func (s store) Close() error {
	s.pool.Close()
	return nil
}

func open(t testing.TB, dsn string, connections int32) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), dsn, func(c *pgxpool.Config) { c.MaxConns = connections })
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return pool
}

func newDatabase(t testing.TB) audittest.Database {
	t.Helper()
	dsn := postgrestest.DSN(t)
	pool := open(t, dsn, 1)
	t.Cleanup(pool.Close)
	exec := func(t testing.TB, text string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(context.Background(), text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return audittest.Database{
		Address: dsn,
		Exec:    exec,
		Unlock: func(t testing.TB) {
			t.Helper()
			exec(t, "DROP TRIGGER entry_append_only ON entry")
			exec(t, "DROP TRIGGER entry_update ON entry")
			exec(t, "DROP TRIGGER node_append_only ON node")
		},
	}
}

// TestSessionsMayBreak ends all sessions of a living writer and starts another
// one at once: what the first opened stays its own, and it goes on writing.
func TestSessionsMayBreak(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	private, _ := audittest.Key(t)
	name := "record-" + rand.Text()
	first := attach(t, dsn+"&application_name="+name)
	defer func() { _ = first.Close() }()
	log, err := audit.New(ctx, audit.Config{Store: first, Key: private})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	defer func() { _ = log.Shutdown(ctx) }()
	open1 := audittest.Record(1, "musterhausen")
	if err := log.Open(ctx, open1); err != nil {
		t.Fatalf("open: %v", err)
	}

	pool := open(t, dsn, 1)
	defer pool.Close()
	var ended []int32
	if err := pool.QueryRow(ctx, `SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = $1`, name).Scan(&ended); err != nil || len(ended) < 2 {
		t.Fatalf("sessions %v, %v; want the pool's and the sign of life", ended, err)
	}
	if _, err := pool.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS x (pid)`, ended); err != nil {
		t.Fatalf("end the sessions: %v", err)
	}
	second := attach(t, dsn)
	defer func() { _ = second.Close() }()
	other, err := audit.New(ctx, audit.Config{Store: second, Key: private})
	if err != nil {
		t.Fatalf("start a second replica: %v", err)
	}
	defer func() { _ = other.Shutdown(ctx) }()
	if err := log.Close(ctx, audittest.Closing(open1)); err != nil {
		t.Errorf("close after the sessions broke = %v", err)
	}
	report, err := other.Verify(ctx)
	if err != nil || !report.OK() || report.Leaves != 2 || report.Unfinished != 0 {
		t.Errorf("report = %+v, %v; want 2 leaves", report, err)
	}

	// A session that was told to end may hold its lock for a moment.
	alive := `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE a.application_name = $1 AND l.locktype = 'advisory' AND l.pid <> ALL($2)`
	for deadline, n := time.Now().Add(20*time.Second), 0; n == 0; time.Sleep(50 * time.Millisecond) {
		if err := pool.QueryRow(ctx, alive, name, ended).Scan(&n); err != nil || time.Now().After(deadline) {
			t.Fatalf("the sign of life is not renewed: %v", err)
		}
	}
}

// TestSilentWritersHaveGrace: one look at a broken session takes nothing from a
// writer, and a sign of life starts the time again.
func TestSilentWritersHaveGrace(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	private, _ := audittest.Key(t)
	s := attach(t, dsn)
	defer func() { _ = s.Close() }()
	log, err := audit.New(ctx, audit.Config{Store: s, Key: private})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	if err := log.Open(ctx, audittest.Record(1, "musterhausen")); err != nil {
		t.Fatalf("open: %v", err)
	}
	pending, err := s.Pending(ctx)
	if err != nil || len(pending) != 1 {
		t.Fatalf("pending = %v, %v; want one entry", pending, err)
	}
	writer := pending[0].Writer

	other := attach(t, dsn)
	defer func() { _ = other.Close() }()
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	other.SetClock(func() time.Time { return now })
	look := func(after time.Duration, want int) {
		t.Helper()
		now = now.Add(after)
		if got, err := other.Orphans(ctx, "w-other"); err != nil || len(got) != want {
			t.Errorf("orphans = %v, %v; want %d", got, err, want)
		}
	}
	silent := func() {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if gone, err := other.Gone(ctx, writer); err != nil || time.Now().After(deadline) {
				t.Fatalf("the session does not end: %v", err)
			} else if gone {
				return
			}
		}
	}
	look(time.Minute, 0)
	if err := log.Shutdown(ctx); err != nil {
		t.Fatalf("shut down: %v", err)
	}
	silent()
	look(time.Minute, 0)
	look(auditpostgres.Grace-time.Second, 0)
	session, err := s.Enlist(ctx, writer)
	if err != nil {
		t.Fatalf("renew the sign of life: %v", err)
	}
	look(time.Minute, 0)
	if err := session.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	silent()
	look(time.Minute, 0)
	look(auditpostgres.Grace, 1)
}
