// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package responses

import (
	"slices"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

const (
	msgKept = "Diese Angabe setzt voraus, dass Inhalte gespeichert werden. Die Schleuse speichert keine; bitte senden Sie den ganzen Verlauf in input und lassen Sie die Angabe weg."
	msgOwn  = "Werkzeuge, die der Server des Modells selbst ausführt, sind nicht erlaubt. Möglich sind eigene Funktionen (type: function)."
)

// Parse translates the body of POST /v1/responses.
func Parse(raw []byte) (*Request, error) {
	fields, err := dialect.Fields(raw)
	if err != nil {
		return nil, err
	}
	t := translation{said: map[string][]byte{}}
	for _, f := range fields {
		if dialect.Absent(f.Value) {
			continue
		}
		if err := t.field(f); err != nil {
			return nil, err
		}
	}
	if err := t.finish(); err != nil {
		return nil, err
	}
	body, err := t.chat.JSON()
	if err != nil {
		return nil, err
	}
	return &Request{chat: body, said: t.said}, nil
}

// translation is one request on its way.
type translation struct {
	chat         dialect.Chat
	said         map[string][]byte
	instructions []byte
	input        []byte
	tools        []tool
	allowed      []string // of tool_choice allowed_tools; nil: all
	stream       bool
	logprobs     bool
}

// repeated are the fields an answer repeats.
var repeated = [...]string{
	"instructions", "max_output_tokens", "max_tool_calls", "metadata", "model", "parallel_tool_calls", "prompt_cache_key",
	"reasoning", "safety_identifier", "service_tier", "temperature", "text", "tool_choice", "tools", "top_logprobs",
	"top_p", "truncation", "user",
}

// field translates one top-level member. What is not known here goes over as it is.
func (t *translation) field(f dialect.Field) error {
	if slices.Contains(repeated[:], f.Key) {
		t.said[f.Key] = f.Value
	}
	switch f.Key {
	case "instructions":
		t.instructions = f.Value
		return dialect.OnlyText("instructions", f.Value)
	case "input":
		t.input = f.Value
	case "max_output_tokens":
		t.chat.Set("max_tokens", f.Value)
	case "stream":
		t.stream = string(f.Value) == "true"
		t.chat.Set("stream", f.Value)
	case "tools":
		return t.readTools(f.Value)
	case "tool_choice":
		return t.toolChoice(f.Value)
	case "text":
		return t.text(f.Value)
	case "reasoning":
		return t.reasoning(f.Value)
	case "include":
		return t.include(f.Value)
	case "top_logprobs":
		if string(f.Value) != "0" {
			t.logprobs = true
			t.chat.Set("top_logprobs", f.Value)
		}
	case "metadata", "max_tool_calls", "stream_options":
		// For the caller alone, for tools that are not offered here, about padding
		// of events: nothing of it is for the model.
	case "truncation":
		if dialect.Unquote(f.Value) != "disabled" {
			return dialect.Invalid("truncation", "Die Schleuse kürzt keinen Verlauf. Möglich ist nur disabled.")
		}
	default:
		return t.other(f)
	}
	return nil
}

// other refuses what needs a memory and carries the rest.
func (t *translation) other(f dialect.Field) error {
	switch f.Key {
	case "store", "background":
		if string(f.Value) != "false" {
			return dialect.Invalid(f.Key, msgKept)
		}
	case "previous_response_id", "conversation", "prompt", "context_management":
		return dialect.Invalid(f.Key, msgKept)
	default:
		t.chat.Carry(f)
	}
	return nil
}

func (t *translation) finish() error {
	messages, err := t.messages()
	if err != nil {
		return err
	}
	t.chat.Set("messages", messages)
	if err := t.setTools(); err != nil {
		return err
	}
	if t.logprobs {
		t.chat.Set("logprobs", []byte("true"))
	}
	if t.stream {
		t.chat.Set("stream_options", []byte(`{"include_usage":true}`))
	}
	return nil
}

// tool is a function that the caller runs itself, in the chat format.
type tool struct {
	name string
	json []byte
}

func (t *translation) readTools(raw []byte) error {
	if !dialect.IsList(raw) {
		return dialect.Invalid("tools", "Erwartet wird eine Liste.")
	}
	for i, raw := range dialect.Elements(raw) {
		translated, err := function(dialect.Index("tools", i), raw)
		if err != nil {
			return err
		}
		t.tools = append(t.tools, translated)
	}
	return nil
}

func function(path string, raw []byte) (tool, error) {
	var f dialect.Object
	var kind, name string
	for key, value := range dialect.Members(raw) {
		switch key {
		case "type":
			kind = dialect.Unquote(value)
		case "name":
			name = dialect.Unquote(value)
			f.Raw(key, value)
		default:
			if !dialect.Absent(value) {
				f.Raw(key, value)
			}
		}
	}
	switch {
	case kind != "function":
		return tool{}, dialect.Invalid(path+".type", msgOwn)
	case name == "":
		return tool{}, dialect.Invalid(path+".name", "Diese Angabe fehlt.")
	}
	return tool{name: name, json: dialect.Function(&f)}, nil
}

// setTools writes the tools; of a named selection only those, which says the
// same and is understood by every server.
func (t *translation) setTools() error {
	var tools dialect.List
	found := 0
	for _, tool := range t.tools {
		if t.allowed == nil || slices.Contains(t.allowed, tool.name) {
			tools.Add(tool.json)
			found++
		}
	}
	if found < len(t.allowed) {
		return dialect.Invalid("tool_choice.tools", "Eine der genannten Funktionen steht nicht in tools.")
	}
	if found > 0 {
		t.chat.Set("tools", tools.JSON())
	}
	return nil
}

func (t *translation) toolChoice(raw []byte) error {
	switch dialect.Unquote(raw) {
	case "auto", "none", "required":
		t.chat.Set("tool_choice", raw)
		return nil
	}
	var kind, mode string
	var name, tools []byte
	for key, value := range dialect.Members(raw) {
		switch key {
		case "type":
			kind = dialect.Unquote(value)
		case "mode":
			mode = dialect.Unquote(value)
		case "name":
			name = value
		case "tools":
			tools = value
		default:
			return dialect.Invalid(dialect.At("tool_choice", key), "Dieses Feld ist nicht bekannt.")
		}
	}
	switch {
	case kind == "function" && dialect.IsText(name):
		var f dialect.Object
		t.chat.Set("tool_choice", dialect.Function(f.Raw("name", name)))
		return nil
	case kind == "allowed_tools" && (mode == "auto" || mode == "required"):
		t.chat.Set("tool_choice", dialect.Quote(mode))
		return t.allow(tools)
	}
	return dialect.Invalid("tool_choice", "Erwartet wird auto, none, required oder eine eigene Funktion.")
}

func (t *translation) allow(tools []byte) error {
	t.allowed = []string{}
	for i, raw := range dialect.Elements(tools) {
		var kind, name string
		for key, value := range dialect.Members(raw) {
			switch key {
			case "type":
				kind = dialect.Unquote(value)
			case "name":
				name = dialect.Unquote(value)
			}
		}
		if kind != "function" || name == "" {
			return dialect.Invalid(dialect.Index("tool_choice.tools", i), msgOwn)
		}
		if !slices.Contains(t.allowed, name) {
			t.allowed = append(t.allowed, name)
		}
	}
	return nil
}

// text says which shape the answer has.
func (t *translation) text(raw []byte) error {
	for key, value := range dialect.Members(raw) {
		switch {
		case dialect.Absent(value):
		case key == "verbosity":
			t.chat.Set("verbosity", value)
		case key == "format":
			if err := t.format(value); err != nil {
				return err
			}
		default:
			return dialect.Invalid(dialect.At("text", key), "Dieses Feld ist nicht bekannt.")
		}
	}
	return nil
}

func (t *translation) format(raw []byte) error {
	var kind string
	var schema, format dialect.Object
	for key, value := range dialect.Members(raw) {
		if key == "type" {
			kind = dialect.Unquote(value)
		} else if !dialect.Absent(value) {
			schema.Raw(key, value)
		}
	}
	switch kind {
	case "text":
	case "json_object":
		t.chat.Set("response_format", format.Text("type", kind).JSON())
	case "json_schema":
		t.chat.Set("response_format", format.Text("type", kind).Object("json_schema", &schema).JSON())
	default:
		return dialect.Invalid("text.format.type", "Erwartet wird text, json_object oder json_schema.")
	}
	return nil
}

// reasoning says how much the model should think. Thoughts are shown whenever
// the model's server shows them, so a wish for a summary needs no place.
func (t *translation) reasoning(raw []byte) error {
	for key, value := range dialect.Members(raw) {
		switch {
		case dialect.Absent(value), key == "summary", key == "generate_summary":
		case key == "effort":
			t.chat.Set("reasoning_effort", value)
		default:
			return dialect.Invalid(dialect.At("reasoning", key), "Dieses Feld ist nicht bekannt.")
		}
	}
	return nil
}

// include asks for more in the answer.
func (t *translation) include(raw []byte) error {
	for i, wanted := range dialect.Elements(raw) {
		switch dialect.Unquote(wanted) {
		case "message.output_text.logprobs":
			t.logprobs = true
		case "reasoning.encrypted_content": // thoughts are never encrypted here
		default:
			return dialect.Invalid(dialect.Index("include", i), "Diese Angabe wird hier nicht angeboten.")
		}
	}
	return nil
}
