// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/ki-schleuse/schleuse/gateway"
)

// stream judges a streamed answer while it passes: it ends well only when every
// choice that began has its finish_reason and the server has said [DONE].
type stream struct {
	x      *exchange
	events *eventReader
	reader gateway.ChunkReader
	// choices are all that were seen and whether they have ended.
	choices []gateway.ChunkChoice
	whole   atomic.Bool // [DONE] came after everything else
	end     error       // what Next returns from now on
}

var _ gateway.AnswerStream = (*stream)(nil)

// maxChoices bounds what a server can make us remember.
const maxChoices = 128

func newStream(x *exchange, maxLine int, large *sync.Pool) *stream {
	return &stream{x: x, events: newEventReader(x.body, maxLine, large)}
}

// BeforeWait has f called before every read that waits for the server, or may wait.
func (s *stream) BeforeWait(f func()) bool {
	if plain, ok := s.x.response.Body.(*plainBody); ok {
		plain.beforeWait(f)
		return true
	}
	s.events.beforeWait = f
	return true
}

// Next returns the next chunk; see gateway.AnswerStream for what the errors mean.
func (s *stream) Next() (gateway.Chunk, error) {
	if s.end != nil {
		return gateway.Chunk{}, s.end
	}
	chunk, err := s.read()
	if err != nil {
		s.end = err
		s.events.free()
	}
	return chunk, err
}

// Close stops the upstream at once; a finished connection is kept for reuse.
func (s *stream) Close() error {
	if s.whole.CompareAndSwap(true, false) {
		if s.events.beforeWait != nil {
			s.events.beforeWait()
		}
		s.x.drain()
	}
	s.x.close()
	return nil
}

const opStream = "read stream"

func (s *stream) read() (gateway.Chunk, error) {
	ev, err := s.events.next()
	if errors.Is(err, io.EOF) {
		return gateway.Chunk{}, truncated(opStream, errors.New("connection ended without [DONE]"))
	}
	if err != nil {
		return gateway.Chunk{}, s.x.fail(opStream, err)
	}
	data := bytes.TrimSpace(ev.data)
	if bytes.Equal(data, []byte("[DONE]")) {
		return gateway.Chunk{}, s.done()
	}
	return s.judge(ev.name, data)
}

func (s *stream) done() error {
	if len(s.choices) == 0 {
		return truncated(opStream, errors.New("[DONE] without any choice"))
	}
	for _, c := range s.choices {
		if !c.Finished {
			return truncated(opStream, errors.New("[DONE] without finish_reason"))
		}
	}
	s.whole.Store(true)
	return io.EOF
}

func (s *stream) judge(name string, data []byte) (gateway.Chunk, error) {
	if name == "error" {
		return gateway.Chunk{}, s.x.own(reported(opStream, data))
	}
	chunk, err := s.reader.Read(data)
	switch {
	case err != nil:
		return gateway.Chunk{}, truncated(opStream, err)
	case chunk.Failed:
		return gateway.Chunk{}, s.x.own(reported(opStream, data))
	case chunk.Odd:
		return gateway.Chunk{}, odd(opStream)
	}
	for _, c := range chunk.Choices {
		if !s.note(c) {
			return gateway.Chunk{}, &gateway.Error{Op: opStream, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("too many choices")}
		}
	}
	return chunk, nil
}

// note remembers a choice; false: there are too many.
func (s *stream) note(c gateway.ChunkChoice) bool {
	for i, known := range s.choices {
		if known.Index == c.Index {
			s.choices[i].Finished = known.Finished || c.Finished
			return true
		}
	}
	if len(s.choices) >= maxChoices {
		return false
	}
	s.choices = append(s.choices, c)
	return true
}
