// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"maps"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// ShadowCounts says how far policies in the shadow decide otherwise.
type ShadowCounts struct {
	// Asked were decided in force, Dropped of them not by the shadow, because too
	// many waited.
	Asked   int64 `json:"asked"`
	Dropped int64 `json:"dropped"`
	// Compared were decided by both, Same of them alike, Errors not by the shadow.
	Compared           int64 `json:"compared"`
	Same               int64 `json:"same"`
	Errors             int64 `json:"errors"`
	NewlyDenied        int64 `json:"newly_denied"`
	NewlyAllowed       int64 `json:"newly_allowed"`
	ChangedObligations int64 `json:"changed_obligations"`
	ChangedModels      int64 `json:"changed_models"`
	ChangedReasons     int64 `json:"changed_reasons"`
	// ByRule counts decisions in which a rule speaks that did not, or no longer.
	ByRule map[string]RuleTally `json:"by_rule,omitempty"`
}

// Add returns the sum of two counts, for example of two replicas.
func (c ShadowCounts) Add(o ShadowCounts) ShadowCounts {
	c.Asked += o.Asked
	c.Dropped += o.Dropped
	c.Compared += o.Compared
	c.Same += o.Same
	c.Errors += o.Errors
	c.NewlyDenied += o.NewlyDenied
	c.NewlyAllowed += o.NewlyAllowed
	c.ChangedObligations += o.ChangedObligations
	c.ChangedModels += o.ChangedModels
	c.ChangedReasons += o.ChangedReasons
	rules := maps.Clone(c.ByRule)
	for id, t := range o.ByRule {
		if rules == nil {
			rules = map[string]RuleTally{}
		}
		rules[id] = RuleTally{Added: rules[id].Added + t.Added, Removed: rules[id].Removed + t.Removed}
	}
	c.ByRule = rules
	return c
}

// Bounds of a shadow: decisions that wait for it, and answers it remembers.
const (
	shadowQueue  = 256
	shadowMemory = 4096
)

// ShadowOptions of Engine.Shadow.
type ShadowOptions struct {
	// Until is when it ends by itself; zero: when it is stopped.
	Until time.Time
	// Queue is how many decisions may wait; 0 means 256. What comes while it is full
	// is counted and not compared.
	Queue int
	// Observed, if set, is told of every comparison, for metrics: same, newly_denied,
	// newly_allowed, changed, error.
	Observed func(outcome string)
}

// Shadow is other policies that are asked beside those in force. They are asked
// after the answer was given, by one goroutine, and influence nothing.
type Shadow struct {
	other    *Engine
	queue    chan gateway.Decision
	observed func(string)
	cancel   context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	counts ShadowCounts

	// seen is used by the goroutine alone.
	seen map[[sha256.Size]byte]gateway.Decision
}

// Shadow asks a bundle beside the policies in force from now on, instead of one that
// was asked before. Only decisions of pinned deciders are compared: those of requests.
func (e *Engine) Shadow(ctx context.Context, root fs.FS, o ShadowOptions) (*Shadow, error) {
	other, err := e.Beside(ctx, root)
	if err != nil {
		return nil, err
	}
	if o.Queue <= 0 {
		o.Queue = shadowQueue
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if !o.Until.IsZero() {
		running, cancel = context.WithTimeout(context.WithoutCancel(ctx), o.Until.Sub(e.cfg.Now()))
	}
	s := &Shadow{
		other: other, queue: make(chan gateway.Decision, o.Queue), observed: o.Observed,
		cancel: cancel, done: make(chan struct{}), seen: map[[sha256.Size]byte]gateway.Decision{},
	}
	go func() {
		defer close(s.done)
		s.run(running)
		e.shadow.CompareAndSwap(s, nil)
	}()
	if last := e.shadow.Swap(s); last != nil {
		last.Stop()
	}
	return s, nil
}

// State names the policies in the shadow.
func (s *Shadow) State() State { return s.other.State() }

// Stop ends it and returns what was counted. It may be called twice.
func (s *Shadow) Stop() ShadowCounts {
	s.cancel()
	<-s.done
	return s.Counts()
}

// Running says that it has not ended.
func (s *Shadow) Running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Counts is what was counted so far.
func (s *Shadow) Counts() ShadowCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.ByRule = maps.Clone(c.ByRule)
	return c
}

// see takes a decision, if there is room. It never waits.
func (s *Shadow) see(d gateway.Decision) {
	taken := false
	select {
	case s.queue <- d:
		taken = true
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Asked++
	if !taken {
		s.counts.Dropped++
	}
}

func (s *Shadow) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-s.queue:
			s.compare(ctx, d)
		}
	}
}

func (s *Shadow) compare(ctx context.Context, before gateway.Decision) {
	after, err := s.decide(ctx, before)
	if ctx.Err() != nil {
		return
	}
	v := verdict{kind: verdictError}
	if err == nil {
		v = compare(before, after)
	}
	s.count(v)
	if s.observed != nil {
		s.observed(v.kind.String())
	}
}

// decide asks the shadow; the same question once.
func (s *Shadow) decide(ctx context.Context, before gateway.Decision) (gateway.Decision, error) {
	snapshot := s.other.active.Load()
	hash := sha256.New()
	hash.Write([]byte(snapshot.digest))
	hash.Write(before.Input)
	key := [sha256.Size]byte(hash.Sum(nil))
	if d, ok := s.seen[key]; ok {
		return d, nil
	}
	d, err := side{snapshot, s.other.timeout}.decide(ctx, before.Stage, before.Input)
	if err != nil {
		return d, err
	}
	if len(s.seen) >= shadowMemory {
		clear(s.seen)
	}
	s.seen[key] = d
	return d, nil
}

func (s *Shadow) count(v verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.counts
	if v.kind == verdictError {
		c.Errors++
		return
	}
	c.Compared++
	switch v.kind {
	case verdictSame:
		c.Same++
	case verdictDenied:
		c.NewlyDenied++
	case verdictAllowed:
		c.NewlyAllowed++
	case verdictChanged, verdictOther, verdictError:
	}
	if v.obligations {
		c.ChangedObligations++
	}
	if v.models {
		c.ChangedModels++
	}
	if v.kind == verdictChanged && v.said {
		c.ChangedReasons++
	}
	c.ByRule = tally(c.ByRule, v)
}

// tally counts the rules that speak newly and no longer.
func tally(rules map[string]RuleTally, v verdict) map[string]RuleTally {
	if rules == nil {
		rules = map[string]RuleTally{}
	}
	for _, id := range v.added {
		rules[id] = RuleTally{rules[id].Added + 1, rules[id].Removed}
	}
	for _, id := range v.removed {
		rules[id] = RuleTally{rules[id].Added, rules[id].Removed + 1}
	}
	return rules
}
