// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"time"
)

// Screener finds personal data in texts. It is given the entities the case
// already knows. It must be safe for concurrent use and may not keep the texts.
type Screener interface {
	Screen(ctx context.Context, texts []string, known []Entity) (Screening, error)
}

// TenantScreener is a Screener that remembers between requests. For one tenant it
// must find what it would find without, and no tenant may learn, by how long it
// takes, what another has sent.
type TenantScreener interface {
	Screener
	For(tenant TenantID) Screener
}

// Screening is the result of one Screen over all texts of a request (the body's
// first, then the passages').
type Screening interface {
	// Findings in order of text and position, never overlapping.
	Findings() []Finding
	// Summary for policies and records.
	Summary() Screened
	// Pseudonymise returns the texts with every finding replaced, the same
	// value by the same placeholder in all texts, and how to undo it.
	Pseudonymise() ([]string, Restorer)
}

// Restorer turns the placeholders of one request back into the values.
type Restorer interface {
	// Restore restores a whole text. inJSON: the text is itself JSON source
	// (tool-call arguments), so values are escaped as JSON string content.
	Restore(text string, inJSON bool) (restored string, count int)
	// Stream returns a restorer for one text that comes in pieces.
	Stream(inJSON bool) StreamRestorer
}

// StreamRestorer restores a text that comes in pieces. It holds back only bytes
// that could still become a placeholder.
type StreamRestorer interface {
	// Write takes a piece and returns what can be released.
	Write(piece string) string
	// Flush returns what was held back; the text is over.
	Flush() string
	// Count is the number of placeholders restored so far.
	Count() int
}

// Decider answers whether a request may go ahead and on which conditions. An
// error, a timeout or an undecodable answer is a denial for the caller of Decide.
type Decider interface {
	Decide(ctx context.Context, q Question) (Decision, error)
}

// Pinner is a Decider whose policies may change while requests are under way.
type Pinner interface {
	Decider
	// Pin returns a Decider with the policies in force now. A request is decided by
	// one, from its first decision to its last.
	Pin() Decider
}

// Retriever finds passages the caller may read.
type Retriever interface {
	Retrieve(ctx context.Context, q Query) ([]Passage, error)
}

// Router knows the catalogue of models, their health and their load.
type Router interface {
	// Candidates are the models that could do the request, permitted or not:
	// the named one (or those behind the alias), or all able ones when the
	// request names none.
	Candidates(ctx context.Context, r Request) ([]ModelCard, error)
	// Plan orders the permitted models: the routes to try, best first, at least
	// one and at most MaxRoutes. CodeNoModel when none is left.
	Plan(ctx context.Context, r Request, permitted []ModelID) ([]Route, error)
	// Enter waits for a place at the route, in a bounded queue that is fair among
	// tenants. CodeOverloaded when there is none in time or the endpoint is known
	// to be down.
	Enter(ctx context.Context, r Request, route Route) (Place, error)
	// Next says what follows a failed attempt. It is asked only while nothing of
	// an answer has reached the caller. again is false: the error is the answer.
	Next(ctx context.Context, r Request, routes []Route, attempts []Attempt, err error) (route int, pause time.Duration, again bool)
}

// Hedger is a Router that may have a slow request go a second way as well.
type Hedger interface {
	Router
	// Patience is how long a request waits for content of its first attempt before
	// another route may be asked beside it; 0: none is. It is asked once for a request.
	Patience(r Request, first Route) time.Duration
	// Beside names the route for a request whose patience is over; slow is the index of
	// the one under way. The other one is as sovereign or more, well, has a place, and
	// there is room in the budgets. false: the request goes on waiting.
	Beside(r Request, routes []Route, slow int) (route int, ok bool)
}

// MaxRoutes bounds the routes of one request, MaxAttempts what is tried on them.
const (
	MaxRoutes   = 4
	MaxAttempts = 8
)

// Place is a place at an endpoint, taken for one attempt.
type Place interface {
	// Leave gives the place back and tells how the attempt went. It is called
	// once, for a stream when it has ended.
	Leave(a Attempt)
}

// Model speaks to the upstream model servers.
type Model interface {
	// Complete sends a body and returns the whole answer.
	Complete(ctx context.Context, c Call) (Answer, error)
	// Stream sends a body and returns when the upstream has accepted it.
	Stream(ctx context.Context, c Call) (AnswerStream, error)
}

// Call is one prepared request to a model.
type Call struct {
	RequestID string
	Operation Operation
	Route     Route
	// Body is the exact bytes to send; the model name is already the upstream's.
	// With files it becomes the fields of a multipart form.
	Body  []byte
	Files []File
}

// Answer is a complete answer of a model.
type Answer struct {
	// Body is the upstream's JSON, untouched.
	Body  []byte
	Usage Usage
}

// AnswerStream is an answer in pieces.
type AnswerStream interface {
	// Next returns the next chunk. io.EOF comes only after the upstream said
	// finish_reason and [DONE]; an ended connection is CodeTruncated, an error
	// event of the upstream CodeUnavailable.
	Next() (Chunk, error)
	// Close stops the upstream at once. It may be called twice.
	Close() error
}

// Recorder writes the record. An error means: no answer.
type Recorder interface {
	// Open is durable when it returns.
	Open(ctx context.Context, r Record) error
	// Close ends the story of an opened record. It must not depend on the
	// request's cancellation; the caller passes a context that outlives it.
	Close(ctx context.Context, c Closing) error
	// CloseSoon takes over an ending for which nobody needs to wait, because every
	// decision that it rests on is durable already. It is written with one of the
	// next commits, again after a failure, and before the process ends in order.
	// False: it was not taken, and Close must be called.
	CloseSoon(c Closing) bool
}

// Beginner is a Recorder that need not be waited for at once: what stays in the
// house may go on while the record is on its way. A Recorder that is none is asked
// to Open.
type Beginner interface {
	Recorder
	// Begin checks a record, writes it down in its final form and hands it over; it
	// does not wait for the store, at most for room in a queue. r is not looked at
	// after it has returned. An error: there is no record and will be none.
	Begin(ctx context.Context, r Record) (Pending, error)
}

// Pending is a record on its way to the store.
type Pending interface {
	// Wait returns nil when the record is durable, as Open does. It is called
	// exactly once, by any goroutine, and bounds the time by itself. After an error
	// the recorder ends the story, if the record turns out to be there after all;
	// nobody calls Close then. When ctx ends first, the error is CodeCancelled.
	Wait(ctx context.Context) error
}

// Quota bounds what callers may use: requests and tokens per time, requests at
// once, money.
type Quota interface {
	// Admit counts a request in before any work is done for it. CodeRateLimited
	// with RetryAfter when the caller has no request left. A request that is
	// refused here is counted, not recorded: nothing of it was read.
	Admit(ctx context.Context, r Request) (Ticket, error)
}

// Ticket is an admitted request on its way.
type Ticket interface {
	// Reserve sets aside the most the request can use, before anything leaves the
	// house. CodeBudget or CodeRateLimited when that is not left. Not called for
	// requests without a model.
	Reserve(ctx context.Context, e Estimate) error
	// Settle books what was used, frees the rest and the place among the requests
	// at once. It is called once, also after a refusal, with a context that
	// outlives the request. It must not block on a store that is down.
	Settle(ctx context.Context, u Used)
}

// Estimate is the most a request can use: over all routes it may take.
type Estimate struct {
	Input, Output int // tokens
	AudioSeconds  int // of recordings
	Cost          MicroEuro
}

// Used is what a request has used.
type Used struct {
	Record  Record
	Closing Closing
}

// Observer watches requests for metrics and traces: names, times and counts,
// never content.
type Observer interface {
	// Start is called when a request enters. The request goes on with the context
	// that it returns.
	Start(ctx context.Context, r Request) context.Context
	// Stage is called when a part of the passage begins, the returned function
	// when it has ended; that of "record" may be called beside the passage. Names:
	// "screen", "decide", "retrieve", "keep", "record".
	Stage(ctx context.Context, name string) (context.Context, func(error))
	// Attempt is called when a model is asked, the function when its answer (or
	// its stream) has ended; of one that was superseded beside the passage, maybe after End.
	Attempt(ctx context.Context, r Request, route Route) (context.Context, func(Attempt))
	// End is called once with what was recorded.
	End(ctx context.Context, rec Record, c Closing)
}
