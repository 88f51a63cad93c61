// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"

	"github.com/ki-schleuse/schleuse/gateway"
)

// stream judges a streamed answer while it passes: it ends well only when every
// choice that began has its finish_reason and the server has said [DONE].
type stream struct {
	x      *exchange
	events *eventReader
	// finished maps the index of each choice seen to whether it has ended.
	finished map[int]bool
	seen     answer
	whole    atomic.Bool // [DONE] came after everything else
	end      error       // what Next returns from now on
}

var _ gateway.AnswerStream = (*stream)(nil)

// maxChoices bounds what a server can make us remember.
const maxChoices = 128

func newStream(x *exchange, c Config) *stream {
	return &stream{x: x, events: newEventReader(x.body, c.MaxLine), finished: make(map[int]bool, 1)}
}

// Next returns the next chunk; see gateway.AnswerStream for what the errors mean.
func (s *stream) Next() (gateway.Chunk, error) {
	if s.end != nil {
		return gateway.Chunk{}, s.end
	}
	chunk, err := s.read()
	if err != nil {
		s.end = err
	}
	return chunk, err
}

// Close stops the upstream at once; a finished connection is kept for reuse.
func (s *stream) Close() error {
	if s.whole.CompareAndSwap(true, false) {
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
	if len(s.finished) == 0 {
		return truncated(opStream, errors.New("[DONE] without any choice"))
	}
	for _, ended := range s.finished {
		if !ended {
			return truncated(opStream, errors.New("[DONE] without finish_reason"))
		}
	}
	s.whole.Store(true)
	return io.EOF
}

func (s *stream) judge(name string, data []byte) (gateway.Chunk, error) {
	clear(s.seen.Choices)
	s.seen = answer{Choices: s.seen.Choices[:0]}
	a := &s.seen
	if err := json.Unmarshal(data, a); err != nil {
		return gateway.Chunk{}, brokenJSON(opStream, err)
	}
	if a.failed() || name == "error" {
		return gateway.Chunk{}, s.x.own(reported(opStream, data))
	}
	for _, c := range a.Choices {
		if _, known := s.finished[c.Index]; !known && len(s.finished) >= maxChoices {
			return gateway.Chunk{}, &gateway.Error{Op: opStream, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("too many choices")}
		}
		s.finished[c.Index] = s.finished[c.Index] || c.finished()
	}
	chunk := gateway.Chunk{Data: data}
	if a.Usage != nil {
		u := a.Usage.report()
		chunk.Usage = &u
	}
	return chunk, nil
}
