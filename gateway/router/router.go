// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package router holds the catalogue of models, knows how their servers are, and
// chooses among those a decision permits: by sovereignty, price, measured time or
// weight, the turns of a conversation at one place, requests of all tenants in
// turn. A model that fails is left alone and tried again with single requests; a
// request that failed is tried again only within a budget. The package does not
// decide what is permitted and does not speak to models. Start at [Router].
//
// A request meets its files in this order: needs.go and plan.go (which routes),
// enter.go (a place: breaker.go, gate.go), hedge.go (a second way beside a slow one),
// next.go (what follows a failure: budget.go). catalogue.go is what is configured, snapshot.go the same made ready
// for reading, node.go what is known of one server.
package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config is a catalogue and how its servers are treated. All zero values are
// sensible.
type Config struct {
	Catalogue
	Breaker Breaker
	Retry   Retry
	Sticky  Sticky
	Health  Health
	Hedge   Hedge
	// Now is the clock, Rand the source of chance (0 to 1, safe for concurrent
	// use); defaults: time.Now and math/rand/v2.
	Now  func() time.Time
	Rand func() float64
	// Logger gets changes of state; default: discard.
	Logger *slog.Logger
}

// Router implements gateway.Router. It is safe for concurrent use.
type Router struct {
	config  Config
	current atomic.Pointer[snapshot]
	memo    *memo
	hedges  *budget
	update  sync.Mutex
}

var _ gateway.Hedger = (*Router)(nil)

// New is Open with a catalogue of these entries and the defaults for the rest.
func New(entries []Entry) (*Router, error) {
	return Open(Config{Catalogue: Catalogue{Models: entries}})
}

// Open checks the configuration and names every mistake.
func Open(c Config) (*Router, error) {
	if err := errors.Join(c.check(), c.checkShares()); err != nil {
		return nil, err
	}
	c = c.WithDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64 // chooses servers, protects nothing
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Router{config: c, memo: newMemo(c.Sticky), hedges: c.Hedge.budget(c.Now())}
	r.current.Store(r.build(c.Catalogue, nil))
	r.config.Catalogue = Catalogue{} // from now on the snapshot speaks
	return r, nil
}

// Renew is Open for a configuration that takes the place of another one: what
// stays keeps its health, places and queues, conversations stay where they are.
// The old router, which may be nil, goes on for requests that have begun with it.
func Renew(c Config, old *Router) (*Router, error) {
	r, err := Open(c)
	if err != nil || old == nil {
		return r, err
	}
	catalogue := c.Catalogue
	r.memo = old.memo
	old.update.Lock()
	defer old.update.Unlock()
	r.current.Store(r.build(catalogue, old.current.Load()))
	return r, nil
}

// checkShares checks what is a share of one.
func (c Config) checkShares() error {
	var problems []error
	if c.Breaker.Rate > 1 {
		problems = append(problems, fmt.Errorf("breaker.rate: Der Anteil %v ist größer als 1.", c.Breaker.Rate))
	}
	if c.Retry.Share > 1 {
		problems = append(problems, fmt.Errorf("retry.share: Der Anteil %v ist größer als 1.", c.Retry.Share))
	}
	if c.Hedge.Share < 0 || c.Hedge.Share > 1 {
		problems = append(problems, fmt.Errorf("hedge.share: Der Anteil %v liegt nicht zwischen 0 und 1.", c.Hedge.Share))
	}
	return errors.Join(problems...)
}

// Update replaces the catalogue at once. Models that stay keep their health,
// places and queues; who waits for one that is gone is sent on. After an error
// the old catalogue is still in force.
func (r *Router) Update(c Catalogue) error {
	if err := c.check(); err != nil {
		return err
	}
	r.update.Lock()
	defer r.update.Unlock()
	old := r.current.Load()
	next := r.build(c, old)
	r.current.Store(next)
	for k, x := range old.byKey {
		if _, stays := next.byKey[k]; !stays {
			x.node.gate.close(errClosed)
		}
	}
	return nil
}

// Cards are all models of the catalogue.
func (r *Router) Cards() []gateway.ModelCard { return slices.Clone(r.current.Load().cards) }

// Names are the names under which callers may ask for a model: ids, aliases and
// groups, in alphabetical order.
func (r *Router) Names() []gateway.ModelID {
	var out []gateway.ModelID
	for name := range r.current.Load().names {
		if name != "" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Candidates implements gateway.Router. A model the catalogue does not know is
// CodeNotFound, one that cannot do what the request needs CodeInvalid. The cards
// must not be changed.
func (r *Router) Candidates(_ context.Context, q gateway.Request) ([]gateway.ModelCard, error) {
	s := r.current.Load()
	if !s.names[q.Model] {
		return nil, &gateway.Error{Op: "candidates", Code: gateway.CodeNotFound, Path: "model", Message: "Das Modell gibt es im Katalog nicht. GET /v1/models nennt die verfügbaren."}
	}
	p := s.pools[poolKey{q.Model, q.Operation}]
	if p == nil || len(p.cards) == 0 {
		if q.Model == "" {
			return nil, nil
		}
		return nil, &gateway.Error{Op: "candidates", Code: gateway.CodeInvalid, Path: "model", Message: "Das Modell kann diese Art von Anfrage nicht bearbeiten."}
	}
	return p.candidates(q)
}

// candidates are the models of a pool that can do a request: the pool's own list
// where all can, which is the usual case.
func (p *pool) candidates(q gateway.Request) ([]gateway.ModelCard, error) {
	need := needsOf(q)
	unfit := func(c gateway.ModelCard) bool {
		_, long := tooLong(q, c.Context)
		return long || need&^able(c) != 0
	}
	if !slices.ContainsFunc(p.cards, unfit) {
		return slices.Clip(p.cards), nil
	}
	fit := slices.DeleteFunc(slices.Clone(p.cards), unfit)
	if len(fit) == 0 {
		return nil, p.refusal(q, need)
	}
	return fit, nil
}

// refusal names what the model that comes closest cannot do.
func (p *pool) refusal(q gateway.Request, need needs) error {
	best, window, missing, tokens := 9, 0, needs(0), 0
	for _, c := range p.cards {
		lack := need &^ able(c)
		if n := lack.count(); n < best || n == best && c.Context > window {
			best, window, missing = n, c.Context, lack
			tokens, _ = tooLong(q, c.Context)
		}
	}
	return unable(q.Model, missing, tokens, window)
}
