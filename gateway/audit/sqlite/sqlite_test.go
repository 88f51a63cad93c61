// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

func TestStore(t *testing.T) {
	t.Parallel()
	audittest.Run(t, backend())
}

// TestChild is the process that TestStore kills.
func TestChild(t *testing.T) { audittest.Child(t, backend()) }

func BenchmarkStore(b *testing.B) { audittest.Benchmark(b, backend()) }

func BenchmarkPaced(b *testing.B) { audittest.Paced(b, backend()) }

func BenchmarkLists(b *testing.B) { audittest.BenchmarkLists(b, backend()) }

func backend() audittest.Backend {
	return audittest.Backend{New: newDatabase, Attach: attach, Baseline: baseline, Breakages: []audittest.Breakage{
		{Name: "the disk is full", Break: func(t testing.TB, s audittest.Store, _ audittest.Database) func() {
			t.Helper()
			n, err := s.(*sqlite.Store).Pages(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return pragma(t, s, fmt.Sprintf("max_page_count = %d", n), "max_page_count = 1000000000", func() { fillUp(t, s) })
		}},
		{Name: "the file is read-only", Break: func(t testing.TB, s audittest.Store, _ audittest.Database) func() {
			t.Helper()
			return pragma(t, s, "query_only = ON", "query_only = OFF", func() {})
		}},
		{Name: "another process holds the file", Break: func(t testing.TB, s audittest.Store, db audittest.Database) func() {
			t.Helper()
			if err := s.(*sqlite.Store).Pragma(context.Background(), "busy_timeout = 50"); err != nil {
				t.Fatal(err)
			}
			other, err := sql.Open("sqlite", "file:"+db.Address+"?_txlock=immediate&_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			tx, err := other.Begin()
			if err != nil {
				t.Fatal(err)
			}
			return func() {
				if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
					t.Error(err)
				}
			}
		}},
	}}
}

// pragma breaks a store by one PRAGMA and repairs it by another.
func pragma(t testing.TB, s audittest.Store, broken, whole string, then func()) func() {
	t.Helper()
	set := func(text string) {
		if err := s.(*sqlite.Store).Pragma(context.Background(), text); err != nil {
			t.Error(err)
		}
	}
	set(broken)
	then()
	return func() { set(whole) }
}

// fillUp takes the pages that are left.
func fillUp(t testing.TB, s audittest.Store) {
	t.Helper()
	store := s.(*sqlite.Store)
	for range 10_000 {
		if store.Fill(context.Background()) != nil {
			return
		}
	}
	t.Error("the file does not fill up")
}

func attach(t testing.TB, path string) audittest.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	return store
}

// baseline commits every entry by itself, as durably as the record does.
func baseline(t testing.TB) func(context.Context, string, []byte) error {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "plain.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE plain (id TEXT PRIMARY KEY, body BLOB NOT NULL)"); err != nil {
		t.Fatalf("create table: %v", err)
	}
	return func(ctx context.Context, id string, body []byte) error {
		_, err := db.ExecContext(ctx, "INSERT INTO plain (id, body) VALUES ($1, $2)", id, body)
		return err
	}
}

func newDatabase(t testing.TB) audittest.Database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	t.Cleanup(func() { _ = db.Close() })
	exec := func(t testing.TB, text string, args ...any) {
		t.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return audittest.Database{
		Address: path,
		Exec:    exec,
		Unlock: func(t testing.TB) {
			t.Helper()
			exec(t, "DROP TRIGGER entry_update; DROP TRIGGER entry_delete; DROP TRIGGER node_update; DROP TRIGGER node_delete")
		},
	}
}

// TestOldFile opens a file of the first version in which a story is open.
func TestOldFile(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "record.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("migrations/001_record.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"CREATE TABLE record_migration (name TEXT PRIMARY KEY)", string(script), "INSERT INTO record_migration VALUES ('001_record.sql')",
		`INSERT INTO entry VALUES (0, 'open', 'a', 't', 'w1', 1, '', '', '', '', 'allow', '', '', '', '', '', x'7b7d'), (1, 'open', 'b', 't', 'w1', 2, '', '', '', '', 'deny', '', '', '', '', '', x'7b7d')`,
		"INSERT INTO pending VALUES ('b', 1, 't', 'w1')",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := sqlite.Open(ctx, path)
		if err != nil {
			t.Fatalf("open an old file: %v", err)
		}
		pending, err := s.Pending(ctx)
		if err != nil || len(pending) != 1 || pending[0] != (audit.Pending{Seq: 1, ID: "b", Tenant: "t", Writer: "w1"}) {
			t.Errorf("pending = %v, %v; want story b", pending, err)
		}
		pairs, err := s.Select(ctx, audit.Filter{Scope: audit.Scope{Tenant: "t"}}, audit.Position{}, 10)
		if err != nil || len(pairs) != 2 || pairs[0].Open.ID != "b" {
			t.Errorf("list = %v, %v; want b and a", pairs, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// TestListsUseIndexes: what the pages ask for reads no whole table and sorts nothing.
func TestListsUseIndexes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for text, want := range map[string]string{
		"SELECT * FROM entry o WHERE o.kind = 'open' AND o.removed = 0 AND o.tenant = 'a' AND o.at >= 1 ORDER BY o.at DESC, o.seq DESC LIMIT 51": "entry_tenant",
		"SELECT * FROM entry o WHERE o.kind = 'open' AND o.removed = 0 ORDER BY o.at DESC, o.seq DESC LIMIT 51":                                  "entry_at",
		"SELECT * FROM entry WHERE kind = 'close' AND id IN (SELECT value FROM json_each('[]'))":                                                 "entry_story",
		"SELECT * FROM entry WHERE id = 'a' ORDER BY seq LIMIT 3":                                                                                "entry_story",
	} {
		plan := explain(t, db, text)
		if !strings.Contains(plan, want) || (strings.Contains(plan, "TEMP B-TREE") && want != "entry_story") {
			t.Errorf("%s is done by\n%swant %s without sorting", text, plan, want)
		}
	}
}

func explain(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	rows, err := db.Query("EXPLAIN QUERY PLAN " + text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// TestColumnsAreFilled: the rows of a file of an earlier version get the columns that
// came later from their bodies.
func TestColumnsAreFilled(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	private, _ := audittest.Key(t)
	source := attach(t, filepath.Join(t.TempDir(), "new.db"))
	log, err := audit.New(ctx, audit.Config{Store: source, Key: private})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		r := audittest.Record(n, "musterhausen")
		if n%3 == 0 {
			r.Retain = &gateway.Retention{FloorDays: 10, CeilingDays: 20}
		}
		if err := errors.Join(log.Open(ctx, r), log.Close(ctx, audittest.Closing(r))); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(log.Note(ctx, audit.Note{Topic: audit.TopicReleased, Object: "e-1", Text: "Freigegeben."}), log.Shutdown(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := db.Exec(text, args...); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	exec("CREATE TABLE record_migration (name TEXT PRIMARY KEY)")
	for _, name := range []string{"001_record.sql", "002_pending.sql", "003_lean.sql"} {
		script, err := os.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		exec(string(script))
		exec("INSERT INTO record_migration VALUES (?)", name)
	}
	exec("ATTACH DATABASE ? AS new", source.(*sqlite.Store).Path())
	exec(`INSERT INTO entry SELECT seq, kind, id, tenant, writer, at, system, purpose, service, operation, effect, outcome, model, residency, file, rules, body FROM new.entry`)
	exec("INSERT INTO node SELECT * FROM new.node")
	exec("INSERT INTO checkpoint SELECT * FROM new.checkpoint")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old := attach(t, path)
	defer func() { _ = old.Close() }()
	again, err := audit.New(ctx, audit.Config{Store: old, Key: private})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Shutdown(ctx) }()
	if report, err := again.Verify(ctx); err != nil || !report.OK() || report.Leaves != 25 {
		t.Errorf("an old file: %+v, %v", report, err)
	}
	page, err := again.List(ctx, audit.Filter{Scope: audit.Scope{All: true}, Revision: "2026-03", Result: audit.ResultAllowed, Totals: true})
	if err != nil || page.Totals.Count != 10 {
		t.Errorf("list of an old file = %+v, %v", page.Totals, err)
	}
}
