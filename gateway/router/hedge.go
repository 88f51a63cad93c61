// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Hedge bounds how often a request that waits too long is sent a second way. Which
// ones, and after which time, stands with models and groups; without a word, none.
type Hedge struct {
	// Share of the requests that have such a time (0 to 1), default 0.05. When all
	// servers are slow, a second way helps nobody and doubles the load.
	Share float64
}

// spareHedges are those that may be made beyond the share.
const spareHedges = 3

func (h Hedge) budget(now time.Time) *budget {
	b := newBudget(Retry{Share: h.withDefaults().Share, Reserve: spareHedges}, now)
	b.price = wholeRetry // a second way pays nothing in itself
	return b
}

// Patience implements gateway.Hedger. A group speaks for its models.
func (r *Router) Patience(q gateway.Request, first gateway.Route) time.Duration {
	s := r.current.Load()
	if !s.hedges {
		return 0
	}
	var after time.Duration
	if x := s.byKey[key{first.Model, first.Endpoint}]; x != nil {
		after = x.hedge
	}
	if p := s.pools[poolKey{q.Model, q.Operation}]; p != nil && p.hedge > 0 {
		after = p.hedge
	}
	if after > 0 {
		r.hedges.pay()
	}
	return after
}

// Beside implements gateway.Hedger: another endpoint, a replica of the slow model
// first, then as planned. It counts as a retry there.
func (r *Router) Beside(_ gateway.Request, routes []gateway.Route, slow int) (route int, ok bool) {
	s, now := r.current.Load(), r.config.Now()
	if !r.hedges.take(now) {
		return 0, false
	}
	for _, replica := range [...]bool{true, false} {
		for i, route := range routes {
			if route.Endpoint == routes[slow].Endpoint || (route.Model == routes[slow].Model) != replica || rank(route.Residency) > rank(routes[slow].Residency) {
				continue
			}
			if x := s.byKey[key{route.Model, route.Endpoint}]; x != nil && x.spare(now) && x.node.endpoint.budget.take(now) {
				x.node.hedged()
				return i, true
			}
		}
	}
	r.hedges.giveBack()
	return 0, false
}

// spare says that a server is well and has a place that nobody waits for.
func (x *slot) spare(now time.Time) bool {
	health, probe := x.node.healthNow(now.UnixNano())
	return health == well && !probe && x.node.gate.roomy() && x.node.endpoint.gate.roomy()
}

func (n *node) hedged() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tally.hedges++
}
