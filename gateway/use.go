// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"encoding/json"
	"math"
)

// limit counts the request in. A refusal here leaves no record: nothing of the
// request was read, and a flood must not fill the log.
func (p *passage) limit(ctx context.Context) error {
	if p.g.Quota == nil {
		return nil
	}
	ticket, err := p.g.Quota.Admit(ctx, p.request)
	if err != nil {
		err = p.fault("limit", err)
		p.leave(ctx, CodeOf(err))
		return err
	}
	p.ticket = ticket
	return nil
}

// reserve sets aside the most that any of the routes can use.
func (p *passage) reserve(ctx context.Context) error {
	if p.ticket == nil || p.need == noModel {
		return nil
	}
	e := Estimate{Input: tokens(p.request.Body.Len()), Output: p.maxOutput(), AudioSeconds: p.audioSeconds(longestAudio)}
	for _, r := range p.routes {
		e.Cost = max(e.Cost, r.Price.Of(e.Input, e.Output)+r.Price.OfAudio(e.AudioSeconds))
	}
	if err := p.ticket.Reserve(ctx, e); err != nil {
		return p.refuse(ctx, p.fault("reserve", err))
	}
	return nil
}

// settle books what was used, once.
func (p *passage) settle(ctx context.Context) {
	if p.ticket == nil {
		return
	}
	ticket := p.ticket
	p.ticket = nil
	ticket.Settle(context.WithoutCancel(ctx), Used{Record: p.record, Closing: p.closing})
}

const (
	// defaultOutput is assumed when a request does not bound its answer.
	defaultOutput = 2048
	// largestOutput is more than any model writes: a wild bound must not set aside
	// money that others need.
	largestOutput = 128 << 10
)

// maxOutput is the most tokens the answer may have, over all its choices.
func (p *passage) maxOutput() int {
	if !p.generates() {
		return 0
	}
	limit := 0
	for _, field := range [...]string{"max_completion_tokens", "max_tokens"} {
		if n, ok := p.count(field); ok {
			limit = max(limit, n) // servers differ in which they heed
		}
	}
	if limit == 0 {
		limit = defaultOutput
	}
	choices := 1
	for _, field := range [...]string{"n", "best_of"} {
		if n, ok := p.count(field); ok {
			choices = max(choices, n)
		}
	}
	return min(limit, largestOutput) * min(choices, 128)
}

// How many bytes a second of a recording has: at least, for what is set aside,
// and usually, for what is booked when the server says nothing of its length.
const (
	longestAudio = 2_000 // 16 kbit/s, speech in a telephone's codec
	usualAudio   = 8_000 // 64 kbit/s
)

// audioSeconds is the length of the recordings of a transcription.
func (p *passage) audioSeconds(bytesPerSecond int) int {
	if p.request.Operation != OperationTranscription {
		return 0
	}
	size := 0
	for _, f := range p.request.Files {
		size += len(f.Content)
	}
	return (size + bytesPerSecond - 1) / bytesPerSecond
}

// generates says that the model writes text, which costs output tokens.
func (p *passage) generates() bool {
	return p.request.Operation == OperationChat || p.request.Operation == OperationCompletion
}

func (p *passage) count(field string) (int, bool) {
	raw, ok := p.request.Body.Get(field)
	var n float64
	if !ok || json.Unmarshal(raw, &n) != nil || n < 1 || n > math.MaxInt32 {
		return 0, false
	}
	return int(n), true
}

// bytesPerToken is low for German text, so that an estimate is rather too high.
const bytesPerToken = 3

func tokens(bytes int) int { return (bytes + bytesPerToken - 1) / bytesPerToken }

func length(texts []string) int {
	n := 0
	for _, t := range texts {
		n += len(t)
	}
	return n
}

// output is the number of tokens that the model has produced.
func (p *passage) output() int {
	if p.closing.Usage.Reported {
		return p.closing.Usage.Output
	}
	return tokens(p.produced)
}

// account completes what is said about use: estimates what the model's server
// did not report and puts a price on it.
func (p *passage) account() {
	t := p.current
	if p.record.Route == nil || t == nil || len(p.closing.Attempts) == 0 {
		return
	}
	u := &p.closing.Usage
	if !u.Reported && t.sent.Load() && (p.produced > 0 || worked(p.lastAttempt().Code)) {
		*u = Usage{Input: tokens(t.body.Len()), Output: tokens(p.produced), AudioSeconds: u.AudioSeconds, Estimated: true}
	}
	if u.AudioSeconds == 0 && (u.Reported || u.Estimated) {
		u.AudioSeconds = p.audioSeconds(usualAudio)
	}
	p.closing.Cost = p.lost + t.route.Price.Of(u.Input, u.Output) + t.route.Price.OfAudio(u.AudioSeconds)
	if t.route != *p.record.Route {
		answered := t.route
		p.closing.Answered = &answered
	}
	if len(p.closing.Attempts) == 1 && p.lastAttempt().Code == "" {
		p.closing.Attempts = nil
	}
}

// lose books, before the next attempt, one that came to nothing though a model has
// read the request.
func (p *passage) lose() {
	if t := p.current; t != nil && worked(t.note.Code) {
		p.lost += p.read(t)
	}
}

// read is the cost of a request that a model has read.
func (p *passage) read(t *try) MicroEuro {
	if !t.sent.Load() {
		return 0
	}
	return t.route.Price.Of(tokens(t.body.Len()), 0) + t.route.Price.OfAudio(p.audioSeconds(usualAudio))
}

func (p *passage) lastAttempt() Attempt { return p.closing.Attempts[len(p.closing.Attempts)-1] }

// worked says that a model that was asked has worked on the request, though its
// answer did not come or not to its end.
func worked(c Code) bool {
	switch c {
	case "", CodeCancelled, CodeSuperseded, CodeTimeout, CodeTruncated, CodeDenied:
		return true
	default:
		return false
	}
}
