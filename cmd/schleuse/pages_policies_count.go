// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

const (
	// countAge is how long a count serves, countTime how long one may take.
	countAge  = 5 * time.Minute
	countTime = 5 * time.Minute
	// countPatience is how long a page waits for the first count.
	countPatience = time.Second
	// maxScopes is the number of tenants whose counts are kept.
	maxScopes = 100
)

// ruleCounter counts how often each rule spoke. It reads the record in the
// background, once for all pages, and keeps the result for some minutes.
type ruleCounter struct {
	list   func(ctx context.Context, f audit.Filter, do func(audit.Item) error) error
	now    func() time.Time
	logger *slog.Logger

	mu     sync.Mutex
	counts map[audit.Scope]*ruleCount
	work   sync.WaitGroup
	life   context.Context //nolint:containedctx // ends with close, not with a request
	end    context.CancelFunc
}

func newRuleCounter(list func(context.Context, audit.Filter, func(audit.Item) error) error, logger *slog.Logger) *ruleCounter {
	c := &ruleCounter{list: list, now: time.Now, logger: logger, counts: map[audit.Scope]*ruleCount{}}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

type ruleCount struct {
	rules map[string]int
	at    time.Time
	// done is closed when the count under way has ended; nil: none is.
	done chan struct{}
}

var errNotCounted = errors.New("rules are being counted")

// count returns the last count of a scope, or waits a moment for the first.
func (c *ruleCounter) count(ctx context.Context, scope audit.Scope, since time.Time) (map[string]int, error) {
	done := c.begin(scope, since) //nolint:contextcheck // a count serves more pages than the one that began it
	if rules := c.known(scope); rules != nil || done == nil {
		return rules, nil
	}
	select {
	case <-done:
	case <-time.After(countPatience):
	case <-ctx.Done():
	}
	if rules := c.known(scope); rules != nil {
		return rules, nil
	}
	return nil, errNotCounted
}

func (c *ruleCounter) known(scope audit.Scope) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.counts[scope]; n != nil {
		return n.rules
	}
	return nil
}

// begin starts a count where there is none, or an old one.
func (c *ruleCounter) begin(scope audit.Scope, since time.Time) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.counts[scope]
	if n == nil {
		if len(c.counts) >= maxScopes {
			clear(c.counts)
		}
		n = &ruleCount{}
		c.counts[scope] = n
	}
	if n.done != nil || c.life.Err() != nil || n.rules != nil && c.now().Sub(n.at) < countAge {
		return n.done
	}
	n.done = make(chan struct{})
	ctx, cancel := context.WithTimeout(c.life, countTime)
	c.work.Go(func() {
		defer cancel()
		c.run(ctx, n, audit.Filter{Scope: scope, From: since})
	})
	return n.done
}

func (c *ruleCounter) run(ctx context.Context, n *ruleCount, f audit.Filter) {
	rules := map[string]int{}
	err := c.list(ctx, f, func(i audit.Item) error {
		for id := range rulesOf(i) {
			rules[id]++
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		c.logger.LogAttrs(ctx, slog.LevelError, "rules not counted", slog.Any("error", err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		n.rules, n.at = rules, c.now()
	}
	close(n.done)
	n.done = nil
}

// rulesOf are the rules that spoke in a request, each once.
func rulesOf(i audit.Item) map[string]bool {
	decisions := i.Record.Decisions
	if i.Record.Answer != nil {
		decisions = append(slices.Clip(decisions), *i.Record.Answer)
	}
	if i.Closing != nil && i.Closing.Response != nil {
		decisions = append(slices.Clip(decisions), *i.Closing.Response)
	}
	out := map[string]bool{}
	for _, d := range decisions {
		addRules(out, d)
	}
	return out
}

func addRules(out map[string]bool, d gateway.Decision) {
	for _, r := range d.Reasons {
		out[r.Rule] = true
	}
	for _, ids := range d.Rejected {
		for _, id := range ids {
			out[id] = true
		}
	}
}

func (c *ruleCounter) close() error {
	c.mu.Lock() // nothing begins meanwhile
	c.end()
	c.mu.Unlock()
	c.work.Wait()
	return nil
}
