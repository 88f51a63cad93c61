// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// endpoint is what all models of one server share. It outlives catalogues.
type endpoint struct {
	name   string
	budget *budget
	gate   *gate // only a bound where the catalogue has one for the endpoint

	mu     sync.Mutex
	silent int // pings in a row that failed
}

// node is what is known of one model at one endpoint. It outlives catalogues.
type node struct {
	key      key
	endpoint *endpoint
	gate     *gate

	// For planning, which reads many nodes and locks none.
	blocked  atomic.Int64  // until, in Unix nanoseconds; 0: closed
	failing  atomic.Uint64 // share of failures, bits of a float64
	measured atomic.Pointer[measure]
	asked    atomic.Int64 // when a plan last sent a probe
	soft     atomic.Int64 // a server that said once that it is asked too often is spared until

	mu      sync.Mutex
	breaker breaker
	tally   tally
}

// measure is what was measured of a server, as moving averages. It is replaced
// as a whole.
type measure struct {
	first float64 // seconds to the first byte
	token float64 // seconds per token after it
	whole float64 // seconds per request
	at    int64   // Unix nanoseconds of the last value
}

// tally is for Status.
type tally struct {
	requests, failures, retries, hedges, openings uint64
	code                                          gateway.Code
	status                                        int
	failed, good, changed                         time.Time
}

func newNode(k key, p *endpoint, l Limits, b Breaker) *node {
	return &node{key: k, endpoint: p, gate: newGate(l), breaker: breaker{config: b}}
}

// admit asks the breaker.
func (n *node) admit(now time.Time) (pass, bool, time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	probe, ok, away := n.breaker.admit(now)
	return pass{era: n.breaker.era, probe: probe, at: now}, ok, away
}

// recheck is admit for a request that has waited: the state may have changed.
func (n *node) recheck(now time.Time, p pass) (ok bool, away time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s := n.breaker.state(now); p.era == n.breaker.era && (s == StateClosed || p.probe) {
		return true, 0
	}
	return false, max(n.breaker.until.Sub(now), n.breaker.paused.Sub(now), 0)
}

// forgo takes back an admission that led to no attempt.
func (n *node) forgo(now time.Time, p pass) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.breaker.result(now, p, neutral, 0, 0)
}

// observe takes in an attempt and returns the states before and after.
func (n *node) observe(now time.Time, p pass, v verdict, a gateway.Attempt, jitter float64) (before, after State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before = n.breaker.state(now)
	n.tally.requests++
	switch v {
	case good:
		n.tally.good = now
	case bad, limited:
		n.tally.failures++
		n.tally.code, n.tally.status, n.tally.failed = a.Code, a.Status, now
	case neutral:
	}
	n.breaker.result(now, p, v, a.RetryAfter, jitter)
	after = n.changed(now, before)
	return before, after
}

// trip opens the breaker from outside: the endpoint does not answer pings.
func (n *node) trip(now time.Time, jitter float64) (before, after State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before = n.breaker.state(now)
	if before == StateClosed {
		n.breaker.trip(now, jitter)
		n.tally.code, n.tally.status, n.tally.failed = gateway.CodeUnavailable, 0, now
	}
	return before, n.changed(now, before)
}

// revive ends the time a breaker is open: the endpoint answers pings, so that a
// request may try. A ping can shorten that time and never lengthens it.
func (n *node) revive(now time.Time) (before, after State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before = n.breaker.state(now)
	if before == StateOpen {
		n.breaker.until = now
	}
	return before, n.changed(now, before)
}

// changed publishes the state for planning. The caller holds the lock.
func (n *node) changed(now time.Time, before State) State {
	b := &n.breaker
	after := b.state(now)
	if after != before {
		n.tally.changed = now
		if after == StateOpen {
			n.tally.openings++
		}
	}
	until := int64(0)
	if b.open {
		until = b.until.UnixNano()
	}
	if b.refusals > 1 {
		until = max(until, b.paused.UnixNano())
	}
	soft := int64(0)
	if b.refusals > 0 {
		soft = b.paused.UnixNano()
	}
	n.blocked.Store(until)
	n.soft.Store(soft)
	n.failing.Store(math.Float64bits(b.window.rate()))
	return after
}

// idle says that no request has shown for a while that the model is there.
func (n *node) idle(now time.Time, after time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.breaker.open || now.Sub(n.tally.good) >= after
}

const (
	// memory is the time constant of the averages: how long a value counts.
	memory = 20 * time.Second
	// forgetting is the time after which a measurement counts half when servers
	// are compared, so that one that was slow is tried again.
	forgetting = 30 * time.Second
	// leap bounds how far one value may lie from the average.
	leap = 4
)

// learn takes in the times of an attempt. Failures teach nothing: a server that
// fails fast is not fast.
func (n *node) learn(now time.Time, first, whole time.Duration, output int) {
	old := n.measured.Load()
	next := measure{at: now.UnixNano()}
	weight := 1.0
	if old != nil {
		next = *old
		next.at = now.UnixNano()
		weight = max(1-math.Exp(-float64(next.at-old.at)/float64(memory)), 0.1)
	}
	mean := func(average *float64, value float64) {
		if *average == 0 {
			*average = value
			return
		}
		value = min(value, *average*leap)
		*average += weight * (value - *average)
	}
	mean(&next.whole, whole.Seconds())
	switch {
	case first > 0:
		mean(&next.first, first.Seconds())
		if output > 1 && whole > first {
			mean(&next.token, (whole-first).Seconds()/float64(output-1))
		}
	case output > 0: // a whole answer: its first byte is its last
		mean(&next.token, max(whole.Seconds()-next.first, 0)/float64(output))
	default:
		mean(&next.first, whole.Seconds())
	}
	n.measured.CompareAndSwap(old, &next) // a value lost to another one at the same moment is no loss
}

// unmeasured is the time expected of a server that nobody knows: short, so that
// it is tried, and not so short that everything goes there at once.
const unmeasured = 0.05

// expected is the time in seconds a request with so many output tokens would
// take, if nothing else were under way there.
func (n *node) expected(now int64, output float64) float64 {
	m := n.measured.Load()
	if m == nil {
		return unmeasured
	}
	age := math.Exp2(-float64(max(now-m.at, 0)) / float64(forgetting))
	return max((m.first+m.token*output)*age, unmeasured)
}

// claim lets one plan after the other send a request there to find out whether
// the server is back. Whether it may enter is the breaker's judgement.
func (n *node) claim(now int64) bool {
	last := n.asked.Load()
	return now-last >= int64(time.Second) && n.asked.CompareAndSwap(last, now)
}

// pressure is what balances replicas: the expected time, longer the more is
// under way and the more has failed.
func (n *node) pressure(now int64, output float64) float64 {
	failing := math.Float64frombits(n.failing.Load())
	return n.expected(now, output) * float64(n.gate.load.Load()+1) * (1 + 10*failing)
}
