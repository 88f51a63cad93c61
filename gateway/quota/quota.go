// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package quota bounds what callers use (requests and tokens per minute,
// requests at once, money per day and month) and counts what they have used, by
// tenant, system, cost centre, purpose, service and model, never by person
// unless a tenant has agreed to it.
//
// Requests are served from memory. A [Keeper] leases slices of every limit from
// a [Store], so that several replicas together never grant more than the limit,
// and the store is not asked for each request. What is promised:
//
//   - Budgets: a request reserves its estimate from money that is leased, and
//     settles what it cost. Money used, lost and leased together is never more
//     than the budget, but for what requests cost beyond their estimates: that is
//     booked as well, and nothing new is reserved until it is covered. A replica
//     that dies takes its lease with it: the lease counts as spent ("lost") until
//     the period ends, since nobody knows how much of it was. Leases are a few
//     seconds' worth of spending. A replica that was only cut off tells later how
//     it really was.
//   - Rates: every replica has a share, the shares are never more than the limit.
//     A share given back empty is lent again as it fills.
//   - Requests at once: every place belongs to one replica. With fewer places
//     than twice the replicas one may lie idle for about a second while another
//     replica refuses. A replica that is cut off from the store for longer than a
//     lease may still have requests under way when its places are lent again.
//   - Usage: counted in memory and written every few seconds, each batch once,
//     however often it is sent. A killed process loses those seconds; the record
//     has them.
//
// It is no accounting system: invoices follow from its figures elsewhere. Start
// at [New]; ledger.go is the arithmetic between replicas, meter.go that inside one.
package quota

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config holds the parts of a Keeper. Store and Replica are required.
type Config struct {
	Store Store
	// Replica names this process; it must be new for each start.
	Replica string
	// Limits to begin with, see SetLimits.
	Limits Limits
	// Budgets and Rates say what happens when the store does not answer and what
	// was leased is used up. Default: budgets refuse, rates allow.
	Budgets, Rates Fallback
	// Unpriced is put on models without a price; zero: they are free.
	Unpriced gateway.Price
	// Energy is an estimate of watt-hours per 1,000 output tokens of a model; nil: unknown.
	Energy func(gateway.ModelID) float64
	// PerPerson says that a tenant has agreed to usage by person, under
	// pseudonyms; nil: none has.
	PerPerson func(gateway.TenantID) bool
	// Notice is told once when a budget is used to 80, 90 and 100 per cent. It
	// runs in a goroutine of its own.
	Notice func(Notice)
	// Lease is how long a replica may be silent, default 30 s.
	Lease time.Duration
	// Every is the pause between two reports to the store, default 1 s; usage is
	// written every UsageEvery, default 5 s.
	Every, UsageEvery time.Duration
	// Timeout bounds asking the store, default 2 s.
	Timeout time.Duration
	// Retention of usage, default 400 days.
	Retention time.Duration
	// Journal is a file that takes the usage which could not be written before
	// Shutdown's context ended; the next start writes it. Empty: it goes to the log as lost.
	Journal string

	Now    func() time.Time // default: time.Now
	Logger *slog.Logger     // default: discard
}

// Fallback is what happens while the store does not answer.
type Fallback string

// Fallbacks.
const (
	Refuse Fallback = "refuse"
	Allow  Fallback = "allow"
)

func (c *Config) validate() error {
	if c.Store == nil || c.Replica == "" {
		return errors.New("quota: Store and Replica are required")
	}
	for _, f := range []*Fallback{&c.Budgets, &c.Rates} {
		if *f != "" && *f != Refuse && *f != Allow {
			return errors.New("quota: without the store there is only refuse or allow")
		}
	}
	if err := c.Limits.Validate(); err != nil {
		return err
	}
	if c.Budgets == "" {
		c.Budgets = Refuse
	}
	if c.Rates == "" {
		c.Rates = Allow
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&c.Lease, 30 * time.Second}, {&c.Every, time.Second}, {&c.UsageEvery, 5 * time.Second}, {&c.Timeout, 2 * time.Second}, {&c.Retention, 400 * 24 * time.Hour}} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Keeper keeps the limits and counts the usage. It is safe for concurrent use.
type Keeper struct {
	config   Config
	calendar calendar
	usage    *counter
	exchange *exchanger
	limits   atomic.Pointer[rules]

	mu     sync.Mutex
	scopes map[Scope]*scope

	// told is closed when the notices so far have been passed on.
	told       chan struct{}
	background sync.WaitGroup
	stop       chan struct{}
	stopped    atomic.Bool
	refused    refusals
}

// rules are limits with the scopes that were found for callers.
type rules struct {
	limits   Limits
	purposes map[gateway.Purpose]bool
	mu       sync.RWMutex
	paths    map[identity][]*scope
}

var _ gateway.Quota = (*Keeper)(nil)

// New starts a Keeper, which works in the background until Shutdown. It needs
// no store that answers.
func New(c Config) (*Keeper, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	cal, err := newCalendar()
	if err != nil {
		return nil, err
	}
	k := &Keeper{config: c, calendar: cal, scopes: map[Scope]*scope{}, stop: make(chan struct{})}
	k.usage = newCounter(&k.config, cal)
	k.exchange = newExchanger(k)
	k.limits.Store(newRules(c.Limits))
	if err := k.usage.recall(); err != nil {
		return nil, err
	}
	k.background.Go(k.exchange.run)
	k.background.Go(k.writeUsage)
	return k, nil
}

func newRules(l Limits) *rules {
	l = l.clone()
	return &rules{limits: l, purposes: l.purposes(), paths: map[identity][]*scope{}}
}

// SetLimits replaces the limits for all requests that come from now on. What
// requests under way hold stays counted.
func (k *Keeper) SetLimits(l Limits) error {
	if err := l.Validate(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	r := newRules(l)
	k.limits.Store(r)
	now := k.config.Now()
	for name, s := range k.scopes {
		s.mu.Lock()
		s.set(r.limits.limitOf(name), k.calendar, now)
		s.mu.Unlock()
	}
	return nil
}

// maxPaths bounds the memory of which scopes belong to which caller.
const maxPaths = 1 << 16

// path is the scopes of a caller, the narrowest first.
func (k *Keeper) path(r gateway.Request) []*scope {
	rules := k.limits.Load()
	id := identity{tenant: r.Caller.Tenant, system: r.Caller.System, key: r.Caller.KeyID}
	if rules.purposes[r.Purpose] {
		id.purpose = r.Purpose
	}
	rules.mu.RLock()
	path, ok := rules.paths[id]
	rules.mu.RUnlock()
	if ok {
		return path
	}
	return k.findPath(id)
}

func (k *Keeper) findPath(id identity) []*scope {
	k.mu.Lock()
	defer k.mu.Unlock()
	rules := k.limits.Load() // the mutex keeps SetLimits away
	var path []*scope
	for _, b := range rules.limits.of(id) {
		b.scope.Name = printable(b.scope.Name)
		s := k.scopes[b.scope]
		if s == nil {
			s = &scope{name: b.scope}
			s.set(b.limit, k.calendar, k.config.Now())
			k.scopes[b.scope] = s
		}
		path = append(path, s)
	}
	rules.mu.Lock()
	defer rules.mu.Unlock()
	if len(rules.paths) >= maxPaths {
		clear(rules.paths)
	}
	rules.paths[id] = path
	return path
}

// all is a list of the scopes.
func (k *Keeper) all() []*scope {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]*scope, 0, len(k.scopes))
	for _, s := range k.scopes {
		out = append(out, s)
	}
	return out
}

// Shutdown writes what has not been written and gives everything free back. It
// is called when no request is under way any more: what one that still is costs
// counts as lost. It returns an error when the context ended before the store
// had it all.
func (k *Keeper) Shutdown(ctx context.Context) error {
	if k.stopped.Swap(true) {
		return nil
	}
	close(k.stop)
	k.background.Wait()
	return errors.Join(k.exchange.finish(ctx), k.usage.finish(ctx))
}
