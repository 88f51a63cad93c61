// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package anthropic translates Anthropic's Messages format (POST /v1/messages)
// to OpenAI's chat format and the answers back, see package dialect. It does not
// speak to Anthropic. Start at [Parse] for requests, answer.go and stream.go for
// answers, errors.go for how a failure looks.
package anthropic

import "github.com/ki-schleuse/schleuse/gateway/dialect"

// Request is a translated request.
type Request struct {
	chat []byte
	// model is what the caller named, as JSON.
	model []byte
}

var _ dialect.Request = (*Request)(nil)

// Chat is the body for the model.
func (r *Request) Chat() []byte { return r.chat }

// Count estimates the input tokens of a request.
func (r *Request) Count() int { return dialect.Tokens(r.chat) }
