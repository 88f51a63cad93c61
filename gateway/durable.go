// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
)

// ahead says that the model may be asked while the record is on its way: nothing
// leaves the house with it, whichever route is taken, and nothing of the answer is
// handed out before the record is durable. What a tool does cannot be taken back.
func (p *passage) ahead() (Beginner, bool) {
	if p.g.RecordFirst || p.need == noModel || p.request.Operation == OperationTool || slices.ContainsFunc(p.routes, outside) {
		return nil, false
	}
	b, ok := p.g.Recorder.(Beginner)
	return b, ok
}

func outside(r Route) bool { return r.Residency != ResidencyOwn }

// openAhead hands the record over. The passage goes on and comes back to it in durable.
func (p *passage) openAhead(ctx context.Context, b Beginner) error {
	p.opening = true
	inner, ended := p.g.observeStage(ctx, "record")
	pending, err := b.Begin(inner, p.record)
	if err != nil {
		ended(err)
		return p.unopened(ctx, err)
	}
	p.opened, p.called = true, p.g.Now()
	p.underway = &underway{record: pending, ended: ended, over: make(chan struct{})}
	return nil
}

// underway is a record on its way to the store.
type underway struct {
	record Pending
	ended  func(error) // of the observer's stage
	stop   context.CancelCauseFunc
	over   chan struct{} // closed when err is set
	err    error
}

// beside is the context for the models: it ends as soon as it is known that there
// will be no record. The caller's leaving does not end the wait for it, because what
// was asked of a model belongs into it.
func (p *passage) beside(ctx context.Context) context.Context {
	u := p.underway
	if u == nil || u.stop != nil {
		return ctx
	}
	beside, stop := context.WithCancelCause(ctx)
	u.stop, p.release = stop, stop
	go u.wait(context.WithoutCancel(ctx), p.g.Logger, p.request.ID)
	return beside
}

// wait is beside the passage.
func (u *underway) wait(ctx context.Context, logger *slog.Logger, id string) {
	defer close(u.over)
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, logger, id, v)
			u.err = errors.New("the recorder panicked")
		}
		if u.ended(u.err); u.err != nil {
			u.stop(u.err)
		}
	}()
	u.err = u.record.Wait(ctx)
}

// durable returns when the record is durable. Nothing of an answer is handed out
// before, nothing leaves the house, and the story is not ended. After an error there
// is no record: the request is over.
func (p *passage) durable(ctx context.Context) error {
	u := p.underway
	if u == nil {
		return nil
	}
	p.beside(ctx) // nobody waits yet when the passage has failed before its first attempt
	<-u.over
	p.underway = nil
	if u.err == nil {
		return nil
	}
	p.done(p.current, &Error{Op: "open record", Code: CodeCancelled, Err: u.err})
	p.account()
	p.opened = false
	p.unkeep(ctx)
	return p.unopened(ctx, u.err)
}

// letGo frees what the contexts of the attempts hold, once no model is asked any more.
func (p *passage) letGo() {
	if p.release != nil {
		p.release(nil)
	}
	if p.current != nil && p.current.stop != nil {
		p.current.stop()
	}
}
