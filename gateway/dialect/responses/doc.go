// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package responses translates OpenAI's Responses format (POST /v1/responses) to
// the chat format and the answers back, see package dialect, so that it works
// with every OpenAI-compatible model. Nothing is kept: what needs a store of
// earlier answers is refused. Start at [Parse] for requests; items.go reads the
// input, answer.go and stream.go write answers.
package responses

import "github.com/ki-schleuse/schleuse/gateway/dialect"

// Request is a translated request.
type Request struct {
	chat []byte
	// said is what the answer repeats of the request, by name.
	said map[string][]byte
}

var _ dialect.Request = (*Request)(nil)

// Chat is the body for the model.
func (r *Request) Chat() []byte { return r.chat }
