// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// gate lets a bounded number of requests in at once. Those that have to wait
// stand in one line per tenant, and the lines are served in turn: a tenant with a
// thousand waiting requests delays another one's by one.
type gate struct {
	// For whoever only wants to look: inside + waiting, whether there is neither a
	// place nor room in the queue, whether there is a bound at all.
	load    atomic.Int64
	full    atomic.Bool
	bounded atomic.Bool

	mu      sync.Mutex
	limits  Limits
	inside  int
	waiting int
	lines   map[gateway.TenantID]*list.Element // of turn
	turn    list.List                          // of *line, the next to be served first
}

// line holds the waiting requests of one tenant, the oldest first.
type line struct {
	tenant  gateway.TenantID
	waiters list.List // of *waiter
}

// waiter is one waiting request. It gets one answer: nil is a place.
type waiter struct {
	answer chan error
	line   *line
	at     *list.Element // of line.waiters; nil: no longer waiting
}

var (
	errQueueFull = errors.New("queue is full")
	errWaited    = errors.New("waited too long")
	errClosed    = errors.New("gate is closed")
)

func newGate(l Limits) *gate {
	g := &gate{lines: map[gateway.TenantID]*list.Element{}}
	g.setLimits(l)
	return g
}

// enter takes a place, or waits for one. The error is one of the above or the
// context's.
func (g *gate) enter(ctx context.Context, tenant gateway.TenantID) (waited bool, err error) {
	g.mu.Lock()
	if g.free() {
		g.inside++
		g.note()
		g.mu.Unlock()
		return false, nil
	}
	wait := g.limits.Wait
	w, err := g.join(tenant)
	g.mu.Unlock()
	if err != nil {
		return false, err
	}
	return true, g.await(ctx, w, wait)
}

// await is the time in the line.
func (g *gate) await(ctx context.Context, w *waiter, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	var reason error
	select {
	case err := <-w.answer:
		return err
	case <-timer.C:
		reason = errWaited
	case <-ctx.Done():
		reason = ctx.Err()
	}
	g.mu.Lock()
	gone := w.at == nil
	if !gone {
		g.remove(w)
	}
	g.mu.Unlock()
	if !gone {
		return reason
	}
	// The answer came at the same moment. A place that is no longer wanted goes on.
	err := <-w.answer
	if err == nil && ctx.Err() != nil {
		g.leave()
		return ctx.Err()
	}
	return err
}

// leave gives a place back.
func (g *gate) leave() {
	g.mu.Lock()
	g.inside--
	g.serve()
	g.mu.Unlock()
}

// close sends everybody home who waits.
func (g *gate) close(reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.waiting > 0 {
		g.answer(g.next(), reason)
	}
	g.note()
}

func (g *gate) setLimits(l Limits) {
	g.mu.Lock()
	g.limits = l
	g.bounded.Store(l.Concurrent > 0)
	g.serve()
	g.mu.Unlock()
}

// counts are the requests inside and in line.
func (g *gate) counts() (inside, waiting int, l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside, g.waiting, g.limits
}

func (g *gate) free() bool { return g.limits.Concurrent <= 0 || g.inside < g.limits.Concurrent }

// roomy says that there is a place at once.
func (g *gate) roomy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.free()
}

// note publishes the load. The caller holds the lock, like those of all below.
func (g *gate) note() {
	g.load.Store(int64(g.inside + g.waiting))
	if full := !g.free() && g.waiting >= g.limits.Queue; full != g.full.Load() {
		g.full.Store(full)
	}
}

// serve gives free places to those who wait.
func (g *gate) serve() {
	for g.waiting > 0 && g.free() {
		g.inside++
		g.answer(g.next(), nil)
	}
	g.note()
}

// next is the oldest waiter of the line whose turn it is; the line goes to the end.
func (g *gate) next() *waiter {
	first := g.turn.Front()
	g.turn.MoveToBack(first)
	return lineOf(first).waiters.Front().Value.(*waiter) //nolint:forcetypeassert // holds only waiters, and no line is empty
}

func (g *gate) answer(w *waiter, err error) {
	g.remove(w)
	w.answer <- err // has room for it
}

// join puts a request at the end of its tenant's line. When the queue is full,
// the longest line loses its youngest: whoever waits with many makes room for
// whoever waits with few.
func (g *gate) join(tenant gateway.TenantID) (*waiter, error) {
	at := g.lines[tenant]
	if g.waiting >= max(g.limits.Queue, 0) {
		longest := g.longest()
		if longest == nil || longest == at || lineOf(longest).waiters.Len() <= lengthOf(at)+1 {
			return nil, errQueueFull
		}
		youngest := lineOf(longest).waiters.Back().Value.(*waiter) //nolint:forcetypeassert // holds only waiters
		g.answer(youngest, errQueueFull)
	}
	if at == nil {
		at = g.turn.PushBack(&line{tenant: tenant})
		g.lines[tenant] = at
	}
	w := &waiter{answer: make(chan error, 1), line: lineOf(at)}
	w.at = w.line.waiters.PushBack(w)
	g.waiting++
	g.note()
	return w, nil
}

// remove takes a waiter out of its line, and the line out of the round with its last.
func (g *gate) remove(w *waiter) {
	w.line.waiters.Remove(w.at)
	w.at = nil
	g.waiting--
	if w.line.waiters.Len() == 0 {
		g.turn.Remove(g.lines[w.line.tenant])
		delete(g.lines, w.line.tenant)
	}
	g.note()
}

func (g *gate) longest() *list.Element {
	var longest *list.Element
	for at := g.turn.Front(); at != nil; at = at.Next() {
		if longest == nil || lineOf(at).waiters.Len() > lineOf(longest).waiters.Len() {
			longest = at
		}
	}
	return longest
}

func lineOf(at *list.Element) *line { return at.Value.(*line) } //nolint:forcetypeassert // the round holds only lines

func lengthOf(at *list.Element) int {
	if at == nil {
		return 0
	}
	return lineOf(at).waiters.Len()
}
