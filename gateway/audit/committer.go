// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

var (
	errStopped    = errors.New("the record is shut down")
	errNoAnswer   = errors.New("the store did not answer in time")
	errRolledBack = errors.New("the store is older than what this process has already written: it was set back")
	errDamaged    = errors.New("the tree in the store does not match its newest checkpoint")
)

// retry is how soon endings that could not be written are tried again.
const retry = time.Second

// run commits until the log is shut down. While one batch is being made
// durable the next one gathers, so that nobody waits for a timer.
func (l *Log) run() {
	defer close(l.stopped)
	sweep, again := time.NewTicker(l.config.Sweep), time.NewTicker(retry)
	defer sweep.Stop()
	defer again.Stop()
	for {
		select {
		case it := <-l.queue:
			l.commit(l.gather(it))
		case <-again.C:
			if len(l.loose) > 0 {
				l.commit(nil)
			}
		case <-sweep.C:
			l.sweepInBackground()
		case <-l.stopping:
			l.drain()
			return
		}
	}
}

const (
	// enough is how many that wait make a batch that waits for nobody: while it is
	// made durable, the others write their entries down.
	enough = 96
	// maxGather is how long a batch waits for those who wrote together the last time.
	maxGather = 2 * time.Millisecond
	// maxPatience is how long endings that nobody waits for are kept, so that they
	// share the commit of the next one that somebody waits for.
	maxPatience = 100 * time.Millisecond
)

// gather takes what is there, up to one batch. Whoever was in the last batch
// has just been woken and is about to write again: a batch that leaves without
// them would make them wait for two commits. A single writer never waits.
func (l *Log) gather(first *item) []*item {
	items := make([]*item, 0, l.config.MaxBatch)
	waiting := 0
	take := func(it *item) {
		items = append(items, it)
		if !it.patient {
			waiting++
		}
	}
	take(first)
	expected := min(l.together-l.together/8, enough)
	defer func() { l.together = waiting }()
	var late <-chan time.Time
	hurry := false // somebody waits
	for len(items) < l.config.MaxBatch {
		select {
		case it := <-l.queue:
			take(it)
			continue
		default:
		}
		if waiting > 0 && waiting >= expected {
			return items
		}
		switch {
		case waiting > 0 && !hurry:
			hurry, late = true, time.After(maxGather)
		case late == nil:
			late = time.After(maxPatience)
		}
		select {
		case it := <-l.queue:
			take(it)
		case <-late:
			return items
		case <-l.stopping:
			return items
		}
	}
	return items
}

func (l *Log) drain() {
	for {
		select {
		case it := <-l.queue:
			l.commit(l.gather(it))
		default:
			if len(l.loose) > 0 {
				l.commit(nil)
			}
			return
		}
	}
}

// commit makes the items durable. Those that remove something have a transaction
// of their own, so that nobody else fails with them.
func (l *Log) commit(items []*item) {
	var alone []*item
	items = slices.DeleteFunc(items, func(it *item) bool {
		if it.remove != nil {
			alone = append(alone, it)
		}
		return it.remove != nil
	})
	l.commitTogether(items)
	for _, it := range alone {
		l.commitTogether([]*item{it})
	}
}

// commitTogether makes the items durable in one transaction and tells each its result.
func (l *Log) commitTogether(items []*item) {
	items = slices.DeleteFunc(items, func(it *item) bool { return !it.take() })
	if len(items) == 0 && len(l.loose) == 0 {
		return
	}
	loose := l.someLoose()
	ctx, cancel := context.WithTimeout(context.Background(), l.config.Timeout)
	defer cancel()

	var results []error
	err := l.append(ctx, concerned(items, loose), func(b *batcher) {
		results = b.addAll(items)
		b.addLoose(loose)
	})
	if err != nil {
		l.failed(items, err)
		return
	}
	for id := range loose {
		delete(l.loose, id)
	}
	for i, it := range items {
		l.done(it, results[i])
	}
}

// concerns are the ids of a batch: what it begins and what it ends.
type concerns struct{ begun, ended []string }

func concerned(items []*item, loose map[string]gateway.Closing) concerns {
	c := concerns{begun: make([]string, 0, len(items)), ended: make([]string, 0, len(items)+len(loose))}
	for _, it := range items {
		switch {
		case it.closing != nil:
			c.ended = append(c.ended, it.row.ID)
		case it.row.Kind != "":
			c.begun = append(c.begun, it.row.ID)
		}
	}
	c.ended = slices.AppendSeq(c.ended, maps.Keys(loose))
	return c
}

func (c concerns) ids() []string { return slices.Concat(c.begun, c.ended) }

// done tells the result. Where the caller has left before, nobody will close the
// entry: the log does.
func (l *Log) done(it *item, err error) {
	stage := it.tell(err)
	if err != nil || it.row.Kind != KindOpen {
		return
	}
	switch stage {
	case stageLeft:
		l.keep(gateway.Closing{ID: it.row.ID, Outcome: gateway.OutcomeCancelled, Code: gateway.CodeCancelled})
	case stageLate:
		l.keep(gateway.Closing{ID: it.row.ID, Outcome: gateway.OutcomeFailed, Code: gateway.CodeNoRecord})
	}
}

// failed tells all callers that there is no record. An open entry may be there
// all the same when only the answer to the commit was lost, and an ending must
// not be lost: both are looked at again when the store works.
func (l *Log) failed(items []*item, err error) {
	l.config.Logger.Error("record not written", slog.Int("entries", len(items)), slog.Any("error", err))
	for _, it := range items {
		it.tell(err)
		switch it.row.Kind {
		case KindOpen:
			l.keep(gateway.Closing{ID: it.row.ID, Outcome: gateway.OutcomeFailed, Code: gateway.CodeNoRecord})
		case KindClose:
			l.keep(*it.closing)
		case KindNote: // whoever wrote it knows that it is lost
		}
	}
}

// maxLoose bounds the endings kept in memory; the sweep of a later process finds the rest.
const maxLoose = 16384

func (l *Log) keep(c gateway.Closing) {
	if len(l.loose) >= maxLoose {
		l.config.Logger.Error("ending of a record dropped", slog.String("id", c.ID))
		return
	}
	if c.Time.IsZero() {
		c.Time = l.config.Clock()
	}
	l.loose[c.ID] = c
}

func (l *Log) someLoose() map[string]gateway.Closing {
	some := make(map[string]gateway.Closing, min(len(l.loose), l.config.MaxBatch))
	for id, c := range l.loose {
		if len(some) == l.config.MaxBatch {
			break
		}
		some[id] = c
	}
	return some
}

// sweep ends the entries of processes that are no longer alive.
func (l *Log) sweep(ctx context.Context) error {
	orphans, err := l.store.Orphans(ctx, l.writer)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(orphans, l.config.MaxBatch) {
		endings := make(map[string]gateway.Closing, len(chunk))
		for _, o := range chunk {
			endings[o.ID] = gateway.Closing{ID: o.ID, Time: l.config.Clock(), Outcome: gateway.OutcomeInterrupted}
		}
		if err := l.end(ctx, endings); err != nil {
			return err
		}
	}
	if len(orphans) > 0 {
		l.config.Logger.WarnContext(ctx, "ended entries of dead processes", slog.Int("entries", len(orphans)))
	}
	return nil
}

func (l *Log) sweepInBackground() {
	if l.config.NotesOnly {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.config.Timeout)
	defer cancel()
	if err := l.sweep(ctx); err != nil {
		l.config.Logger.Error("entries of dead processes not ended", slog.Any("error", err))
	}
}

// end writes endings where the story is still open.
func (l *Log) end(ctx context.Context, endings map[string]gateway.Closing) error {
	return l.append(ctx, concerned(nil, endings), func(b *batcher) { b.addLoose(endings) })
}

// append writes one batch and keeps in mind where the log ends now. Most batches
// go on where this log has written last: they are sent without asking.
func (l *Log) append(ctx context.Context, c concerns, fill func(*batcher)) error {
	if states, ok := l.remembered(c); ok {
		b := l.batcher(l.seen, states)
		b.edge = l.edge.clone()
		fill(b)
		batch, err := b.finish()
		if err != nil {
			return err
		}
		if len(batch.Rows) > 0 {
			err = l.store.Continue(ctx, l.seen, batch)
		}
		if !errors.Is(err, ErrElsewhere) {
			return l.remember(b, batch, err)
		}
		l.asking = askFor
	}
	var b *batcher
	var batch Batch
	err := l.store.Append(ctx, c.ids(), func(tail Tail) (_ Batch, err error) {
		if b, err = l.begin(tail); err != nil {
			return Batch{}, err
		}
		fill(b)
		batch, err = b.finish()
		return batch, err
	})
	return l.remember(b, batch, err)
}

const (
	// askFor is how many batches ask where the log ends, after one has found it
	// elsewhere: with several writers that is the rule.
	askFor = 32
	// maxOwn bounds the stories of which it is remembered that they are open.
	maxOwn = 1 << 16
)

// remembered are the states of ids, if this log can know them: what it opened
// itself may end, and what begins is taken for new, because the store refuses a
// second beginning.
func (l *Log) remembered(c concerns) (map[string]State, bool) {
	if l.asking > 0 {
		l.asking--
		return nil, false
	}
	if l.seen.Size == 0 {
		return nil, false
	}
	states := make(map[string]State, len(c.begun)+len(c.ended))
	for _, id := range c.begun {
		if tenant, ok := l.own[id]; ok {
			states[id] = State{Tenant: tenant, Opened: true}
		}
	}
	for _, id := range c.ended {
		tenant, ok := l.own[id]
		if !ok {
			return nil, false
		}
		states[id] = State{Tenant: tenant, Opened: true}
	}
	return states, true
}

// remember notes what was written.
func (l *Log) remember(b *batcher, batch Batch, err error) error {
	if err != nil || len(batch.Rows) == 0 {
		return err
	}
	l.seen, l.edge = batch.Checkpoint, b.edge
	for i := range batch.Rows {
		switch r := &batch.Rows[i]; r.Kind {
		case KindOpen:
			if len(l.own) < maxOwn {
				l.own[r.ID] = r.Tenant
			}
		case KindClose:
			delete(l.own, r.ID)
		case KindNote: // belongs to no story
		}
	}
	return nil
}

func (l *Log) batcher(latest Checkpoint, states map[string]State) *batcher {
	return &batcher{log: l, previous: latest, states: states, first: tlog.StoredHashCount(latest.Size)}
}

// begin checks the end of the log and starts a batch there.
func (l *Log) begin(tail Tail) (*batcher, error) {
	b := l.batcher(tail.Latest, tail.States)
	if tail.Latest.Size < l.seen.Size {
		return nil, errRolledBack
	}
	if tail.Latest.Size == l.seen.Size && bytes.Equal(tail.Latest.Note, l.seen.Note) {
		b.edge = l.edge.clone()
		return b, nil
	}
	stated, err := openCheckpoint(tail.Latest.Note, l.origin, l.trusted)
	if err != nil {
		return nil, fmt.Errorf("newest checkpoint in the store: %w", err)
	}
	b.edge, err = loadFrontier(tail.Latest.Size, tail.Hashes)
	if err != nil {
		return nil, err
	}
	if stated.Size != tail.Latest.Size || stated.Root != b.edge.root() {
		return nil, errDamaged
	}
	return b, nil
}

// batcher builds one batch.
type batcher struct {
	log      *Log
	previous Checkpoint
	states   map[string]State
	edge     frontier
	rows     []Row
	first    int64
	hashes   []tlog.Hash
	remove   []int64
}

func (b *batcher) addAll(items []*item) []error {
	results := make([]error, len(items))
	for i, it := range items {
		results[i] = b.add(it)
	}
	return results
}

func (b *batcher) add(it *item) error {
	if it.row.Kind == "" {
		return nil
	}
	state := b.states[it.row.ID]
	if it.closing != nil {
		return b.end(*it.closing, state)
	}
	if state.Opened || state.Closed {
		return &gateway.Error{Code: gateway.CodeConflict, Message: "Zu dieser Kennung gibt es bereits einen Eintrag im Protokoll."}
	}
	b.push(it.row, it.hash)
	b.remove = append(b.remove, it.remove...)
	b.states[it.row.ID] = State{Tenant: it.row.Tenant, Opened: true, Closed: it.row.Kind != KindOpen}
	return nil
}

func (b *batcher) end(c gateway.Closing, state State) error {
	if !state.Opened {
		return &gateway.Error{Code: gateway.CodeNotFound, Message: "Zu dieser Kennung gibt es keinen Eintrag im Protokoll."}
	}
	if state.Closed {
		return &gateway.Error{Code: gateway.CodeConflict, Message: "Dieser Eintrag im Protokoll ist bereits abgeschlossen."}
	}
	row, err := Leaf{Kind: KindClose, ID: c.ID, Time: c.Time, Tenant: state.Tenant, Writer: b.log.writer, Closing: &c}.row()
	if err != nil {
		return err
	}
	b.push(row, tlog.RecordHash(row.Body))
	state.Closed = true
	b.states[c.ID] = state
	return nil
}

// addLoose writes endings nobody waits for, in a fixed order; those whose
// story is unknown or has ended need none.
func (b *batcher) addLoose(endings map[string]gateway.Closing) {
	for _, id := range slices.Sorted(maps.Keys(endings)) {
		if state := b.states[id]; state.Opened && !state.Closed {
			if err := b.end(endings[id], state); err != nil {
				b.log.config.Logger.Error("ending of a record not written", slog.String("id", id), slog.Any("error", err))
			}
		}
	}
}

func (b *batcher) push(row Row, leaf tlog.Hash) {
	row.Seq = b.edge.size
	b.rows = append(b.rows, row)
	b.hashes = append(b.hashes, b.edge.push(leaf)...)
}

// finish signs the tree as it is now.
func (b *batcher) finish() (Batch, error) {
	if len(b.rows) == 0 {
		return Batch{}, nil
	}
	now := b.log.config.Clock()
	checkpoint, err := signCheckpoint(statement{Origin: b.log.origin, Size: b.edge.size, Root: b.edge.root()}, now, b.log.signer)
	if err != nil {
		return Batch{}, err
	}
	batch := Batch{Rows: b.rows, First: b.first, Hashes: b.hashes, Checkpoint: checkpoint, Remove: b.remove}
	// One checkpoint per minute is kept for good; the others only until the next.
	if b.previous.Time.Unix()/60 == now.Unix()/60 {
		batch.Supersedes = b.previous.Size
	}
	return batch, nil
}
