// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package query holds the reading half of both stores: the same SQL with the
// few words in which SQLite and PostgreSQL differ filled in. It writes nothing.
// Start at [Reader].
package query

import (
	"context"
	"fmt"
	"math"
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
	// Bytes is the condition that a column of bytes contains those at the placeholder.
	Bytes func(column, placeholder string) string
}

// Reader implements audit.Reader over a database or a transaction.
type Reader struct {
	Dialect Dialect
	Query   func(ctx context.Context, sql string, args ...any) (Rows, error)
}

// What of table entry is written and read.
const (
	columns = "seq, kind, id, tenant, writer, at, system, purpose, service, operation, effect, outcome, model, residency, file, rules, " +
		"result, revision, topic, object, floor, ceiling"
	// EntryColumns are the columns of table entry in the order of EntryValues.
	EntryColumns = columns + ", body"
	whole        = EntryColumns + ", removed"
	short        = columns + ", removed" // without the body
)

// EntryValues are the values of a row in the order of EntryColumns.
func EntryValues(r audit.Row) []any {
	return []any{
		r.Seq, string(r.Kind), r.ID, string(r.Tenant), r.Writer, r.Time, r.System, r.Purpose, r.Service,
		r.Operation, r.Effect, r.Outcome, r.Model, r.Residency, r.File, r.Rules, string(r.Result), r.Revision,
		r.Topic, r.Object, int64(r.Floor), int64(r.Ceiling), r.Body,
	}
}

func scanEntry(rows Rows) (audit.Row, error) {
	var r audit.Row
	var removed int
	err := rows.Scan(append(pointers(&r), &r.Body, &removed)...)
	r.Removed = removed != 0
	return r, err
}

func scanShort(rows Rows) (audit.Row, error) {
	var r audit.Row
	var removed int
	err := rows.Scan(append(pointers(&r), &removed)...)
	r.Removed = removed != 0
	return r, err
}

// pointers are to the fields in the order of columns.
func pointers(r *audit.Row) []any {
	return []any{
		&r.Seq, &r.Kind, &r.ID, &r.Tenant, &r.Writer, &r.Time, &r.System, &r.Purpose, &r.Service,
		&r.Operation, &r.Effect, &r.Outcome, &r.Model, &r.Residency, &r.File, &r.Rules, &r.Result, &r.Revision,
		&r.Topic, &r.Object, &r.Floor, &r.Ceiling,
	}
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

// Fill hands out the columns of all rows as their bodies say, those whose body can
// be read.
func (r Reader) Fill(ctx context.Context, set func(seq int64, c audit.Columns) error) error {
	const page = 500
	type body struct {
		seq  int64
		text []byte
	}
	for seq := int64(math.MinInt64); ; {
		bodies, err := collect(ctx, r, func(rows Rows) (b body, err error) { return b, rows.Scan(&b.seq, &b.text) },
			"SELECT seq, body FROM entry WHERE seq >= $1 ORDER BY seq LIMIT $2", seq, page)
		if err != nil || len(bodies) == 0 {
			return err
		}
		for _, b := range bodies {
			c, err := audit.ColumnsOf(b.text)
			if err != nil {
				continue
			}
			if err := set(b.seq, c); err != nil {
				return err
			}
		}
		seq = bodies[len(bodies)-1].seq + 1
	}
}

// Rows returns rows in order.
func (r Reader) Rows(ctx context.Context, seq int64, limit int) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanEntry,
		"SELECT "+whole+" FROM entry WHERE seq >= $1 ORDER BY seq LIMIT $2", seq, limit)
	return list, wrap("read entries", err)
}

// Find returns the rows of one id.
func (r Reader) Find(ctx context.Context, id string) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanEntry, "SELECT "+whole+" FROM entry WHERE id = $1 ORDER BY seq LIMIT 3", id)
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
		"SELECT "+ofOpen(whole)+" FROM entry o WHERE "+w.sql()+" ORDER BY o.at DESC, o.seq DESC LIMIT "+w.arg(limit), w.args...)
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
		"SELECT "+whole+" FROM entry WHERE kind = 'close' AND id "+r.Dialect.In("$1"), r.Dialect.List(ids))
	ends := make(map[string]audit.Row, len(rows))
	for _, row := range rows {
		ends[row.ID] = row
	}
	return ends, wrap("read ends of entries", err)
}

// Totals counts stories per effect, result, outcome and hour.
func (r Reader) Totals(ctx context.Context, f audit.Filter) (audit.Totals, error) {
	w := r.where(f)
	t := audit.NewTotals()
	rows, err := r.Query(ctx, fmt.Sprintf(`SELECT o.at / %d AS hour, o.effect, o.result, COALESCE(c.outcome, '') AS outcome, COUNT(*)
		FROM entry o LEFT JOIN entry c ON c.id = o.id AND c.kind = 'close'
		WHERE %s GROUP BY 1, 2, 3, 4 ORDER BY 1`, int64(time.Hour), w.sql()), w.args...)
	if err != nil {
		return t, wrap("count entries", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var effect gateway.Effect
		var promise audit.Result
		var outcome gateway.Outcome
		var n int
		if err := rows.Scan(&hour, &effect, &promise, &outcome, &n); err != nil {
			return t, wrap("count entries", err)
		}
		t.Add(time.Unix(hour*3600, 0).UTC(), effect, promise, outcome, n)
	}
	return t, wrap("count entries", rows.Err())
}

// Notes returns notes newest first.
func (r Reader) Notes(ctx context.Context, f audit.NoteFilter, before int64, limit int) ([]audit.Row, error) {
	c := &condition{}
	c.and("o.kind = 'note'")
	c.and("o.removed = 0")
	r.journal(c, f.Scope)
	c.and("o.seq < " + c.arg(before))
	c.between(f.From, f.To)
	if len(f.Topics) > 0 {
		c.and("o.topic " + r.Dialect.In(c.arg(r.Dialect.List(f.Topics))))
	}
	c.equal("o.object", f.Object)
	if f.Actor != "" {
		c.and(r.Dialect.Bytes("o.body", c.arg(f.ActorJSON())))
	}
	list, err := collect(ctx, r, scanEntry,
		"SELECT "+ofOpen(whole)+" FROM entry o WHERE "+c.sql()+" ORDER BY o.seq DESC LIMIT "+c.arg(limit), c.args...)
	return list, wrap("list notes", err)
}

// journal is the scope of notes: the own ones, and those of the rules by which all
// tenants are decided.
func (r Reader) journal(c *condition, s audit.Scope) {
	if s.All || s.Tenant == "" {
		c.scope(s)
		return
	}
	c.and("(o.tenant = " + c.arg(string(s.Tenant)) + " OR o.tenant = " + c.arg(string(audit.Operator)) + " AND o.topic " + r.Dialect.In(c.arg(r.Dialect.List(audit.CommonTopics()))) + ")")
}

// NotesAbout returns notes oldest first.
func (r Reader) NotesAbout(ctx context.Context, scope audit.Scope, topics, objects []string) ([]audit.Row, error) {
	c := &condition{}
	c.and("o.kind = 'note'")
	c.and("o.removed = 0")
	c.scope(scope)
	c.and("o.topic " + r.Dialect.In(c.arg(r.Dialect.List(topics))))
	c.and("o.object " + r.Dialect.In(c.arg(r.Dialect.List(objects))))
	list, err := collect(ctx, r, scanEntry, "SELECT "+ofOpen(whole)+" FROM entry o WHERE "+c.sql()+" ORDER BY o.seq", c.args...)
	return list, wrap("list notes", err)
}

// CheckpointAt returns the newest checkpoint that is not younger than the time.
func (r Reader) CheckpointAt(ctx context.Context, at time.Time) (audit.Checkpoint, error) {
	list, err := collect(ctx, r, scanCheckpoint,
		"SELECT "+checkpointColumns+" FROM checkpoint WHERE at <= $1 ORDER BY at DESC, size DESC LIMIT 1", at.UnixNano())
	if err != nil || len(list) == 0 {
		return audit.Checkpoint{}, wrap("read checkpoint", err)
	}
	return list[0], nil
}

// Ends returns ends without bodies.
func (r Reader) Ends(ctx context.Context, ids []string) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanShort,
		"SELECT "+short+" FROM entry WHERE kind = 'close' AND id "+r.Dialect.In("$1"), r.Dialect.List(ids))
	return list, wrap("read ends of entries", err)
}

// Facts returns rows without bodies.
func (r Reader) Facts(ctx context.Context, from, to int64) ([]audit.Row, error) {
	list, err := collect(ctx, r, scanShort, "SELECT "+short+" FROM entry WHERE seq >= $1 AND seq < $2 ORDER BY seq", from, to)
	return list, wrap("read entries", err)
}

// Summaries returns those that are kept.
func (r Reader) Summaries(ctx context.Context, block int64, limit int) ([]audit.Summary, error) {
	list, err := collect(ctx, r, func(rows Rows) (s audit.Summary, err error) { return s, rows.Scan(&s.Block, &s.Body) },
		"SELECT block, body FROM record_summary WHERE block >= $1 ORDER BY block LIMIT $2", block, limit)
	return list, wrap("read summaries", err)
}

// KeepSummarySQL inserts a summary: block, body and the size of the record.
const KeepSummarySQL = `INSERT INTO record_summary (block, body) SELECT $1, $2
	WHERE NOT EXISTS (SELECT 1 FROM entry WHERE kind = 'note' AND removed = 0 AND topic = '` + audit.TopicRetained + `' AND seq >= $3)
	ON CONFLICT (block) DO NOTHING`

// Due returns rows whose time is over, the oldest first.
func (r Reader) Due(ctx context.Context, d audit.Due, after audit.Position, limit int) ([]audit.Row, error) {
	const day = "CAST(86400000000000 AS BIGINT)"
	now := d.Now.UnixNano()
	c := &condition{}
	c.and("o.removed = 0")
	if after != (audit.Position{}) {
		at, seq := c.arg(after.Time), c.arg(after.Seq)
		c.and("(o.at > " + at + " OR (o.at = " + at + " AND o.seq > " + seq + "))")
	}
	// A time of its own may be longer than what is configured, never shorter than the floor.
	c.and("o.at < " + c.arg(now-int64(max(d.Floor, d.Ceiling))*int64(24*time.Hour)))
	switch {
	case d.Notes:
		c.and("o.kind = 'note'")
		c.and("NOT o.topic " + r.Dialect.In(c.arg(r.Dialect.List(d.Kept))))
	case d.Ceiling > 0:
		c.and("o.kind = 'open'")
		c.and("o.ceiling = 0")
	default:
		c.and("o.kind = 'open'")
		c.and("o.ceiling > 0")
		c.and("o.at + o.ceiling * " + day + " < " + c.arg(now))
	}
	if !d.Notes {
		c.and("o.at + o.floor * " + day + " < " + c.arg(now))
		c.and("NOT EXISTS (SELECT 1 FROM pending p WHERE p.id = o.id)")
	}
	list, err := collect(ctx, r, scanShort,
		"SELECT "+ofOpen(short)+" FROM entry o WHERE "+c.sql()+" ORDER BY o.at, o.seq LIMIT "+c.arg(limit), c.args...)
	return list, wrap("look for contents whose time is over", err)
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

// scope restricts to what a reader may see: nothing, if it is neither one tenant
// nor all of them.
func (c *condition) scope(s audit.Scope) {
	switch {
	case s.All:
	case s.Tenant == "":
		c.and("1 = 0")
	default:
		c.equal("o.tenant", string(s.Tenant))
	}
}

func (c *condition) between(from, to time.Time) {
	if !from.IsZero() {
		c.and("o.at >= " + c.arg(from.UnixNano()))
	}
	if !to.IsZero() {
		c.and("o.at < " + c.arg(to.UnixNano()))
	}
}

// where turns a filter into SQL. A scope that is neither one tenant nor all of
// them matches nothing.
func (r Reader) where(f audit.Filter) *condition {
	c := &condition{}
	c.and("o.kind = 'open'")
	c.and("o.removed = 0")
	c.scope(f.Scope)
	c.between(f.From, f.To)
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
	c.equal("o.revision", f.Revision)
	if f.Outcome != "" {
		c.and(end("e.outcome = " + c.arg(string(f.Outcome))))
	}
	c.result(f.Result)
	if f.Rule != "" {
		c.rules(r, f.Rule)
	}
	c.rules(r, f.Rules...)
	return c
}

// end says that a story has an end of which the condition on e is true.
func end(condition string) string {
	return "EXISTS (SELECT 1 FROM entry e WHERE e.id = o.id AND e.kind = 'close' AND " + condition + ")"
}

// result says in SQL what audit.Item.Result says.
func (c *condition) result(wanted audit.Result) {
	const allowed = "o.result <> 'denied'"
	switch wanted {
	case "":
	case audit.ResultDenied:
		c.and("(o.result = 'denied' OR " + end("e.outcome = 'denied'") + ")")
	case audit.ResultOpen:
		c.and(allowed)
		c.and("NOT " + end("e.outcome <> ''"))
	case audit.ResultStopped:
		c.and(allowed)
		c.and(end("e.outcome = 'stopped'"))
	case audit.ResultFailed:
		c.and(allowed)
		c.and(end("e.outcome NOT IN ('', 'answered', 'denied', 'stopped')"))
	default:
		c.equal("o.result", string(wanted))
		c.and(end("e.outcome = 'answered'"))
	}
}

// rules: Rule spoke, and any of Rules.
func (c *condition) rules(r Reader, names ...string) {
	var parts []string
	for _, name := range names {
		rule := c.arg("|" + name + "|")
		parts = append(parts, r.Dialect.Position+"(o.rules, "+rule+") > 0", end(r.Dialect.Position+"(e.rules, "+rule+") > 0"))
	}
	if len(parts) > 0 {
		c.and("(" + strings.Join(parts, " OR ") + ")")
	}
}

// ofOpen are the columns of the table named o.
func ofOpen(columns string) string {
	return "o." + strings.ReplaceAll(columns, ", ", ", o.")
}

func wrap(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
