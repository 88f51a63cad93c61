// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic

import (
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// block is a content block.
type block struct {
	kind   string
	fields []dialect.Field
}

func blockOf(raw []byte) block {
	var b block
	for key, value := range dialect.Members(raw) {
		if key == "type" {
			b.kind = dialect.Unquote(value)
			continue
		}
		b.fields = append(b.fields, dialect.Field{Key: key, Value: value})
	}
	return b
}

// of is a member of the block; the last one counts when it stands twice.
func (b block) of(key string) []byte {
	var value []byte
	for _, f := range b.fields {
		if f.Key == key {
			value = f.Value
		}
	}
	return value
}

// extra are the members beside the known ones. Those about Anthropic's own
// service (caches, citations, who called) have no meaning elsewhere.
func (b block) extra(known ...string) []dialect.Field {
	var extra []dialect.Field
next:
	for _, f := range b.fields {
		switch f.Key {
		case "cache_control", "citations", "caller", "toolset_name", "signature":
			continue
		}
		for _, k := range known {
			if f.Key == k {
				continue next
			}
		}
		extra = append(extra, f)
	}
	return extra
}

// message translates one message into one or more.
func message(messages *dialect.List, path string, raw []byte) error {
	if !dialect.IsObject(raw) {
		return dialect.Invalid(path, "Erwartet wird ein JSON-Objekt.")
	}
	var role string
	var content []byte
	for key, value := range dialect.Members(raw) {
		switch key {
		case "role":
			role = dialect.Unquote(value)
		case "content":
			content = value
		default:
			return dialect.Invalid(dialect.At(path, key), "Dieses Feld ist nicht bekannt.")
		}
	}
	switch {
	case role != "user" && role != "assistant" && role != "system":
		return dialect.Invalid(path+".role", "Erwartet wird user oder assistant.")
	case dialect.IsText(content):
		messages.Add(dialect.Message(role, content).JSON())
		return nil
	case !dialect.IsList(content):
		return dialect.Invalid(path+".content", "Erwartet wird ein Text oder eine Liste.")
	}
	path += ".content"
	switch role {
	case "system":
		text, err := system(path, content)
		if err == nil {
			messages.Add(dialect.Message(role, text).JSON())
		}
		return err
	case "assistant":
		return assistant(messages, path, content)
	}
	return user(messages, path, content)
}

func assistant(messages *dialect.List, path string, content []byte) error {
	var a dialect.Assistant
	for i, raw := range dialect.Elements(content) {
		at, b := dialect.Index(path, i), blockOf(raw)
		switch b.kind {
		case "text":
			if !dialect.IsText(b.of("text")) {
				return dialect.Invalid(at+".text", "Erwartet wird ein Text.")
			}
			if a.HasCalls() {
				a.Flush(messages)
			}
			a.Text(b.of("text"), b.extra("text"))
		case "thinking":
			if !dialect.IsText(b.of("thinking")) {
				return dialect.Invalid(at+".thinking", "Erwartet wird ein Text.")
			}
			a.Reasoning(b.of("thinking"))
		case "tool_use":
			if err := call(&a, at, b); err != nil {
				return err
			}
		default: // redacted_thinking among them: what nobody can read is not passed on
			return unknownBlock(at, b.kind)
		}
	}
	a.Flush(messages)
	return nil
}

func call(a *dialect.Assistant, path string, b block) error {
	if !dialect.IsText(b.of("id")) || !dialect.IsText(b.of("name")) {
		return dialect.Invalid(path, "Erwartet werden id und name als Text.")
	}
	input := b.of("input")
	if dialect.Absent(input) {
		input = []byte("{}")
	}
	if !dialect.IsObject(input) {
		return dialect.Invalid(path+".input", "Erwartet wird ein JSON-Objekt.")
	}
	a.Call(b.of("id"), b.of("name"), dialect.Quote(string(input)), b.extra("id", "name", "input"))
	return nil
}

// user translates blocks of a user: results of tools become messages of their
// own, in their place.
func user(messages *dialect.List, path string, content []byte) error {
	var said dialect.Content
	flush := func() {
		if !said.Empty() {
			messages.Add(dialect.Message("user", said.JSON()).JSON())
			said = dialect.Content{}
		}
	}
	for i, raw := range dialect.Elements(content) {
		at, b := dialect.Index(path, i), blockOf(raw)
		switch b.kind {
		case "tool_result":
			// Pictures of a result wait until all results stand after their calls.
			if said.HasText() {
				flush()
			}
			if err := result(messages, &said, at, b); err != nil {
				return err
			}
		default:
			if err := input(&said, at, b); err != nil {
				return err
			}
		}
	}
	flush()
	return nil
}

// input is a block that a user may send.
func input(said *dialect.Content, path string, b block) error {
	switch b.kind {
	case "text":
		if !dialect.IsText(b.of("text")) {
			return dialect.Invalid(path+".text", "Erwartet wird ein Text.")
		}
		said.Text(b.of("text"), b.extra("text"))
		return nil
	case "image":
		part, err := image(path+".source", b.of("source"))
		if err == nil {
			said.Part(part)
		}
		return err
	case "document":
		return document(said, path+".source", b)
	}
	return unknownBlock(path, b.kind)
}

func image(path string, source []byte) ([]byte, error) {
	s := blockOf(source)
	media, data := s.of("media_type"), s.of("data")
	if s.kind != "base64" {
		return nil, dialect.Invalid(path+".type", "Bilder werden als base64 erwartet. Der Server des Modells darf nichts aus dem Netz oder aus einem Speicher holen.")
	}
	if !dialect.IsText(media) || !dialect.IsText(data) {
		return nil, dialect.Invalid(path, "Erwartet werden media_type und data als Text.")
	}
	url := dialect.Joined([][]byte{[]byte(`"data:"`), media, []byte(`";base64,"`), data}, "")
	return dialect.Picture(path, url, nil)
}

// document takes plain text only. Other documents would reach the model unread.
func document(said *dialect.Content, path string, b block) error {
	s := blockOf(b.of("source"))
	if s.kind != "text" || !dialect.IsText(s.of("data")) {
		return dialect.Invalid(path+".type", "Dokumente werden hier nur als Text angenommen.")
	}
	var texts [][]byte
	for _, heading := range []string{"title", "context"} {
		if value := b.of(heading); dialect.IsText(value) {
			texts = append(texts, value)
		}
	}
	said.Text(dialect.Joined(append(texts, s.of("data")), `\n`), nil)
	return nil
}

// result translates the result of a tool. The chat format has no mark for a
// failed call, so that stands in the text.
func result(messages *dialect.List, said *dialect.Content, path string, b block) error {
	id := b.of("tool_use_id")
	if !dialect.IsText(id) {
		return dialect.Invalid(path+".tool_use_id", "Erwartet wird ein Text.")
	}
	text, err := resultText(said, path+".content", b.of("content"))
	if err != nil {
		return err
	}
	if string(b.of("is_error")) == "true" {
		text = dialect.Joined([][]byte{[]byte(`"Error: "`), text}, "")
	}
	m := dialect.Message("tool", text).Raw("tool_call_id", id)
	for _, f := range b.extra("tool_use_id", "content", "is_error") {
		m.Raw(f.Key, f.Value)
	}
	messages.Add(m.JSON())
	return nil
}

func resultText(said *dialect.Content, path string, raw []byte) ([]byte, error) {
	switch {
	case dialect.IsText(raw):
		return raw, nil
	case dialect.Absent(raw):
		return []byte(`""`), nil
	case !dialect.IsList(raw):
		return nil, dialect.Invalid(path, "Erwartet wird ein Text oder eine Liste.")
	}
	var texts [][]byte
	for i, element := range dialect.Elements(raw) {
		at, b := dialect.Index(path, i), blockOf(element)
		switch b.kind {
		case "text":
			if !dialect.IsText(b.of("text")) {
				return nil, dialect.Invalid(at+".text", "Erwartet wird ein Text.")
			}
			texts = append(texts, b.of("text"))
		case "image":
			part, err := image(at+".source", b.of("source"))
			if err != nil {
				return nil, err
			}
			said.Part(part) // results of tools are text in the chat format
		default:
			return nil, unknownBlock(at, b.kind)
		}
	}
	return dialect.Joined(texts, `\n`), nil
}
