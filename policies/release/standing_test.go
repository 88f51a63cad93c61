// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/policies"
)

// record is a journal that outlives processes.
type record struct {
	mu    sync.Mutex
	notes []Past
	now   time.Time
}

func (r *record) write(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, Past{Topic: e.Topic, Time: r.now, Old: e.Old, New: e.New})
}

func (r *record) read(_ context.Context, topics []string, yield func(Past) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range slices.Backward(r.notes) {
		if slices.Contains(topics, p.Topic) && !yield(p) {
			return nil
		}
	}
	return nil
}

func (r *record) topics() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, p := range r.notes {
		out = append(out, p.Topic)
	}
	return out
}

// mortal is a process that dies: from its nth write on nothing it does is kept,
// neither notes nor documents. 0: it lives.
type mortal struct {
	state.Store
	record *record
	mu     sync.Mutex
	writes int
	dies   int
}

var errDead = errors.New("the process is dead")

// dead counts a write and says whether it is lost.
func (m *mortal) dead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	return m.dies > 0 && m.writes >= m.dies
}

func (m *mortal) Put(ctx context.Context, d state.Document) (state.Document, error) {
	if m.dead() {
		return d, errDead
	}
	return m.Store.Put(ctx, d)
}

func (m *mortal) Get(ctx context.Context, kind, id string) (state.Document, error) {
	m.mu.Lock()
	gone := m.dies > 0 && m.writes >= m.dies
	m.mu.Unlock()
	if gone {
		return state.Document{}, errDead
	}
	return m.Store.Get(ctx, kind, id)
}

func (m *mortal) note(_ context.Context, e Event) error {
	if m.dead() {
		return errDead
	}
	m.record.write(e)
	return nil
}

// desk is a new process over a store and a record, not started yet.
func desk(t testing.TB, m *mortal, k keys) *bench {
	t.Helper()
	b := &bench{store: m, keys: k, now: m.record.now}
	var err error
	if b.engine, err = policies.New(t.Context(), policies.Config{Tenants: tenants, Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	b.Desk, err = New(Config{
		Store: m, Engine: b.engine, Trust: k.trust("dsb", "it"), Key: sealed, Note: m.note, Journal: m.record.read, Now: func() time.Time { return m.record.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// enact puts a revision in force as if it had come, signed, from a source.
func (b *bench) enact(t testing.TB, revision string) error {
	t.Helper()
	files := shipped(t).WithRevision(revision)
	text := Statement{Bundle: files.Digest(), Revision: revision}.Text()
	signed := string(b.keys.sign(t, string(b.keys.sign(t, text, "dsb")), "it"))
	b.step.Lock()
	defer b.step.Unlock()
	if err := b.keepFiles(t.Context(), files); err != nil {
		return err
	}
	_, err := b.activate(t.Context(), files, Revision{Revision: revision, Bundle: files.Digest(), From: SourceFile, Signers: []string{"dsb", "it"}, Note: signed, Step: Step{Person: ada, Reason: "Probe"}})
	return err
}

// world is a store and a record in which two revisions were in force, one after
// the other, and documents of the time between.
type world struct {
	store  state.Store
	record *record
	keys   keys
	before []state.Document
}

const firstRevision, secondRevision = "2026-12-01.1", "2026-12-01.2"

func twoRevisions(t testing.TB) *world {
	t.Helper()
	w := &world{store: statetest.Memory(), record: &record{now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}, keys: newKeys(t, "dsb", "it")}
	b := w.process(t)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, revision := range []string{firstRevision, secondRevision} {
		if err := b.enact(t, revision); err != nil {
			t.Fatal(err)
		}
		if revision == firstRevision {
			w.before = w.documents(t)
		}
	}
	w.record.now = w.record.now.Add(time.Hour)
	return w
}

func (w *world) process(t testing.TB) *bench {
	t.Helper()
	return desk(t, &mortal{Store: w.store, record: w.record}, w.keys)
}

func (w *world) documents(t testing.TB) []state.Document {
	t.Helper()
	var out []state.Document
	for _, kind := range []string{kindActive, kindRevision} {
		list, err := w.store.List(t.Context(), state.Filter{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, list...)
	}
	return out
}

// setBack makes the state what it was, as somebody can who has the database.
func (w *world) setBack(t testing.TB, to []state.Document, kinds ...string) {
	t.Helper()
	for _, kind := range kinds {
		list, err := w.store.List(t.Context(), state.Filter{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range list {
			if err := w.store.Delete(t.Context(), doc.Kind, doc.ID, doc.Version); err != nil {
				t.Fatal(err)
			}
		}
		for _, doc := range to {
			if doc.Version = 0; doc.Kind == kind {
				if _, err := w.store.Put(t.Context(), doc); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// TestStateThatWasSetBackIsNotServed: while no replica runs, somebody puts an older
// state into the database. The next start refuses, says what to do, and the way out
// stands in the record.
func TestStateThatWasSetBackIsNotServed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		kinds []string
		empty bool
		by    string
		// back is what a confirmed restore brings back.
		back string
	}{
		{"what is in force and its history", []string{kindActive, kindRevision}, false, "dem Protokoll", firstRevision},
		{"only what is in force", []string{kindActive}, false, "der Geschichte", secondRevision},
		{"everything is gone", []string{kindActive, kindRevision}, true, "dem Protokoll", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := twoRevisions(t)
			if err := w.process(t).Start(t.Context()); err != nil {
				t.Fatalf("a start after nothing happened: %v", err)
			}
			old := w.before
			if c.empty {
				old = nil
			}
			w.setBack(t, old, c.kinds...)
			b := w.process(t)
			err := b.Start(t.Context())
			if !errors.Is(err, ErrSetBack) || gateway.CodeOf(err) != gateway.CodeConflict {
				t.Fatalf("the older state was taken: %v, %s in force", err, b.engine.Revision())
			}
			for _, part := range []string{c.by, secondRevision, "schleuse policy restore", "Mit älteren Regeln wird nichts beantwortet"} {
				if !strings.Contains(said(err), part) {
					t.Errorf("the message does not say %q: %s", part, said(err))
				}
			}
			code(t, second(b.Restore(t.Context(), cem, "")), gateway.CodeInvalid, "a restore without a reason")
			before := len(w.record.topics())
			r, err := b.Restore(t.Context(), cem, "Sicherung vom Vortag nach Plattenfehler")
			if err != nil {
				t.Fatal(err)
			}
			if written := w.record.topics()[before:]; len(written) == 0 || c.empty != slices.Equal(written, []string{TopicRestored}) {
				t.Errorf("the restore was noted as %v", written)
			}
			if c.back != "" && (r.Restores != c.back || !Higher(r.Revision, secondRevision) || r.Sequence != 3) {
				t.Errorf("restored: %+v", r)
			}
			again := w.process(t)
			if err := again.Start(t.Context()); err != nil {
				t.Fatalf("the start after the restore: %v", err)
			}
			if again.engine.Revision() != r.Revision {
				t.Errorf("in force after the restore is %s, want %s", again.engine.Revision(), r.Revision)
			}
			code(t, second(again.Restore(t.Context(), cem, "noch einmal")), gateway.CodeConflict, "a restore of what is fine")
			// And what was set back before does not come back a second time.
			if !c.empty {
				w.setBack(t, old, kindActive, kindRevision)
				if err := w.process(t).Start(t.Context()); !errors.Is(err, ErrSetBack) {
					t.Errorf("set back again: %v", err)
				}
			}
			if err := again.enact(t, "2027-01-01.1"); errors.Is(err, ErrSetBack) == c.empty {
				t.Errorf("an activation after all this: %v", err)
			}
		})
	}
}

// TestNoCrashBricksTheStart: a process dies at each of its writes while it activates.
// The next one starts with the older or the newer policies, the record says which,
// and the activation can be repeated.
func TestNoCrashBricksTheStart(t *testing.T) {
	t.Parallel()
	const third = "2026-12-02.1"
	for dies, c := range map[int]struct {
		what    string
		inForce string
		// made up for at the start
		notes []string
	}{
		2: {"before the note", secondRevision, nil},
		3: {"before the state", secondRevision, []string{TopicWithdrawn}},
		4: {"before the history", third, []string{TopicInForce}},
		5: {"before the last note", third, []string{TopicInForce}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			w := twoRevisions(t)
			dying := w.process(t)
			if err := dying.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			m := dying.store.(*mortal)
			m.writes, m.dies = 0, dies
			err := dying.enact(t, third)
			if got := err == nil; got != (c.inForce == third && dies > 4) && dies != 4 {
				t.Fatalf("the activation: %v", err)
			}
			at := len(w.record.topics())
			w.record.now = w.record.now.Add(2 * settleAfter)
			b := w.process(t)
			for start := range 2 { // the second time there is nothing to make up for
				if err := b.Start(t.Context()); err != nil {
					t.Fatalf("start %d: %v", start, err)
				}
				if b.engine.Revision() != c.inForce {
					t.Errorf("in force is %s, want %s", b.engine.Revision(), c.inForce)
				}
				if got := w.record.topics()[at:]; !slices.Equal(got, c.notes) {
					t.Errorf("after start %d the record got %v, want %v", start, got, c.notes)
				}
			}
			if list, err := w.store.List(t.Context(), state.Filter{Kind: kindRevision}); err != nil || (len(list) == 3) != (c.inForce == third) {
				t.Errorf("%d revisions in the history, %v", len(list), err)
			}
			if err = b.enact(t, third); c.inForce == secondRevision && err != nil {
				t.Errorf("the activation cannot be repeated: %v", err)
			}
		})
	}
}

// An activation under way at another replica is not taken for one that died.
func TestActivationsUnderWayAreLeftAlone(t *testing.T) {
	t.Parallel()
	w := twoRevisions(t)
	w.record.write(Event{Topic: TopicActivated, New: notedJSON(noted{Sequence: 3, Revision: "2026-12-02.1", Bundle: "x"})})
	at := len(w.record.topics())
	if err := w.process(t).Start(t.Context()); err != nil || len(w.record.topics()) != at {
		t.Errorf("start beside an activation: %v, %v", err, w.record.topics()[at:])
	}
}

// Records of versions that did not write TopicInForce count too.
func TestOlderRecords(t *testing.T) {
	t.Parallel()
	old := func(topic, revision string) Event {
		e := Event{Topic: topic}
		if revision != "" {
			e.New = json.RawMessage(`{"revision":"` + revision + `"}`)
		}
		return e
	}
	for _, c := range []struct {
		name  string
		notes []Event
		fine  bool
	}{
		{"the same revision", []Event{old(TopicActivated, firstRevision), old(TopicActivated, secondRevision)}, true},
		{"a newer one", []Event{old(TopicActivated, "2026-12-09.1")}, false},
		{"a newer one that failed", []Event{old(TopicActivated, secondRevision), old(TopicActivated, "2026-12-09.1"), old(TopicWithdrawn, "")}, true},
		{"nothing", nil, true},
		{"a withdrawn proposal", []Event{old(TopicActivated, "2026-12-09.1"), {Topic: TopicWithdrawn, Old: json.RawMessage(`{"proposal":"p"}`)}}, false},
		{"junk", []Event{{Topic: TopicActivated, New: json.RawMessage(`[1]`)}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := twoRevisions(t)
			w.record.notes = nil
			for _, e := range c.notes {
				w.record.write(e)
			}
			b := w.process(t)
			for range 2 {
				if err := b.Start(t.Context()); (err == nil) != c.fine {
					t.Errorf("the start: %v", err)
				}
			}
		})
	}
}
