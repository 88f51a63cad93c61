// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Health says how servers are asked whether they are there, when no request shows it.
type Health struct {
	// Ping asks an endpoint, by its key, something that costs nothing (its list of
	// models); nil: only requests tell how servers are.
	Ping func(ctx context.Context, endpoint string) error
	// Interval between two rounds, give or take a fifth; default 10 s.
	Interval time.Duration
	// Timeout of a ping, default 5 s.
	Timeout time.Duration
	// Idle is after what time without a good answer an endpoint is asked; default
	// 30 s. One that is left alone is asked in any case.
	Idle time.Duration
	// Failures in a row after which an idle endpoint counts as down; default 2.
	Failures int
}

func (h Health) withDefaults() Health {
	standard(&h.Interval, 10*time.Second)
	standard(&h.Timeout, 5*time.Second)
	standard(&h.Idle, 30*time.Second)
	standard(&h.Failures, 2)
	return h
}

// Run pings until the context ends. Requests have the last word: a ping that
// succeeds lets a request try early, one that fails only keeps requests away for
// a moment.
func (r *Router) Run(ctx context.Context) {
	if r.config.Health.Ping == nil {
		return
	}
	for {
		interval := float64(r.config.Health.Interval) * (0.8 + 0.4*r.config.Rand())
		timer := time.NewTimer(time.Duration(interval))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		r.Check(ctx)
	}
}

// pingsAtOnce bounds a round.
const pingsAtOnce = 8

// Check is one round: it pings the endpoints that are left alone or idle, and
// returns when all have answered or not.
func (r *Router) Check(ctx context.Context) {
	s := r.current.Load()
	places := make(chan struct{}, pingsAtOnce)
	var all sync.WaitGroup
	for _, p := range s.points {
		nodes := s.nodesAt(p)
		if r.config.Health.Ping == nil || !r.wanted(nodes) {
			continue
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			r.ping(ctx, p, nodes)
		})
	}
	all.Wait()
}

func (s *snapshot) nodesAt(p *endpoint) []*node {
	var out []*node
	for _, x := range s.slots {
		if x.node.endpoint == p {
			out = append(out, x.node)
		}
	}
	return out
}

// wanted: one of the models is left alone, or none has answered for a while.
func (r *Router) wanted(nodes []*node) bool {
	now := r.config.Now()
	idle := 0
	for _, n := range nodes {
		if n.blocked.Load() > 0 {
			return true
		}
		if n.idle(now, r.config.Health.Idle) {
			idle++
		}
	}
	return idle == len(nodes)
}

func (r *Router) ping(ctx context.Context, p *endpoint, nodes []*node) {
	inner, cancel := context.WithTimeout(ctx, r.config.Health.Timeout)
	defer cancel()
	err := r.config.Health.Ping(inner, p.name)
	if ctx.Err() != nil {
		return // we are going down, not the server
	}
	silent := p.heard(err)
	if err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelDebug, "ping failed", slog.String("endpoint", p.name), slog.Int("in_a_row", silent), slog.Any("error", err))
	}
	for _, n := range nodes {
		now := r.config.Now()
		var before, after State
		switch {
		case err == nil:
			before, after = n.revive(now)
		case silent >= r.config.Health.Failures && n.idle(now, r.config.Health.Idle):
			before, after = n.trip(now, r.config.Rand())
		}
		if before != after {
			r.transition(ctx, n, before, after, gateway.Attempt{Code: pingCode(err)})
		}
	}
}

func pingCode(err error) gateway.Code {
	if err == nil {
		return ""
	}
	return gateway.CodeUnavailable
}

// heard counts failed pings in a row.
func (p *endpoint) heard(err error) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent++; err == nil {
		p.silent = 0
	}
	return p.silent
}
