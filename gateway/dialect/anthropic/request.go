// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic

import (
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// Parse translates the body of POST /v1/messages.
func Parse(raw []byte) (*Request, error) { return parse(raw, true) }

// ParseCount translates the body of POST /v1/messages/count_tokens, which needs
// no bound for the answer.
func ParseCount(raw []byte) (*Request, error) { return parse(raw, false) }

func parse(raw []byte, bounded bool) (*Request, error) {
	fields, err := dialect.Fields(raw)
	if err != nil {
		return nil, err
	}
	t := translation{bounded: bounded}
	for _, f := range fields {
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
	return &Request{chat: body, model: t.model}, nil
}

// translation is one request on its way.
type translation struct {
	chat     dialect.Chat
	bounded  bool
	model    []byte
	system   []byte
	messages []byte
	tokens   bool
	stream   bool
	// thinking and effort both say how much the model should think.
	thinking, effort string
}

// field translates one top-level member. What is not known here goes over as it is.
func (t *translation) field(f dialect.Field) error {
	if dialect.Absent(f.Value) {
		return nil
	}
	switch f.Key {
	case "model":
		t.model = f.Value
		t.chat.Set("model", f.Value)
	case "system":
		t.system = f.Value
	case "messages":
		t.messages = f.Value
	case "max_tokens":
		if n, ok := dialect.Whole(f.Value); !ok || n < 1 {
			return dialect.Invalid("max_tokens", "Erwartet wird eine ganze Zahl ab 1.")
		}
		t.tokens = true
		t.chat.Set("max_tokens", f.Value)
	case "stop_sequences":
		t.chat.Set("stop", f.Value)
	case "stream":
		t.stream = string(f.Value) == "true"
		t.chat.Set("stream", f.Value)
	case "tools":
		return t.tools(f.Value)
	case "tool_choice":
		return t.toolChoice(f.Value)
	case "thinking":
		return t.think(f.Value)
	case "output_config":
		return t.output(f.Value)
	case "metadata":
		return t.metadata(f.Value)
	case "service_tier", "cache_control", "speed", "inference_geo", "diagnostics", "user_profile_id", "workspace_id":
		// They steer Anthropic's own service and mean nothing elsewhere.
	case "container", "mcp_servers", "context_management":
		return dialect.Invalid(f.Key, "Diese Angabe setzt einen Dienst voraus, der Inhalte speichert oder selbst Werkzeuge aufruft. Das ist hier nicht erlaubt; bitte lassen Sie sie weg.")
	default:
		t.chat.Carry(f)
	}
	return nil
}

func (t *translation) finish() error {
	if t.bounded && !t.tokens {
		return dialect.Invalid("max_tokens", "Diese Angabe fehlt.")
	}
	var messages dialect.List
	if t.system != nil {
		text, err := system("system", t.system)
		if err != nil {
			return err
		}
		messages.Add(dialect.Message("system", text).JSON())
	}
	if !dialect.IsList(t.messages) {
		return dialect.Invalid("messages", "Erwartet wird eine Liste mit mindestens einer Nachricht.")
	}
	n := 0
	for i, m := range dialect.Elements(t.messages) {
		if err := message(&messages, dialect.Index("messages", i), m); err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		return dialect.Invalid("messages", "Erwartet wird eine Liste mit mindestens einer Nachricht.")
	}
	t.chat.Set("messages", messages.JSON())
	if effort := t.reasoning(); effort != "" {
		t.chat.Set("reasoning_effort", dialect.Quote(effort))
	}
	if t.stream {
		t.chat.Set("stream_options", []byte(`{"include_usage":true}`))
	}
	return nil
}

// system is a string or a list of texts.
func system(path string, raw []byte) ([]byte, error) {
	if dialect.IsText(raw) {
		return raw, nil
	}
	if !dialect.IsList(raw) {
		return nil, dialect.Invalid(path, "Erwartet wird ein Text oder eine Liste von Texten.")
	}
	var texts [][]byte
	for i, block := range dialect.Elements(raw) {
		b := blockOf(block)
		if b.kind != "text" || !dialect.IsText(b.of("text")) {
			return nil, dialect.Invalid(dialect.Index(path, i), "Hier sind nur Texte erlaubt.")
		}
		texts = append(texts, b.of("text"))
	}
	return dialect.Joined(texts, `\n\n`), nil
}

func (t *translation) tools(raw []byte) error {
	if !dialect.IsList(raw) {
		return dialect.Invalid("tools", "Erwartet wird eine Liste.")
	}
	var tools dialect.List
	for i, tool := range dialect.Elements(raw) {
		translated, err := function(dialect.Index("tools", i), tool)
		if err != nil {
			return err
		}
		tools.Add(translated)
	}
	if !tools.Empty() {
		t.chat.Set("tools", tools.JSON())
	}
	return nil
}

// function is a tool that the caller runs itself.
func function(path string, raw []byte) ([]byte, error) {
	var f dialect.Object
	named := false
	for key, value := range dialect.Members(raw) {
		switch key {
		case "type":
			if kind := dialect.Unquote(value); kind != "custom" && !dialect.Absent(value) {
				return nil, dialect.Invalid(path+".type", "Werkzeuge, die der Server des Modells selbst ausführt, sind nicht erlaubt. Möglich sind eigene Funktionen.")
			}
		case "name":
			named = dialect.IsText(value)
			f.Raw("name", value)
		case "input_schema":
			f.Raw("parameters", value)
		case "cache_control", "eager_input_streaming", "defer_loading", "allowed_callers":
			// about Anthropic's own service
		default:
			f.Raw(key, value)
		}
	}
	if !named {
		return nil, dialect.Invalid(path+".name", "Erwartet wird ein Text.")
	}
	return dialect.Function(&f), nil
}

func (t *translation) toolChoice(raw []byte) error {
	var kind string
	var name []byte
	for key, value := range dialect.Members(raw) {
		switch key {
		case "type":
			kind = dialect.Unquote(value)
		case "name":
			name = value
		case "disable_parallel_tool_use":
			if string(value) == "true" {
				t.chat.Set("parallel_tool_calls", []byte("false"))
			}
		default:
			return dialect.Invalid(dialect.At("tool_choice", key), "Dieses Feld ist nicht bekannt.")
		}
	}
	switch kind {
	case "auto", "none":
		t.chat.Set("tool_choice", dialect.Quote(kind))
	case "any":
		t.chat.Set("tool_choice", []byte(`"required"`))
	case "tool":
		if !dialect.IsText(name) {
			return dialect.Invalid("tool_choice.name", "Erwartet wird ein Text.")
		}
		var f dialect.Object
		t.chat.Set("tool_choice", dialect.Function(f.Raw("name", name)))
	default:
		return dialect.Invalid("tool_choice.type", "Erwartet wird auto, any, tool oder none.")
	}
	return nil
}

// think reads how much the model should think before it answers. The chat format
// knows three degrees where this one counts tokens.
func (t *translation) think(raw []byte) error {
	kind, budget := "", 0
	for key, value := range dialect.Members(raw) {
		switch key {
		case "type":
			kind = dialect.Unquote(value)
		case "budget_tokens":
			budget, _ = dialect.Whole(value)
		}
	}
	switch {
	case kind == "disabled", kind == "adaptive":
	case kind != "enabled":
		return dialect.Invalid("thinking.type", "Erwartet wird enabled, disabled oder adaptive.")
	case budget < 4096:
		t.thinking = "low"
	case budget < 16384:
		t.thinking = "medium"
	default:
		t.thinking = "high"
	}
	return nil
}

func (t *translation) reasoning() string {
	if t.effort != "" {
		return t.effort
	}
	return t.thinking
}

func (t *translation) output(raw []byte) error {
	for key, value := range dialect.Members(raw) {
		if dialect.Absent(value) {
			continue
		}
		switch key {
		case "effort":
			switch effort := dialect.Unquote(value); effort {
			case "low", "medium", "high":
				t.effort = effort
			case "xhigh", "max":
				t.effort = "high"
			default:
				return dialect.Invalid("output_config.effort", "Erwartet wird low, medium, high, xhigh oder max.")
			}
		case "format":
			if err := t.format(value); err != nil {
				return err
			}
		default:
			return dialect.Invalid(dialect.At("output_config", key), "Dieses Feld ist nicht bekannt.")
		}
	}
	return nil
}

func (t *translation) format(raw []byte) error {
	var schema []byte
	for key, value := range dialect.Members(raw) {
		switch {
		case key == "type" && dialect.Unquote(value) != "json_schema":
			return dialect.Invalid("output_config.format.type", "Erwartet wird json_schema.")
		case key == "schema":
			schema = value
		}
	}
	if !dialect.IsObject(schema) {
		return dialect.Invalid("output_config.format.schema", "Erwartet wird ein JSON-Objekt.")
	}
	var named, format dialect.Object
	named.Text("name", "antwort").Raw("schema", schema).Raw("strict", []byte("true"))
	t.chat.Set("response_format", format.Text("type", "json_schema").Object("json_schema", &named).JSON())
	return nil
}

func (t *translation) metadata(raw []byte) error {
	for key, value := range dialect.Members(raw) {
		if key != "user_id" {
			return dialect.Invalid(dialect.At("metadata", key), "Dieses Feld ist nicht bekannt.")
		}
		if !dialect.Absent(value) {
			t.chat.Set("user", value)
		}
	}
	return nil
}

// unknownBlock names the place of a block that cannot be translated.
func unknownBlock(path, kind string) error {
	if len(kind) > 40 {
		kind = kind[:40]
	}
	return dialect.Invalid(path+".type", fmt.Sprintf("Inhalte der Art %q lassen sich hier nicht weitergeben.", kind))
}
