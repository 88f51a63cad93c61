// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// try is one attempt at one route, with all that belongs to it alone.
type try struct {
	route    Route
	call     Call
	body     Body     // of the call
	restorer Restorer // nil: nothing was replaced
	given    []string // what the model is given
	note     Attempt
	sent     atomic.Bool // a model was asked
	over     bool
	place    Place
	observed func(Attempt)
	stop     context.CancelFunc // of an attempt that is not alone
	// What came: a whole answer, or one in pieces of which the beginning was read.
	answer Answer
	stream *ledStream
}

// sender asks the model and leaves in the attempt what came. It touches nothing else.
type sender func(context.Context, *try) error

// attempt sends the request along its routes until one answers. What may be
// tried, and when, is the router's judgement; that nothing of an answer has
// reached the caller yet is this function's: send returns before that.
func (p *passage) attempt(ctx context.Context, send sender) error {
	ctx = p.beside(ctx)
	for at := 0; ; {
		err := p.try(ctx, at, send)
		if err == nil {
			return nil
		}
		if len(p.closing.Attempts) >= MaxAttempts || ctx.Err() != nil {
			return err
		}
		next, pause, again := p.g.Router.Next(ctx, p.request, p.routes, p.closing.Attempts, err)
		if !again || next < 0 || next >= len(p.routes) {
			return err
		}
		if !sleep(ctx, pause) {
			return p.fault("wait for the next attempt", ctx.Err())
		}
		at = next
	}
}

// try is one attempt at one route, maybe with a second one beside it (hedge.go).
// After a success it goes on until done.
func (p *passage) try(ctx context.Context, at int, send sender) error {
	if outside(p.routes[at]) {
		if err := p.durable(ctx); err != nil {
			return err
		}
	}
	p.lose()
	own, t := p.start(ctx, p.routes[at])
	p.current = t
	err := p.address(t)
	if err == nil {
		err = p.enter(own, t)
	}
	switch patience := p.patience(t); {
	case err != nil:
	case patience > 0:
		err = p.race(ctx, own, at, patience, send)
	default:
		t.sent.Store(true)
		err = send(own, t)
	}
	if err != nil {
		p.done(p.current, err)
		return err
	}
	p.adopt(p.current)
	return nil
}

// start begins an attempt; what belongs to it goes on with its context.
func (p *passage) start(ctx context.Context, route Route) (context.Context, *try) {
	t := &p.first
	if p.current != nil {
		t = &try{}
	}
	t.route = route
	t.note = Attempt{Model: route.Model, Endpoint: route.Endpoint, Started: p.g.Now()}
	ctx, t.observed = p.g.observeAttempt(ctx, p.request, route)
	return ctx, t
}

// enter takes a place.
func (p *passage) enter(ctx context.Context, t *try) error {
	place, err := p.g.Router.Enter(ctx, p.request, t.route)
	if err != nil {
		return p.fault("enter", err)
	}
	t.place = place
	return nil
}

// adopt makes what the model of an attempt was given that of the passage.
func (p *passage) adopt(t *try) {
	p.request.Body, p.restorer, p.given = t.body, t.restorer, t.given
}

// done ends an attempt, if it is under way, and notes it.
func (p *passage) done(t *try, err error) {
	if t == nil || t.over {
		return
	}
	defer func() { p.closing.Attempts = append(p.closing.Attempts, t.note) }()
	t.end(p.g.Now(), err)
}

// end gives the place back.
func (t *try) end(now time.Time, err error) {
	t.note.Duration = now.Sub(t.note.Started)
	t.note.Code = CodeOf(err)
	if known, ok := errors.AsType[*Error](err); ok {
		t.note.RetryAfter = known.RetryAfter
		if known.Upstream != nil {
			t.note.Status = known.Upstream.Status
		}
	}
	place, observed := t.place, t.observed
	t.over, t.place, t.observed = true, nil, nil // also when one of them panics
	if place != nil {
		place.Leave(t.note)
	}
	if observed != nil {
		observed(t.note)
	}
}

// address prepares the call of an attempt: replaced values only outside the house.
func (p *passage) address(t *try) (err error) {
	body := p.inside
	t.given = p.texts
	if outside(t.route) {
		body, t.restorer, t.given = p.outside, p.undo, p.masked
	}
	if t.body, err = p.addressed(body, t.route); err != nil {
		return err
	}
	t.call = Call{RequestID: p.request.ID, Operation: p.request.Operation, Route: t.route, Body: t.body.Bytes(), Files: p.request.Files}
	return nil
}

// forget lets go of what only another attempt would need: a stream may last for
// minutes, and there are hundreds of them.
func (p *passage) forget() {
	p.inside, p.outside, p.undo = Body{}, Body{}, nil
	p.screening, p.texts, p.masked = nil, nil, nil
	p.current.call = Call{}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// A stream may still go another way while nothing of it has been released. So
// its beginning is read before the caller gets anything: up to the first event
// that carries something, or what these bounds allow.
const (
	maxLeadEvents = 16
	maxLeadBytes  = 64 << 10
)

// lead reads the beginning of a stream. After an error, which means that it
// brought nothing, the stream is closed.
func lead(upstream AnswerStream) (_ *ledStream, err error) {
	s := &ledStream{AnswerStream: upstream}
	begun := false
	defer func() {
		if !begun {
			_ = upstream.Close()
		}
	}()
	var scan eventScan
	for size := 0; len(s.chunks) < maxLeadEvents && size < maxLeadBytes; {
		chunk, err := upstream.Next()
		if errors.Is(err, io.EOF) {
			s.end = err
			break
		}
		if err != nil {
			return nil, err
		}
		e, err := chunk.read(&scan)
		if err != nil {
			return nil, err
		}
		if e.failed {
			return nil, failedEvent()
		}
		s.chunks = append(s.chunks, chunk.keep())
		if size += len(chunk.Data); len(e.pieces) > 0 || len(e.finished) > 0 {
			break
		}
	}
	begun = true
	return s, nil
}

// ledStream is a stream of which the beginning was read.
type ledStream struct {
	AnswerStream
	chunks []Chunk
	end    error
}

// Next returns what was read first, then the rest.
func (s *ledStream) Next() (Chunk, error) {
	if len(s.chunks) > 0 {
		c := s.chunks[0]
		s.chunks = s.chunks[1:]
		return c, nil
	}
	if s.end != nil {
		return Chunk{}, s.end
	}
	return s.AnswerStream.Next()
}
