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
	"unicode"
)

// scanner walks valid JSON once and notes fields and texts.
type scanner struct {
	cursor
	body   *Body
	nested int
	binary int  // how many members that hold no text are open
	budget *int // texts left; nil: JSON of our own, without limits
	answer bool // of a model: what it says about its tokens is no text
	err    *Error
}

// cursor is a place in valid JSON.
type cursor struct {
	raw []byte
	at  int
}

func scanBody(raw []byte, nested int, budget *int) (Body, error) {
	b := Body{raw: raw}
	s := scanner{cursor: cursor{raw: raw}, body: &b, nested: nested, budget: budget}
	return s.scan()
}

func (s *scanner) scan() (Body, error) {
	raw := s.raw
	s.space()
	if s.at >= len(raw) || raw[s.at] != '{' && s.nested == 0 {
		return Body{}, invalidBody("", "Erwartet wird ein JSON-Objekt.")
	}
	s.value("", 0)
	if s.err != nil {
		return Body{}, s.err
	}
	return *s.body, nil
}

func (c *cursor) space() {
	for c.at < len(c.raw) {
		switch c.raw[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

// str walks a string and returns its content's span.
func (c *cursor) str() (start, end int) {
	c.at++
	start = c.at
	for {
		c.at += bytes.IndexByte(c.raw[c.at:], '"') + 1
		escapes := 0
		for c.raw[c.at-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return start, c.at - 1
		}
	}
}

// literal walks a number, true, false or null.
func (c *cursor) literal() (start, end int) {
	start = c.at
	for c.at < len(c.raw) {
		switch c.raw[c.at] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return start, c.at
		}
		c.at++
	}
	return start, c.at
}

// member walks `"key":` and returns the key's span.
func (c *cursor) member() (start, end int) {
	start, end = c.str()
	c.space()
	c.at++ // ':'
	c.space()
	return start, end
}

// more moves to the next element of an object or array; false: it has ended.
func (c *cursor) more(end byte) bool {
	c.space()
	if c.raw[c.at] == ',' {
		c.at++
		c.space()
	}
	if c.raw[c.at] == end {
		c.at++
		return false
	}
	return true
}

// skip walks a value that holds nothing for us. The JSON is valid, so counting
// brackets outside of strings is enough.
func (c *cursor) skip() {
	for depth := 0; ; {
		switch c.raw[c.at] {
		case '{', '[':
			depth++
			c.at++
		case '}', ']':
			depth--
			c.at++
		case '"':
			c.str()
		case ',', ':', ' ', '\t', '\r', '\n':
			c.at++
		default:
			c.literal()
		}
		if depth == 0 {
			return
		}
	}
}

// value walks one value. key is the name of the member it belongs to.
func (s *scanner) value(key string, depth int) {
	if depth > maxBodyDepth && s.budget != nil {
		s.err = invalidBody("", fmt.Sprintf("Mehr als %d Ebenen Verschachtelung.", maxBodyDepth))
		return
	}
	switch s.raw[s.at] {
	case '{':
		s.object(depth)
	case '[':
		s.array(key, depth)
	case '"':
		start, end := s.str()
		s.note(key, start, end)
	default:
		start, end := s.literal()
		if longNumber(s.raw[start:end]) && !s.ownNumber(key, depth) {
			s.add(text{start: start, end: end, number: true})
		}
	}
}

func (s *scanner) object(depth int) {
	s.at++
	for s.more('}') {
		memberStart := s.at
		start, end := s.member()
		key := unquote(s.raw[start:end])
		if !plainKey(key) {
			s.add(text{start: start, end: end})
		}
		valueAt := s.at
		s.memberValue(key, depth+1)
		if s.err != nil {
			return
		}
		if depth == 0 && s.nested == 0 {
			s.field(field{key: key, start: memberStart, valueAt: valueAt, end: s.at})
		}
	}
}

func (s *scanner) memberValue(key string, depth int) {
	switch {
	case s.answer && key == "logprobs": // thousands of pieces of words that stand in the text as well
		s.skip()
		return
	case !binaryKey(key):
		s.value(key, depth)
		return
	}
	s.body.unscreenable++
	s.binary++
	s.value(key, depth)
	s.binary--
}

func (s *scanner) field(f field) {
	switch {
	case s.budget == nil:
	case len(s.body.fields) >= maxBodyFields:
		s.err = invalidBody("", fmt.Sprintf("Mehr als %d Felder in einer Anfrage.", maxBodyFields))
	case slices.ContainsFunc(s.body.fields, func(old field) bool { return strings.EqualFold(old.key, f.key) }):
		s.err = invalidBody(safePath(f.key), "Das Feld steht zweimal in der Anfrage.")
	case misspelt(f.key):
		s.err = invalidBody(safePath(f.key), "Der Name des Feldes wird klein geschrieben.")
	}
	s.body.fields = append(s.body.fields, f)
}

// misspelt: fields the gateway reads or writes itself. Servers that do not heed
// the case would take a second spelling for the field.
func misspelt(key string) bool {
	switch key {
	case "model", "messages", "input", "stream", "stream_options", "schleuse":
		return false
	}
	return containsFold([]string{"model", "messages", "input", "stream", "stream_options", "schleuse"}, key)
}

// safePath names a field in an error; a key that could be data is not repeated.
func safePath(key string) string {
	if len(key) > 64 || !plainKey(strings.ToLower(key)) {
		return ""
	}
	return key
}

func (s *scanner) array(key string, depth int) {
	s.at++
	tokens := depth <= 2 && tokenKey(key)
	for s.more(']') {
		if tokens && s.raw[s.at] >= '0' && s.raw[s.at] <= '9' {
			s.body.unscreenable++ // a text as token numbers
			tokens = false
		}
		s.value(key, depth+1)
		if s.err != nil {
			return
		}
	}
}

// note decides what a string value is.
func (s *scanner) note(key string, start, end int) {
	raw := s.raw[start:end]
	switch {
	case end == start, wireWord(key, raw):
		return
	case dataURL(raw), s.binary > 0 && longBase64(raw):
		if s.binary == 0 {
			s.body.unscreenable++
		}
		return
	case s.binary > 0 && s.nested == 0 && addressKey(key) && remoteURL(raw):
		s.body.remote = true
	case longBase64(raw):
		s.body.unscreenable++ // and a text: it might be one without blanks
	}
	t := text{start: start, end: end, arguments: key == "arguments" && s.nested == 0}
	if s.nested < maxNestedJSON {
		t.nested = s.nestedJSON(raw)
	}
	if t.nested == nil {
		s.add(t)
		return
	}
	s.body.unscreenable += t.nested.unscreenable
	s.body.texts = append(s.body.texts, t)
}

// nestedJSON returns the JSON document that a string holds, if it does: names in
// tool-call arguments are often written with \u escapes, which hide them from a
// scanner. Its texts count against the same limit.
func (s *scanner) nestedJSON(raw []byte) *Body {
	if !opensJSON(raw) {
		return nil
	}
	inner := []byte(unquote(raw))
	if !json.Valid(inner) {
		return nil
	}
	b, err := scanBody(inner, s.nested+1, s.budget)
	if err == nil {
		return &b
	}
	if s.budget != nil && *s.budget < 0 {
		s.err = tooManyTexts()
	}
	return nil
}

// opensJSON says that a string begins like an object or an array.
func opensJSON(raw []byte) bool {
	for len(raw) > 1 && (raw[0] == ' ' || raw[0] == '\\' && strings.IndexByte("nrt", raw[1]) >= 0) {
		if raw[0] == '\\' {
			raw = raw[1:]
		}
		raw = raw[1:]
	}
	return raw[0] == '{' || raw[0] == '['
}

func (s *scanner) add(t text) {
	if s.budget != nil {
		if *s.budget--; *s.budget < 0 {
			s.err = tooManyTexts()
			return
		}
	}
	s.body.texts = append(s.body.texts, t)
}

func tooManyTexts() *Error {
	return invalidBody("", fmt.Sprintf("Mehr als %d Texte in einer Anfrage.", maxBodyTexts))
}

// readable is a string's content as a person or a model reads it: escapes of
// JSON that stands inside a longer text are decoded as well, because programs
// write "M\u00fcller" there and models understand it.
func readable(raw []byte) string {
	s := unquote(raw)
	at := strings.Index(s, `\u`)
	if at < 0 {
		return s
	}
	var b strings.Builder
	for ; at >= 0; at = strings.Index(s, `\u`) {
		r, ok := escapedLetter(s[at+2:])
		if !ok {
			b.WriteString(s[:at+2])
			s = s[at+2:]
			continue
		}
		b.WriteString(strings.TrimRight(s[:at], `\`)) // JSON in JSON doubles the backslash
		b.WriteRune(r)
		s = s[at+6:]
	}
	b.WriteString(s)
	return b.String()
}

// escapedLetter decodes four hex digits that mean a letter, a digit or a sign
// of names and numbers. Nothing that has a meaning in JSON is touched.
func escapedLetter(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	r := rune(n)
	return r, err == nil && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" @.-+/\u00a0", r))
}

// plainKey: short keys in snake_case with few digits are names of fields,
// anything else could be data.
func plainKey(key string) bool {
	digits := 0
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c >= '0' && c <= '9' && i > 0 {
			digits++
			continue
		}
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return digits <= 4 && len(key) <= 64
}

// wireWord: words of the wire format in their places, which no scanner needs to read.
func wireWord(key string, raw []byte) bool {
	switch key {
	case "role", "type", "object", "finish_reason":
	default:
		return false
	}
	switch string(raw) {
	case "system", "developer", "user", "assistant", "tool",
		"text", "image_url", "input_audio", "file", "function", "json_object", "json_schema",
		"object", "array", "string", "number", "integer", "boolean", "null",
		"chat.completion", "chat.completion.chunk", "list", "embedding",
		"stop", "length", "tool_calls", "content_filter":
		return true
	}
	return false
}

// binaryKey names content parts that no text scanner reads (OpenAI's and vLLM's wire format).
func binaryKey(key string) bool {
	switch key {
	case "image_url", "input_audio", "file_data", "file_id", "video_url", "audio_url":
		return true
	}
	return false
}

func addressKey(key string) bool { return key == "url" || strings.HasSuffix(key, "_url") }

// tokenKey names fields that take token numbers instead of text.
func tokenKey(key string) bool { return key == "input" || key == "prompt" }

// dataURL says that a string is a data: URL in base64 and nothing else.
func dataURL(raw []byte) bool {
	rest, ok := bytes.CutPrefix(raw, []byte("data:"))
	if !ok {
		return false
	}
	head, payload, ok := bytes.Cut(rest[:min(len(rest), 200)], []byte(";base64,"))
	if !ok || bytes.ContainsAny(head, " \\") {
		return false
	}
	return base64Only(payload) && base64Only(rest[min(len(rest), 200):])
}

// longBase64 says that a string is so long without a blank that it is no text.
func longBase64(raw []byte) bool { return len(raw) > 256 && base64Only(raw) }

func base64Only(raw []byte) bool {
	for _, c := range raw {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' && c != '=' && c != '-' && c != '_' && c != '\\' {
			return false
		}
	}
	return true
}

// longNumber: tax, insurance, telephone and account numbers are sent as numbers, too.
func longNumber(raw []byte) bool {
	digits := 0
	for _, c := range bytes.TrimPrefix(raw, []byte("-")) {
		if c < '0' || c > '9' {
			break
		}
		digits++
	}
	return digits >= 7
}

// ownNumber: long numbers of the wire format itself.
func (s *scanner) ownNumber(key string, depth int) bool {
	return s.nested == 0 && depth == 1 && (key == "seed" || key == "created")
}
