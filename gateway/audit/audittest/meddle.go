// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// meddled is a reader before one of whose answers something happens to the record.
type meddled struct {
	audit.Reader

	at    int // the answer before which do runs, from 1 on; 0: before each
	do    func()
	calls int
	// calm: nothing happens before single hashes, which never change.
	calm bool
}

func (m *meddled) step() {
	m.calls++
	if m.at == 0 || m.at == m.calls {
		m.do()
	}
}

func (m *meddled) Rows(ctx context.Context, seq int64, limit int) ([]audit.Row, error) {
	m.step()
	return m.Reader.Rows(ctx, seq, limit)
}

func (m *meddled) Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	if !m.calm {
		m.step()
	}
	return m.Reader.Hashes(ctx, indexes)
}

func (m *meddled) Checkpoints(ctx context.Context, size int64, limit int) ([]audit.Checkpoint, error) {
	m.step()
	return m.Reader.Checkpoints(ctx, size, limit)
}

func (m *meddled) Latest(ctx context.Context) (audit.Checkpoint, error) {
	m.step()
	return m.Reader.Latest(ctx)
}

func (m *meddled) Pending(ctx context.Context) ([]audit.Pending, error) {
	m.step()
	return m.Reader.Pending(ctx)
}

func (m *meddled) Select(ctx context.Context, f audit.Filter, after audit.Position, limit int) ([]audit.Pair, error) {
	m.step()
	return m.Reader.Select(ctx, f, after, limit)
}

func (m *meddled) Find(ctx context.Context, id string) ([]audit.Row, error) {
	m.step()
	return m.Reader.Find(ctx, id)
}

func (m *meddled) Facts(ctx context.Context, from, to int64) ([]audit.Row, error) {
	m.step()
	return m.Reader.Facts(ctx, from, to)
}

func (m *meddled) Ends(ctx context.Context, ids []string) ([]audit.Row, error) {
	m.step()
	return m.Reader.Ends(ctx, ids)
}

func (m *meddled) Summaries(ctx context.Context, block int64, limit int) ([]audit.Summary, error) {
	m.step()
	return m.Reader.Summaries(ctx, block, limit)
}

func (m *meddled) Totals(ctx context.Context, f audit.Filter) (audit.Totals, error) {
	m.step()
	return m.Reader.Totals(ctx, f)
}

func (m *meddled) Notes(ctx context.Context, f audit.NoteFilter, before int64, limit int) ([]audit.Row, error) {
	m.step()
	return m.Reader.Notes(ctx, f, before, limit)
}

func (m *meddled) CheckpointAt(ctx context.Context, at time.Time) (audit.Checkpoint, error) {
	m.step()
	return m.Reader.CheckpointAt(ctx, at)
}

// busy is a record in which something happens all the time.
type busy struct {
	*aged
	next int    // number of the next entry
	open string // the story that has not ended
}

func newBusy(t *testing.T, b Backend, entries int) *busy {
	t.Helper()
	a := &busy{aged: newAged(t, b)}
	a.begin(t)
	a.bulk(t, entries)
	return a
}

// rules remove what is older than 30 days, in several steps.
var rules = audit.Retention{Floor: 30, Ceiling: 30, Batch: 80}

func (a *busy) record() gateway.Record {
	r := Record(a.next, "musterhausen")
	a.next++
	r.Time = a.clock()
	return r
}

// bulk writes stories, many in one batch.
func (a *busy) bulk(t *testing.T, entries int) {
	t.Helper()
	var wg sync.WaitGroup
	for range entries {
		r := a.record()
		wg.Go(func() {
			if err := a.log.Open(context.Background(), r); err != nil {
				t.Errorf("open: %v", err)
			}
			if err := a.log.Close(context.Background(), Closing(r)); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
}

// begin opens a story that ends with the next turn.
func (a *busy) begin(t *testing.T) {
	t.Helper()
	r := a.record()
	if err := a.log.Open(context.Background(), r); err != nil {
		t.Fatalf("open: %v", err)
	}
	a.open = r.ID
}

// turn ends the open story and begins another one.
func (a *busy) turn(t *testing.T) {
	t.Helper()
	err := a.log.Close(context.Background(), gateway.Closing{ID: a.open, Time: a.clock(), Outcome: gateway.OutcomeAnswered})
	if err != nil {
		t.Fatalf("close: %v", err)
	}
	a.begin(t)
	a.bulk(t, 2)
	a.pass(time.Minute) // so that checkpoints stay
}

// remove lets the time of everything that has ended pass.
func (a *busy) remove(t *testing.T) {
	t.Helper()
	a.elapse(t, 40)
	if done := a.retain(t, rules); done.Postponed || done.Busy {
		t.Errorf("removed %+v", done)
	}
}

// everyAnswer in the environment tries each answer, which takes many minutes.
const everyAnswer = "SCHLEUSE_TEST_EVERY_ANSWER"

// further is the answer that is tried next: the first ones each, later ones with
// growing gaps.
func further(at int) int {
	if at < 4 || os.Getenv(everyAnswer) != "" {
		return at + 1
	}
	return at + 1 + at/2
}

// meddling does whatever may happen to a record before single answers that a
// reader of it gets, and before all of them: what it says stays right.
func meddling(t *testing.T, b Backend) {
	const entries = 140 // more than a page of leaves, and more than a removal takes at once
	for _, happens := range []struct {
		name  string
		fresh bool // every try needs a record of its own
		do    func(*testing.T, *busy)
	}{
		{"stories end and begin", false, func(t *testing.T, a *busy) { a.turn(t) }},
		{"contents are removed", true, func(t *testing.T, a *busy) { a.remove(t) }},
		{"stories end and their contents are removed", false, func(t *testing.T, a *busy) {
			a.turn(t)
			a.remove(t)
			a.turn(t)
		}},
	} {
		for name, look := range looks {
			calm := strings.HasPrefix(name, "an export")
			t.Run(happens.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				a := newBusy(t, b, entries)
				for at := 1; ; at = further(at) {
					m := &meddled{Reader: a.store, at: at, calm: calm, do: func() { happens.do(t, a) }}
					a.look(t, m, fmt.Sprintf("before answer %d", at), look)
					if m.calls < at || t.Failed() {
						break
					}
					if happens.fresh || calm { // an export looks at more with every checkpoint
						a.stop(t)
						a = newBusy(t, b, entries)
					}
				}
				a.look(t, &meddled{Reader: a.store, calm: calm, do: func() { happens.do(t, a) }}, "before each answer", look)
			})
		}
	}
}

func (a *busy) look(t *testing.T, m *meddled, when string, look func(*testing.T, *busy, *audit.Viewer) error) {
	t.Helper()
	viewer, err := audit.NewViewer(m, a.public)
	if err != nil {
		t.Fatal(err)
	}
	if err := look(t, a, viewer); err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

// looks are what is read of a record; an error says what is wrong with the answer.
var looks = map[string]func(*testing.T, *busy, *audit.Viewer) error{
	"a verification": func(t *testing.T, a *busy, v *audit.Viewer) error {
		c, err := a.log.Newest(t.Context())
		if err != nil {
			return err
		}
		v = v.WithKept(func(ctx context.Context) ([][]byte, error) {
			c, err := v.Newest(ctx)
			return [][]byte{c.Note}, err
		})
		report, err := v.Verify(t.Context(), c.Note)
		if err != nil {
			return err
		}
		if report.Witnessed != 2 || report.Leaves != report.Size || report.Leaves < c.Size || report.Unfinished < 1 {
			return fmt.Errorf("report %+v", report)
		}
		return sound(report)
	},
	"a comparison": func(t *testing.T, a *busy, v *audit.Viewer) error {
		c, err := a.log.Newest(t.Context())
		if err != nil {
			return err
		}
		report, err := v.Compare(t.Context(), c.Note)
		if err != nil {
			return err
		}
		return sound(report)
	},
	"a proof of growth": func(t *testing.T, a *busy, v *audit.Viewer) error {
		for _, from := range []audit.Point{{Size: 5}, {Time: a.clock()}} {
			proof, err := v.Between(t.Context(), from, audit.Point{})
			if err != nil || !proof.Valid {
				return fmt.Errorf("%+v, %w", proof, err)
			}
		}
		return nil
	},
	"an entry": func(t *testing.T, a *busy, v *audit.Viewer) error {
		e, err := v.Show(t.Context(), audit.Scope{All: true}, a.open)
		if gateway.CodeOf(err) == gateway.CodeNotFound {
			return nil // removed meanwhile
		}
		if err != nil || !e.Open.Valid || e.Closed != nil && !e.Closed.Valid {
			return fmt.Errorf("%+v, %w", e, err)
		}
		return nil
	},
	"a list": func(t *testing.T, _ *busy, v *audit.Viewer) error {
		_, err := v.List(t.Context(), audit.Filter{Scope: audit.Scope{All: true}, Totals: true})
		if err != nil {
			return err
		}
		return v.Each(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}}, func(audit.Item) error { return nil })
	},
	"an export of all": func(t *testing.T, a *busy, v *audit.Viewer) error {
		return a.exported(t, v, audit.Filter{Scope: audit.Scope{All: true}}, true)
	},
	"an export of a tenant": func(t *testing.T, a *busy, v *audit.Viewer) error {
		return a.exported(t, v, audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}}, false)
	},
}

func sound(r audit.VerifyReport) error {
	if len(r.Problems) > 0 {
		return fmt.Errorf("a sound log has the problem %v", r.Problems[0])
	}
	return nil
}

func (a *busy) exported(t *testing.T, v *audit.Viewer, f audit.Filter, complete bool) error {
	t.Helper()
	var out bytes.Buffer
	err := v.Export(t.Context(), &out, f)
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return nil // it says that contents were removed meanwhile
	}
	if err != nil {
		return err
	}
	report, err := audit.VerifyExport(bytes.NewReader(out.Bytes()), int64(out.Len()), a.public)
	if err != nil {
		return err
	}
	if report.Complete != complete {
		return fmt.Errorf("complete: %v", report.Complete)
	}
	return sound(report)
}
