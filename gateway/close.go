// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"
)

// newRecord fills in what is known when a request arrives.
func newRecord(g *Gateway, r Request) Record {
	rec := Record{
		ID: r.ID, Time: r.Time.UTC(), Tenant: r.Caller.Tenant, System: r.Caller.System, KeyID: r.Caller.KeyID,
		Roles: r.Caller.Roles, Channel: r.Caller.Channel, Operation: r.Operation, Purpose: word(r.Purpose),
		Service: word(r.Service), BodyBytes: r.Body.Len(), Entities: len(r.Entities),
	}
	for _, c := range r.DataClass {
		rec.Declared = append(rec.Declared, word(c))
	}
	rec.User = g.pseudonym(r, "user", r.Caller.User)
	rec.Case = g.pseudonym(r, "case", r.Case)
	rec.Content = g.content(r, r.Body.Bytes(), r.Files...)
	return rec
}

// word keeps an identifier and turns anything else into "invalid": purpose and
// service are foreign input, and nobody's name may reach the record through them.
func word[S ~string](s S) S {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:()"
	if len(s) > 100 || strings.Trim(string(s), allowed) != "" {
		return "invalid"
	}
	return s
}

func (g *Gateway) pseudonym(r Request, kind, value string) Pseudonym {
	if value == "" {
		return ""
	}
	return g.Pseudonymise(r.Caller.Tenant, kind, value)
}

// content is the keyed commitment to a body and the files beside it: it proves
// later what was sent, and tells nothing to whoever lacks the key.
func (g *Gateway) content(r Request, raw []byte, files ...File) Pseudonym {
	sum := sha256.Sum256(raw)
	for _, f := range files {
		file := sha256.Sum256(f.Content)
		sum = sha256.Sum256(append(sum[:], file[:]...))
	}
	return g.commit(r, sum[:])
}

// deny records a refused request and returns the refusal.
func (p *passage) deny(ctx context.Context) error {
	d := p.decision
	return p.refuse(ctx, &Error{Op: "decide", Code: CodeDenied, Message: denialText(d), Decision: &d, RequestID: p.request.ID})
}

// denialText is the first blocking reason in a sentence for people.
func denialText(d Decision) string {
	for _, r := range d.Reasons {
		if r.Severity == "block" {
			return r.Text
		}
	}
	for _, r := range d.Reasons {
		return r.Text
	}
	return "Die Regeln erlauben diese Anfrage nicht."
}

// refuse records a request that ends before anything left the house and returns
// its cause, or the failure to record it.
func (p *passage) refuse(ctx context.Context, cause error) error {
	ctx = context.WithoutCancel(ctx)
	p.record.Changes = nil // whatever was prepared, nothing is sent
	if err := p.open(ctx); err != nil {
		p.g.Logger.LogAttrs(ctx, slog.LevelError, "refusal not recorded", slog.String("request_id", p.request.ID), slog.Any("error", err))
		return err
	}
	return p.fail(ctx, cause)
}

// fail closes the record with the outcome that belongs to the error.
func (p *passage) fail(ctx context.Context, cause error) error {
	p.closing.Code = CodeOf(cause)
	if err := p.close(ctx, outcomeOf(p.closing.Code, p.closing.Response)); err != nil {
		return err
	}
	if known, ok := errors.AsType[*Error](cause); ok {
		withID := *known
		withID.RequestID = p.request.ID
		if withID.Decision == nil && len(p.record.Decisions) > 0 {
			d := p.decision
			withID.Decision = &d
		}
		return &withID
	}
	return &Error{Op: "complete", Code: p.closing.Code, Message: "Die Anfrage konnte nicht bearbeitet werden.", RequestID: p.request.ID, Err: cause}
}

// recovered is deferred around the passage: a part that panics must not leave an
// open record behind. What it panicked with may be content and is not logged.
func (p *passage) recovered(ctx context.Context, err *error) {
	v := recover()
	if v == nil {
		return
	}
	logPanic(ctx, p.g.Logger, p.request.ID, v)
	cause := &Error{Op: "passage", Code: CodeInternal, Message: "Die Anfrage konnte nicht bearbeitet werden.", RequestID: p.request.ID}
	switch {
	case p.opened:
		*err = p.fail(ctx, cause)
	case p.opening: // the recorder itself; it is not asked again
		p.unkeep(ctx)
		p.leave(ctx, CodeNoRecord)
		cause.Code = CodeNoRecord
		*err = cause
	default:
		*err = p.refuse(ctx, cause)
	}
}

func logPanic(ctx context.Context, logger *slog.Logger, id string, v any) {
	logger.LogAttrs(ctx, slog.LevelError, "panic", slog.String("request_id", id),
		slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
}

// leave ends a request of which there is no record.
func (p *passage) leave(ctx context.Context, c Code) {
	if p.closed {
		return
	}
	p.closed = true
	now := p.g.Now()
	p.closing.ID, p.closing.Time, p.closing.Code = p.request.ID, now.UTC(), c
	p.closing.Outcome, p.closing.Total = outcomeOf(c, nil), now.Sub(p.started)
	p.settle(ctx)
	p.g.observeEnd(ctx, p.record, p.closing)
}

func outcomeOf(c Code, response *Decision) Outcome {
	switch {
	case c == CodeDenied && response != nil:
		return OutcomeStopped
	case c == CodeDenied:
		return OutcomeDenied
	case c == CodeTruncated:
		return OutcomeTruncated
	case c == CodeCancelled:
		return OutcomeCancelled
	}
	return OutcomeFailed
}

// close writes the end of the record once, whatever became of the request's context,
// and not before its beginning is durable.
func (p *passage) close(ctx context.Context, o Outcome) error {
	if p.closed {
		return nil
	}
	answered := p.g.Now()
	if err := p.durable(ctx); err != nil {
		return err
	}
	p.closed = true
	kept := p.keepAnswer(ctx)
	switch {
	case kept == nil:
	case o == OutcomeAnswered:
		o, p.closing.Code = OutcomeFailed, CodeNoRecord
	default:
		kept = nil // there is another cause, and the record says that nothing is kept
	}
	now := p.g.Now()
	p.closing.ID, p.closing.Time, p.closing.Outcome = p.request.ID, now.UTC(), o
	p.closing.Total = now.Sub(p.started)
	if p.record.Route != nil && !p.called.IsZero() {
		p.closing.Model = answered.Sub(p.called)
	}
	p.done(p.current, &Error{Op: "close", Code: p.closing.Code})
	p.account()
	p.settle(ctx)
	p.g.observeEnd(ctx, p.record, p.closing)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.g.RecordTimeout)
	defer cancel()
	if p.closing.Response == nil && p.g.Recorder.CloseSoon(p.closing) {
		return kept // every decision is durable: nobody waits for the end of the story
	}
	if p.beforeWait != nil {
		p.beforeWait()
	}
	if err := p.g.Recorder.Close(ctx, p.closing); err != nil {
		p.g.Logger.LogAttrs(ctx, slog.LevelError, "record not closed", slog.String("request_id", p.request.ID), slog.Any("error", err))
		return &Error{Op: "close record", Code: CodeNoRecord, Message: "Das Ende der Anfrage konnte nicht protokolliert werden. Die Antwort wird deshalb nicht herausgegeben.", RequestID: p.request.ID, Err: err}
	}
	return kept
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NewID is a time-ordered id: "e-" and 26 letters and digits, 48 bits of
// milliseconds and 80 random bits.
func NewID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	high, low := binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
	out := [28]byte{0: 'e', 1: '-'}
	for i := len(out) - 1; i > 1; i-- {
		out[i] = crockford[low&31]
		low, high = low>>5|high<<59, high>>5
	}
	return string(out[:])
}
