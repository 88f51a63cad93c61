// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// event is one event of a streamed answer: its bytes and what of them is text.
type event struct {
	raw    []byte
	pieces []piece
	// choices are those of the event, finished the indexes of those that end with it.
	choices  []ChunkChoice
	finished []int
	// usage is what the server says about tokens, hasUsage whether it does.
	usage    Usage
	hasUsage bool
	// failed: the event is an error of the server; odd: choices or usage have
	// another form than they should.
	failed, odd bool
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

// scan reads and checks an event in one pass. The event is valid until the next
// call, and as long as data is.
func (s *eventScan) scan(data []byte) (*event, error) {
	s.cursor, s.err = cursor{raw: data}, nil
	e := &s.event
	*e = event{raw: data, pieces: e.pieces[:0], choices: e.choices[:0], finished: e.finished[:0]}
	if s.space(); s.peek() != '{' {
		return nil, unreadableEvent(errors.New("no JSON object"))
	}
	s.top()
	if s.err != nil {
		return nil, unreadableEvent(s.err)
	}
	if s.end(); s.mistake != 0 {
		return nil, unreadableEvent(fmt.Errorf("broken JSON at byte %d", s.mistake))
	}
	return e, nil
}

func unreadableEvent(err error) *Error {
	return &Error{Op: "read event", Code: CodeTruncated, Message: "Die Antwort des Modells ist unlesbar.", Err: err}
}

// top walks the event. What stands outside of the choices is text of its own.
func (s *eventScan) top() {
	for ok := s.open('}'); ok; ok = s.more('}') {
		start, end := s.member()
		switch name := s.raw[start:end]; string(name) {
		case "choices":
			s.choiceList()
		case "schleuse":
			s.event.foreign = true
			s.skip()
		case "error":
			s.event.failed = s.event.failed || s.peek() != 'n'
			s.text(pieceKey{tool: -1, field: "error"}, true, 1)
		case "usage":
			s.usage()
		case "id", "object", "model", "created", "system_fingerprint", "service_tier":
			s.skip()
		default:
			s.text(pieceKey{tool: -1, field: fieldName(name)}, true, 1)
		}
	}
}

func (s *eventScan) choiceList() {
	if s.peek() != '[' {
		s.event.odd = s.event.odd || s.peek() != 'n'
		s.skip()
		return
	}
	position := 0
	for ok := s.open(']'); ok; ok = s.more(']') {
		s.choice(position)
		position++
	}
}

func (s *eventScan) choice(position int) {
	c := ChunkChoice{Index: position}
	if s.peek() != '{' {
		s.event.odd = s.event.odd || s.peek() != 'n'
		s.skip()
		s.event.choices = append(s.event.choices, c)
		return
	}
	from := len(s.event.pieces)
	for ok := s.open('}'); ok; ok = s.more('}') {
		start, end := s.member()
		switch name := s.raw[start:end]; string(name) {
		case "index":
			c.Index = s.index(position)
		case "finish_reason":
			at := s.at
			s.skip()
			first := s.raw[min(at, len(s.raw)-1)]
			c.Finished = first == '"' && s.at > at+2
			s.event.odd = s.event.odd || first != '"' && first != 'n'
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
		s.event.pieces[from+i].key.choice = c.Index
	}
	s.event.choices = append(s.event.choices, c)
	if c.Finished {
		s.event.finished = append(s.event.finished, c.Index)
	}
}

// index reads the index of a choice.
func (s *eventScan) index(position int) int {
	switch c := s.peek(); {
	case c >= '0' && c <= '9':
		return s.number(position)
	case c != 'n':
		s.event.odd = true
	}
	s.skip()
	return position
}

// text notes all strings of a value as pieces of the text that key names.
func (s *eventScan) text(key pieceKey, whole bool, depth int) {
	if depth > maxEventDepth {
		s.err = errors.New("too deep")
	}
	switch c := s.peek(); {
	case s.err != nil:
		s.fail(s.at)
	case c == '"':
		if start, end := s.str(); end > start {
			s.event.pieces = append(s.event.pieces, piece{start: start, end: end, key: key, whole: whole})
		}
	case c == '[':
		s.textList(key, whole, depth)
	case c == '{':
		for ok := s.open('}'); ok; ok = s.more('}') {
			s.textMember(key, whole, depth)
		}
	default:
		s.literal()
	}
}

func (s *eventScan) textList(key pieceKey, whole bool, depth int) {
	calls := key.field == "tool_calls"
	if calls {
		key.field = "tool_calls[]"
	} else {
		key.field += "[]"
	}
	position := 0
	for ok := s.open(']'); ok; ok = s.more(']') {
		if calls {
			s.call(key, position, depth+1)
		} else {
			s.text(key, whole, depth+1)
		}
		position++
	}
}

func (s *eventScan) textMember(key pieceKey, whole bool, depth int) {
	start, end := s.member()
	switch name := s.raw[start:end]; string(name) {
	case "role", "type", "id":
		s.skip()
	case "name":
		key.field = join2(key.field, "name")
		s.text(key, true, depth+1)
	default:
		key.field = join2(key.field, fieldName(name))
		s.text(key, whole, depth+1)
	}
}

// call walks one tool call. Some servers leave the index out.
func (s *eventScan) call(key pieceKey, position, depth int) {
	if s.peek() != '{' {
		s.text(key, false, depth)
		return
	}
	from, tool := len(s.event.pieces), position
	for ok := s.open('}'); ok; ok = s.more('}') {
		at := s.at
		start, end := s.member()
		if c := s.peek(); string(s.raw[start:end]) == "index" && c >= '0' && c <= '9' {
			tool = s.number(position)
			continue
		}
		if s.mistake == 0 {
			s.at = at
			s.textMember(key, false, depth)
		}
	}
	for i := range s.event.pieces[from:] {
		s.event.pieces[from+i].key.tool = tool
	}
}

// usage reads what the server says about tokens. Some say it in every event.
func (s *eventScan) usage() {
	if s.peek() != '{' {
		s.event.odd = s.event.odd || s.peek() != 'n'
		s.skip()
		return
	}
	u := &s.event.usage
	s.event.hasUsage, u.Reported = true, true
	for ok := s.open('}'); ok; ok = s.more('}') {
		start, end := s.member()
		switch string(s.raw[start:end]) {
		case "prompt_tokens":
			u.Input = s.tokens()
		case "completion_tokens":
			u.Output = s.tokens()
		case "prompt_tokens_details":
			s.detail("cached_tokens", &u.Cached)
		case "completion_tokens_details":
			s.detail("reasoning_tokens", &u.Reasoning)
		default:
			s.skip()
		}
	}
}

func (s *eventScan) detail(name string, tokens *int) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	for ok := s.open('}'); ok; ok = s.more('}') {
		start, end := s.member()
		if string(s.raw[start:end]) == name {
			*tokens = s.tokens()
			continue
		}
		s.skip()
	}
}

// tokens reads a count as servers write it: 12, 12.0 or null. Anything else is unknown.
func (s *eventScan) tokens() int {
	at := s.at
	s.skip()
	f, err := strconv.ParseFloat(string(s.raw[at:s.at]), 64)
	if err != nil || f < 0 || f > math.MaxInt32 {
		return 0
	}
	return int(f)
}

// number reads a small whole number, or otherwise what stands for none.
func (s *eventScan) number(otherwise int) int {
	start, end := s.literal()
	if n, err := strconv.Atoi(string(s.raw[start:end])); err == nil {
		return n
	}
	s.event.odd = true
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

// replaced is a piece's text as it goes on, if it is not the same any more.
type replaced struct {
	text    string
	changed bool
}

// appendWith appends the event's bytes with its pieces replaced.
func (e *event) appendWith(out []byte, texts []replaced) []byte {
	at := 0
	for i, p := range e.pieces {
		if !texts[i].changed {
			continue
		}
		out = append(out, e.raw[at:p.start]...)
		out = appendQuoted(out, texts[i].text)
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
