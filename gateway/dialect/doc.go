// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package dialect translates other wire formats to OpenAI's chat format and its
// answers back, so that every door leads through the same screening, policies
// and record to every OpenAI-compatible model. It works on bytes only: it opens
// no connection, decides nothing and keeps nothing beyond one answer. Texts are
// copied as they are written, never re-encoded; whatever reaches a model stands
// in the translated body. What cannot be expressed there is refused with the
// path of the place, never left out silently.
//
// Start with [Request]; the formats are in anthropic and responses. [Flow] turns
// the chunks of a streamed answer into blocks that follow one another.
package dialect

import "github.com/ki-schleuse/schleuse/gateway"

// Request is a request of another format, translated.
type Request interface {
	// Chat is the body of POST /v1/chat/completions.
	Chat() []byte
	// Answer translates a whole answer of the model. id is that of the record.
	Answer(id string, chat []byte) ([]byte, error)
	// Stream translates an answer that comes in pieces. id is that of the record.
	Stream(id string) Stream
}

// Stream translates one streamed answer. It appends server-sent events to out
// and is used by one goroutine. After an error nothing but Fail may follow.
type Stream interface {
	// Event takes the JSON of one chunk.
	Event(out, chunk []byte) ([]byte, error)
	// End is called when the model has ended its answer properly.
	End(out []byte) ([]byte, error)
	// Fail is called instead of End; the client must not take the answer for whole.
	Fail(out []byte, f Failure) []byte
	// Silence is what keeps a connection alive on which nothing happens.
	Silence() []byte
}

// Failure is an error as a caller may see it.
type Failure struct {
	Code gateway.Code
	// Label is the code shown, usually Code, on a refusal the id of the rule.
	Label   string
	Message string
	Param   string
	// Schleuse is our own object with decision and reasons, as JSON; may be empty.
	Schleuse []byte
}

const (
	// maxBlocks bounds the parts of one answer, maxContent their text together.
	maxBlocks  = 1024
	maxContent = gateway.MaxBodyBytes
)

// Invalid is a mistake in what a caller sent.
func Invalid(path, message string) error {
	return &gateway.Error{Op: "translate request", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// unreadable is an answer that cannot be told in the caller's format.
func unreadable(message string) error {
	return &gateway.Error{Op: "translate answer", Code: gateway.CodeUnavailable, Message: message}
}
