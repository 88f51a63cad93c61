// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"context"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// maxScopes is the most scopes a request can have: key, system, two of the
// purpose, tenant, all.
const maxScopes = 6

// ticket is a request on its way: where it counts and what it holds there.
type ticket struct {
	keeper   *Keeper
	path     []*scope
	caller   gateway.Caller
	purpose  gateway.Purpose
	reserved bool
	estimate gateway.Estimate
	held     [maxScopes]hold
}

// hold is what a ticket has of one scope.
type hold struct {
	request, place bool
	// input and output are the tokens taken out of the buckets, not all that were
	// estimated: see bucket.bound.
	input, output int64
	day, month    *budget
}

var _ gateway.Ticket = (*ticket)(nil)

// Admit implements gateway.Quota. It takes a request and a place of each scope.
func (k *Keeper) Admit(ctx context.Context, r gateway.Request) (gateway.Ticket, error) {
	t := &ticket{keeper: k, path: k.path(r), caller: r.Caller, purpose: r.Purpose}
	if err := t.take(ctx, (*ticket).admit); err != nil {
		t.withdraw()
		k.usage.refused(t, r)
		return nil, err
	}
	return t, nil
}

// Reserve implements gateway.Ticket.
func (t *ticket) Reserve(ctx context.Context, e gateway.Estimate) error {
	if t.reserved {
		return nil
	}
	e.Input, e.Output, e.Cost = max(e.Input, 0), max(e.Output, 0), max(e.Cost, 0)
	if e.Cost == 0 {
		e.Cost = t.keeper.config.Unpriced.Of(e.Input, e.Output) + t.keeper.config.Unpriced.OfAudio(e.AudioSeconds)
	}
	t.estimate, t.reserved = e, true
	if err := t.take(ctx, (*ticket).reserve); err != nil {
		t.settle(gateway.Usage{}, 0, false)
		return err
	}
	return nil
}

// Settle implements gateway.Ticket. It only counts in memory.
func (t *ticket) Settle(_ context.Context, u gateway.Used) {
	cost := u.Closing.Cost
	if cost == 0 {
		used := u.Closing.Usage
		cost = t.keeper.config.Unpriced.Of(used.Input, used.Output) + t.keeper.config.Unpriced.OfAudio(used.AudioSeconds)
	}
	t.settle(u.Closing.Usage, cost, true)
	t.keeper.usage.add(t, u, cost)
}

// tries bounds how often a request asks the store: other requests may take what
// was drawn before it does.
const tries = 8

// take lets a step take from every scope; where something is missing that the
// store may have, it is drawn and the step goes on.
func (t *ticket) take(ctx context.Context, step func(*ticket, int, time.Time) (meter, error)) error {
	now := t.keeper.config.Now()
	for i, s := range t.path {
		for attempt := 0; ; attempt++ {
			s.mu.Lock()
			missing, err := step(t, i, now)
			s.mu.Unlock()
			if err == nil {
				break
			}
			if missing == nil || attempt == tries {
				return t.keeper.count(s, err)
			}
			down := t.keeper.exchange.draw(ctx, s, missing)
			now = t.keeper.config.Now()
			if down != nil {
				err := t.without(ctx, i, missing, step, down)
				if err == nil {
					break
				}
				return t.keeper.count(s, err)
			}
		}
	}
	return nil
}

// admit takes a request and a place. The mutex of the scope is held.
func (t *ticket) admit(i int, now time.Time) (meter, error) {
	s, h := t.path[i], &t.held[i]
	if b := s.requests; b != nil && b.limit > 0 && !h.request {
		if m, err := t.pour(b, s, 1, now); err != nil {
			return m, err
		}
		h.request = true
	}
	p := s.places
	if p == nil || h.place {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	if p.limit == 0 {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	valid := t.keeper.trusts(&p.lease, now)
	if valid && p.take(now) {
		h.place = true
		return nil, nil //nolint:nilnil // nothing is missing
	}
	err := full(s.name, p, now)
	if valid && (p.held >= p.limit || now.Before(p.dry)) {
		return nil, err
	}
	p.ask(1, now)
	return p, err
}

// pour takes n out of a bucket, or says what is missing.
func (t *ticket) pour(b *bucket, s *scope, n int64, now time.Time) (meter, error) {
	valid := t.keeper.trusts(&b.lease, now)
	if valid && b.take(n, now) {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	err := tooFast(s.name, b, n)
	if valid && b.share >= b.limit || now.Before(b.dry) {
		return nil, err
	}
	b.ask(n, now)
	return b, err
}

// reserve takes tokens and money. The mutex of the scope is held.
func (t *ticket) reserve(i int, now time.Time) (meter, error) {
	s, h := t.path[i], &t.held[i]
	for _, w := range [...]struct {
		b     *bucket
		n     int
		taken *int64
	}{{s.input, t.estimate.Input, &h.input}, {s.output, t.estimate.Output, &h.output}} {
		if w.b == nil || w.b.limit == 0 || *w.taken > 0 || w.n == 0 {
			continue
		}
		n := w.b.bound(int64(w.n))
		if m, err := t.pour(w.b, s, n, now); err != nil {
			return m, err
		}
		*w.taken = n
	}
	for _, w := range [...]struct{ at, mine **budget }{{&s.day, &h.day}, {&s.month, &h.month}} {
		b := s.current(w.at, t.keeper.calendar, now)
		if b == nil || b.limit == 0 || *w.mine != nil {
			continue
		}
		if m, err := t.pay(b, s, now); err != nil {
			return m, err
		}
		*w.mine = b
	}
	return nil, nil //nolint:nilnil // nothing is missing
}

func (t *ticket) pay(b *budget, s *scope, now time.Time) (meter, error) {
	n := int64(t.estimate.Cost)
	if n == 0 || b.take(n, now) {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	err := tooDear(s.name, b, n, t.keeper.calendar, now)
	if now.Before(b.dry) || n > b.limit {
		return nil, err
	}
	b.ask(n, now)
	return b, err
}

// trusts says that a share may be used: the store heard of us not long ago, or
// cannot be asked and rates go on without it.
func (k *Keeper) trusts(l *lease, now time.Time) bool {
	return now.Before(l.valid) || k.config.Rates == Allow && k.exchange.down(now)
}

// without decides what happens when the store does not answer.
func (t *ticket) without(ctx context.Context, i int, missing meter, step func(*ticket, int, time.Time) (meter, error), down error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := t.path[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	now := t.keeper.config.Now()
	for range maxScopes {
		if t.keeper.fallback(missing) == Refuse {
			return noStore(s.name, missing.base().account.Kind, down)
		}
		t.borrow(missing, now)
		var err error
		if missing, err = step(t, i, now); err == nil || missing == nil {
			return err
		}
	}
	return noStore(s.name, missing.base().account.Kind, down)
}

func (k *Keeper) fallback(m meter) Fallback {
	if m.base().account.Kind.Budget() {
		return k.config.Budgets
	}
	return k.config.Rates
}

// borrow lets a meter go on without the store: a rate and places with a fair
// part of the limit, a budget with what the request needs. It is reported later.
func (t *ticket) borrow(m meter, now time.Time) {
	l := m.base()
	l.least, l.need = 0, 0
	l.replicas = max(l.replicas, int(t.keeper.exchange.replicas.Load()))
	switch m := m.(type) {
	case *bucket:
		if fair := max(1, Fair(m.limit, m.replicas)); m.share < fair {
			m.refill(now)
			m.resize(fair, 0)
		}
		l.dry = now.Add(dryFor)
	case *places:
		m.held = max(m.held, 1, Fair(m.limit, m.replicas))
		l.dry = now.Add(dryFor)
	case *budget:
		m.free = max(m.free, int64(t.estimate.Cost))
	}
}

// settle replaces what was reserved by what was used; with leave the places are
// given back as well.
func (t *ticket) settle(u gateway.Usage, cost gateway.MicroEuro, leave bool) {
	for i, s := range t.path {
		h := &t.held[i]
		s.mu.Lock()
		if t.reserved {
			t.book(s, h, u, cost)
		}
		if leave && h.place {
			s.places.busy--
			h.place = false
		}
		s.mu.Unlock()
	}
	t.reserved = false
}

// withdraw undoes an admission that one of the scopes refused.
func (t *ticket) withdraw() {
	for i, s := range t.path {
		if !t.held[i].request {
			continue
		}
		s.mu.Lock()
		s.requests.put(1)
		s.mu.Unlock()
		t.held[i].request = false
	}
	t.settle(gateway.Usage{}, 0, true)
}

func (t *ticket) book(s *scope, h *hold, u gateway.Usage, cost gateway.MicroEuro) {
	if h.input > 0 {
		s.input.put(h.input - int64(u.Input))
	}
	if h.output > 0 {
		s.output.put(h.output - int64(u.Output))
	}
	for _, b := range [...]*budget{h.day, h.month} {
		if b != nil {
			b.settle(int64(t.estimate.Cost), int64(cost))
		}
	}
	h.input, h.output, h.day, h.month = 0, 0, nil, nil
}
