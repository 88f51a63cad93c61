// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// event is one event of a streamed answer: its bytes and what of them is text.
type event struct {
	raw    []byte
	pieces []piece
	// finished are the indexes of the choices that end with this event.
	finished []int
	choices  int
	// foreign: the model's server wrote a field "schleuse", which is ours.
	foreign bool
}

// piece is one string of an event.
type piece struct {
	start, end int // without the quotes
	key        pieceKey
	// whole: the string is complete in itself, not the next part of a longer text.
	whole bool
}

// pieceKey names one text of an answer that comes in pieces.
type pieceKey struct {
	choice int
	field  string // below delta: "content", "tool_calls[].function.arguments"
	tool   int
}

// arguments says that the text is JSON source that a program will obey.
func (k pieceKey) arguments() bool { return strings.HasSuffix(k.field, "arguments") }

// maxEventDepth bounds the nesting of one event.
const maxEventDepth = 32

// eventScan walks the events of one stream, one after the other.
type eventScan struct {
	cursor
	event event
	err   error
}

// scan reads an event. Its slices are valid until the next call, its bytes stay.
func (s *eventScan) scan(data []byte) (*event, error) {
	if !json.Valid(data) {
		return nil, unreadableEvent(errors.New("no JSON"))
	}
	raw := bytes.Clone(data)
	s.cursor, s.err = cursor{raw: raw}, nil
	s.event = event{raw: raw, pieces: s.event.pieces[:0], finished: s.event.finished[:0]}
	s.space()
	if raw[s.at] != '{' {
		return nil, unreadableEvent(errors.New("no object"))
	}
	s.top()
	if s.err != nil {
		return nil, unreadableEvent(s.err)
	}
	return &s.event, nil
}

func unreadableEvent(err error) *Error {
	return &Error{Op: "read event", Code: CodeTruncated, Message: "Die Antwort des Modells ist unlesbar.", Err: err}
}

// top walks the event. What stands outside of the choices is text of its own.
func (s *eventScan) top() {
	for s.open(); s.more('}'); {
		start, end := s.member()
		switch name := s.raw[start:end]; string(name) {
		case "choices":
			s.list(s.choice)
		case "schleuse":
			s.event.foreign = true
			s.skip()
		case "id", "object", "model", "created", "system_fingerprint", "service_tier", "usage":
			s.skip()
		default:
			s.text(pieceKey{tool: -1, field: fieldName(name)}, true, 1)
		}
	}
}

// open steps into an object or array.
func (s *eventScan) open() { s.at++ }

// list walks an array, or anything else as a value without meaning for us.
func (s *eventScan) list(element func(position int)) {
	if s.raw[s.at] != '[' {
		s.skip()
		return
	}
	s.open()
	for i := 0; s.more(']'); i++ {
		element(i)
	}
}

func (s *eventScan) choice(position int) {
	s.event.choices++
	if s.raw[s.at] != '{' {
		s.skip()
		return
	}
	index, from, finished := position, len(s.event.pieces), false
	for s.open(); s.more('}'); {
		start, end := s.member()
		switch name := s.raw[start:end]; string(name) {
		case "index":
			index = s.number(index)
		case "finish_reason":
			at := s.at
			s.skip()
			finished = s.raw[at] == '"' && s.at > at+2
		case "delta":
			s.text(pieceKey{tool: -1}, false, 1)
		case "text": // legacy completions
			s.text(pieceKey{tool: -1, field: "text"}, false, 1)
		case "logprobs", "stop_reason", "matched_stop":
			s.skip()
		default:
			s.text(pieceKey{tool: -1, field: fieldName(name)}, true, 1)
		}
	}
	for i := range s.event.pieces[from:] {
		s.event.pieces[from+i].key.choice = index
	}
	if finished {
		s.event.finished = append(s.event.finished, index)
	}
}

// text notes all strings of a value as pieces of the text that key names.
func (s *eventScan) text(key pieceKey, whole bool, depth int) {
	if depth > maxEventDepth {
		s.err = errors.New("too deep")
	}
	switch {
	case s.err != nil:
		s.skip()
	case s.raw[s.at] == '"':
		start, end := s.str()
		if end > start {
			s.event.pieces = append(s.event.pieces, piece{start: start, end: end, key: key, whole: whole})
		}
	case s.raw[s.at] == '[':
		prefix := key.field
		s.list(func(position int) {
			element := key
			element.field = prefix + "[]"
			if prefix != "tool_calls" {
				s.text(element, whole, depth+1)
				return
			}
			s.call(element, position, depth)
		})
	case s.raw[s.at] == '{':
		s.textObject(key, whole, depth)
	default:
		s.literal()
	}
}

func (s *eventScan) textObject(key pieceKey, whole bool, depth int) {
	for s.open(); s.more('}'); {
		start, end := s.member()
		below := key
		switch name := s.raw[start:end]; string(name) {
		case "role", "type", "id":
			s.skip()
			continue
		case "name":
			below.field = join2(key.field, "name")
			s.text(below, true, depth+1)
			continue
		default:
			below.field = join2(key.field, fieldName(name))
		}
		s.text(below, whole, depth+1)
	}
}

// call walks one tool call. Some servers leave the index out.
func (s *eventScan) call(key pieceKey, position, depth int) {
	from, at := len(s.event.pieces), s.at
	s.text(key, false, depth+1)
	key.tool = position
	if after := s.at; s.raw[at] == '{' {
		s.at = at
		for s.open(); s.more('}'); {
			start, end := s.member()
			if string(s.raw[start:end]) == "index" {
				key.tool = s.number(position)
				continue
			}
			s.skip()
		}
		s.at = after
	}
	for i := range s.event.pieces[from:] {
		s.event.pieces[from+i].key.tool = key.tool
	}
}

// number reads a small number, or otherwise what stands for none.
func (s *eventScan) number(otherwise int) int {
	if c := s.raw[s.at]; c < '0' || c > '9' {
		s.skip()
		return otherwise
	}
	start, end := s.literal()
	if n, err := strconv.Atoi(string(s.raw[start:end])); err == nil {
		return n
	}
	return otherwise
}

func join2(prefix, name string) string {
	if prefix == "" {
		return name
	}
	if name == "arguments" && prefix == "tool_calls[].function" {
		return "tool_calls[].function.arguments"
	}
	if name == "function" && prefix == "tool_calls[]" {
		return "tool_calls[].function"
	}
	return prefix + "." + name
}

// fieldName is unquote without an allocation for the names that come with every event.
func fieldName(raw []byte) string {
	switch string(raw) {
	case "content":
		return "content"
	case "reasoning_content":
		return "reasoning_content"
	case "reasoning":
		return "reasoning"
	case "tool_calls":
		return "tool_calls"
	case "function":
		return "function"
	case "arguments":
		return "arguments"
	}
	return unquote(raw)
}

// lastOf is the last piece of a text in the event, -1 when there is none.
func (e *event) lastOf(key pieceKey) int {
	for i, p := range slices.Backward(e.pieces) {
		if p.key == key && !p.whole {
			return i
		}
	}
	return -1
}

// with returns the event's bytes with its pieces replaced.
func (e *event) with(texts []string) []byte {
	out := make([]byte, 0, len(e.raw)+64)
	at := 0
	for i, p := range e.pieces {
		out = append(out, e.raw[at:p.start]...)
		if old := e.raw[p.start:p.end]; unquote(old) == texts[i] {
			out = append(out, old...)
		} else {
			out = appendQuoted(out, texts[i])
		}
		at = p.end
	}
	return append(out, e.raw[at:]...)
}

// synthetic is an event of our own that carries text held back, in the shape of e.
func (e *event) synthetic(key pieceKey, rest string) []byte {
	choice := map[string]any{"index": key.choice, "finish_reason": nil}
	if key.field == "text" {
		choice["text"] = rest
	} else {
		choice["delta"] = nest(strings.Split(key.field, "."), key.tool, rest)
	}
	return withField(mustScan(e.raw).Without("usage", "schleuse").raw, "choices", []any{choice})
}

// nest builds {"a":[{"b":value}]} from the names "a[]" and "b".
func nest(names []string, tool int, value any) any {
	if len(names) == 0 {
		return value
	}
	name, list := strings.CutSuffix(names[0], "[]")
	value = nest(names[1:], tool, value)
	if list {
		if element, ok := value.(map[string]any); ok && name == "tool_calls" {
			element["index"] = tool
		} else if ok {
			element["type"] = "text"
		}
		value = []any{value}
	}
	return map[string]any{name: value}
}

// withField sets a field of a JSON object this package has parsed before.
func withField(raw []byte, key string, value any) []byte {
	body, err := mustScan(raw).Set(key, value)
	if err != nil {
		return raw
	}
	return body.raw
}
