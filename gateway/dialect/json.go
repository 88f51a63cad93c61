// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
)

// Members walks the members of a valid JSON object, in order. Anything else has none.
func Members(object []byte) iter.Seq2[string, []byte] {
	return func(yield func(key string, value []byte) bool) {
		w := walk{raw: object}
		if !w.open('{') {
			return
		}
		for w.more('}') {
			key := nameOf(w.value())
			w.space()
			w.at++ // ':'
			w.space()
			if !yield(key, w.value()) {
				return
			}
		}
	}
}

// nameOf is Unquote without an allocation for the names that come with every chunk.
func nameOf(raw []byte) string {
	switch string(Inside(raw)) {
	case "id":
		return "id"
	case "object":
		return "object"
	case "created":
		return "created"
	case "model":
		return "model"
	case "choices":
		return "choices"
	case "usage":
		return "usage"
	case "index":
		return "index"
	case "delta":
		return "delta"
	case "content":
		return "content"
	case "role":
		return "role"
	case "finish_reason":
		return "finish_reason"
	case "logprobs":
		return "logprobs"
	case "system_fingerprint":
		return "system_fingerprint"
	case "reasoning_content":
		return "reasoning_content"
	case "tool_calls":
		return "tool_calls"
	case "function":
		return "function"
	case "arguments":
		return "arguments"
	case "type":
		return "type"
	}
	return Unquote(raw)
}

// Elements walks the elements of a valid JSON array, in order. Anything else has none.
func Elements(array []byte) iter.Seq2[int, []byte] {
	return func(yield func(i int, value []byte) bool) {
		w := walk{raw: array}
		if !w.open('[') {
			return
		}
		for i := 0; w.more(']'); i++ {
			if !yield(i, w.value()) {
				return
			}
		}
	}
}

// walk is a place in valid JSON.
type walk struct {
	raw []byte
	at  int
}

func (w *walk) space() {
	for w.at < len(w.raw) && (w.raw[w.at] == ' ' || w.raw[w.at] == '\n' || w.raw[w.at] == '\t' || w.raw[w.at] == '\r') {
		w.at++
	}
}

func (w *walk) open(bracket byte) bool {
	w.space()
	if w.at >= len(w.raw) || w.raw[w.at] != bracket {
		return false
	}
	w.at++
	return true
}

// more moves to the next element; false: the object or array has ended.
func (w *walk) more(end byte) bool {
	w.space()
	if w.raw[w.at] == ',' {
		w.at++
		w.space()
	}
	return w.raw[w.at] != end
}

// value walks one value. Counting brackets outside of strings is enough.
func (w *walk) value() []byte {
	start := w.at
	for depth := 0; ; {
		switch w.raw[w.at] {
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			depth--
			w.at++
		case '"':
			w.text()
		case ',', ':', ' ', '\t', '\r', '\n':
			w.at++
		default:
			w.literal()
		}
		if depth == 0 {
			return w.raw[start:w.at]
		}
	}
}

func (w *walk) text() {
	w.at++
	for {
		w.at += bytes.IndexByte(w.raw[w.at:], '"') + 1
		escapes := 0
		for w.raw[w.at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
}

func (w *walk) literal() {
	for w.at < len(w.raw) {
		switch w.raw[w.at] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return
		}
		w.at++
	}
}

// IsText says that a valid JSON value is a string.
func IsText(raw []byte) bool { return len(raw) > 1 && raw[0] == '"' }

// IsObject says that a valid JSON value is an object.
func IsObject(raw []byte) bool { return len(raw) > 1 && raw[0] == '{' }

// IsList says that a valid JSON value is an array.
func IsList(raw []byte) bool { return len(raw) > 1 && raw[0] == '[' }

// Absent says that a value is missing or null.
func Absent(raw []byte) bool { return len(raw) == 0 || raw[0] == 'n' }

// Inside is the content of a JSON string as it is written, without the quotes.
func Inside(raw []byte) []byte {
	if !IsText(raw) {
		return nil
	}
	return raw[1 : len(raw)-1]
}

// Unquote decodes a valid JSON string; "" for anything else.
func Unquote(raw []byte) string {
	if inside := Inside(raw); bytes.IndexByte(inside, '\\') < 0 {
		return string(inside)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Whole reads a whole number that is not negative.
func Whole(raw []byte) (int, bool) {
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n < 0 || n > 1<<40 || n != float64(int(n)) {
		return 0, false
	}
	return int(n), true
}

// Quote is s as a JSON string in which only what must be is escaped.
func Quote(s string) []byte { return AppendQuoted(make([]byte, 0, len(s)+2), s) }

// AppendQuoted appends s as a JSON string.
func AppendQuoted(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// Joined is one JSON string of several, with a separator that is itself the
// content of a JSON string.
func Joined(texts [][]byte, separator string) []byte {
	size := 2
	for _, t := range texts {
		size += len(t) + len(separator)
	}
	out := append(make([]byte, 0, size), '"')
	for i, t := range texts {
		if i > 0 {
			out = append(out, separator...)
		}
		out = append(out, Inside(t)...)
	}
	return append(out, '"')
}

// Object writes a JSON object member by member. The zero value is empty.
type Object struct{ raw []byte }

// Raw adds a member whose value is JSON already.
func (o *Object) Raw(key string, value []byte) *Object {
	if o.raw == nil {
		o.raw = make([]byte, 0, len(value)+128)
	}
	o.key(key)
	o.raw = append(o.raw, value...)
	return o
}

// Word adds a member whose value is a literal such as null.
func (o *Object) Word(key, literal string) *Object {
	o.key(key)
	o.raw = append(o.raw, literal...)
	return o
}

// Text adds a member that is a string.
func (o *Object) Text(key, value string) *Object {
	o.key(key)
	o.raw = AppendQuoted(o.raw, value)
	return o
}

// Number adds a member that is a whole number.
func (o *Object) Number(key string, value int) *Object {
	o.key(key)
	o.raw = strconv.AppendInt(o.raw, int64(value), 10)
	return o
}

// Inside adds a member that is a string of which the content is written already.
func (o *Object) Inside(key string, content []byte) *Object {
	o.key(key)
	o.raw = append(o.raw, '"')
	o.raw = append(o.raw, content...)
	o.raw = append(o.raw, '"')
	return o
}

// Object adds a member that is an object.
func (o *Object) Object(key string, value *Object) *Object { return o.Raw(key, value.JSON()) }

// List adds a member that is a list.
func (o *Object) List(key string, value *List) *Object { return o.Raw(key, value.JSON()) }

// Append adds the members of another object behind.
func (o *Object) Append(other *Object) *Object {
	if other.raw == nil {
		return o
	}
	if o.raw == nil {
		o.raw = append(o.raw, other.raw...)
		return o
	}
	o.raw = append(append(o.raw, ','), other.raw[1:]...)
	return o
}

func (o *Object) key(key string) {
	if len(o.raw) == 0 {
		if o.raw == nil {
			o.raw = make([]byte, 0, 128)
		}
		o.raw = append(o.raw, '{')
	} else {
		o.raw = append(o.raw, ',')
	}
	o.raw = append(AppendQuoted(o.raw, key), ':')
}

// JSON is the whole object, to which nothing may be added afterwards.
func (o *Object) JSON() []byte {
	if o.raw == nil {
		return []byte("{}")
	}
	return append(o.raw, '}')
}

// Empty says that nothing was added.
func (o *Object) Empty() bool { return o.raw == nil }

// List writes a JSON array element by element. The zero value is empty.
type List struct{ raw []byte }

// Add adds an element that is JSON already.
func (l *List) Add(value []byte) {
	if l.raw == nil {
		l.raw = append(make([]byte, 0, len(value)+64), '[')
	} else {
		l.raw = append(l.raw, ',')
	}
	l.raw = append(l.raw, value...)
}

// JSON is the whole array, to which nothing may be added afterwards.
func (l *List) JSON() []byte {
	if l.raw == nil {
		return []byte("[]")
	}
	return append(l.raw, ']')
}

// Empty says that nothing was added.
func (l *List) Empty() bool { return l.raw == nil }

// AppendEvent appends a server-sent event with a name.
func AppendEvent(out []byte, name string, data []byte) []byte {
	out = append(append(append(out, "event: "...), name...), "\ndata: "...)
	start := len(out)
	out = append(out, data...)
	for i, c := range out[start:] {
		if c == '\n' || c == '\r' { // in JSON between tokens only; it would end the event
			out[start+i] = ' '
		}
	}
	return append(out, '\n', '\n')
}
