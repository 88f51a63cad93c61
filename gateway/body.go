// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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
	switch {
	case len(raw) > MaxBodyBytes:
		return Body{}, &Error{Op: "parse body", Code: CodeTooLarge, Message: fmt.Sprintf("Die Anfrage ist größer als %d MiB.", MaxBodyBytes>>20)}
	case !utf8.Valid(raw):
		return Body{}, invalidBody("", "Der Text ist nicht in UTF-8 kodiert.")
	}
	if !json.Valid(raw) {
		return Body{}, invalidBody("", "Das ist kein gültiges JSON: "+jsonProblem(raw))
	}
	budget := maxBodyTexts
	s := scanner{cursor: cursor{raw: raw}, body: &Body{raw: raw}, budget: &budget, answer: answer}
	return s.scan()
}

// jsonProblem says where the syntax breaks, without quoting the content.
func jsonProblem(raw []byte) string {
	var v json.RawMessage
	err := json.Unmarshal(raw, &v)
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal returns it unwrapped
		line := 1 + bytes.Count(raw[:min(int(syntax.Offset), len(raw))], []byte("\n"))
		return fmt.Sprintf("Fehler bei Byte %d (Zeile %d).", syntax.Offset, line)
	}
	return "unlesbar."
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
	out := make([]string, 0, len(b.texts))
	for _, t := range b.texts {
		if t.nested != nil {
			out = append(out, t.nested.Texts()...)
			continue
		}
		out = append(out, readable(b.raw[t.start:t.end]))
	}
	return out
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

// WithTexts returns the body with its texts replaced; the slice has the length
// and order of Texts. Unchanged texts keep their bytes.
func (b Body) WithTexts(texts []string) Body {
	out, rest := b.splice(texts)
	if len(rest) != 0 {
		panic("gateway: WithTexts: number of texts differs from Texts") // a programming error, not input
	}
	if bytes.Equal(out, b.raw) {
		return b
	}
	return mustScan(out)
}

// splice replaces the first texts and returns those it did not need.
func (b Body) splice(texts []string) (out []byte, rest []string) {
	out = make([]byte, 0, len(b.raw)+64)
	at := 0
	for _, t := range b.texts {
		out = append(out, b.raw[at:t.start]...)
		at = t.end
		if t.nested != nil {
			var inner []byte
			inner, texts = t.nested.splice(texts)
			if bytes.Equal(inner, t.nested.raw) {
				out = append(out, b.raw[t.start:t.end]...)
			} else {
				out = appendQuoted(out, string(inner))
			}
			continue
		}
		switch old := b.raw[t.start:t.end]; {
		case string(old) == texts[0] && bytes.IndexByte(old, '\\') < 0, readable(old) == texts[0]:
			out = append(out, old...)
		case t.number:
			out = appendQuotedString(out, texts[0])
		default:
			out = appendQuoted(out, texts[0])
		}
		texts = texts[1:]
	}
	return append(out, b.raw[at:]...), texts
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

// String returns a top-level field that is a JSON string, else "".
func (b Body) String(key string) string {
	raw, ok := b.Get(key)
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	return unquote(raw[1 : len(raw)-1])
}

// Set returns the body with a top-level field set to the JSON of value.
func (b Body) Set(key string, value any) (Body, error) {
	encoded, err := encode(value)
	if err != nil {
		return Body{}, fmt.Errorf("encode field %s: %w", key, err)
	}
	for _, f := range b.fields {
		if f.key == key {
			return mustScan(join(b.raw[:f.valueAt], encoded, b.raw[f.end:])), nil
		}
	}
	member := append(appendQuotedString(nil, key), ':')
	member = append(member, encoded...)
	open := bytes.IndexByte(b.raw, '{') + 1
	if len(b.fields) > 0 {
		member = append(member, ',')
	}
	return mustScan(join(b.raw[:open], member, b.raw[open:])), nil
}

// Without returns the body without the named top-level fields, in whatever case
// they are written.
func (b Body) Without(keys ...string) Body {
	last := -1 // the last field that stays
	for i, f := range b.fields {
		if !containsFold(keys, f.key) {
			last = i
		}
	}
	var out []byte
	at := 0 // copied or left out up to here
	for i, f := range b.fields[:last+1] {
		if containsFold(keys, f.key) { // takes the comma behind it with it
			out = append(out, b.raw[at:f.start]...)
			at = b.fields[i+1].start
		}
	}
	if n := len(b.fields); last+1 < n { // the comma before them goes
		cut := b.fields[last+1].start
		if last >= 0 {
			cut = b.fields[last].end
		}
		out = append(out, b.raw[at:cut]...)
		at = b.fields[n-1].end
	}
	if at == 0 {
		return b
	}
	return mustScan(append(out, b.raw[at:]...))
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

// unquote decodes the content of a valid JSON string.
func unquote(raw []byte) string {
	at := bytes.IndexByte(raw, '\\')
	if at < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for ; at >= 0; at = bytes.IndexByte(raw, '\\') {
		out = append(out, raw[:at]...)
		c := raw[at+1]
		raw = raw[at+2:]
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			var r rune
			r, raw = escapedRune(raw)
			out = utf8.AppendRune(out, r)
		default: // quote, backslash, slash
			out = append(out, c)
		}
	}
	return string(append(out, raw...))
}

// escapedRune decodes what follows \u; half of a pair alone becomes U+FFFD.
func escapedRune(raw []byte) (rune, []byte) {
	r := hex4(raw)
	raw = raw[4:]
	if !utf16.IsSurrogate(r) {
		return r, raw
	}
	if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
		if whole := utf16.DecodeRune(r, hex4(raw[2:])); whole != utf8.RuneError {
			return whole, raw[6:]
		}
	}
	return utf8.RuneError, raw
}

func hex4(raw []byte) rune {
	n, _ := strconv.ParseUint(string(raw[:4]), 16, 16) // valid JSON: four hex digits
	return rune(n)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as JSON string content, escaping only what JSON demands.
func appendQuoted(out []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c == '\t':
			out = append(out, '\\', 't')
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			out = append(out, c)
		}
	}
	return out
}

func appendQuotedString(out []byte, s string) []byte {
	return append(appendQuoted(append(out, '"'), s), '"')
}
