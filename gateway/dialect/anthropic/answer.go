// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic

import (
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// Answer translates a whole answer.
func (r *Request) Answer(id string, chat []byte) ([]byte, error) {
	var f dialect.Flow
	if err := f.Whole(chat); err != nil {
		return nil, err
	}
	var content dialect.List
	for _, b := range f.Blocks {
		translated, err := whole(id, b)
		if err != nil {
			return nil, err
		}
		content.Add(translated)
	}
	reason, sequence := stopped(&f)
	m := r.message(id, &f.Answer, content.JSON(), reason, sequence, r.usage(&f))
	carry(m, f.Extra)
	return m.JSON(), nil
}

// message is the frame of an answer.
func (r *Request) message(id string, a *dialect.Answer, content, reason, sequence []byte, usage *dialect.Object) *dialect.Object {
	model := a.Model
	if !dialect.IsText(model) {
		model = r.model
	}
	if !dialect.IsText(model) {
		model = []byte(`""`)
	}
	var m dialect.Object
	m.Text("id", "msg_"+id).Text("type", "message").Text("role", "assistant").Raw("model", model).
		Raw("content", content).Raw("stop_reason", reason).Raw("stop_sequence", sequence).Object("usage", usage)
	return &m
}

// carry adds what the model's server said beside, unless the format has a field
// of that name.
func carry(m *dialect.Object, extra []dialect.Field) {
	for _, f := range dialect.Latest(extra) {
		switch f.Key {
		case "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "stop_details", "usage", "container", "diagnostics":
		default:
			m.Raw(f.Key, f.Value)
		}
	}
}

// whole is a block with all its content.
func whole(id string, b *dialect.Block) ([]byte, error) {
	var o dialect.Object
	switch b.Kind {
	case dialect.Reasoning:
		o.Text("type", "thinking").Inside("thinking", b.Content).Text("signature", "")
	case dialect.Call:
		input, err := b.Object()
		if err != nil {
			return nil, err
		}
		o.Text("type", "tool_use").Raw("id", callID(id, b)).Raw("name", b.Name).Raw("input", input)
	default:
		o.Text("type", "text").Inside("text", b.Content)
	}
	return o.JSON(), nil
}

// callID is the id the server gave, or one of ours.
func callID(id string, b *dialect.Block) []byte {
	if b.ID != nil {
		return b.ID
	}
	return dialect.Quote("toolu_" + id + "_" + strconv.Itoa(b.Index))
}

// stopped says why the model stopped, both as JSON.
func stopped(f *dialect.Flow) (reason, sequence []byte) {
	sequence = []byte("null")
	switch f.Finish {
	case "length":
		return []byte(`"max_tokens"`), sequence
	case "content_filter":
		return []byte(`"refusal"`), sequence
	}
	for _, b := range f.Blocks {
		if b.Kind == dialect.Call {
			return []byte(`"tool_use"`), sequence
		}
	}
	switch {
	case f.Stop != nil:
		return []byte(`"stop_sequence"`), f.Stop
	case len(f.Blocks) > 0 && f.Blocks[len(f.Blocks)-1].Kind == dialect.Refusal:
		return []byte(`"refusal"`), sequence
	}
	return []byte(`"end_turn"`), sequence
}

// usage tells cached tokens apart from the rest, as this format does.
func (r *Request) usage(f *dialect.Flow) *dialect.Object {
	var o dialect.Object
	u := f.Usage
	if !u.Reported {
		written := 0
		for _, b := range f.Blocks {
			written += len(b.Content)
		}
		return o.Number("input_tokens", r.Count()).Number("output_tokens", dialect.Estimate(written)).Word("estimated", "true")
	}
	cached := min(u.Cached, u.Input)
	o.Number("input_tokens", u.Input-cached).Number("cache_creation_input_tokens", 0).Number("cache_read_input_tokens", cached)
	return o.Number("output_tokens", u.Output)
}

// CountAnswer is the answer of POST /v1/messages/count_tokens, marked as an estimate.
func (r *Request) CountAnswer() []byte {
	var o dialect.Object
	return o.Number("input_tokens", r.Count()).Word("estimated", "true").JSON()
}
