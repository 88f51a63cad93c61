// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// What people read.
const (
	msgDown  = "Das Sprachmodell ist zurzeit gestört und wird deshalb nicht angefragt. Bitte versuchen Sie es später erneut."
	msgTired = "Das Sprachmodell nimmt zurzeit keine weiteren Anfragen an. Bitte versuchen Sie es später erneut."
	msgFull  = "Das Sprachmodell ist ausgelastet. Bitte versuchen Sie es später erneut."
	msgGone  = "Das Sprachmodell wurde soeben aus dem Katalog genommen. Bitte stellen Sie die Anfrage erneut."
	msgLeft  = "Die Anfrage wurde abgebrochen, während sie auf einen freien Platz wartete."
)

// Enter implements gateway.Router. CodeOverloaded carries an estimate of when to
// try again.
func (r *Router) Enter(ctx context.Context, q gateway.Request, route gateway.Route) (gateway.Place, error) {
	x := r.current.Load().byKey[key{route.Model, route.Endpoint}]
	if x == nil {
		return nil, overloaded(msgGone, 0, errors.New("model left the catalogue"))
	}
	n := x.node
	began := r.config.Now()
	pass, ok, away := n.admit(began)
	if !ok {
		return nil, n.refusal(began, away)
	}
	p := &place{router: r, ctx: ctx, node: n, pass: pass, at: began}
	waited, err := p.wait(q.Caller.Tenant)
	if err != nil {
		n.forgo(r.config.Now(), pass)
		return nil, n.turnedAway(err)
	}
	if waited {
		p.at = r.config.Now()
		if ok, away := n.recheck(p.at, pass); !ok {
			p.abandon()
			return nil, n.refusal(p.at, away)
		}
		p.pass.at = p.at
	}
	n.endpoint.budget.pay()
	return p, nil
}

// wait takes a place at the model and, where it has a bound, at its endpoint.
func (p *place) wait(tenant gateway.TenantID) (waited bool, err error) {
	n := p.node
	if waited, err = n.gate.enter(p.ctx, tenant); err != nil || !n.endpoint.gate.bounded.Load() {
		return waited, err
	}
	again, err := n.endpoint.gate.enter(p.ctx, tenant)
	if err != nil {
		n.gate.leave()
		return true, err
	}
	p.shared = true
	return waited || again, nil
}

// refusal is said while the model is left alone.
func (n *node) refusal(now time.Time, away time.Duration) error {
	n.mu.Lock()
	state, code := n.breaker.state(now), n.tally.code
	n.mu.Unlock()
	if state == StatePaused {
		return overloaded(msgTired, away, errors.New("paused: the server said that it is asked too often"))
	}
	return overloaded(msgDown, away, errors.New("circuit is "+string(state)+" after "+string(code)))
}

// turnedAway explains why there was no place.
func (n *node) turnedAway(err error) error {
	switch {
	case errors.Is(err, errQueueFull), errors.Is(err, errWaited):
		return overloaded(msgFull, n.patience(), err)
	case errors.Is(err, errClosed):
		return overloaded(msgDown, 0, err)
	}
	return &gateway.Error{Op: "enter", Code: gateway.CodeOf(err), Message: msgLeft, Err: err}
}

// longestAdvice bounds what is advised to a caller.
const longestAdvice = time.Minute

// patience estimates when the queue of now will have been served.
func (n *node) patience() time.Duration {
	whole := 1.0
	if m := n.measured.Load(); m != nil {
		whole = m.whole
	}
	wait := 0.0
	for _, g := range [...]*gate{n.gate, n.endpoint.gate} {
		if _, waiting, l := g.counts(); l.Concurrent > 0 {
			wait = max(wait, whole*float64(waiting+1)/float64(l.Concurrent))
		}
	}
	return time.Duration(min(wait, longestAdvice.Seconds()) * float64(time.Second))
}

// overloaded is refused without asking the server. Seconds are what callers understand.
func overloaded(message string, away time.Duration, err error) error {
	away = max(min(away, longestAdvice), time.Millisecond)
	away = (away + time.Second - 1).Truncate(time.Second)
	return &gateway.Error{Op: "enter", Code: gateway.CodeOverloaded, Message: message, RetryAfter: away, Err: err}
}

// place is a place at a node, taken for one attempt.
type place struct {
	router *Router
	ctx    context.Context //nolint:containedctx // a place lives as long as its attempt
	node   *node
	pass   pass
	shared bool // there is a place at the endpoint to be given back as well
	at     time.Time
	left   atomic.Bool
}

// Leave implements gateway.Place. A second call does nothing.
func (p *place) Leave(a gateway.Attempt) {
	if p.left.Swap(true) {
		return
	}
	now := p.router.config.Now()
	gone := p.ctx.Err() != nil
	v := judge(a, gone)
	p.learn(now, v, gone, a)
	before, after := p.node.observe(now, p.pass, v, a, p.router.config.Rand())
	p.free()
	if before != after {
		p.router.transition(p.ctx, p.node, before, after, a)
	}
}

// learn takes the times of an attempt without those of waiting for the place. A
// caller who lost patience tells that the server is at least so slow.
func (p *place) learn(now time.Time, v verdict, gone bool, a gateway.Attempt) {
	whole := now.Sub(p.at)
	switch {
	case v == good:
		first := time.Duration(0)
		if a.FirstByte > 0 {
			first = max(a.FirstByte-max(p.at.Sub(a.Started), 0), 1)
		}
		p.node.learn(now, first, whole, a.Output)
	case gone && a.FirstByte == 0 && whole.Seconds() > p.node.expected(now.UnixNano(), usualOutput):
		p.node.learn(now, whole, whole, 0)
	}
}

// abandon gives a place back that was never used.
func (p *place) abandon() {
	p.left.Store(true)
	p.node.forgo(p.at, p.pass)
	p.free()
}

func (p *place) free() {
	if p.shared {
		p.node.endpoint.gate.leave()
	}
	p.node.gate.leave()
}

// transition tells that a model's state has changed. Who waits for one that is
// left alone is sent on.
func (r *Router) transition(ctx context.Context, n *node, before, after State, a gateway.Attempt) {
	level := slog.LevelInfo
	if after == StateOpen || after == StatePaused {
		n.gate.close(errClosed)
		level = slog.LevelWarn
	}
	r.config.Logger.LogAttrs(context.WithoutCancel(ctx), level, "model state changed",
		slog.String("model", string(n.key.model)), slog.String("endpoint", n.key.endpoint),
		slog.String("from", string(before)), slog.String("to", string(after)),
		slog.String("code", string(a.Code)), slog.Int("status", a.Status))
}
