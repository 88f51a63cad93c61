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

// Count estimates the input tokens of a request. No tokeniser is asked: theirs
// differ, and a prompt must not cost more than reading it.
func (r *Request) Count() int {
	const picture = 1500 // tokens, roughly, whatever its size in bytes
	pictures, bytes := weigh(r.chat)
	return dialect.Estimate(bytes) + pictures*picture
}

// weigh adds up the strings of a body, data: addresses counted as pictures.
func weigh(raw []byte) (pictures, bytes int) {
	switch {
	case dialect.IsText(raw):
		if len(raw) > 300 && string(raw[1:6]) == "data:" {
			return 1, 0
		}
		return 0, len(raw) - 2
	case dialect.IsObject(raw):
		for key, value := range dialect.Members(raw) {
			p, b := weigh(value)
			pictures, bytes = pictures+p, bytes+b+len(key)/2
		}
	case dialect.IsList(raw):
		for _, value := range dialect.Elements(raw) {
			p, b := weigh(value)
			pictures, bytes = pictures+p, bytes+b
		}
	}
	return pictures, bytes
}
