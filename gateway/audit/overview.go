// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// overview counts the whole record without reading it anew: complete blocks from
// their summaries, which never change but by a removal of contents, and what came
// later leaf by leaf. It is behind the record by no more than one look.
type overview struct {
	reader Reader
	// keep stores a summary; nil: this reader must not write.
	keep func(ctx context.Context, s Summary, size int64) error
	turn chan struct{} // has one element while nobody looks

	started bool
	tally   tally
	blocks  map[int64]summary // complete ones
	missing map[int64]bool    // complete or not, to be counted from their leaves
	stored  map[int64]bool    // blocks whose summary the store has
	shared  map[combination]*shared
	ids     int // how many were shared so far
}

const (
	// maxHeld bounds the blocks in memory, two million stories; older ones are read
	// from the store each time.
	maxHeld = 1024
	// maxMissing is how many blocks a list counts itself, see Log.Summarise.
	maxMissing = 8
)

// errBehind says that too much is not counted yet.
var errBehind = errors.New("the summaries of the record are not complete yet")

func newOverview(r Reader) *overview {
	o := &overview{reader: r, turn: make(chan struct{}, 1)}
	o.turn <- struct{}{}
	return o
}

// with runs do when nobody else looks.
func (o *overview) with(ctx context.Context, do func() error) error {
	select {
	case <-o.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { o.turn <- struct{}{} }()
	return do()
}

// follow counts what was written since the last look, and up to so many blocks that
// are missing; it returns how many still are.
func (o *overview) follow(ctx context.Context, most int) (int, error) {
	latest, err := o.reader.Latest(ctx)
	if err != nil {
		return 0, err
	}
	if latest.Size < o.tally.next { // the record was set back
		o.started = false
	}
	if !o.started {
		if err := o.start(ctx, latest.Size); err != nil {
			return 0, err
		}
	}
	for o.tally.next < latest.Size {
		rows, err := o.reader.Facts(ctx, o.tally.next, min(latest.Size, o.tally.next+blockLeaves))
		if err != nil || len(rows) == 0 {
			return 0, errors.Join(err, errIncomplete)
		}
		if err := o.take(ctx, rows); err != nil {
			return 0, err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(o.missing)) {
		if most--; most < 0 {
			break
		}
		if err := o.recount(ctx, n); err != nil {
			return 0, err
		}
	}
	for n := range o.missing {
		delete(o.tally.blocks, n) // it has only what came lately
	}
	return len(o.missing), o.settle(ctx)
}

// Summarise counts what was not counted yet, so that lists need not do it. It leaves
// the record to others between two blocks.
func (l *Log) Summarise(ctx context.Context) error {
	for {
		var behind int
		err := l.overview.with(ctx, func() (err error) {
			behind, err = l.overview.follow(ctx, 1)
			return err
		})
		if err != nil || behind == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(defaultPause):
		}
	}
}

// errIncomplete says that leaves are missing; a verification names them.
var errIncomplete = errors.New("leaves of the record are missing")

// start reads which blocks are counted already. A removal that is not in the size yet
// is seen by its note later.
func (o *overview) start(ctx context.Context, size int64) error {
	o.tally = tally{next: size}
	o.blocks, o.missing, o.stored = map[int64]summary{}, map[int64]bool{}, map[int64]bool{}
	o.shared, o.ids = map[combination]*shared{}, 0
	blocks := (size + blockLeaves - 1) / blockLeaves
	for n := range blocks {
		o.missing[n] = true
	}
	err := o.summaries(ctx, 0, blocks, func(n int64, s summary) {
		delete(o.missing, n)
		o.hold(n, s, true)
	})
	o.started = err == nil
	return err
}

// summaries reads those of blocks from one number on and before another one; one
// that is malformed counts as not there.
func (o *overview) summaries(ctx context.Context, from, to int64, do func(int64, summary)) error {
	for from < to {
		page, err := o.reader.Summaries(ctx, from, 64)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, kept := range page {
			if kept.Block >= to {
				return nil
			}
			if s, err := decodeSummary(kept.Body, o.share); err == nil {
				do(kept.Block, s)
			}
			from = kept.Block + 1
		}
	}
	return nil
}

// share returns one copy of what many blocks have.
func (o *overview) share(c combination) *shared {
	if one, ok := o.shared[c]; ok {
		return one
	}
	if len(o.shared) >= 1<<16 {
		clear(o.shared)
	}
	one := &shared{c, o.ids}
	o.shared[c] = one
	o.ids++
	return one
}

// hold keeps a block in memory, and of too many not the oldest, if the store has them.
func (o *overview) hold(n int64, s summary, stored bool) {
	o.blocks[n] = s
	if stored {
		o.stored[n] = true
	}
	if len(o.blocks) <= maxHeld {
		return
	}
	oldest := n
	for other := range o.blocks {
		if other < oldest && o.stored[other] {
			oldest = other
		}
	}
	if o.stored[oldest] {
		delete(o.blocks, oldest)
	}
}

// take counts leaves that follow. The note of a removal names blocks that have to
// be counted anew.
func (o *overview) take(ctx context.Context, rows []Row) error {
	var removed removals
	for _, r := range rows {
		if r.Seq != o.tally.next {
			return errIncomplete
		}
		o.tally.add(r)
		if r.Kind != KindNote || r.Topic != TopicRetained {
			continue
		}
		whole, err := o.reader.Rows(ctx, r.Seq, 1)
		if err != nil {
			return err
		}
		if len(whole) == 0 || removed.learn(r.Seq, whole[0].Body) != nil {
			o.started = false // damaged: all anew
			return errIncomplete
		}
	}
	for _, s := range removed.spans {
		for n := s.from / blockLeaves; n <= s.to/blockLeaves; n++ {
			delete(o.blocks, n)
			delete(o.stored, n)
			delete(o.tally.blocks, n)
			o.missing[n] = true
		}
	}
	return nil
}

// recount counts a block from its leaves, as far as the tally has come.
func (o *overview) recount(ctx context.Context, n int64) error {
	facts, err := countBlock(ctx, o.reader, n, o.tally.next)
	if err != nil {
		return err
	}
	if o.tally.blocks == nil {
		o.tally.blocks = map[int64]*counted{}
	}
	o.tally.blocks[n] = facts
	delete(o.missing, n)
	return nil
}

// countBlock counts the stories that begin in a block, before a leaf, with their ends
// wherever these are.
func countBlock(ctx context.Context, reader Reader, n, before int64) (*counted, error) {
	rows, err := reader.Facts(ctx, n*blockLeaves, min((n+1)*blockLeaves, before))
	if err != nil {
		return nil, err
	}
	var one tally
	b := one.block(n)
	for _, r := range rows {
		one.add(r)
	}
	if len(b.open) == 0 {
		return b, nil
	}
	ends, err := reader.Ends(ctx, slices.Collect(maps.Keys(b.open)))
	for _, r := range ends {
		b.end(r)
	}
	return b, err
}

// settle makes summaries of blocks that are complete.
func (o *overview) settle(ctx context.Context) error {
	return o.tally.settled(func(n int64, facts map[fact]int) error {
		body := encodeSummary(facts)
		s, err := decodeSummary(body, o.share)
		if err != nil {
			return err
		}
		stored := false
		if o.keep != nil { // where it cannot be kept, it is counted again by the next process
			stored = o.keep(ctx, Summary{Block: n, Body: body}, o.tally.next) == nil
		}
		o.hold(n, s, stored)
		return nil
	})
}

// counter counts per hour what a filter covers, in whole hours from one on and before
// another one.
type counter struct {
	filter   Filter
	from, to int64
	known    []int // by id of combinations, their class + 1; 0: not looked at, -1: not covered
	classes  []class
	hours    map[int64][]int // per class
	// seen are all stories of the scope and period, covered or not, from the earliest
	// hour to the latest.
	seen             int
	earliest, latest int64
}

func (c *counter) see(hour int64, n int) {
	if c.seen == 0 {
		c.earliest, c.latest = hour, hour
	}
	c.seen += n
	c.earliest, c.latest = min(c.earliest, hour), max(c.latest, hour)
}

// class is what totals tell apart.
type class struct {
	effect  gateway.Effect
	promise Result
	outcome gateway.Outcome
}

// count asks for everything that the filter covers.
func (o *overview) count(ctx context.Context, c *counter) error {
	return o.with(ctx, func() error {
		behind, err := o.follow(ctx, maxMissing)
		if err != nil {
			return err
		}
		if behind > 0 {
			return errBehind
		}
		for _, s := range o.blocks {
			c.summary(s)
		}
		for _, b := range o.tally.blocks {
			c.block(b, o.share)
		}
		return o.older(ctx, c)
	})
}

// older counts the blocks that are not held.
func (o *overview) older(ctx context.Context, c *counter) error {
	left, last := map[int64]bool{}, int64(-1)
	for n := range o.stored {
		if _, held := o.blocks[n]; !held {
			left[n], last = true, max(last, n)
		}
	}
	err := o.summaries(ctx, 0, last+1, func(n int64, s summary) {
		if left[n] {
			c.summary(s)
			delete(left, n)
		}
	})
	if err == nil && len(left) > 0 {
		o.started = false // somebody took them away
		return errBehind
	}
	return err
}

// class is the number of a combination's class, -1 if the filter does not cover it.
func (c *counter) class(of *shared) int {
	if of.id >= len(c.known) {
		c.known = append(c.known, make([]int, of.id+1-len(c.known)+len(c.known)/2)...)
	}
	if at := c.known[of.id]; at != 0 {
		return max(at-1, -1)
	}
	if !c.filter.matches(of.combination) {
		c.known[of.id] = -1
		return -1
	}
	is := class{gateway.Effect(of.effect), of.result, gateway.Outcome(of.outcome)}
	at := slices.Index(c.classes, is)
	if at < 0 {
		at = len(c.classes)
		c.classes = append(c.classes, is)
	}
	c.known[of.id] = at + 1
	return at
}

func (c *counter) hour(n int64) []int {
	counts := c.hours[n]
	if len(counts) < len(c.classes) {
		counts = append(counts, make([]int, len(c.classes)-len(counts))...)
		if c.hours == nil {
			c.hours = map[int64][]int{}
		}
		c.hours[n] = counts
	}
	return counts
}

func (c *counter) summary(s summary) {
	if len(s.cells) == 0 || int64(s.cells[0].hour) >= c.to || int64(s.cells[len(s.cells)-1].hour) < c.from {
		return
	}
	tenants, classes := make([]bool, len(s.tenants)), make([]int, len(s.combos))
	for i, t := range s.tenants {
		tenants[i] = c.filter.Scope.covers(gateway.TenantID(t))
	}
	if !slices.Contains(tenants, true) {
		return
	}
	for i, combo := range s.combos {
		classes[i] = c.class(combo)
	}
	last, counts := int64(0), []int(nil)
	for _, one := range s.cells {
		at, hour := classes[one.combo], int64(one.hour)
		if !tenants[one.tenant] || hour < c.from || hour >= c.to {
			continue
		}
		c.see(hour, int(one.n))
		if at < 0 {
			continue
		}
		if counts == nil || hour != last {
			last, counts = hour, c.hour(hour)
		}
		counts[at] += int(one.n)
	}
}

func (c *counter) block(b *counted, share func(combination) *shared) {
	one := func(f fact, n int) {
		if f.hour < c.from || f.hour >= c.to || !c.filter.Scope.covers(f.tenant) {
			return
		}
		c.see(f.hour, n)
		if at := c.class(share(f.combination)); at >= 0 {
			c.hour(f.hour)[at] += n
		}
	}
	for f, n := range b.facts {
		one(f, n)
	}
	for _, f := range b.open {
		one(f, 1)
	}
}

// totals are those of whole hours, in their order.
func (c *counter) totals() Totals {
	t := NewTotals()
	for _, hour := range slices.Sorted(maps.Keys(c.hours)) {
		for at, n := range c.hours[hour] {
			if n > 0 {
				t.Add(time.Unix(hour*3600, 0).UTC(), c.classes[at].effect, c.classes[at].promise, c.classes[at].outcome, n)
			}
		}
	}
	return t
}

// merge takes counts of later hours over.
func (t *Totals) merge(later Totals) {
	t.Count += later.Count
	for k, n := range later.Effects {
		t.Effects[k] += n
	}
	for k, n := range later.Outcomes {
		t.Outcomes[k] += n
	}
	for k, n := range later.Results {
		t.Results[k] += n
	}
	t.Hours = append(t.Hours, later.Hours...)
}
