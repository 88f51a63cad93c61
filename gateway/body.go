// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a body. They bound the work of every later stage.
const (
	MaxBodyBytes  = 16 << 20
	maxBodyDepth  = 64
	maxBodyTexts  = 20_000
	maxNestedJSON = 3 // JSON inside a string inside JSON …: tool-call arguments, tool results
)

// Body is the JSON body of a request or an answer. It is never re-encoded:
// changing a text or a field splices bytes, everything else stays as it came,
// unknown fields included.
type Body struct {
	raw          []byte
	fields       []field // top-level members in order
	texts        []text
	unscreenable int
}

// field is one top-level member: raw[start:end] is `"key": value`, value from valueAt.
type field struct {
	key                 string
	start, valueAt, end int
}

// text is one JSON string that may hold personal data. When the string is
// itself a JSON document, nested holds it and its texts stand for it.
type text struct {
	start, end int // of the string without its quotes
	nested     *Body
	path       string // only with paths requested
}

// ParseBody reads a JSON object of at most MaxBodyBytes, 64 levels deep, in
// valid UTF-8 and without duplicate top-level keys (two parsers would see two
// different requests). The error is an *Error with CodeInvalid or CodeTooLarge.
// The slice must not be changed afterwards.
func ParseBody(raw []byte) (Body, error) {
	switch {
	case len(raw) > MaxBodyBytes:
		return Body{}, &Error{Op: "parse body", Code: CodeTooLarge, Message: fmt.Sprintf("Die Anfrage ist größer als %d MiB.", MaxBodyBytes>>20)}
	case !utf8.Valid(raw):
		return Body{}, invalidBody("", "Der Text ist nicht in UTF-8 kodiert.")
	}
	if !json.Valid(raw) {
		return Body{}, invalidBody("", "Das ist kein gültiges JSON: "+jsonProblem(raw))
	}
	return scanBody(raw, false, 0)
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
// order: every string value except role and type, every unusual key, and
// instead of a string that is JSON itself, its strings.
func (b Body) Texts() []string {
	out := make([]string, 0, len(b.texts))
	for _, t := range b.texts {
		if t.nested != nil {
			out = append(out, t.nested.Texts()...)
			continue
		}
		out = append(out, unquote(b.raw[t.start:t.end]))
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
		if old := b.raw[t.start:t.end]; unquote(old) == texts[0] {
			out = append(out, old...)
		} else {
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
	encoded, err := json.Marshal(value)
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

// Without returns the body without the named top-level fields.
func (b Body) Without(keys ...string) Body {
	for _, key := range keys {
		for i, f := range b.fields {
			if f.key != key {
				continue
			}
			start, end := f.start, f.end
			if i+1 < len(b.fields) {
				end = b.fields[i+1].start // takes the comma with it
			} else if i > 0 {
				start = b.fields[i-1].end
			}
			b = mustScan(join(b.raw[:start], b.raw[end:]))
			break
		}
	}
	return b
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
	message, err := json.Marshal(map[string]string{"role": role, "content": content})
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
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Role == "user" {
			return contentText(messages[i].Content)
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

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// mustScan scans JSON this package has just written.
func mustScan(raw []byte) Body {
	b, err := scanBody(raw, false, 0)
	if err != nil {
		panic("gateway: own JSON does not scan: " + err.Error())
	}
	return b
}

// mustScanAny scans a valid JSON value that may not be an object.
func mustScanAny(raw []byte) Body {
	b, err := scanBody(raw, false, 0)
	if err != nil {
		return Body{raw: raw}
	}
	return b
}

func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	if json.Unmarshal(quoted, &s) != nil {
		return string(raw)
	}
	return s
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

// scanner walks valid JSON once and notes fields and texts.
type scanner struct {
	raw    []byte
	at     int
	body   *Body
	nested int
	paths  bool
	err    *Error
}

func scanBody(raw []byte, paths bool, nested int) (Body, error) {
	b := Body{raw: raw}
	s := scanner{raw: raw, body: &b, nested: nested, paths: paths}
	s.space()
	if s.at >= len(raw) || raw[s.at] != '{' && nested == 0 {
		return Body{}, invalidBody("", "Erwartet wird ein JSON-Objekt.")
	}
	s.value("", "", 0)
	if s.err != nil {
		return Body{}, s.err
	}
	return b, nil
}

func (s *scanner) space() {
	for s.at < len(s.raw) {
		switch s.raw[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// value walks one value. key is the member's name it belongs to.
func (s *scanner) value(path, key string, depth int) {
	if depth > maxBodyDepth {
		s.err = invalidBody(path, fmt.Sprintf("Mehr als %d Ebenen Verschachtelung.", maxBodyDepth))
		return
	}
	switch s.raw[s.at] {
	case '{':
		s.object(path, depth)
	case '[':
		s.array(path, key, depth)
	case '"':
		start, end := s.str()
		s.note(path, key, start, end)
	default: // number, true, false, null
		for s.at < len(s.raw) && !strings.ContainsRune(",]} \t\r\n", rune(s.raw[s.at])) {
			s.at++
		}
	}
}

func (s *scanner) object(path string, depth int) {
	s.at++
	for {
		s.space()
		if s.raw[s.at] == '}' {
			s.at++
			return
		}
		memberStart := s.at
		start, end := s.str()
		key := unquote(s.raw[start:end])
		if !plainKey(key) {
			s.add(text{start: start, end: end})
		}
		s.space()
		s.at++ // ':'
		s.space()
		valueAt := s.at
		if binaryKey(key) {
			s.body.unscreenable++
		}
		s.value(s.join(path, key), key, depth+1)
		if s.err != nil {
			return
		}
		if depth == 0 && s.nested == 0 {
			s.field(field{key: key, start: memberStart, valueAt: valueAt, end: s.at})
		}
		s.space()
		if s.raw[s.at] == ',' {
			s.at++
		}
	}
}

func (s *scanner) field(f field) {
	for _, old := range s.body.fields {
		if old.key == f.key {
			s.err = invalidBody(f.key, "Das Feld steht zweimal in der Anfrage.")
			return
		}
	}
	s.body.fields = append(s.body.fields, f)
}

func (s *scanner) array(path, key string, depth int) {
	s.at++
	for i := 0; ; i++ {
		s.space()
		if s.raw[s.at] == ']' {
			s.at++
			return
		}
		if i == 0 && depth == 1 && tokenKey(key) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
			s.body.unscreenable++ // a text as token numbers
		}
		if i == 0 && depth == 2 && tokenKey(key) && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
			s.body.unscreenable++
		}
		s.value(s.index(path, i), key, depth+1)
		if s.err != nil {
			return
		}
		s.space()
		if s.raw[s.at] == ',' {
			s.at++
		}
	}
}

// str walks a string and returns its content's span.
func (s *scanner) str() (start, end int) {
	s.at++
	start = s.at
	for s.raw[s.at] != '"' {
		if s.raw[s.at] == '\\' {
			s.at++
		}
		s.at++
	}
	end = s.at
	s.at++
	return start, end
}

// note decides what a string value is.
func (s *scanner) note(path, key string, start, end int) {
	raw := s.raw[start:end]
	switch {
	case end == start:
		if s.paths {
			s.add(text{start: start, end: end, path: path})
		}
		return
	case key == "role" || key == "type" || key == "object" || key == "finish_reason":
		return
	case bytes.HasPrefix(raw, []byte("data:")) && bytes.Contains(raw[:min(len(raw), 200)], []byte("base64,")):
		if !binaryKey(key) && key != "url" {
			s.body.unscreenable++
		}
		return
	case binaryKey(key) && len(raw) > 256:
		return // base64 without a data: prefix; counted with its key
	}
	t := text{start: start, end: end, path: path}
	if s.nested < maxNestedJSON && !s.paths {
		t.nested = nestedJSON(raw, s.nested)
	}
	if t.nested != nil {
		s.body.unscreenable += t.nested.unscreenable
	}
	s.add(t)
}

// nestedJSON returns the JSON document that a string holds, if it does: names in
// tool-call arguments are often written with \u escapes, which hide them from a scanner.
func nestedJSON(raw []byte, nested int) *Body {
	if c := raw[0]; c != '{' && c != '[' {
		return nil
	}
	inner := []byte(unquote(raw))
	if !json.Valid(inner) {
		return nil
	}
	b, err := scanBody(inner, false, nested+1)
	if err != nil {
		return nil
	}
	return &b
}

func (s *scanner) add(t text) {
	if len(s.body.texts) >= maxBodyTexts {
		s.err = invalidBody("", fmt.Sprintf("Mehr als %d Texte in einer Anfrage.", maxBodyTexts))
		return
	}
	s.body.texts = append(s.body.texts, t)
}

func (s *scanner) join(path, key string) string {
	if !s.paths {
		return ""
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func (s *scanner) index(path string, i int) string {
	if !s.paths {
		return ""
	}
	return path + "." + strconv.Itoa(i)
}

// plainKey: keys in snake_case are names of fields, anything else could be data.
func plainKey(key string) bool {
	for i := 0; i < len(key); i++ {
		if c := key[i]; (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9' || i == 0) {
			return false
		}
	}
	return true
}

// binaryKey names content parts that no text scanner reads (OpenAI's and vLLM's wire format).
func binaryKey(key string) bool {
	switch key {
	case "image_url", "input_audio", "file_data", "file_id", "video_url", "audio_url":
		return true
	}
	return false
}

// tokenKey names fields that take token numbers instead of text.
func tokenKey(key string) bool { return key == "input" || key == "prompt" }
