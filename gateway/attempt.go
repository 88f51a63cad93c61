// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"io"
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
	// sent: a model was asked; over: the attempt has ended.
	sent, over bool
	place      Place
	observed   func(Attempt)
}

// attempt sends the request along its routes until one answers. What may be
// tried, and when, is the router's judgement; that nothing of an answer has
// reached the caller yet is this function's: send returns before that.
func (p *passage) attempt(ctx context.Context, send func(context.Context, *try) error) error {
	ctx = p.beside(ctx)
	for route := 0; ; {
		err := p.try(ctx, p.routes[route], send)
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
		route = next
	}
}

// try is one attempt at one route. After a success it goes on until done.
func (p *passage) try(ctx context.Context, route Route, send func(context.Context, *try) error) error {
	if outside(route) {
		if err := p.durable(ctx); err != nil {
			return err
		}
	}
	p.lose()
	t := &try{route: route, note: Attempt{Model: route.Model, Endpoint: route.Endpoint, Started: p.g.Now()}}
	p.current = t
	ctx, t.observed = p.g.observeAttempt(ctx, p.request, route)
	err := p.prepare(ctx, t)
	if err == nil {
		t.sent = true
		err = send(ctx, t)
	}
	if err != nil {
		p.done(t, err)
	}
	return err
}

// prepare takes a place and makes the call.
func (p *passage) prepare(ctx context.Context, t *try) error {
	place, err := p.g.Router.Enter(ctx, p.request, t.route)
	if err != nil {
		return p.fault("enter", err)
	}
	t.place = place
	if err := p.address(t); err != nil {
		return err
	}
	p.request.Body, p.restorer, p.given = t.body, t.restorer, t.given
	return nil
}

// done ends an attempt, if it is under way.
func (p *passage) done(t *try, err error) {
	if t == nil || t.over {
		return
	}
	t.note.Duration = p.g.Now().Sub(t.note.Started)
	t.note.Code = CodeOf(err)
	if known, ok := errors.AsType[*Error](err); ok {
		t.note.RetryAfter = known.RetryAfter
		if known.Upstream != nil {
			t.note.Status = known.Upstream.Status
		}
	}
	p.closing.Attempts = append(p.closing.Attempts, t.note)
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
