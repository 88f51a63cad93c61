// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"slices"
	"sync/atomic"
	"time"
)

// patience is how long the first attempt of a request is alone; 0: it stays so. A tool
// acts twice when it is asked twice, and a recording takes minutes to read.
func (p *passage) patience(t *try) time.Duration {
	h, ok := p.g.Router.(Hedger)
	if !ok || t != &p.first || len(p.routes) < 2 || p.request.Operation == OperationTool || p.request.Operation == OperationTranscription {
		return 0
	}
	return h.Patience(p.request, t.route)
}

// race is one attempt and the one beside it. Whichever brings something first wins,
// the other one is stopped. Each runs beside the passage and owns its try until it
// has handed it over; the passage alone decides and notes.
type race struct {
	p       *passage
	send    sender
	running []*try
	over    chan finish // has room for all
	won     atomic.Bool
}

// finish is how an attempt in a race ended.
type finish struct {
	t   *try
	err error
}

// race goes on until one attempt has brought something or none is left. own is the
// context of the first one, ctx that of the request.
func (p *passage) race(ctx, own context.Context, at int, patience time.Duration, send sender) error {
	r := &race{p: p, send: send, over: make(chan finish, 2)}
	settled := false
	defer func() {
		if !settled { // a part has panicked
			r.abandon()
		}
	}()
	r.run(own, p.current)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case f := <-r.over:
			r.running = slices.DeleteFunc(r.running, func(t *try) bool { return t == f.t })
			p.current = f.t
			if settled = f.err == nil || len(r.running) == 0; f.err == nil {
				p.supersede(r.running)
				return nil
			}
			p.closing.Attempts = append(p.closing.Attempts, f.t.note)
			if settled {
				return f.err
			}
			p.lose()
		case <-timer.C:
			if own, second, ok := p.second(ctx, at); ok {
				r.run(own, second)
			}
		}
	}
}

// second begins the attempt beside a slow one, if there may be one.
func (p *passage) second(ctx context.Context, slow int) (context.Context, *try, bool) {
	h, ok := p.g.Router.(Hedger)
	if !ok || ctx.Err() != nil || len(p.closing.Attempts)+2 > MaxAttempts {
		return nil, nil, false
	}
	at, ok := h.Beside(p.request, p.routes, slow)
	if !ok || at < 0 || at >= len(p.routes) || at == slow {
		return nil, nil, false
	}
	route := p.routes[at]
	if !route.Residency.AtLeast(p.routes[slow].Residency) || outside(route) && p.underway != nil {
		return nil, nil, false
	}
	own, t := p.start(ctx, route)
	if err := p.address(t); err != nil {
		p.done(t, err)
		return nil, nil, false
	}
	return own, t, true
}

// supersede stops the attempts that were slower. What their models have read is paid
// for; their places are free when they have stopped.
func (p *passage) supersede(slower []*try) {
	for _, t := range slower {
		t.stop()
		p.lost += p.read(t)
		p.closing.Attempts = append(p.closing.Attempts, Attempt{
			Model: t.route.Model, Endpoint: t.route.Endpoint, Started: t.note.Started,
			Duration: p.g.Now().Sub(t.note.Started), Code: CodeSuperseded,
		})
	}
}

// abandon ends all that is under way.
func (r *race) abandon() {
	for _, t := range r.running {
		t.stop()
	}
	for range r.running {
		if f := <-r.over; f.err == nil && f.t.stream != nil {
			_ = f.t.stream.Close()
		}
	}
}

// run sets an attempt going.
func (r *race) run(ctx context.Context, t *try) {
	r.running = append(r.running, t)
	ctx, t.stop = context.WithCancel(ctx)
	request := r.p.request // the passage may go on while this attempt still ends
	go func() {
		err := r.ask(ctx, t, request)
		r.over <- finish{t, r.end(ctx, t, err)}
	}()
}

// ask takes a place, if there is none yet, and asks the model.
func (r *race) ask(ctx context.Context, t *try, request Request) (err error) {
	defer r.recovered(ctx, request.ID, &err)
	if t.place == nil {
		place, err := r.p.g.Router.Enter(ctx, request, t.route)
		if err != nil {
			return r.p.fault("enter", err)
		}
		t.place = place
	}
	t.sent.Store(true)
	return r.send(ctx, t)
}

// end ends an attempt that has not won.
func (r *race) end(ctx context.Context, t *try, cause error) (err error) {
	defer r.recovered(ctx, t.call.RequestID, &err)
	if cause == nil && r.won.CompareAndSwap(false, true) {
		return nil
	}
	if err = cause; r.won.Load() {
		t.stop() // before the place is left: it was given up, it did not fail
		err = &Error{Op: "attempt", Code: CodeSuperseded, Err: cause}
	}
	defer t.stop()
	defer func() { t.end(r.p.g.Now(), err) }()
	if t.stream != nil {
		_ = t.stream.Close()
	}
	return err
}

func (r *race) recovered(ctx context.Context, id string, err *error) {
	if v := recover(); v != nil {
		logPanic(ctx, r.p.g.Logger, id, v)
		*err = &Error{Op: "attempt", Code: CodeInternal, Message: "Die Anfrage konnte nicht bearbeitet werden.", RequestID: id}
	}
}
