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

// scanner walks JSON once, checks it and notes fields and texts.
type scanner struct {
	cursor
	body   *Body
	nested int
	binary int  // how many members that hold no text are open
	budget *int // texts left; nil: JSON of our own, without limits
	answer bool // of a model: what it says about its tokens is no text
	err    *Error
	// elements of the last top-level field, if it is a list; else -1.
	elements int
}

func scanBody(raw []byte, nested int, budget *int) (Body, error) {
	b := Body{raw: raw}
	s := scanner{cursor: cursor{raw: raw, utf8: nested == 0 && budget != nil}, body: &b, nested: nested, budget: budget}
	return s.scan()
}

func (s *scanner) scan() (Body, error) {
	if s.space(); s.peek() != '{' && s.nested == 0 {
		s.skip()
		s.end()
		if s.mistake == 0 {
			return Body{}, invalidBody("", "Erwartet wird ein JSON-Objekt.")
		}
		return Body{}, s.syntax()
	}
	s.value("", 0)
	if s.err == nil {
		s.end()
	}
	switch {
	case s.mistake != 0:
		return Body{}, s.syntax()
	case s.err != nil:
		return Body{}, s.err
	}
	return *s.body, nil
}

// syntax says where the JSON breaks, without quoting the content.
func (s *scanner) syntax() *Error {
	if s.notUTF8 {
		return invalidBody("", "Der Text ist nicht in UTF-8 kodiert.")
	}
	line := 1 + bytes.Count(s.raw[:min(s.mistake, len(s.raw))], []byte("\n"))
	return invalidBody("", fmt.Sprintf("Das ist kein gültiges JSON: Fehler bei Byte %d (Zeile %d).", s.mistake, line))
}

// value walks one value. key is the name of the member it belongs to.
func (s *scanner) value(key string, depth int) {
	if depth > maxBodyDepth && (s.budget != nil || depth > maxOwnDepth) {
		s.err = invalidBody("", fmt.Sprintf("Mehr als %d Ebenen Verschachtelung.", maxBodyDepth))
		return
	}
	switch s.peek() {
	case '{':
		s.object(depth)
	case '[':
		s.array(key, depth)
	case '"':
		if start, end := s.str(); end > start {
			s.note(key, start, end)
		}
	default:
		start, end := s.literal()
		if end-start >= 7 && longNumber(s.raw[start:end]) && !s.ownNumber(key, depth) {
			s.add(text{start: start, end: end, number: true})
		}
	}
}

func (s *scanner) object(depth int) {
	if depth == 0 && s.nested == 0 {
		s.top()
		return
	}
	for ok := s.open('}'); ok; ok = s.more('}') {
		if key, ok := s.key(); ok {
			s.memberValue(key, depth+1)
		}
		if s.err != nil {
			return
		}
	}
}

// top walks the members of the body itself.
func (s *scanner) top() {
	remote := false
	for ok := s.open('}'); ok; ok = s.more('}') {
		f := field{start: s.at}
		unscreenable := s.body.unscreenable
		s.body.remote, s.elements = false, -1
		if f.key, ok = s.key(); ok {
			f.valueAt = s.at
			s.memberValue(f.key, 1)
		}
		if s.err != nil || s.mistake != 0 {
			return
		}
		f.end, f.texts = s.at, len(s.body.texts)
		f.unscreenable, f.remote, f.elements = s.body.unscreenable-unscreenable, s.body.remote, s.elements
		remote = remote || f.remote
		s.field(f)
	}
	s.body.remote = remote
}

// key walks `"key":`. An unusual key is a text.
func (s *scanner) key() (string, bool) {
	start, end := s.member()
	if s.mistake != 0 {
		return "", false
	}
	key := memberName(s.raw[start:end])
	if !plainKey(key) {
		s.add(text{start: start, end: end})
	}
	return key, s.err == nil
}

// choiceDepth is that of the members of a choice: {"choices":[{…}]}.
const choiceDepth = 3

func (s *scanner) memberValue(key string, depth int) {
	switch {
	case s.answer && key == "logprobs" && s.nested == 0 && depth == choiceDepth: // thousands of pieces of words that stand in the text as well
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
	tokens := depth <= 2 && tokenKey(key)
	elements := 0
	for ok := s.open(']'); ok; ok = s.more(']') {
		elements++
		if c := s.peek(); tokens && c >= '0' && c <= '9' {
			s.body.unscreenable++ // a text as token numbers
			tokens = false
		}
		s.value(key, depth+1)
		if s.err != nil {
			return
		}
	}
	if depth == 1 && s.nested == 0 {
		s.elements = elements
	}
}

// note decides what a string value is.
func (s *scanner) note(key string, start, end int) {
	raw := s.raw[start:end]
	switch {
	case wireWord(key, raw):
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
	left := 0
	if s.budget != nil {
		left = *s.budget
	}
	inner := []byte(unquote(raw))
	b, err := scanBody(inner, s.nested+1, s.budget)
	switch {
	case err == nil:
		return &b
	case s.budget == nil:
	case *s.budget < 0 && json.Valid(inner):
		s.err = tooManyTexts()
	default:
		*s.budget = left // it is one text and no document
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
	return len(raw) > 0 && (raw[0] == '{' || raw[0] == '[')
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

// memberName is unquote without an allocation for the names of the wire format.
func memberName(raw []byte) string {
	switch string(raw) {
	case "role":
		return "role"
	case "content":
		return "content"
	case "type":
		return "type"
	case "text":
		return "text"
	case "messages":
		return "messages"
	case "model":
		return "model"
	case "name":
		return "name"
	case "id":
		return "id"
	case "function":
		return "function"
	case "arguments":
		return "arguments"
	case "tool_calls":
		return "tool_calls"
	case "choices":
		return "choices"
	case "message":
		return "message"
	case "finish_reason":
		return "finish_reason"
	case "index":
		return "index"
	}
	return unquote(raw)
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
