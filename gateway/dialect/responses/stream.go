// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package responses

import (
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// Stream translates an answer in pieces.
func (r *Request) Stream(id string) dialect.Stream {
	s := &stream{writer: writer{request: r, id: id}}
	s.writer.flow = &s.flow
	return s
}

type stream struct {
	writer
	flow   dialect.Flow
	number int // of the next event
	begun  bool
	out    []byte
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

// End tells the whole answer once more, with what it cost.
func (s *stream) End(out []byte) ([]byte, error) {
	s.out = out
	if err := s.flow.End(starting{s}); err != nil {
		return s.out, err
	}
	s.begin()
	status := s.ended()
	s.event("response."+status, s.fields().Raw("response", s.response(status, nil)))
	return s.out, nil
}

// Fail ends the answer as failed. The event "error" follows because clients that
// only collect text take notice of nothing else.
func (s *stream) Fail(out []byte, f dialect.Failure) []byte {
	s.out = out
	if s.begun {
		code := "server_error"
		if f.Code == gateway.CodeRateLimited || f.Code == gateway.CodeOverloaded {
			code = "rate_limit_exceeded"
		}
		var failure dialect.Object
		failure.Text("code", code).Text("message", f.Message)
		s.event("response.failed", s.fields().Raw("response", s.response(failed, &failure)))
	}
	// Some clients look for the error in the chat format's place only.
	var detail dialect.Object
	detail.Text("type", "server_error").Text("code", f.Label).Text("message", f.Message).Word("param", "null")
	e := s.fields().Text("code", f.Label).Text("message", f.Message).Word("param", "null").Object("error", &detail)
	if len(f.Schleuse) > 0 {
		e.Raw("schleuse", f.Schleuse)
	}
	s.event("error", e)
	return s.out
}

// Silence is a comment: the format knows no event for it.
func (*stream) Silence() []byte { return []byte(": warten\n\n") }

func (s *stream) begin() {
	if s.begun {
		return
	}
	s.begun = true
	response := s.response(running, nil)
	s.event("response.created", s.fields().Raw("response", response))
	s.event("response.in_progress", s.fields().Raw("response", response))
}

// fields is an event that gets its name and number when it is written.
func (*stream) fields() *dialect.Object { return &dialect.Object{} }

func (s *stream) event(name string, fields *dialect.Object) {
	var e dialect.Object
	e.Text("type", name).Number("sequence_number", s.number).Append(fields)
	s.number++
	s.out = dialect.AppendEvent(s.out, name, e.JSON())
}

// starting writes the blocks as items.
type starting struct{ *stream }

// of is an event about an item.
func (s starting) of(b *dialect.Block) *dialect.Object {
	var o dialect.Object
	return o.Text("item_id", s.name(b)).Number("output_index", b.Index)
}

// Open begins an item and its part.
func (s starting) Open(b *dialect.Block) {
	s.begin()
	s.event("response.output_item.added", s.fields().Number("output_index", b.Index).Raw("item", s.item(b, running, false)))
	if b.Kind != dialect.Call {
		s.event("response.content_part.added", s.of(b).Number("content_index", 0).Raw("part", s.part(b, false)))
	}
}

// Piece continues it.
func (s starting) Piece(b *dialect.Block, content []byte) {
	e := s.of(b)
	if b.Kind != dialect.Call {
		e.Number("content_index", 0)
	}
	e.Inside("delta", content)
	if b.Kind == dialect.Text {
		e.Word("logprobs", "[]")
	}
	s.event(family(b.Kind)+".delta", e)
}

// Close repeats the whole content and ends the item.
func (s starting) Close(b *dialect.Block) {
	e := s.of(b)
	if b.Kind == dialect.Call {
		s.event(family(b.Kind)+".done", e.Raw("name", b.Name).Inside("arguments", b.Content))
	} else {
		e.Number("content_index", 0)
		switch b.Kind {
		case dialect.Refusal:
			e.Inside("refusal", b.Content)
		case dialect.Text:
			e.Inside("text", b.Content).Raw("logprobs", s.logprobs(true))
		default:
			e.Inside("text", b.Content)
		}
		s.event(family(b.Kind)+".done", e)
		s.event("response.content_part.done", s.of(b).Number("content_index", 0).Raw("part", s.part(b, true)))
	}
	s.event("response.output_item.done", s.fields().Number("output_index", b.Index).Raw("item", s.item(b, s.itemStatus(b), true)))
}

// family is the name of the events about a content.
func family(k dialect.Kind) string {
	switch k {
	case dialect.Reasoning:
		return "response.reasoning_text"
	case dialect.Refusal:
		return "response.refusal"
	case dialect.Call:
		return "response.function_call_arguments"
	default:
		return "response.output_text"
	}
}
