// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic

import (
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// Stream translates an answer in pieces.
func (r *Request) Stream(id string) dialect.Stream { return &stream{request: r, id: id} }

type stream struct {
	request *Request
	id      string
	flow    dialect.Flow
	begun   bool
	carried int // of what the server said beside, so many were told at the beginning
	out     []byte
}

// Event takes one chunk.
func (s *stream) Event(out, chunk []byte) ([]byte, error) {
	s.out = out
	err := s.flow.Chunk(chunk, starting{s})
	if err == nil {
		s.begin() // also when the chunk held no text
	}
	return s.out, err
}

// End tells why the model stopped and what it cost.
func (s *stream) End(out []byte) ([]byte, error) {
	s.out = out
	if err := s.flow.End(starting{s}); err != nil {
		return s.out, err
	}
	s.begin()
	reason, sequence := stopped(&s.flow)
	var delta, e dialect.Object
	delta.Raw("stop_reason", reason).Raw("stop_sequence", sequence)
	e.Text("type", "message_delta").Object("delta", &delta).Object("usage", s.request.usage(&s.flow))
	for _, f := range s.flow.Extra[s.carried:] {
		if f.Key != "type" && f.Key != "delta" && f.Key != "usage" {
			e.Raw(f.Key, f.Value)
		}
	}
	s.out = dialect.AppendEvent(s.out, "message_delta", e.JSON())
	return dialect.AppendEvent(s.out, "message_stop", []byte(`{"type":"message_stop"}`)), nil
}

// Fail takes the place of message_stop.
func (s *stream) Fail(out []byte, f dialect.Failure) []byte {
	return dialect.AppendEvent(out, "error", Failure(f, ""))
}

// Silence is a ping.
func (*stream) Silence() []byte { return dialect.AppendEvent(nil, "ping", []byte(`{"type":"ping"}`)) }

// begin is due with the first chunk: it names the model. What the request cost
// is known at the end; until then an estimate stands there.
func (s *stream) begin() {
	if s.begun {
		return
	}
	s.begun = true
	var usage, e dialect.Object
	usage.Number("input_tokens", s.request.Count()).Number("output_tokens", 0)
	null := []byte("null")
	m := s.request.message(s.id, &s.flow.Answer, []byte("[]"), null, null, &usage)
	carry(m, s.flow.Extra)
	s.carried = len(s.flow.Extra)
	e.Text("type", "message_start").Object("message", m)
	s.out = dialect.AppendEvent(s.out, "message_start", e.JSON())
}

// starting writes the blocks.
type starting struct{ *stream }

// Open begins a block.
func (s starting) Open(b *dialect.Block) {
	s.begin()
	var block dialect.Object
	switch b.Kind {
	case dialect.Reasoning:
		block.Text("type", "thinking").Text("thinking", "").Text("signature", "")
	case dialect.Call:
		block.Text("type", "tool_use").Raw("id", callID(s.id, b)).Raw("name", b.Name).Raw("input", []byte("{}"))
	default:
		block.Text("type", "text").Text("text", "")
	}
	s.event("content_block_start", b, "content_block", &block)
}

// Piece continues it.
func (s starting) Piece(b *dialect.Block, content []byte) {
	var delta dialect.Object
	switch b.Kind {
	case dialect.Reasoning:
		delta.Text("type", "thinking_delta").Inside("thinking", content)
	case dialect.Call:
		delta.Text("type", "input_json_delta").Inside("partial_json", content)
	default:
		delta.Text("type", "text_delta").Inside("text", content)
	}
	s.event("content_block_delta", b, "delta", &delta)
}

// Close ends it.
func (s starting) Close(b *dialect.Block) { s.event("content_block_stop", b, "", nil) }

func (s starting) event(name string, b *dialect.Block, key string, value *dialect.Object) {
	var e dialect.Object
	e.Text("type", name).Number("index", b.Index)
	if value != nil {
		e.Object(key, value)
	}
	s.out = dialect.AppendEvent(s.out, name, e.JSON())
}
