// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package responses

import (
	"fmt"
	"maps"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// conversation collects the messages of a request. What the model said in a row
// (thoughts, text, calls) is one message in the chat format.
type conversation struct {
	messages  dialect.List
	system    [][]byte // texts that lead the conversation: one message, see messages
	led       bool
	assistant dialect.Assistant
}

// messages are instructions and input. Chat templates of several models break on
// more than one system message, so those at the beginning become one.
func (t *translation) messages() ([]byte, error) {
	var c conversation
	if t.instructions != nil {
		c.system = append(c.system, t.instructions)
	}
	switch {
	case dialect.IsText(t.input):
		c.add(dialect.Message("user", t.input).JSON())
	case dialect.IsList(t.input):
		for i, raw := range dialect.Elements(t.input) {
			if err := c.item(dialect.Index("input", i), raw); err != nil {
				return nil, err
			}
		}
	default:
		return nil, dialect.Invalid("input", "Erwartet wird ein Text oder eine Liste.")
	}
	c.lead()
	c.assistant.Flush(&c.messages)
	if c.messages.Empty() {
		return nil, dialect.Invalid("input", "Der Verlauf ist leer.")
	}
	return c.messages.JSON(), nil
}

// lead writes the leading system message, once.
func (c *conversation) lead() {
	if c.led {
		return
	}
	c.led = true
	if len(c.system) > 0 {
		c.messages.Add(dialect.Message("system", dialect.Joined(c.system, `\n\n`)).JSON())
	}
}

// add ends what the model said and adds a message.
func (c *conversation) add(message []byte) {
	c.lead()
	c.assistant.Flush(&c.messages)
	c.messages.Add(message)
}

// item is one entry of input.
type item struct {
	path, kind, role string
	fields           map[string][]byte
}

func (i item) text(key string) error {
	if !dialect.IsText(i.fields[key]) {
		return dialect.Invalid(i.path+"."+key, "Erwartet wird ein Text.")
	}
	return nil
}

func itemOf(path string, raw []byte) item {
	i := item{path: path, fields: maps.Collect(dialect.Members(raw))}
	i.kind, i.role = dialect.Unquote(i.fields["type"]), dialect.Unquote(i.fields["role"])
	if i.kind == "" && i.role != "" {
		i.kind = "message"
	}
	return i
}

func (c *conversation) item(path string, raw []byte) error {
	if !dialect.IsObject(raw) {
		return dialect.Invalid(path, "Erwartet wird ein JSON-Objekt.")
	}
	i := itemOf(path, raw)
	switch i.kind {
	case "message":
		return c.message(i)
	case "function_call":
		return c.call(i)
	case "function_call_output":
		return c.output(i)
	case "reasoning":
		return c.thought(i)
	case "item_reference":
		return dialect.Invalid(path, msgKept)
	}
	return unknown(path, i.kind)
}

func unknown(path, kind string) error {
	if len(kind) > 40 {
		kind = kind[:40]
	}
	return dialect.Invalid(path+".type", fmt.Sprintf("Inhalte der Art %q lassen sich hier nicht weitergeben.", kind))
}

func (c *conversation) message(i item) error {
	var said dialect.Content
	if content := i.fields["content"]; dialect.IsText(content) {
		said.Text(content, nil)
	} else if err := parts(&said, i.path+".content", content); err != nil {
		return err
	}
	switch i.role {
	case "system", "developer":
		text, plain := said.Plain(`\n\n`)
		if !plain {
			return dialect.Invalid(i.path+".content", "Hier sind nur Texte erlaubt.")
		}
		if !c.led {
			c.system = append(c.system, text)
			return nil
		}
		c.add(dialect.Message("system", text).JSON())
	case "user":
		c.add(dialect.Message("user", said.JSON()).JSON())
	case "assistant":
		text, plain := said.Plain("")
		if !plain {
			return dialect.Invalid(i.path+".content", "Eine Antwort des Modells besteht hier nur aus Text.")
		}
		c.lead()
		if c.assistant.HasCalls() || c.assistant.HasText() {
			c.assistant.Flush(&c.messages)
		}
		c.assistant.Text(text, nil)
	default:
		return dialect.Invalid(i.path+".role", "Erwartet wird user, assistant, system oder developer.")
	}
	return nil
}

// parts translates the parts of a message.
func parts(said *dialect.Content, path string, raw []byte) error {
	if !dialect.IsList(raw) {
		return dialect.Invalid(path, "Erwartet wird ein Text oder eine Liste.")
	}
	for n, element := range dialect.Elements(raw) {
		p := itemOf(dialect.Index(path, n), element)
		if err := part(said, p, element); err != nil {
			return err
		}
	}
	if said.Empty() {
		said.Text([]byte(`""`), nil)
	}
	return nil
}

func part(said *dialect.Content, p item, raw []byte) error {
	switch p.kind {
	case "input_text", "output_text", "text":
		if err := p.text("text"); err != nil {
			return err
		}
		said.Text(p.fields["text"], nil)
	case "refusal":
		if err := p.text("refusal"); err != nil {
			return err
		}
		said.Text(p.fields["refusal"], nil)
	case "input_image":
		if !dialect.Absent(p.fields["file_id"]) {
			return dialect.Invalid(p.path+".file_id", msgKept)
		}
		picture, err := dialect.Picture(p.path+".image_url", p.fields["image_url"], p.fields["detail"])
		if err != nil {
			return err
		}
		said.Part(picture)
	case "input_audio":
		said.Part(raw) // the same in both formats
	case "input_file":
		return file(said, p)
	default:
		return unknown(p.path, p.kind)
	}
	return nil
}

// file takes a file that comes with the request.
func file(said *dialect.Content, p item) error {
	for _, key := range []string{"file_id", "file_url"} {
		if !dialect.Absent(p.fields[key]) {
			return dialect.Invalid(p.path+"."+key, "Dateien werden nur mit ihrem Inhalt in file_data angenommen.")
		}
	}
	if err := p.text("file_data"); err != nil {
		return err
	}
	var content, part dialect.Object
	if name := p.fields["filename"]; dialect.IsText(name) {
		content.Raw("filename", name)
	}
	content.Raw("file_data", p.fields["file_data"])
	said.Part(part.Text("type", "file").Object("file", &content).JSON())
	return nil
}

func (c *conversation) call(i item) error {
	for _, key := range []string{"call_id", "name", "arguments"} {
		if err := i.text(key); err != nil {
			return err
		}
	}
	c.lead()
	c.assistant.Call(i.fields["call_id"], i.fields["name"], i.fields["arguments"], nil)
	return nil
}

func (c *conversation) output(i item) error {
	if err := i.text("call_id"); err != nil {
		return err
	}
	var said dialect.Content
	if output := i.fields["output"]; dialect.IsText(output) {
		said.Text(output, nil)
	} else if err := parts(&said, i.path+".output", output); err != nil {
		return err
	}
	c.add(dialect.Message("tool", said.JSON()).Raw("tool_call_id", i.fields["call_id"]).JSON())
	return nil
}

// thought takes what the model thought before. Encrypted thoughts are of another
// service: nobody here can read them.
func (c *conversation) thought(i item) error {
	if !dialect.Absent(i.fields["encrypted_content"]) {
		return dialect.Invalid(i.path+".encrypted_content", "Verschlüsselte Inhalte kann die Schleuse nicht prüfen und gibt sie nicht weiter.")
	}
	texts := i.fields["content"]
	if dialect.Absent(texts) || string(texts) == "[]" {
		texts = i.fields["summary"]
	}
	c.lead()
	if c.assistant.HasCalls() || c.assistant.HasText() {
		c.assistant.Flush(&c.messages)
	}
	for n, raw := range dialect.Elements(texts) {
		p := itemOf(dialect.Index(i.path+".content", n), raw)
		if err := p.text("text"); err != nil {
			return err
		}
		c.assistant.Reasoning(p.fields["text"])
	}
	return nil
}
