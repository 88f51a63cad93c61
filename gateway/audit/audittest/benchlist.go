// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// benchEntries may be set to ask how lists behave over a longer record.
const benchEntries = "SCHLEUSE_BENCH_ENTRIES"

// BenchmarkLists measures pages with their totals, as the pages ask for them, over
// 20,000 entries of a year or as many as the environment says: counted in advance, and
// beside it as the store counts them one by one.
func BenchmarkLists(b *testing.B, backend Backend) {
	entries := 20_000
	if n, err := strconv.Atoi(os.Getenv(benchEntries)); err == nil && n > 0 {
		entries = n
	}
	db := backend.New(b)
	store := backend.Attach(b, db.Address)
	defer func() { _ = store.Close() }()
	private, _ := Key(b)
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private})
	if err != nil {
		b.Fatalf("start the log: %v", err)
	}
	defer func() { _ = log.Shutdown(context.Background()) }()
	invent(b, db, entries)
	begin := time.Now()
	if err := log.Summarise(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Logf("all were counted for the first time in %s", time.Since(begin).Round(time.Millisecond))
	scope, all := audit.Scope{Tenant: "musterhausen"}, audit.Scope{All: true}
	end := start.Add(time.Duration(entries) * gap(entries))
	for _, c := range []struct {
		name   string
		filter audit.Filter
		slow   bool // also as the store does it
	}{
		{"all tenants", audit.Filter{Scope: all}, true},
		{"a tenant", audit.Filter{Scope: scope}, false},
		{"a day", audit.Filter{Scope: scope, From: end.Add(-24 * time.Hour), To: end}, true},
		{"a month", audit.Filter{Scope: all, From: end.Add(-30*24*time.Hour - time.Minute), To: end}, false},
		{"denied", audit.Filter{Scope: scope, Result: audit.ResultDenied}, false},
		{"rules", audit.Filter{Scope: all, Rules: []string{"R-3", "R-4"}}, false},
		{"system and purpose", audit.Filter{Scope: all, System: "system-7", Purpose: "zweck-2"}, false},
		{"a small tenant", audit.Filter{Scope: audit.Scope{Tenant: "stadt-17"}}, false},
		{"seldom", audit.Filter{Scope: all, Service: "selten"}, true},
	} {
		c.filter.Totals = true
		b.Run(fmt.Sprintf("entries=%d/%s", entries, c.name), func(b *testing.B) {
			for b.Loop() {
				if _, err := log.List(context.Background(), c.filter); err != nil {
					b.Fatal(err)
				}
			}
		})
		if !c.slow {
			continue
		}
		b.Run(fmt.Sprintf("entries=%d/%s, one by one", entries, c.name), func(b *testing.B) {
			for b.Loop() {
				if _, err := store.Select(context.Background(), c.filter, audit.Position{}, 51); err != nil {
					b.Fatal(err)
				}
				if _, err := store.Totals(context.Background(), c.filter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// gap is the time between two entries of a year.
func gap(entries int) time.Duration { return 365 * 24 * time.Hour / time.Duration(entries) }

// invent writes rows without a tree, as lists need none.
func invent(b *testing.B, db Database, entries int) {
	b.Helper()
	const (
		fields  = "kind, id, tenant, at, system, purpose, service, operation, effect, outcome, model, residency, rules, result, revision, body"
		empty   = "writer, file, topic, object, floor, ceiling"
		tenant  = "CASE WHEN i % 2 = 0 THEN 'musterhausen' ELSE 'stadt-' || (i % 1100) END"
		content = `'{"kind":"open","id":"e-' || i || '","time":"2026-03-02T09:00:00Z","tenant":"x","writer":"w","record":{"id":"e-' || i || '"}}'`
		ended   = `'{"kind":"close","id":"e-' || i || '","time":"2026-03-02T09:00:00Z","tenant":"x","writer":"w","closing":{"id":"e-' || i || '"}}'`
	)
	bytes := func(text string, length int) string {
		text += " || '" + strings.Repeat(" ", length) + "'"
		if strings.Contains(db.Address, "://") {
			return "convert_to(" + text + ", 'UTF8')"
		}
		return "CAST(" + text + " AS BLOB)"
	}
	numbers := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO entry (seq, %s, %s) SELECT ", entries-1, fields, empty)
	at := fmt.Sprintf("CAST(%d AS BIGINT) + i * CAST(%d AS BIGINT)", start.UnixNano(), gap(entries))
	db.Exec(b, numbers+"2 * i, 'open', 'e-' || i, "+tenant+", "+at+`, 'system-' || (i % 11), 'zweck-' || (i % 11 % 5),
		CASE WHEN i % 50000 = 777 THEN 'selten' ELSE 'dienst-' || (i % 22) END, 'chat', CASE WHEN i % 9 = 0 THEN 'deny' ELSE 'allow' END, '', 'haus-70b', 'own',
		'|R-' || (i % 7) || '|', CASE WHEN i % 9 = 0 THEN 'denied' ELSE 'allowed' END, '2026-03', `+bytes(content, 1500)+", 'w', '', '', '', 0, 0 FROM n")
	db.Exec(b, numbers+"2 * i + 1, 'close', 'e-' || i, "+tenant+", "+at+`, '', '', '', '', '', CASE WHEN i % 9 = 0 THEN 'denied' ELSE 'answered' END, '', '',
		'', '', '', `+bytes(ended, 300)+", 'w', '', '', '', 0, 0 FROM n")
	db.Exec(b, "INSERT INTO checkpoint (size, at, note) VALUES ($1, $2, $3)", int64(2*entries), start.UnixNano(), []byte("none"))
	db.Exec(b, "ANALYZE")
}
