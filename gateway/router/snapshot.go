// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"slices"
	"strconv"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// key names a model at an endpoint.
type key struct {
	model    gateway.ModelID
	endpoint string
}

// snapshot is a catalogue, made ready for reading. It never changes; what
// changes (health, load) stands in the nodes it points to.
type snapshot struct {
	slots  []*slot
	byKey  map[key]*slot
	pools  map[poolKey]*pool
	names  map[gateway.ModelID]bool
	cards  []gateway.ModelCard // of all models, once each
	points []*endpoint
	hedges bool // somebody has a time after which a second way is taken
}

// slot is one entry of the catalogue.
type slot struct {
	card     gateway.ModelCard
	route    gateway.Route
	node     *node
	able     needs
	rank     int
	weight   float64
	priority int // the highest weight of the model
	hedge    time.Duration
}

type poolKey struct {
	name      gateway.ModelID // "": the request names no model
	operation gateway.Operation
}

// pool is what stands behind a name for one operation.
type pool struct {
	name   gateway.ModelID
	slots  []*slot
	orders []int // of each slot: the place of its model
	// replicated, of each slot: there is another one of its model.
	replicated []bool
	cards      []gateway.ModelCard
	strategy   Strategy
	sticky     bool
	single     bool // one model, maybe with replicas
	hedge      time.Duration
	why        []string // by number of permitted models
}

// build makes a snapshot of a checked catalogue. Nodes and endpoints of the last
// one that are still wanted keep what is known of them.
func (r *Router) build(c Catalogue, last *snapshot) *snapshot {
	s := &snapshot{byKey: map[key]*slot{}, pools: map[poolKey]*pool{}, names: map[gateway.ModelID]bool{}}
	for _, e := range c.Models {
		x := r.slot(e, c, s, last)
		s.slots = append(s.slots, x)
		s.byKey[key{e.Card.ID, e.Endpoint}] = x
		s.hedges = s.hedges || e.HedgeAfter > 0
		if !slices.ContainsFunc(s.cards, func(known gateway.ModelCard) bool { return known.ID == x.card.ID }) {
			s.cards = append(s.cards, x.card)
		}
	}
	s.level()
	s.addPools(c)
	return s
}

// level gives all replicas of a model the highest of their weights as priority:
// among replicas a weight is a share.
func (s *snapshot) level() {
	highest := map[gateway.ModelID]int{}
	for _, x := range s.slots {
		highest[x.card.ID] = max(highest[x.card.ID], x.priority)
	}
	for _, x := range s.slots {
		x.priority = highest[x.card.ID]
	}
}

func (r *Router) slot(e Entry, c Catalogue, s, last *snapshot) *slot {
	if e.Upstream == "" {
		e.Upstream = string(e.Card.ID)
	}
	limits := e.Limits.or(c.Limits).withDefaults()
	x := &slot{
		card: e.Card, able: able(e.Card), rank: rank(e.Card.Residency), weight: float64(max(e.Weight, 1)), priority: e.Weight, hedge: e.HedgeAfter,
		route: gateway.Route{
			Model: e.Card.ID, Residency: e.Card.Residency, Operator: e.Card.Operator, Country: e.Card.Country,
			Upstream: e.Upstream, Endpoint: e.Endpoint, Price: e.Card.Price,
		},
	}
	point := r.endpoint(e.Endpoint, c, s, last)
	if last != nil {
		if old, ok := last.byKey[key{e.Card.ID, e.Endpoint}]; ok {
			x.node = old.node
			x.node.gate.setLimits(limits)
			return x
		}
	}
	x.node = newNode(key{e.Card.ID, e.Endpoint}, point, limits, r.config.Breaker)
	return x
}

// endpoint is the endpoint of a name in this snapshot, made when it is new.
func (r *Router) endpoint(name string, c Catalogue, s, last *snapshot) *endpoint {
	find := func(in *snapshot) *endpoint {
		if in == nil {
			return nil
		}
		if i := slices.IndexFunc(in.points, func(p *endpoint) bool { return p.name == name }); i >= 0 {
			return in.points[i]
		}
		return nil
	}
	if p := find(s); p != nil {
		return p
	}
	limits := c.Endpoints[name].withDefaults()
	p := find(last)
	if p == nil {
		p = &endpoint{name: name, budget: newBudget(r.config.Retry, r.config.Now()), gate: newGate(limits)}
	} else {
		p.gate.setLimits(limits)
	}
	s.points = append(s.points, p)
	return p
}

// addPools lists what stands behind every name a caller may use.
func (s *snapshot) addPools(c Catalogue) {
	standard := c.Strategy
	if standard == "" {
		standard = StrategySovereignty
	}
	ids := make([]gateway.ModelID, len(s.cards))
	for i, card := range s.cards {
		ids[i] = card.ID
		s.addPool(card.ID, []gateway.ModelID{card.ID}, Group{Strategy: standard})
	}
	s.addPool("", ids, Group{Strategy: standard})
	for _, g := range c.Groups {
		s.hedges = s.hedges || g.HedgeAfter > 0
		if g.Strategy == "" {
			g.Strategy = standard
		}
		s.addPool(g.Name, members(g, c.Models), g)
	}
	for _, e := range c.Models {
		for _, alias := range e.Aliases {
			if !s.names[alias] {
				g := Group{Name: alias, Strategy: standard}
				s.addPool(alias, members(g, c.Models), g)
			}
		}
	}
}

// members of a group: those it names, in this order, then those that name it.
func members(g Group, all []Entry) []gateway.ModelID {
	ids := slices.Clone(g.Models)
	for _, e := range all {
		if slices.Contains(e.Aliases, g.Name) && !slices.Contains(ids, e.Card.ID) {
			ids = append(ids, e.Card.ID)
		}
	}
	return ids
}

func (s *snapshot) addPool(name gateway.ModelID, ids []gateway.ModelID, g Group) {
	s.names[name] = true
	for _, o := range operations {
		p := &pool{name: name, strategy: g.Strategy, sticky: !g.Loose, hedge: g.HedgeAfter}
		for order, id := range ids {
			first := len(p.slots)
			for _, x := range s.slots {
				if x.card.ID != id || !slices.Contains(x.card.Operations, o) {
					continue
				}
				p.slots, p.orders = append(p.slots, x), append(p.orders, order)
			}
			if first == len(p.slots) {
				continue
			}
			p.cards = append(p.cards, p.slots[first].card)
			for range p.slots[first:] {
				p.replicated = append(p.replicated, len(p.slots)-first > 1)
			}
		}
		p.single = len(ids) == 1
		p.why = reasons(name, p.single, g.Strategy, len(p.cards))
		s.pools[poolKey{name, o}] = p
	}
}

// reasons says why a model was chosen, by the number of permitted ones.
func reasons(name gateway.ModelID, single bool, s Strategy, models int) []string {
	out := make([]string, models+1)
	for n := range out {
		switch {
		case single:
			out[n] = "vom Aufrufer genannt"
		case name != "":
			out[n] = string(name) + ": " + superlative(s) + " von " + strconv.Itoa(n) + " erlaubten"
		default:
			out[n] = superlative(s) + " von " + strconv.Itoa(n) + " erlaubten"
		}
	}
	return out
}

func superlative(s Strategy) string {
	switch s {
	case StrategyCost:
		return "günstigstes"
	case StrategyLatency:
		return "voraussichtlich schnellstes"
	case StrategyWeight:
		return "nach Gewicht gewählt"
	case StrategyOrder:
		return "erstes"
	case StrategySovereignty:
		return "souveränstes"
	default:
		return "souveränstes"
	}
}
