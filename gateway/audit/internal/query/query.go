// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package query holds the reading half of both stores: the same SQL with the
// few words in which SQLite and PostgreSQL differ filled in. It writes nothing.
// Start at [Reader].
package query

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Rows is what both drivers' results have in common.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close()
}

// Dialect is what the two databases say differently.
type Dialect struct {
	// In follows a column and tests membership in the list at the placeholder.
	In func(placeholder string) string
	// List makes an argument of a slice of strings or int64.
	List func(slice any) any
	// Position is the function that finds a substring, 0 meaning absent.
	Position string
}

// Reader implements audit.Reader over a database or a transaction.
type Reader struct {
	Dialect Dialect
	Query   func(ctx context.Context, sql string, args ...any) (Rows, error)
}

// EntryColumns are the columns of table entry in the order of EntryValues.
const EntryColumns = "seq, kind, id, tenant, writer, at, system, purpose, service, operation, effect, outcome, model, residency, file, rules, body"

// EntryValues are the values of a row in the order of EntryColumns.
func EntryValues(r audit.Row) []any {
	return []any{
		r.Seq, string(r.Kind), r.ID, string(r.Tenant), r.Writer, r.Time, r.System, r.Purpose, r.Service,
		r.Operation, r.Effect, r.Outcome, r.Model, r.Residency, r.File, r.Rules, r.Body,
	}
}

func scanEntry(rows Rows) (audit.Row, error) {
	var r audit.Row
	err := rows.Scan(&r.Seq, &r.Kind, &r.ID, &r.Tenant, &r.Writer, &r.Time, &r.System, &r.Purpose, &r.Service,
		&r.Operation, &r.Effect, &r.Outcome, &r.Model, &r.Residency, &r.File, &r.Rules, &r.Body)
	return r, err
}

// collect runs a query and scans every row with one function.
func collect[T any](ctx context.Context, r Reader, scan func(Rows) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := r.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// Rows returns rows in order.
func (r Reader) Rows(ctx context.Context, seq int64, limit int) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanEntry,
		"SELECT "+EntryColumns+" FROM entry WHERE seq >= $1 ORDER BY seq LIMIT $2", seq, limit)
	return list, wrap("read entries", err)
}

// Find returns the rows of one id.
func (r Reader) Find(ctx context.Context, id string) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanEntry, "SELECT "+EntryColumns+" FROM entry WHERE id = $1 ORDER BY seq LIMIT 3", id)
	return list, wrap("read entry", err)
}

// Hashes returns stored hashes in the order of the indexes.
func (r Reader) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	type node struct {
		index int64
		hash  []byte
	}
	nodes, err := collect(ctx, r, func(rows Rows) (n node, err error) { return n, rows.Scan(&n.index, &n.hash) },
		"SELECT idx, hash FROM node WHERE idx "+r.Dialect.In("$1"), r.Dialect.List(indexes))
	if err != nil {
		return nil, wrap("read hashes", err)
	}
	found := make(map[int64][]byte, len(nodes))
	for _, n := range nodes {
		found[n.index] = n.hash
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := found[index]
		if !ok || len(h) != tlog.HashSize {
			return nil, fmt.Errorf("read hashes: hash %d is missing or has a wrong length", index)
		}
		hashes[i] = tlog.Hash(h)
	}
	return hashes, nil
}

const checkpointColumns = "size, at, note"

func scanCheckpoint(rows Rows) (c audit.Checkpoint, err error) {
	var at int64
	err = rows.Scan(&c.Size, &at, &c.Note)
	c.Time = time.Unix(0, at).UTC()
	return c, err
}

// Checkpoints returns checkpoints in order.
func (r Reader) Checkpoints(ctx context.Context, size int64, limit int) ([]audit.Checkpoint, error) {
	list, err := collect(ctx, r, scanCheckpoint,
		"SELECT "+checkpointColumns+" FROM checkpoint WHERE size >= $1 ORDER BY size LIMIT $2", size, limit)
	return list, wrap("read checkpoints", err)
}

// LatestSQL selects the newest checkpoint.
const LatestSQL = "SELECT " + checkpointColumns + " FROM checkpoint ORDER BY size DESC LIMIT 1"

// ScanLatest reads the result of LatestSQL.
func ScanLatest(rows Rows) (audit.Checkpoint, error) {
	defer rows.Close()
	if !rows.Next() {
		return audit.Checkpoint{}, rows.Err()
	}
	return scanCheckpoint(rows)
}

// Latest returns the newest checkpoint.
func (r Reader) Latest(ctx context.Context) (audit.Checkpoint, error) {
	rows, err := r.Query(ctx, LatestSQL)
	if err != nil {
		return audit.Checkpoint{}, wrap("read newest checkpoint", err)
	}
	c, err := ScanLatest(rows)
	return c, wrap("read newest checkpoint", err)
}

// StatesSQL selects what is known about a list of ids.
func (d Dialect) StatesSQL() string {
	return "SELECT id, kind, tenant FROM entry WHERE id " + d.In("$1")
}

// ScanStates reads the result of StatesSQL.
func ScanStates(rows Rows) (map[string]audit.State, error) {
	defer rows.Close()
	states := map[string]audit.State{}
	for rows.Next() {
		var id string
		var kind audit.Kind
		var tenant gateway.TenantID
		if err := rows.Scan(&id, &kind, &tenant); err != nil {
			return nil, err
		}
		s := states[id]
		s.Tenant = tenant
		s.Opened = true
		s.Closed = s.Closed || kind != audit.KindOpen
		states[id] = s
	}
	return states, rows.Err()
}

// Pending lists entries without an end.
func (r Reader) Pending(ctx context.Context) ([]audit.Pending, error) {
	list, err := collect(ctx, r, func(rows Rows) (p audit.Pending, err error) {
		return p, rows.Scan(&p.Seq, &p.ID, &p.Tenant, &p.Writer)
	}, "SELECT seq, id, tenant, writer FROM pending ORDER BY seq")
	return list, wrap("read open entries", err)
}

// Select returns stories newest first.
func (r Reader) Select(ctx context.Context, f audit.Filter, after audit.Position, limit int) ([]audit.Pair, error) {
	w := r.where(f)
	if after != (audit.Position{}) {
		at, seq := w.arg(after.Time), w.arg(after.Seq)
		w.and("(o.at < " + at + " OR (o.at = " + at + " AND o.seq < " + seq + "))")
	}
	opens, err := collect(ctx, r, scanEntry,
		"SELECT "+prefixed("o.", EntryColumns)+" FROM entry o WHERE "+w.sql()+" ORDER BY o.at DESC, o.seq DESC LIMIT "+w.arg(limit), w.args...)
	if err != nil {
		return nil, wrap("list entries", err)
	}
	ends, err := r.ends(ctx, opens)
	if err != nil {
		return nil, err
	}
	pairs := make([]audit.Pair, len(opens))
	for i, o := range opens {
		pairs[i] = audit.Pair{Open: o}
		if e, ok := ends[o.ID]; ok {
			pairs[i].Close = &e
		}
	}
	return pairs, nil
}

func (r Reader) ends(ctx context.Context, opens []audit.Row) (map[string]audit.Row, error) {
	ids := make([]string, len(opens))
	for i, o := range opens {
		ids[i] = o.ID
	}
	rows, err := collect(ctx, r, scanEntry,
		"SELECT "+EntryColumns+" FROM entry WHERE kind = 'close' AND id "+r.Dialect.In("$1"), r.Dialect.List(ids))
	ends := make(map[string]audit.Row, len(rows))
	for _, row := range rows {
		ends[row.ID] = row
	}
	return ends, wrap("read ends of entries", err)
}

// Totals counts stories per effect, outcome and hour.
func (r Reader) Totals(ctx context.Context, f audit.Filter) (audit.Totals, error) {
	w := r.where(f)
	t := audit.Totals{Effects: map[gateway.Effect]int{}, Outcomes: map[gateway.Outcome]int{}}
	rows, err := r.Query(ctx, fmt.Sprintf(`SELECT o.at / %d AS hour, o.effect, COALESCE(c.outcome, '') AS outcome, COUNT(*)
		FROM entry o LEFT JOIN entry c ON c.id = o.id AND c.kind = 'close'
		WHERE %s GROUP BY 1, 2, 3 ORDER BY 1`, int64(time.Hour), w.sql()), w.args...)
	if err != nil {
		return t, wrap("count entries", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var effect gateway.Effect
		var outcome gateway.Outcome
		var n int
		if err := rows.Scan(&hour, &effect, &outcome, &n); err != nil {
			return t, wrap("count entries", err)
		}
		t.Add(time.Unix(hour*3600, 0).UTC(), effect, outcome, n)
	}
	return t, wrap("count entries", rows.Err())
}

// condition collects the parts of a WHERE with their arguments.
type condition struct {
	parts []string
	args  []any
}

func (c *condition) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *condition) and(part string) { c.parts = append(c.parts, part) }

func (c *condition) equal(column, value string) {
	if value != "" {
		c.and(column + " = " + c.arg(value))
	}
}

func (c *condition) sql() string { return strings.Join(c.parts, " AND ") }

// where turns a filter into SQL. A scope that is neither one tenant nor all of
// them matches nothing.
func (r Reader) where(f audit.Filter) *condition {
	c := &condition{}
	c.and("o.kind = 'open'")
	switch {
	case f.Scope.All:
	case f.Scope.Tenant == "":
		c.and("1 = 0")
	default:
		c.equal("o.tenant", string(f.Scope.Tenant))
	}
	if !f.From.IsZero() {
		c.and("o.at >= " + c.arg(f.From.UnixNano()))
	}
	if !f.To.IsZero() {
		c.and("o.at < " + c.arg(f.To.UnixNano()))
	}
	c.equal("o.system", string(f.System))
	c.equal("o.purpose", string(f.Purpose))
	c.equal("o.service", string(f.Service))
	c.equal("o.operation", string(f.Operation))
	c.equal("o.effect", string(f.Effect))
	c.equal("o.model", string(f.Model))
	c.equal("o.residency", string(f.Residency))
	c.equal("o.file", string(f.Case))
	if f.IDPrefix != "" {
		c.and("substr(o.id, 1, " + c.arg(len([]rune(f.IDPrefix))) + ") = " + c.arg(f.IDPrefix))
	}
	if f.Outcome != "" {
		c.and("EXISTS (SELECT 1 FROM entry e WHERE e.id = o.id AND e.kind = 'close' AND e.outcome = " + c.arg(string(f.Outcome)) + ")")
	}
	if f.Rule != "" {
		rule := c.arg("|" + f.Rule + "|")
		c.and("(" + r.Dialect.Position + "(o.rules, " + rule + ") > 0 OR EXISTS (SELECT 1 FROM entry e WHERE e.id = o.id AND e.kind = 'close' AND " +
			r.Dialect.Position + "(e.rules, " + rule + ") > 0))")
	}
	return c
}

func prefixed(prefix, columns string) string {
	return prefix + strings.ReplaceAll(columns, ", ", ", "+prefix)
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
