// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Retention says how long contents are kept. What is removed is the content of a
// leaf: what was asked, by whom, how it was decided. Its hash stays, so that the
// rest of the record can still be proved, and a note names what was removed.
type Retention struct {
	// Floor is for how many days everything is kept at least; an entry of a
	// high-risk system never less than HighRiskFloor, and one that says more, more.
	Floor int
	// Ceiling is after how many days the entries of requests are removed, unless
	// they say themselves when; 0: only those that say so.
	Ceiling int
	// Notes is after how many days notes are removed; 0: never. Those that prove a
	// removal, an erasure or a hold always stay.
	Notes int
	// Holds are asked for before each batch: what one of them covers is kept.
	Holds func(context.Context) ([]Hold, error)
	// DryRun counts what a run would remove, and removes nothing.
	DryRun bool
	// Batch is the number of entries in one transaction, 1 to 500; 0 means 250.
	// Pause is how long writers have the record to themselves between two; 0 means 25 ms.
	Batch int
	Pause time.Duration
}

// Hold keeps entries beyond their time, for a lawsuit or an audit.
type Hold struct {
	Tenant gateway.TenantID `json:"tenant"`
	// Case is the pseudonym of a file number, Entry the id of one entry; neither of
	// them: everything of the tenant.
	Case  gateway.Pseudonym `json:"case"`
	Entry string            `json:"entry"`
	// Until it holds; zero: until it is lifted.
	Until time.Time `json:"until,omitzero"`
}

func (h Hold) covers(r Row, now time.Time) bool {
	return h.Tenant == r.Tenant && (h.Until.IsZero() || now.Before(h.Until)) &&
		(h.Case == "" || string(h.Case) == r.File) && (h.Entry == "" || h.Entry == r.ID)
}

// Retained is what a run did, or would do.
type Retained struct {
	// Entries and Notes whose content was removed.
	Entries int `json:"entries"`
	Notes   int `json:"notes"`
	// Held were kept although their time is over.
	Held int `json:"held"`
	// Changed were kept because what is stored is not what was signed.
	Changed int `json:"changed,omitempty"`
	// Tenants counts the removed entries of each.
	Tenants map[gateway.TenantID]int `json:"tenants,omitempty"`
	// Oldest and Newest are the times of what was removed.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// Postponed: the clock may be wrong, nothing was removed. The run of the next
	// day goes ahead.
	Postponed bool `json:"postponed,omitempty"`
	// Busy: another process is doing it.
	Busy bool `json:"busy,omitempty"`
}

func (r *Retained) count(row Row) {
	at := time.Unix(0, row.Time).UTC()
	if r.Oldest.IsZero() || at.Before(r.Oldest) {
		r.Oldest = at
	}
	if at.After(r.Newest) {
		r.Newest = at
	}
	if row.Kind == KindNote {
		r.Notes++
		return
	}
	if r.Tenants == nil {
		r.Tenants = map[gateway.TenantID]int{}
	}
	r.Entries++
	r.Tenants[row.Tenant]++
}

// Due is the question which contents have reached the end of their time.
type Due struct {
	Now time.Time
	// Floor in days; an entry's own floor counts where it is longer.
	Floor int
	// Ceiling in days, for entries that say nothing; 0: asks for those that have a
	// ceiling of their own.
	Ceiling int
	// Notes asks for notes older than Ceiling instead, but for those of the Kept topics.
	Notes bool
	Kept  []string
}

// keptTopics are those of notes that explain why something is not there, or still is.
func keptTopics() []string {
	return []string{TopicRetained, TopicErased, TopicKeyDestroyed, TopicHoldPlaced, TopicHoldLifted}
}

// Validate names every mistake at once.
func (r Retention) Validate() error {
	var problems []error
	if r.Floor < 1 || r.Floor > maxDays {
		problems = append(problems, errors.New("floor: Es sind ein Tag bis 100 Jahre möglich."))
	}
	if r.Ceiling != 0 && r.Ceiling < r.Floor || r.Ceiling > maxDays {
		problems = append(problems, errors.New("ceiling: Die Frist ist kürzer als die unter floor oder länger als 100 Jahre."))
	}
	if r.Notes != 0 && r.Notes < r.Floor || r.Notes > maxDays {
		problems = append(problems, errors.New("notes: Die Frist ist kürzer als die unter floor oder länger als 100 Jahre."))
	}
	return errors.Join(problems...)
}

// removal is what the note of a batch says about it.
type removal struct {
	// Ranges of numbers, both ends included, in order.
	Ranges [][2]int64 `json:"ranges"`
	Rows   int        `json:"rows"`
	// SHA256 is over what stays of the rows, see stubs.
	SHA256 string `json:"sha256"`
	// Newest is the time of the youngest one.
	Newest time.Time `json:"newest"`
	Floor  int       `json:"floor_days"`
	// Ceiling is that of entries that say nothing.
	Ceiling int `json:"ceiling_days,omitempty"`
}

// stubs is the hash over what stays of removed rows beside their leaf hash.
type stubs struct {
	sum  hash.Hash
	rows int
}

func newStubs() *stubs { return &stubs{sum: sha256.New()} }

// add takes the next row. No id and no tenant contains a zero byte.
func (s *stubs) add(r Row) {
	s.rows++
	_, _ = fmt.Fprintf(s.sum, "%d\x00%s\x00%s\x00%s\x00%d\n", r.Seq, r.Kind, r.ID, r.Tenant, r.Time) // a hash takes all
}

func (s *stubs) digest() string { return base64.StdEncoding.EncodeToString(s.sum.Sum(nil)) }

// ranges joins numbers that follow one another; they come in order.
func ranges(seqs []int64) [][2]int64 {
	var out [][2]int64
	for _, seq := range seqs {
		if n := len(out); n > 0 && out[n-1][1]+1 == seq {
			out[n-1][1] = seq
			continue
		}
		out = append(out, [2]int64{seq, seq})
	}
	return out
}

const (
	defaultRemoved = 250
	maxRemoved     = 500
	defaultPause   = 25 * time.Millisecond
	// settledFor is how long the record must have shown about today's date before
	// contents are removed, silence how long it may have shown none.
	settledFor = 24 * time.Hour
	silence    = 14 * 24 * time.Hour
)

// Retain removes the contents that have reached the end of their time, each batch
// with its note in one transaction. Only one process does it at a time; writers
// go on meanwhile. An entry without an end is kept.
func (l *Log) Retain(ctx context.Context, r Retention) (Retained, error) {
	if err := r.Validate(); err != nil {
		return Retained{}, &gateway.Error{Op: "remove contents", Code: gateway.CodeInvalid, Message: "Die Aufbewahrungsfristen sind ungültig.", Err: err}
	}
	if r.Batch <= 0 {
		r.Batch = defaultRemoved
	}
	r.Batch = min(r.Batch, maxRemoved)
	if r.Pause <= 0 {
		r.Pause = defaultPause
	}
	run := &retentionRun{log: l, Retention: r, now: l.config.Clock()}
	alone, err := l.store.Alone(ctx, "retention", run.do)
	run.report.Busy = !alone && err == nil
	if err != nil {
		return run.report, fmt.Errorf("remove contents: %w", err)
	}
	return run.report, nil
}

type retentionRun struct {
	Retention

	log    *Log
	now    time.Time
	report Retained
}

func (r *retentionRun) do(ctx context.Context) error {
	if ok, err := r.trustworthy(ctx); err != nil || !ok {
		return err
	}
	for _, due := range r.questions() {
		if err := r.each(ctx, due); err != nil {
			return err
		}
	}
	return nil
}

func (r *retentionRun) questions() []Due {
	due := Due{Now: r.now, Floor: r.Floor}
	out := []Due{due}
	if r.Ceiling > 0 {
		due.Ceiling = r.Ceiling
		out = append(out, due)
	}
	if r.Notes > 0 {
		out = append(out, Due{Now: r.now, Floor: r.Floor, Ceiling: r.Notes, Notes: true, Kept: keptTopics()})
	}
	return out
}

// trustworthy says whether the clock may be relied on: what a clock that jumped
// ahead removes is lost. A record that was silent for long says so in a note, and
// the run of the next day goes ahead.
func (r *retentionRun) trustworthy(ctx context.Context) (bool, error) {
	before, err := r.log.reader.CheckpointAt(ctx, r.now.Add(-settledFor))
	if err != nil {
		return false, err
	}
	if before.Size > 0 && r.now.Sub(before.Time) <= settledFor+silence {
		return true, nil
	}
	latest, err := r.log.reader.Latest(ctx)
	if err != nil || latest.Size == 0 {
		return false, err
	}
	r.report.Postponed = true
	if r.DryRun || r.now.Sub(latest.Time) <= settledFor {
		return false, nil
	}
	return false, r.log.Note(ctx, Note{
		Time: r.now, Topic: TopicRetentionPostponed,
		Text: "Das Entfernen abgelaufener Inhalte wurde um einen Tag verschoben, weil das Protokoll lange still war oder die Uhr verstellt wurde.",
	})
}

// each removes batch by batch what is due.
func (r *retentionRun) each(ctx context.Context, due Due) error {
	var after Position
	for {
		rows, err := r.log.reader.Due(ctx, due, after, r.Batch)
		if err != nil || len(rows) == 0 {
			return err
		}
		last := rows[len(rows)-1]
		after = Position{Time: last.Time, Seq: last.Seq}
		if rows, err = r.notHeld(ctx, rows); err != nil {
			return err
		}
		if err := r.remove(ctx, rows); err != nil {
			return err
		}
	}
}

func (r *retentionRun) notHeld(ctx context.Context, rows []Row) ([]Row, error) {
	if r.Holds == nil {
		return rows, nil
	}
	holds, err := r.Holds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read legal holds: %w", err)
	}
	return slices.DeleteFunc(rows, func(row Row) bool {
		held := slices.ContainsFunc(holds, func(h Hold) bool { return h.covers(row, r.now) })
		if held {
			r.report.Held++
		}
		return held
	}), nil
}

// remove takes the contents of beginnings, with those of their ends, or of notes.
func (r *retentionRun) remove(ctx context.Context, rows []Row) error {
	if len(rows) == 0 {
		return nil
	}
	all, err := r.withEnds(ctx, rows)
	if err != nil {
		return err
	}
	if all, err = r.genuine(ctx, all); err != nil || len(all) == 0 {
		return err
	}
	rows = slices.DeleteFunc(rows, func(row Row) bool {
		_, kept := slices.BinarySearchFunc(all, row.Seq, func(kept Row, seq int64) int { return cmp.Compare(kept.Seq, seq) })
		return !kept
	})
	if !r.DryRun {
		if err := r.log.remove(ctx, r.Retention, r.now, all); err != nil {
			return err
		}
	}
	for _, row := range rows {
		r.report.count(row)
	}
	if r.DryRun {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.Pause):
		return nil
	}
}

func (r *retentionRun) withEnds(ctx context.Context, rows []Row) ([]Row, error) {
	var ids []string
	for _, row := range rows {
		if row.Kind == KindOpen {
			ids = append(ids, row.ID)
		}
	}
	all := slices.Clone(rows)
	if len(ids) > 0 {
		ends, err := r.log.reader.Ends(ctx, ids)
		if err != nil {
			return nil, err
		}
		if len(ends) != len(ids) {
			return nil, errors.New("an entry that is due has no end")
		}
		all = append(all, ends...)
	}
	slices.SortFunc(all, func(a, b Row) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

// remove writes the note of a batch and removes its contents with it.
func (l *Log) remove(ctx context.Context, r Retention, now time.Time, rows []Row) error {
	const op = "remove contents"
	said := removal{Rows: len(rows), Floor: r.Floor, Ceiling: r.Ceiling}
	sum, seqs := newStubs(), make([]int64, 0, len(rows))
	for _, row := range rows {
		sum.add(row)
		seqs = append(seqs, row.Seq)
		if at := time.Unix(0, row.Time).UTC(); at.After(said.Newest) {
			said.Newest = at
		}
	}
	said.Ranges, said.SHA256 = ranges(seqs), sum.digest()
	value, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encode removal: %w", err)
	}
	n, err := Note{
		Time: now, Topic: TopicRetained, New: value,
		Text: fmt.Sprintf("Die Inhalte von %d Blättern wurden nach Ablauf der Aufbewahrungsfrist entfernt. Ihre Prüfsummen bleiben.", len(rows)),
	}.complete(now)
	if err != nil {
		return err
	}
	row, err := l.noteRow(n)
	if err != nil {
		return noRecord(op, n.ID, err)
	}
	it := newItem(row)
	it.remove = seqs
	return l.write(ctx, op, it)
}
