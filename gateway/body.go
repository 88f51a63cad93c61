// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unsafe"
)

// Limits of a body. They bound the work of every later stage.
const (
	MaxBodyBytes  = 16 << 20
	maxBodyDepth  = 64
	maxBodyFields = 1000
	maxBodyTexts  = 20_000 // strings of nested JSON included
	maxNestedJSON = 3      // JSON inside a string inside JSON …: tool-call arguments, tool results
)

// Body is the JSON body of a request or an answer. It is never re-encoded:
// changing a text or a field splices bytes, everything else stays as it came,
// unknown fields included.
type Body struct {
	raw          []byte
	fields       []field // top-level members in order
	texts        []text
	unscreenable int
	remote       bool // a picture or recording is named by an address
}

// field is one top-level member: raw[start:end] is `"key": value`, value from valueAt.
type field struct {
	key                 string
	start, valueAt, end int
	// texts is the number of the body's texts up to the end of this field.
	texts        int
	unscreenable int
	remote       bool
	elements     int // of a list; -1: it is none
}

// text is one JSON string that may hold personal data. When the string is
// itself a JSON document, nested holds it and its texts stand for it. A long
// number is a text as well; when it is replaced, a string takes its place.
type text struct {
	start, end int // of the string without its quotes
	nested     *Body
	number     bool
	arguments  bool // of a tool call: a program will obey it
}

// ParseBody reads a JSON object of at most MaxBodyBytes, 64 levels deep, in
// valid UTF-8 and without top-level keys that are equal but for case (two
// parsers would see two different requests: Go's takes "Model" for "model").
// The error is an *Error with CodeInvalid or CodeTooLarge.
// The slice must not be changed afterwards.
func ParseBody(raw []byte) (Body, error) {
	return parseBody(raw, false)
}

func parseBody(raw []byte, answer bool) (Body, error) {
	if len(raw) > MaxBodyBytes {
		return Body{}, &Error{Op: "parse body", Code: CodeTooLarge, Message: fmt.Sprintf("Die Anfrage ist größer als %d MiB.", MaxBodyBytes>>20)}
	}
	budget := maxBodyTexts
	s := scanner{cursor: cursor{raw: raw, utf8: true}, body: &Body{raw: raw}, budget: &budget, answer: answer}
	return s.scan()
}

func invalidBody(path, message string) *Error {
	return &Error{Op: "parse body", Code: CodeInvalid, Path: path, Message: message}
}

// Bytes are the bytes to send. They must not be changed.
func (b Body) Bytes() []byte { return b.raw }

// Len is the size in bytes.
func (b Body) Len() int { return len(b.raw) }

// Unscreenable counts the parts no scanner can read: images, audio, files and
// token arrays.
func (b Body) Unscreenable() int { return b.unscreenable }

// Texts are all strings of the body that may hold personal data, decoded, in
// order: every string value except the words of the wire format, every unusual
// key, every long number, and instead of a string that is JSON itself, its strings.
func (b Body) Texts() []string {
	return b.appendTexts(make([]string, 0, len(b.texts)))
}

func (b Body) appendTexts(out []string) []string {
	for _, t := range b.texts {
		if t.nested != nil {
			out = t.nested.appendTexts(out)
			continue
		}
		raw := b.raw[t.start:t.end]
		if bytes.IndexByte(raw, '\\') < 0 {
			out = append(out, shared(raw)) // nothing to decode
			continue
		}
		out = append(out, readable(raw))
	}
	return out
}

// shared is a part of a body as a string that lies where the body lies: a long
// text is not copied. Nobody writes to the bytes of a body again, see ParseBody.
func shared(raw []byte) string {
	return unsafe.String(unsafe.SliceData(raw), len(raw))
}

// arguments are the arguments of tool calls, as they stand.
func (b Body) arguments() []string {
	var out []string
	for _, t := range b.texts {
		if t.arguments {
			out = append(out, unquote(b.raw[t.start:t.end]))
		}
	}
	return out
}

// Get returns the raw value of a top-level field.
func (b Body) Get(key string) (json.RawMessage, bool) {
	for _, f := range b.fields {
		if f.key == key {
			return json.RawMessage(b.raw[f.valueAt:f.end]), true
		}
	}
	return nil, false
}

// Elements is the number of elements of a top-level field that is a list; -1:
// there is no such field or it is no list.
func (b Body) Elements(key string) int {
	for _, f := range b.fields {
		if f.key == key {
			return f.elements
		}
	}
	return -1
}

// String returns a top-level field that is a JSON string, else "".
func (b Body) String(key string) string {
	raw, ok := b.Get(key)
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return unquote(raw[1 : len(raw)-1])
}

func containsFold(list []string, key string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, key) })
}

// PrependMessage puts text in front of the conversation: into the first message
// when it is a system message with plain text (several system messages break
// the chat templates of some models), else as a new first message.
func (b Body) PrependMessage(role, content string) (Body, error) {
	raw, ok := b.Get("messages")
	var messages []json.RawMessage
	if !ok || json.Unmarshal(raw, &messages) != nil {
		return Body{}, invalidBody("messages", "messages fehlt oder ist keine Liste.")
	}
	if len(messages) > 0 {
		first := mustScanAny(messages[0])
		if old := first.String("content"); first.String("role") == role && old != "" {
			changed, err := first.Set("content", content+"\n\n"+old)
			if err != nil {
				return Body{}, err
			}
			messages[0] = changed.raw
			return b.Set("messages", messages)
		}
	}
	message, err := encode(map[string]string{"role": role, "content": content})
	if err != nil {
		return Body{}, fmt.Errorf("encode message: %w", err)
	}
	return b.Set("messages", append([]json.RawMessage{message}, messages...))
}

// LastUserText is the text of the last user message, for retrieval.
func (b Body) LastUserText() string {
	raw, _ := b.Get("messages")
	var messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &messages) != nil {
		return ""
	}
	for _, m := range slices.Backward(messages) {
		if m.Role == "user" {
			return contentText(m.Content)
		}
	}
	return ""
}

// contentText is a message's content as text: a string or its text parts.
func contentText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var all []string
	for _, p := range parts {
		if p.Text != "" {
			all = append(all, p.Text)
		}
	}
	return strings.Join(all, "\n")
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// mustScan scans JSON this package has just written. The limits were applied to
// what came in; what we add may exceed them a little.
func mustScan(raw []byte) Body {
	b, err := scanBody(raw, 0, nil)
	if err != nil {
		panic("gateway: own JSON does not scan: " + err.Error())
	}
	return b
}

// mustScanAny scans a valid JSON value that may not be an object.
func mustScanAny(raw []byte) Body {
	b, err := scanBody(raw, 0, nil)
	if err != nil {
		return Body{raw: raw}
	}
	return b
}
