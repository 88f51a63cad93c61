// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

// grants are the statements of docs/operations.md.
func grants(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- roles of the record -->\n```sql\n")
	statements, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		t.Fatal("docs/operations.md has no statements for the roles of the record")
	}
	return statements
}

// TestRoles: the role that writes cannot change or remove, the role of the
// retention can remove contents and nothing else.
func TestRoles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	owner := open(t, dsn, 3)
	defer owner.Close()
	if _, err := auditpostgres.Open(ctx, owner); err != nil {
		t.Fatal(err)
	}
	suffix := strings.ToLower(rand.Text()[:10])
	var schema string
	if err := owner.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer("schleuse_writer", "w_"+suffix, "schleuse_retention", "r_"+suffix, "SCHEMA public", "SCHEMA "+schema).Replace(grants(t))
	if _, err := owner.Exec(ctx, script); err != nil {
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code == "42501" {
			t.Skip("the server of the tests does not allow to make roles")
		}
		t.Fatalf("%v in\n%s", err, script)
	}
	t.Cleanup(func() {
		pool := open(t, dsn, 1)
		defer pool.Close()
		for _, role := range []string{"w_" + suffix, "r_" + suffix} {
			_, _ = pool.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role)
		}
	})
	as := func(role string) *pgxpool.Pool {
		pool, err := postgres.Open(ctx, dsn, func(c *pgxpool.Config) {
			c.MaxConns = 3
			c.ConnConfig.RuntimeParams["role"] = role
		})
		if err != nil {
			t.Fatal(err)
		}
		return pool
	}
	private, _ := audittest.Key(t)
	clock := time.Date(2025, 1, 1, 12, 0, 0, 0, time.UTC)
	start := func(pool *pgxpool.Pool, notes bool) *audit.Log {
		store, err := auditpostgres.Open(ctx, pool)
		if err != nil {
			t.Fatal(err)
		}
		log, err := audit.New(ctx, audit.Config{Store: store, Key: private, NotesOnly: notes, Clock: func() time.Time { return clock }})
		if err != nil {
			t.Fatal(err)
		}
		return log
	}
	writers := as("w_" + suffix)
	defer writers.Close()
	log := start(writers, false)
	r := audittest.Record(1, "musterhausen")
	r.Time = clock
	if err := errors.Join(log.Open(ctx, r), log.Close(ctx, audittest.Closing(r))); err != nil {
		t.Fatalf("the writer cannot write: %v", err)
	}
	for _, text := range []string{
		"UPDATE entry SET effect = 'deny'", "DELETE FROM entry", "TRUNCATE entry", "UPDATE node SET hash = ''", "DELETE FROM node",
		"SELECT record_remove(ARRAY[0::bigint, 1])", "UPDATE entry SET removed = 1, body = ''", "DROP TABLE entry", "ALTER TABLE entry DISABLE TRIGGER ALL", "UPDATE checkpoint SET note = ''",
	} {
		if _, err := writers.Exec(ctx, text); err == nil {
			t.Errorf("the writer may: %s", text)
		}
	}
	clock = clock.AddDate(1, 0, 30).Add(-25 * time.Hour)
	if err := log.Note(ctx, audit.Note{Topic: audit.TopicSignedIn, Text: "Eine Person hat sich angemeldet."}); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(25 * time.Hour)
	if _, err := log.Retain(ctx, audit.Retention{Floor: 183, Ceiling: 365}); err == nil {
		t.Error("the writer removes contents")
	}
	keepers := as("r_" + suffix)
	defer keepers.Close()
	keeper := start(keepers, true)
	if done, err := keeper.Retain(ctx, audit.Retention{Floor: 183, Ceiling: 365}); err != nil || done.Entries != 1 {
		t.Errorf("the role of the retention removed %+v, %v; want one entry", done, err)
	}
	for _, text := range []string{"UPDATE entry SET effect = 'deny'", "UPDATE entry SET body = 'x' WHERE seq = 2", "DELETE FROM entry", "DELETE FROM node"} {
		if _, err := keepers.Exec(ctx, text); err == nil {
			t.Errorf("the role of the retention may: %s", text)
		}
	}
	report, err := log.Verify(ctx)
	if err != nil || !report.OK() || report.Removed != 2 {
		t.Errorf("report %+v, %v", report, err)
	}
	if err := errors.Join(keeper.Shutdown(ctx), log.Shutdown(ctx)); err != nil {
		t.Error(err)
	}
}

// TestColumnsAreFilled: rows of an earlier version get the columns that came later
// from their bodies, and a replica of that version writes no more.
func TestColumnsAreFilled(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	dsn := postgrestest.DSN(t)
	private, _ := audittest.Key(t)
	store := attach(t, dsn)
	log, err := audit.New(ctx, audit.Config{Store: store, Key: private})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		r := audittest.Record(n, "musterhausen")
		if err := errors.Join(log.Open(ctx, r), log.Close(ctx, audittest.Closing(r))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(log.Note(ctx, audit.Note{Topic: audit.TopicReleased, Object: "e-1", Text: "Freigegeben."}), log.Shutdown(ctx)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"ALTER TABLE entry DISABLE TRIGGER entry_update", "UPDATE entry SET result = '', revision = '', topic = '', object = '', floor = 0, ceiling = 0",
		"ALTER TABLE entry ENABLE TRIGGER entry_update", "ALTER TABLE entry ALTER COLUMN result SET DEFAULT ''", "DELETE FROM record_fill",
	} {
		if _, err := store.pool.Exec(ctx, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again := attachHasty(t, dsn)
	defer func() { _ = again.Close() }()
	log, err = audit.New(ctx, audit.Config{Store: again, Key: private})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Shutdown(ctx) }()
	if report, err := log.Verify(ctx); err != nil || !report.OK() || report.Leaves != 25 {
		t.Errorf("an old schema: %+v, %v", report, err)
	}
	if page, err := log.List(ctx, audit.Filter{Scope: audit.Scope{All: true}, Result: audit.ResultAllowed, Totals: true}); err != nil || page.Totals.Count != 10 {
		t.Errorf("list = %+v, %v", page.Totals, err)
	}
	pool := open(t, dsn, 1)
	defer pool.Close()
	if _, err := pool.Exec(ctx, `INSERT INTO entry (seq, kind, id, tenant, writer, at, system, purpose, service, operation, effect, outcome, model, residency, file, rules, body)
		VALUES (99, 'note', 'x', 't', 'w', 0, '', '', '', '', '', '', '', '', '', '', '')`); err == nil {
		t.Error("a replica of an earlier version goes on writing")
	}
}
