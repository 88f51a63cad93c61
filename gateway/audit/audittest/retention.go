// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

const day = 24 * time.Hour

// aged is a log whose clock the test sets.
type aged struct {
	*setup
	now atomic.Int64
}

func (a *aged) clock() time.Time     { return time.Unix(0, a.now.Load()).UTC() }
func (a *aged) set(at time.Time)     { a.now.Store(at.UnixNano()) }
func (a *aged) pass(d time.Duration) { a.now.Add(int64(d)) }

func newAged(t *testing.T, b Backend) *aged {
	t.Helper()
	a := &aged{setup: &setup{backend: b, db: b.New(t)}}
	a.set(start)
	a.private, a.public = Key(t)
	a.restart(t)
	t.Cleanup(func() { a.stop(t) })
	return a
}

func (a *aged) restart(t *testing.T) {
	t.Helper()
	a.store = a.open(t)
	log, err := audit.New(context.Background(), audit.Config{Store: a.store, Key: a.private, Clock: a.clock})
	if err != nil {
		t.Fatalf("start the log: %v", err)
	}
	a.log = log
}

// tick writes a note, so that the record shows the time.
func (a *aged) tick(t *testing.T) {
	t.Helper()
	if err := a.log.Note(context.Background(), audit.Note{Topic: audit.TopicSignedIn, Text: "Eine Person hat sich angemeldet."}); err != nil {
		t.Fatalf("note: %v", err)
	}
}

// elapse lets days pass, the last of them with a sign of life of the record.
func (a *aged) elapse(t *testing.T, days int) {
	t.Helper()
	a.pass(time.Duration(days)*day - 25*time.Hour)
	a.tick(t)
	a.pass(25 * time.Hour)
}

// entry writes one story that begins now.
func (a *aged) entry(t *testing.T, r gateway.Record) {
	t.Helper()
	r.Time = a.clock()
	if err := a.log.Open(context.Background(), r); err != nil {
		t.Fatalf("open: %v", err)
	}
	if err := a.log.Close(context.Background(), Closing(r)); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func (a *aged) retain(t *testing.T, r audit.Retention) audit.Retained {
	t.Helper()
	r.Pause = time.Microsecond
	done, err := a.log.Retain(context.Background(), r)
	if err != nil {
		t.Fatalf("retain: %v", err)
	}
	return done
}

// kept are the ids of the entries that have a content.
func (a *aged) kept(t *testing.T) []string {
	t.Helper()
	var ids []string
	err := a.log.Each(context.Background(), audit.Filter{Scope: audit.Scope{All: true}}, func(i audit.Item) error {
		ids = append(ids, i.Record.ID)
		return nil
	})
	if err != nil {
		t.Fatalf("each: %v", err)
	}
	slices.Sort(ids)
	return ids
}

// retention: contents go when their time is over, and the rest can be proved.
func retention(t *testing.T, b Backend) {
	a := newAged(t, b)
	ctx := context.Background()
	for n := range 12 {
		a.entry(t, Record(n, "musterhausen"))
		a.entry(t, Record(n, "beispielstadt"))
	}
	unfinished := Record(50, "musterhausen")
	unfinished.Time = a.clock()
	if err := a.log.Open(ctx, unfinished); err != nil {
		t.Fatalf("open: %v", err)
	}
	a.elapse(t, 300)
	a.entry(t, Record(99, "musterhausen"))
	a.elapse(t, 100)

	rules := audit.Retention{Floor: 183, Ceiling: 365, Batch: 5, Holds: func(context.Context) ([]audit.Hold, error) {
		return []audit.Hold{
			{Tenant: "musterhausen", Case: "p1_case3"},
			{Tenant: "beispielstadt", Case: "p1_case4", Until: a.clock().Add(-time.Hour)},
			{Tenant: "anderswo"},
			{Tenant: "musterhausen", Entry: Record(1, "beispielstadt").ID},
		}, nil
	}}
	before := verify(t, a.log)
	mustBeSound(t, before)
	trial := rules
	trial.DryRun = true
	planned := a.retain(t, trial)
	if size := verify(t, a.log).Size; size != before.Size {
		t.Errorf("a trial wrote %d leaves", size-before.Size)
	}
	done := a.retain(t, rules)
	if done.Entries != 22 || done.Held != 2 || done.Tenants["musterhausen"] != 10 || done.Tenants["beispielstadt"] != 12 {
		t.Errorf("removed %+v, want 22 entries, 2 held", done)
	}
	if planned.Entries != done.Entries || planned.Held != done.Held || !planned.Newest.Equal(done.Newest) {
		t.Errorf("the trial said %+v, the run did %+v", planned, done)
	}
	if got := a.kept(t); !slices.Equal(got, []string{"musterhausen-000003", "musterhausen-000010", "musterhausen-000050", "musterhausen-000099"}) {
		t.Errorf("kept are %v, want those held, the unfinished and the young one", got)
	}
	report := verify(t, a.log)
	mustBeSound(t, report)
	if report.Removed != 44 || report.Leaves != before.Leaves+5 || report.Unfinished != 1 {
		t.Errorf("report %+v, want 44 leaves without content and 5 notes more", report)
	}
	if again := a.retain(t, rules); again.Entries != 0 || verify(t, a.log).Size != report.Size {
		t.Errorf("a second run did %+v", again)
	}
	a.afterRemoval(t)
}

// afterRemoval looks at everything that reads the record.
func (a *aged) afterRemoval(t *testing.T) {
	t.Helper()
	ctx, all := context.Background(), audit.Scope{All: true}
	_, err := a.log.Show(ctx, all, Record(1, "musterhausen").ID)
	if gateway.CodeOf(err) != gateway.CodeNotFound || !strings.Contains(err.Error(), "not_found") {
		t.Errorf("show a removed entry = %v, want not found", err)
	}
	page, err := a.log.List(ctx, audit.Filter{Scope: all, Totals: true, Limit: 500})
	if err != nil || len(page.Items) != 4 || page.Totals.Count != 4 {
		t.Errorf("list after a removal = %d items, total %+v, %v; want 4", len(page.Items), page.Totals, err)
	}
	// The id of a removed entry is not free.
	if err := a.log.Open(ctx, Record(1, "musterhausen")); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("open under the id of a removed entry = %v, want a conflict", err)
	}
	notes, err := a.log.Notes(ctx, audit.NoteFilter{Scope: all, Topics: []string{audit.TopicRetained}})
	if err != nil || len(notes.Notes) != 5 || notes.Notes[0].Note.Tenant != audit.Operator {
		t.Errorf("notes of the run = %+v, %v; want 5", notes, err)
	}
	for name, c := range map[string]struct {
		scope    audit.Scope
		from     time.Time
		complete bool
		leaves   int64
	}{
		"everything": {all, time.Time{}, true, verify(t, a.log).Leaves},
		"a tenant":   {audit.Scope{Tenant: "musterhausen"}, time.Time{}, false, 7},
		"a time":     {all, start.Add(100 * day), false, 2},
	} {
		file := export(t, a.setup, audit.Filter{Scope: c.scope, From: c.from})
		report, err := audit.VerifyExport(bytes.NewReader(file), int64(len(file)), a.public)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mustBeSound(t, report)
		if report.Complete != c.complete || report.Leaves != c.leaves {
			t.Errorf("%s: %d leaves, complete %v; want %d, %v", name, report.Leaves, report.Complete, c.leaves, c.complete)
		}
	}
}

// ownTimes: what an entry says about its time counts, within the floor.
func ownTimes(t *testing.T, b Backend) {
	a := newAged(t, b)
	say := func(n, floor, ceiling int, risk string) {
		r := Record(n, "musterhausen")
		if floor > 0 || ceiling > 0 {
			r.Retain = &gateway.Retention{FloorDays: floor, CeilingDays: ceiling}
		}
		r.Decisions[0].Risk.Class = risk
		a.entry(t, r)
	}
	say(0, 0, 0, "")           // as configured
	say(1, 0, 60, "")          // shorter
	say(2, 400, 500, "")       // longer
	say(3, 1, 5, "")           // shorter than the floor
	say(4, 0, 60, "high_risk") // six months all the same
	say(5, 0, 0, "high_risk")
	for _, step := range []struct {
		days int
		want string
	}{
		{20, "0 1 2 3 4 5"},
		{20, "0 1 2 4 5"}, // 40: the floor of 30 is over for 3
		{30, "0 2 4 5"},   // 70
		{40, "2 4 5"},     // 110: the ceiling of 100
		{80, "2"},         // 190
		{230, "2"},        // 420: its floor is over, its ceiling is not
		{100, ""},         // 520
	} {
		a.elapse(t, step.days)
		a.retain(t, audit.Retention{Floor: 30, Ceiling: 100})
		var left []string
		for _, id := range a.kept(t) {
			left = append(left, id[len(id)-1:])
		}
		if got := strings.Join(left, " "); got != step.want {
			t.Errorf("after %s there are %q, want %q", a.clock().Sub(start), got, step.want)
		}
	}
	mustBeSound(t, verify(t, a.log))
}

// oldNotes: notes may end as well, but for those that explain what is not there.
func oldNotes(t *testing.T, b Backend) {
	a := newAged(t, b)
	ctx := context.Background()
	for _, topic := range []string{audit.TopicExported, audit.TopicErased, audit.TopicHoldPlaced, audit.TopicSignedIn} {
		if err := a.log.Note(ctx, audit.Note{Topic: topic, Text: "Es geschah etwas."}); err != nil {
			t.Fatalf("note: %v", err)
		}
	}
	a.entry(t, Record(0, "musterhausen"))
	a.elapse(t, 120)
	done := a.retain(t, audit.Retention{Floor: 30, Ceiling: 100, Notes: 100})
	if done.Entries != 1 || done.Notes != 2 {
		t.Errorf("removed %+v, want one entry and two notes", done)
	}
	mustBeSound(t, verify(t, a.log))
	a.elapse(t, 120)
	a.retain(t, audit.Retention{Floor: 30, Ceiling: 100, Notes: 100})
	page, err := a.log.Notes(ctx, audit.NoteFilter{Scope: audit.Scope{All: true}})
	if err != nil {
		t.Fatalf("notes: %v", err)
	}
	topics := map[string]int{}
	for _, n := range page.Notes {
		topics[n.Note.Topic]++
	}
	if topics[audit.TopicErased] != 1 || topics[audit.TopicHoldPlaced] != 1 || topics[audit.TopicExported] != 0 || topics[audit.TopicRetained] != 3 {
		t.Errorf("notes left are %v", topics)
	}
	mustBeSound(t, verify(t, a.log))
}

// wrongClock: a clock that jumps ahead removes nothing on the first day.
func wrongClock(t *testing.T, b Backend) {
	a := newAged(t, b)
	a.entry(t, Record(0, "musterhausen"))
	rules := audit.Retention{Floor: 183, Ceiling: 365}
	a.pass(400 * day)
	if done := a.retain(t, rules); !done.Postponed || done.Entries != 0 {
		t.Errorf("a clock that jumped by 400 days removes %+v", done)
	}
	a.pass(time.Hour)
	if done := a.retain(t, rules); !done.Postponed || done.Entries != 0 {
		t.Errorf("an hour later %+v is removed", done)
	}
	notes, err := a.log.Notes(context.Background(), audit.NoteFilter{Scope: audit.Scope{All: true}})
	if err != nil || len(notes.Notes) != 1 || notes.Notes[0].Note.Topic != audit.TopicRetentionPostponed {
		t.Errorf("notes = %+v, %v; want one that says so", notes, err)
	}
	a.pass(25 * time.Hour)
	if done := a.retain(t, rules); done.Postponed || done.Entries != 1 {
		t.Errorf("the day after %+v is removed, want the entry", done)
	}
	for _, r := range []audit.Retention{{}, {Floor: 10, Ceiling: 5}, {Floor: 10, Notes: 5}, {Floor: 1 << 30}} {
		if _, err := a.log.Retain(context.Background(), r); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("retain with %+v = %v, want invalid", r, err)
		}
	}
}

// removedAttacks: what is gone without a note, or not as a note says, is found.
func removedAttacks(t *testing.T, b Backend) {
	const seq = 4
	blank := "UPDATE entry SET removed = 1, body = $1, writer = '', system = '', purpose = '', service = '', operation = '', effect = '', outcome = '', " +
		"model = '', residency = '', file = '', rules = '', result = '', revision = '', topic = '', object = '', floor = 0, ceiling = 0 WHERE seq = $2"
	for _, c := range []struct {
		name    string
		retain  bool
		do      func(t *testing.T, a *aged)
		kind    audit.ProblemKind
		seq     int64
		exports bool // visible in an export, too
	}{
		{"a content without a note", false, func(t *testing.T, a *aged) { a.db.Exec(t, blank, []byte{}, seq) }, audit.ProblemRemoved, seq, false},
		{"an emptied body", false, func(t *testing.T, a *aged) { a.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", []byte{}, seq) }, audit.ProblemLeaf, seq, true},
		{"a hidden entry", false, func(t *testing.T, a *aged) { a.db.Exec(t, "UPDATE entry SET removed = 1 WHERE seq = $1", seq) }, audit.ProblemColumn, seq, false},
		{"a content that is back", true, func(t *testing.T, a *aged) {
			a.db.Exec(t, "UPDATE entry SET removed = 0, body = $1 WHERE seq = $2", []byte(`{"kind":"open"}`), seq)
		}, audit.ProblemRemoved, seq, true},
		{"another id in place of a removed one", true, func(t *testing.T, a *aged) {
			a.db.Exec(t, "UPDATE entry SET id = 'x' WHERE id = $1", Record(2, "musterhausen").ID)
		}, audit.ProblemRemoved, 20, true},
		{"another tenant of a removed one", true, func(t *testing.T, a *aged) { a.db.Exec(t, "UPDATE entry SET tenant = 'x' WHERE seq IN (4, 5)") }, audit.ProblemRemoved, 20, true},
		{"something left of a removed one", true, func(t *testing.T, a *aged) { a.db.Exec(t, "UPDATE entry SET file = 'x' WHERE seq = 4") }, audit.ProblemColumn, seq, false},
		{"a removed row that is gone", true, func(t *testing.T, a *aged) { a.db.Exec(t, "DELETE FROM entry WHERE seq = 4") }, audit.ProblemMissing, seq, true},
		{"the leaf hash of a removed one", true, func(t *testing.T, a *aged) { flipNode(7)(t, a.setup) }, audit.ProblemCheckpoint, -1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAged(t, b)
			for n := range 9 {
				a.entry(t, Record(n, "musterhausen"))
			}
			a.elapse(t, 400) // leaf 18 is a note
			a.entry(t, Record(10, "musterhausen"))
			if c.retain {
				if done := a.retain(t, audit.Retention{Floor: 183, Ceiling: 365}); done.Entries != 9 {
					t.Fatalf("removed %+v, want 9", done)
				}
			}
			mustBeSound(t, verify(t, a.log))
			a.db.Unlock(t)
			c.do(t, a)
			report := verify(t, a.log)
			if !slices.ContainsFunc(report.Problems, func(p audit.Problem) bool { return p.Kind == c.kind && (p.Seq == c.seq || c.seq == 20) }) {
				t.Errorf("no problem of kind %s at leaf %d; there are %v", c.kind, c.seq, report.Problems)
			}
			if !c.exports {
				return
			}
			var out bytes.Buffer
			if a.log.Export(context.Background(), &out, audit.Filter{Scope: audit.Scope{All: true}}) != nil {
				return // it refuses to export what is damaged
			}
			found, err := audit.VerifyExport(bytes.NewReader(out.Bytes()), int64(out.Len()), a.public)
			if err == nil && found.OK() && found.Complete {
				t.Error("an export of it is called complete and sound")
			}
		})
	}
}

// dueByForgery: who changes the columns of an entry does not have it removed, and
// the traces of the change with it.
func dueByForgery(t *testing.T, b Backend) {
	for _, forged := range []string{
		"UPDATE entry SET at = 1 WHERE seq IN (4, 5)",
		"UPDATE entry SET at = 1 WHERE seq = 4",
		"UPDATE entry SET ceiling = 31 WHERE seq = 4",
	} {
		t.Run(forged, func(t *testing.T) {
			t.Parallel()
			a := newAged(t, b)
			for n := range 4 {
				a.entry(t, Record(n, "musterhausen"))
			}
			a.elapse(t, 40)
			a.db.Unlock(t)
			a.db.Exec(t, forged)
			if planned := a.retain(t, audit.Retention{Floor: 30, Ceiling: 365, DryRun: true}); planned.Entries != 0 || planned.Changed != 1 {
				t.Errorf("planned is %+v", planned)
			}
			done := a.retain(t, audit.Retention{Floor: 30, Ceiling: 365})
			if done.Entries != 0 || done.Changed != 1 || len(a.kept(t)) != 4 {
				t.Errorf("removed %+v, kept %v; want nothing removed and the change named", done, a.kept(t))
			}
			if verify(t, a.log).OK() {
				t.Error("the change is called sound")
			}
		})
	}
}

// early is a reader whose first answers are those of before a removal.
type early struct {
	audit.Reader

	before        audit.Checkpoint
	latest, notes bool
	again         func() // runs before the notes are read for the second time
}

func (e *early) Latest(ctx context.Context) (audit.Checkpoint, error) {
	if !e.latest {
		e.latest = true
		return e.before, nil
	}
	return e.Reader.Latest(ctx)
}

func (e *early) Notes(ctx context.Context, f audit.NoteFilter, before int64, limit int) ([]audit.Row, error) {
	if !e.notes {
		e.notes = true
		return nil, nil
	}
	if e.again != nil {
		e.again()
		e.again = nil
	}
	return e.Reader.Notes(ctx, f, before, limit)
}

// hiddenBehindRemoval: many contents are removed while a verification begins, and
// somebody empties one more.
func hiddenBehindRemoval(t *testing.T, b Backend) {
	a := newAged(t, b)
	for n := range 510 {
		a.entry(t, Record(n, "musterhausen"))
	}
	a.elapse(t, 400)
	a.entry(t, Record(999, "musterhausen"))
	before, err := a.store.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if done := a.retain(t, audit.Retention{Floor: 183, Ceiling: 365}); done.Entries != 510 {
		t.Fatalf("removed %+v", done)
	}
	look := func() audit.VerifyReport {
		viewer, err := audit.NewViewer(&early{Reader: a.store, before: before}, a.public)
		if err != nil {
			t.Fatal(err)
		}
		report, err := viewer.Verify(t.Context())
		if err != nil {
			t.Fatalf("verify: %v", err)
		}
		return report
	}
	mustBeSound(t, look())
	a.db.Unlock(t)
	a.db.Exec(t, "UPDATE entry SET removed = 1, body = $1, writer = '', system = '', purpose = '', service = '', operation = '', effect = '', outcome = '', "+
		"model = '', residency = '', file = '', rules = '', result = '', revision = '', topic = '', object = '', floor = 0, ceiling = 0 WHERE id = $2",
		[]byte{}, Record(999, "musterhausen").ID)
	if report := look(); report.OK() {
		t.Errorf("a content that is gone without a note is not found: %+v", report)
	}
}

// removalAtTheEnd: contents are removed while a verification begins, and more of them
// when it reads for the last time what the notes say.
func removalAtTheEnd(t *testing.T, b Backend) {
	a := newAged(t, b)
	for n := range 4 {
		a.entry(t, Record(n, "musterhausen"))
	}
	a.elapse(t, 300)
	for n := range 4 {
		a.entry(t, Record(100+n, "musterhausen"))
	}
	a.elapse(t, 100)
	before, err := a.store.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	remove := func() {
		if done := a.retain(t, audit.Retention{Floor: 183, Ceiling: 365}); done.Entries != 4 {
			t.Errorf("removed %+v, want 4", done)
		}
	}
	remove()
	viewer, err := audit.NewViewer(&early{Reader: a.store, before: before, again: func() {
		a.elapse(t, 300)
		remove()
	}}, a.public)
	if err != nil {
		t.Fatal(err)
	}
	report, err := viewer.Verify(t.Context())
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	mustBeSound(t, report)
}

// removalMeanwhile removes while others write, verify and look.
func removalMeanwhile(t *testing.T, b Backend) {
	a := newAged(t, b)
	ctx := context.Background()
	for n := range 120 {
		a.entry(t, Record(n, "musterhausen"))
	}
	a.elapse(t, 400)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r := Record(n, gateway.TenantID(fmt.Sprintf("stadt-%d", w)))
				r.Time = a.clock()
				if err := a.log.Open(ctx, r); err != nil {
					t.Errorf("open beside a removal: %v", err)
					return
				}
				if err := a.log.Close(ctx, Closing(r)); err != nil {
					t.Errorf("close beside a removal: %v", err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for range 8 {
			mustBeSound(t, verify(t, a.log))
		}
	})
	var runs [2]audit.Retained
	var each sync.WaitGroup
	for i := range runs {
		each.Go(func() {
			done, err := a.log.Retain(ctx, audit.Retention{Floor: 183, Ceiling: 365, Batch: 7, Pause: 2 * time.Millisecond})
			if err != nil {
				t.Errorf("retain: %v", err)
			}
			runs[i] = done
		})
	}
	each.Wait()
	close(stop)
	wg.Wait()
	if runs[0].Entries+runs[1].Entries != 120 {
		t.Errorf("two runs at once removed %+v and %+v, want 120 together", runs[0], runs[1])
	}
	report := verify(t, a.log)
	mustBeSound(t, report)
	if report.Removed != 240 || report.Unfinished != 0 {
		t.Errorf("report %+v, want 240 leaves without content", report)
	}
}
