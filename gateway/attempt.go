// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"io"
	"time"
)

// attempt sends the request along its routes until one answers. What may be
// tried, and when, is the router's judgement; that nothing of an answer has
// reached the caller yet is this function's: send returns before that.
func (p *passage) attempt(ctx context.Context, send func(context.Context, Call) error) error {
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
func (p *passage) try(ctx context.Context, route Route, send func(context.Context, Call) error) error {
	p.lose()
	p.current, p.sent = route, false
	p.note, p.trying = Attempt{Model: route.Model, Endpoint: route.Endpoint, Started: p.g.Now()}, true
	ctx, p.observed = p.g.observeAttempt(ctx, p.request, route)
	place, err := p.g.Router.Enter(ctx, p.request, route)
	if err != nil {
		err = p.fault("enter", err)
		p.done(err)
		return err
	}
	p.place = place
	call, err := p.callTo(route)
	if err == nil {
		p.sent = true
		err = send(ctx, call)
	}
	if err != nil {
		p.done(err)
	}
	return err
}

// done ends the attempt under way, if there is one.
func (p *passage) done(err error) {
	if !p.trying {
		return
	}
	p.note.Duration = p.g.Now().Sub(p.note.Started)
	p.note.Code = CodeOf(err)
	if known, ok := errors.AsType[*Error](err); ok {
		p.note.RetryAfter = known.RetryAfter
		if known.Upstream != nil {
			p.note.Status = known.Upstream.Status
		}
	}
	p.closing.Attempts = append(p.closing.Attempts, p.note)
	note, place, observed := p.note, p.place, p.observed
	p.trying, p.note, p.place, p.observed = false, Attempt{}, nil, nil // also when one of them panics
	if place != nil {
		place.Leave(note)
	}
	if observed != nil {
		observed(note)
	}
}

// callTo prepares the body for a route: replaced values only outside the house.
func (p *passage) callTo(route Route) (Call, error) {
	body := p.inside
	p.restorer, p.given = nil, p.texts
	if route.Residency != ResidencyOwn {
		body, p.restorer, p.given = p.outside, p.undo, p.masked
	}
	body, err := p.address(body, route)
	if err != nil {
		return Call{}, err
	}
	p.request.Body = body
	return Call{RequestID: p.request.ID, Operation: p.request.Operation, Route: route, Body: body.Bytes(), Files: p.request.Files}, nil
}

// forget lets go of what only another attempt would need: a stream may last for
// minutes, and there are hundreds of them.
func (p *passage) forget() {
	p.inside, p.outside, p.undo = Body{}, Body{}, nil
	p.screening, p.texts, p.masked = nil, nil, nil
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
