// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Why a route is not where its pool's strategy alone would have put it.
const (
	whySticky = "wie zuvor in diesem Gespräch"
	whyProbe  = "Probe nach einer Störung"
)

// health as far as planning is concerned.
const (
	well    = iota
	busy    // asks to be spared, or has no place left
	blocked // left alone
)

// choice is one entry on its way into a plan.
type choice struct {
	*slot
	index  int // in its pool
	order  int // of its model
	health int
	probe  bool // left alone until now; whoever goes there finds out
	// keys are the strategy's judgement, load decides between replicas: less is better.
	keys [2]float64
	load float64
	why  string
}

// before says that a choice is better than another one.
func (c *choice) before(o *choice) bool {
	switch {
	case c.health != o.health:
		return c.health < o.health
	case c.keys[0] != o.keys[0]:
		return c.keys[0] < o.keys[0]
	case c.keys[1] != o.keys[1]:
		return c.keys[1] < o.keys[1]
	case c.order != o.order:
		return c.order < o.order
	}
	return c.load < o.load
}

// sortChoices puts the best first and keeps the order of equals. For a dozen of
// large values this is faster than package slices.
func sortChoices(choices []choice) {
	for i := 1; i < len(choices); i++ {
		at := i
		for at > 0 && choices[i].before(&choices[at-1]) {
			at--
		}
		if at < i {
			c := choices[i]
			copy(choices[at+1:i+1], choices[at:i])
			choices[at] = c
		}
	}
}

// usualChoices is how many entries a plan looks at without allocating.
const usualChoices = 16

// Plan implements gateway.Router.
func (r *Router) Plan(_ context.Context, q gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	p := r.current.Load().pools[poolKey{q.Model, q.Operation}]
	if p == nil {
		return nil, noModel()
	}
	var array [usualChoices]choice
	now := r.config.Now().UnixNano()
	choices := r.choices(array[:0], p, q, permitted, now)
	if len(choices) == 0 {
		return nil, noModel()
	}
	if len(choices) > 1 {
		r.order(choices, p, q, now)
	}
	return routes(choices, p), nil
}

func noModel() error {
	return &gateway.Error{Op: "route", Code: gateway.CodeNoModel, Message: "Für diese Anfrage ist kein Modell eingerichtet, das die Regeln zulassen."}
}

// choices are the permitted entries of a pool that can do the request, judged.
func (r *Router) choices(out []choice, p *pool, q gateway.Request, permitted []gateway.ModelID, now int64) []choice {
	need := needsOf(q)
	last := 0 // permitted models usually come in the pool's order
	for i, x := range p.slots {
		if last = indexAfter(permitted, x.card.ID, last); last < 0 || need&^x.able != 0 {
			last = max(last, 0)
			continue
		}
		if _, long := tooLong(q, x.card.Context); long {
			continue
		}
		c := choice{slot: x, index: i, order: p.orders[i]}
		c.health, c.probe = x.node.healthNow(now)
		out = append(out, c)
	}
	if len(out) > 1 {
		r.judge(out, p, q, now)
	}
	return out
}

// indexAfter finds an id, first at a place and behind it.
func indexAfter(list []gateway.ModelID, id gateway.ModelID, at int) int {
	for i := at; i < min(at+2, len(list)); i++ {
		if list[i] == id {
			return i
		}
	}
	return slices.Index(list, id)
}

// healthNow is what a plan needs to know, without a lock.
func (n *node) healthNow(now int64) (health int, probe bool) {
	switch until := n.blocked.Load(); {
	case until > now:
		return blocked, false
	case until > 0:
		return well, true
	case n.soft.Load() > now || n.gate.full.Load():
		return busy, false
	}
	return well, false
}

// judge fills in what the strategy thinks of the choices.
func (r *Router) judge(choices []choice, p *pool, q gateway.Request, now int64) {
	output := expectedOutput(q)
	for i := range choices {
		c := &choices[i]
		if p.replicated[c.index] || p.strategy == StrategyLatency {
			// A little chance: many plans at the same moment must not all see the same winner.
			c.load = c.node.pressure(now, output) / c.weight * (1 + 0.1*r.config.Rand())
		}
		switch p.strategy {
		case StrategyCost:
			input := q.Body.Len() / 4
			c.keys = [2]float64{float64(c.route.Price.Of(input, int(output))), float64(c.rank)}
		case StrategyLatency:
			c.keys[0] = c.load
		case StrategyWeight:
			c.keys[0] = -math.Log(1-r.config.Rand()) / c.weight
		case StrategyOrder:
			c.keys[0] = float64(c.order)
		case StrategySovereignty:
			c.keys = [2]float64{float64(c.rank), -float64(c.priority)}
		default:
			c.keys = [2]float64{float64(c.rank), -float64(c.priority)}
		}
	}
}

// Tokens of an answer whose length the request leaves open, and the most that is believed.
const (
	usualOutput = 500
	mostOutput  = 4096
)

func expectedOutput(q gateway.Request) float64 {
	if q.Operation != gateway.OperationChat && q.Operation != gateway.OperationCompletion {
		return 0
	}
	for _, field := range [...]string{"max_completion_tokens", "max_tokens"} {
		if raw, ok := q.Body.Get(field); ok {
			if n, err := strconv.Atoi(string(raw)); err == nil && n > 0 {
				return float64(min(n, mostOutput))
			}
		}
	}
	return usualOutput
}

// order sorts the choices. A conversation stays where it was. A server that was
// left alone keeps its first place only for one request now and then; the others
// go past it.
func (r *Router) order(choices []choice, p *pool, q gateway.Request, now int64) {
	var id uint64
	var was *node
	if p.sticky && r.config.Sticky.TTL > 0 {
		if id = r.memo.id(q); id != 0 {
			was = r.memo.of(id, now)
		}
	}
	for range choices {
		sortChoices(choices)
		first := &choices[0]
		if stay(choices, p, was) || !first.probe || first.health == blocked {
			break
		}
		if first.node.claim(now) {
			first.why = whyProbe
			break
		}
		first.health = blocked
	}
	if id != 0 {
		r.memo.keep(id, choices[0].node, now)
	}
}

// strain is how much slower than another replica the place of a conversation may
// be expected to be. What is in its cache is worth some waiting, not any.
const strain = 8

// stay puts the place of a conversation first, as long as its server is well, not
// strained, and there is nothing more sovereign.
func stay(choices []choice, p *pool, was *node) bool {
	at := len(choices) - 1
	for at >= 0 && choices[at].node != was {
		at--
	}
	if at < 0 || choices[at].health != well || choices[at].probe {
		return false
	}
	if p.strategy == StrategySovereignty && choices[at].rank > choices[0].rank {
		return false
	}
	if at > 0 {
		c := choices[at]
		if slices.ContainsFunc(choices, func(o choice) bool { return o.card.ID == c.card.ID && o.health == well && o.load*strain < c.load }) {
			return false
		}
		c.why = whySticky
		copy(choices[1:at+1], choices[:at])
		choices[0] = c
	}
	return true
}

// replicasPerPlan leaves room for other models when there are some.
const replicasPerPlan = 2

// routes are the best choices.
func routes(choices []choice, p *pool) []gateway.Route {
	models := 0
	for i := range choices {
		if repeated(choices[:i], &choices[i]) == 0 {
			models++
		}
	}
	out := make([]gateway.Route, 0, min(len(choices), gateway.MaxRoutes))
	spare := len(choices) <= gateway.MaxRoutes || models == 1
	for i := range choices {
		c := &choices[i]
		if len(out) == cap(out) {
			break
		}
		if !spare && repeated(choices[:i], c) >= replicasPerPlan {
			continue
		}
		out = append(out, c.route)
		if out[len(out)-1].Why = c.why; c.why == "" {
			out[len(out)-1].Why = p.why[models]
		}
	}
	return out
}

// repeated is how many choices are of the same model.
func repeated(choices []choice, c *choice) int {
	n := 0
	for i := range choices {
		if choices[i].order == c.order {
			n++
		}
	}
	return n
}
