// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

const maxFields = 1000

// Field is a top-level member of a request.
type Field struct {
	Key   string
	Value []byte
}

// Fields reads the top-level members of a request: a JSON object in UTF-8 within
// the size of a body, in which no name stands twice, in whatever case.
func Fields(raw []byte) ([]Field, error) {
	switch {
	case len(raw) > gateway.MaxBodyBytes:
		return nil, &gateway.Error{Op: "translate request", Code: gateway.CodeTooLarge, Message: fmt.Sprintf("Die Anfrage ist größer als %d MiB.", gateway.MaxBodyBytes>>20)}
	case !utf8.Valid(raw):
		return nil, Invalid("", "Der Text ist nicht in UTF-8 kodiert.")
	case !json.Valid(raw):
		return nil, Invalid("", "Das ist kein gültiges JSON.")
	}
	w := walk{raw: raw}
	if !w.open('{') {
		return nil, Invalid("", "Erwartet wird ein JSON-Objekt.")
	}
	var fields []Field
	for key, value := range Members(raw) {
		if len(fields) >= maxFields {
			return nil, Invalid("", fmt.Sprintf("Mehr als %d Felder in einer Anfrage.", maxFields))
		}
		if slices.ContainsFunc(fields, func(f Field) bool { return strings.EqualFold(f.Key, key) }) {
			return nil, Invalid(safe(key), "Das Feld steht zweimal in der Anfrage.")
		}
		fields = append(fields, Field{key, value})
	}
	return fields, nil
}

// safe is a name for an error; one that could be data is not repeated.
func safe(key string) string {
	if len(key) > 64 || strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
		return ""
	}
	return key
}

// At is the path of a member of an object.
func At(path, key string) string {
	if path == "" {
		return safe(key)
	}
	return path + "." + safe(key)
}

// Index is the path of an element of a list.
func Index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// Chat is a chat body in the making. What the format does not know of the
// caller's fields is carried over as it is.
type Chat struct {
	object  Object
	written []string
	carried []Field
}

// Set writes a field of the chat format.
func (c *Chat) Set(key string, value []byte) {
	c.object.Raw(key, value)
	c.written = append(c.written, key)
}

// Carry notes a field that goes over verbatim.
func (c *Chat) Carry(f Field) { c.carried = append(c.carried, f) }

// JSON is the body. A carried field that means something else in the chat format
// than the caller could know, or would stand there twice, is an error.
func (c *Chat) JSON() ([]byte, error) {
	for _, f := range c.carried {
		if slices.ContainsFunc(c.written, func(w string) bool { return strings.EqualFold(w, f.Key) }) {
			return nil, Invalid(safe(f.Key), "Das Feld gehört nicht zu diesem Format und widerspricht einem anderen. Bitte lassen Sie es weg.")
		}
		if inexpressible(f) {
			return nil, Invalid(safe(f.Key), "Die Antwort auf diese Angabe lässt sich in diesem Format nicht darstellen. Bitte lassen Sie sie weg.")
		}
		c.object.Raw(f.Key, f.Value)
	}
	return c.object.JSON(), nil
}

// inexpressible: the answer would have parts for which these formats have no place.
func inexpressible(f Field) bool {
	switch strings.ToLower(f.Key) {
	case "n", "best_of":
		return !Absent(f.Value) && string(f.Value) != "1"
	case "messages", "functions", "function_call", "audio", "modalities":
		return !Absent(f.Value)
	}
	return false
}

// OnlyText refuses what is neither a string nor absent.
func OnlyText(path string, value []byte) error {
	if !Absent(value) && !IsText(value) {
		return Invalid(path, "Erwartet wird ein Text.")
	}
	return nil
}

// Picture is a content part with a picture. A picture that the model's server
// would have to fetch is refused.
func Picture(path string, url, detail []byte) ([]byte, error) {
	if !strings.HasPrefix(Unquote(url), "data:") {
		return nil, Invalid(path, "Bilder werden als data:-Adresse in Base64 erwartet. Der Server des Modells darf nichts aus dem Netz holen.")
	}
	var image, part Object
	image.Raw("url", url)
	if !Absent(detail) {
		image.Raw("detail", detail)
	}
	return part.Text("type", "image_url").Object("image_url", &image).JSON(), nil
}

// TextPart is a content part with text; extra are members carried over.
func TextPart(text []byte, extra []Field) []byte {
	var part Object
	part.Text("type", "text").Raw("text", text)
	return part.with(extra).JSON()
}

func (o *Object) with(extra []Field) *Object {
	for _, f := range extra {
		o.Raw(f.Key, f.Value)
	}
	return o
}

// Content collects the parts of one message. Several servers understand only
// plain text, so one plain text stays one.
type Content struct {
	parts []part
	mixed bool // not plain text alone
	texts int
}

// part is a text with what is carried over beside it, or something else as JSON.
type part struct {
	text  []byte
	extra []Field
	other []byte
}

// Text adds a text; with extra members it cannot become plain text any more.
func (c *Content) Text(text []byte, extra []Field) {
	c.parts = append(c.parts, part{text: text, extra: extra})
	c.texts++
	c.mixed = c.mixed || len(extra) > 0
}

// Part adds a part that is no text.
func (c *Content) Part(other []byte) {
	c.parts = append(c.parts, part{other: other})
	c.mixed = true
}

// HasText says that there is a text.
func (c *Content) HasText() bool { return c.texts > 0 }

// Empty says that there is nothing.
func (c *Content) Empty() bool { return len(c.parts) == 0 }

// JSON is the content: a string for one text, else the parts.
func (c *Content) JSON() []byte {
	if !c.mixed && len(c.parts) == 1 {
		return c.parts[0].text
	}
	var list List
	for _, p := range c.parts {
		if p.other == nil {
			p.other = TextPart(p.text, p.extra)
		}
		list.Add(p.other)
	}
	return list.JSON()
}

// Plain is the content as one string, the texts joined; ok is false with parts
// that are no text.
func (c *Content) Plain(separator string) (text []byte, ok bool) {
	switch {
	case c.mixed:
		return nil, false
	case len(c.parts) == 1:
		return c.parts[0].text, true
	}
	texts := make([][]byte, 0, len(c.parts))
	for _, p := range c.parts {
		texts = append(texts, p.text)
	}
	return Joined(texts, separator), true
}

// Message is a message for the chat body.
func Message(role string, content []byte) *Object {
	var m Object
	return m.Text("role", role).Raw("content", content)
}

// Function is a tool of the chat format, or the choice of one.
func Function(function *Object) []byte {
	var tool Object
	return tool.Text("type", "function").Object("function", function).JSON()
}

// Assistant collects one message of the model: reasoning, text, tool calls.
type Assistant struct {
	content   Content
	reasoning [][]byte
	calls     List
}

// Text and Reasoning add to the message, Call adds a tool call; arguments is a
// JSON string.
func (a *Assistant) Text(text []byte, extra []Field) { a.content.Text(text, extra) }

// Part adds a part that is no text, such as a refusal.
func (a *Assistant) Part(part []byte) { a.content.Part(part) }

// Reasoning adds what the model thought.
func (a *Assistant) Reasoning(text []byte) { a.reasoning = append(a.reasoning, text) }

// Call adds a tool call; arguments is a JSON string, extra is carried over.
func (a *Assistant) Call(id, name, arguments []byte, extra []Field) {
	var function, call Object
	function.Raw("name", name).Raw("arguments", arguments)
	call.Raw("id", id).Text("type", "function").Object("function", &function)
	a.calls.Add(call.with(extra).JSON())
}

// HasCalls says that the message ends with tool calls: text after them begins a new one.
func (a *Assistant) HasCalls() bool { return !a.calls.Empty() }

// HasText says that the message has a text already.
func (a *Assistant) HasText() bool { return !a.content.Empty() }

// Flush adds the message to the list and begins a new one.
func (a *Assistant) Flush(messages *List) {
	if a.content.Empty() && a.calls.Empty() && len(a.reasoning) == 0 {
		return
	}
	content := []byte("null")
	if text, plain := a.content.Plain(""); plain && !a.content.Empty() {
		content = text
	} else if !a.content.Empty() {
		content = a.content.JSON()
	} else if a.calls.Empty() {
		content = []byte(`""`)
	}
	m := Message("assistant", content)
	if len(a.reasoning) > 0 {
		m.Raw("reasoning_content", Joined(a.reasoning, `\n`))
	}
	if !a.calls.Empty() {
		m.List("tool_calls", &a.calls)
	}
	messages.Add(m.JSON())
	*a = Assistant{}
}
