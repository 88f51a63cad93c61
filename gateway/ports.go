// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import "context"

// Screener finds personal data in texts. It is given the entities the case
// already knows. It must be safe for concurrent use and may not keep the texts.
type Screener interface {
	Screen(ctx context.Context, texts []string, known []Entity) (Screening, error)
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

// Retriever finds passages the caller may read.
type Retriever interface {
	Retrieve(ctx context.Context, q Query) ([]Passage, error)
}

// Router knows the catalogue of models.
type Router interface {
	// Candidates are the models that could do the request, permitted or not:
	// the named one, or all able ones when the request names none.
	Candidates(ctx context.Context, r Request) ([]ModelCard, error)
	// Route chooses among the permitted ids. CodeNoModel when none is left.
	Route(ctx context.Context, r Request, permitted []ModelID) (Route, error)
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
	Body []byte
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

// Chunk is one event of a streamed answer.
type Chunk struct {
	// Data is the JSON of the event, untouched. It is valid until the next call of Next.
	Data []byte
	// Usage is set on the chunk that carries it.
	Usage *Usage
}

// Recorder writes the record. An error means: no answer.
type Recorder interface {
	// Open is durable when it returns.
	Open(ctx context.Context, r Record) error
	// Close ends the story of an opened record. It must not depend on the
	// request's cancellation; the caller passes a context that outlives it.
	Close(ctx context.Context, c Closing) error
}
