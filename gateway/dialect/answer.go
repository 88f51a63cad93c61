// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Kind is what a block of an answer is.
type Kind int

// Kinds.
const (
	Reasoning Kind = iota
	Text
	Refusal
	Call
)

// Block is a part of an answer: all text of one kind in a row, or a tool call.
type Block struct {
	Kind Kind
	// Index counts the blocks from 0.
	Index int
	// ID and Name of a call, as JSON strings.
	ID, Name []byte
	// Content is the text as the content of a JSON string, without its quotes.
	Content []byte

	tool   int // index of the call at the model's server
	opened bool
	told   int // how much of Content was told
}

// Object is the arguments of a call as JSON. Some models write nothing for none.
func (b *Block) Object() ([]byte, error) {
	source := Unquote(append(append([]byte{'"'}, b.Content...), '"'))
	if strings.TrimSpace(source) == "" {
		return []byte("{}"), nil
	}
	if !json.Valid([]byte(source)) || !IsObject([]byte(strings.TrimSpace(source))) {
		return nil, unreadable("Das Modell hat einen Werkzeugaufruf geschrieben, dessen Angaben unlesbar sind. Bitte versuchen Sie es noch einmal.")
	}
	return []byte(source), nil
}

// Answer is what is known of an answer beside its blocks.
type Answer struct {
	// Model is a JSON string, Created a number; both may be missing.
	Model, Created []byte
	// Finish is why the model stopped, "" while it has not.
	Finish string
	// Stop is the stop sequence that was met, as JSON string, where the server says so.
	Stop  []byte
	Usage Usage
	// Extra are the top-level members this format does not know, "schleuse" among them.
	Extra []Field
	// Logprobs of the text, as JSON; may be missing.
	Logprobs []byte
}

// Usage is what an answer cost.
type Usage struct {
	Reported                         bool
	Input, Output, Cached, Reasoning int
}

// Estimate is what is said when the model's server said nothing.
func Estimate(bytes int) int { return (bytes + 2) / 3 }

// Tokens estimates what a body costs at its input. No tokeniser is asked: theirs
// differ, and a prompt must not cost more than reading it.
func Tokens(body []byte) int {
	const picture = 1500 // roughly, whatever its size in bytes
	pictures, bytes := weigh(body)
	return Estimate(bytes) + pictures*picture
}

// weigh adds up the strings of valid JSON, data: addresses counted as pictures.
func weigh(raw []byte) (pictures, bytes int) {
	for w := (walk{raw: raw}); w.at < len(raw); {
		if raw[w.at] != '"' {
			w.at++
			continue
		}
		start := w.at
		w.text()
		if n := w.at - start - 2; n > 300 && string(raw[start+1:start+6]) == "data:" {
			pictures++
		} else {
			bytes += n
		}
	}
	return pictures, bytes
}

func usageOf(raw []byte) Usage {
	u := Usage{Reported: IsObject(raw)}
	for key, value := range Members(raw) {
		switch key {
		case "prompt_tokens":
			u.Input, _ = Whole(value)
		case "completion_tokens":
			u.Output, _ = Whole(value)
		case "prompt_tokens_details":
			u.Cached = detail(value, "cached_tokens")
		case "completion_tokens_details":
			u.Reasoning = detail(value, "reasoning_tokens")
		}
	}
	return u
}

func detail(object []byte, name string) int {
	for key, value := range Members(object) {
		if key == name {
			n, _ := Whole(value)
			return n
		}
	}
	return 0
}

// Whole answers and chunks have the same shape; "delta" takes the place of "message".

// take notes the top-level members of an answer or a chunk and returns its choices.
func (a *Answer) take(raw []byte) (choices []byte) {
	for key, value := range Members(raw) {
		switch key {
		case "id", "object":
		case "choices":
			choices = value
		case "model":
			a.Model = keep(a.Model, value)
		case "created":
			a.Created = keep(a.Created, value)
		case "usage":
			if IsObject(value) {
				a.Usage = usageOf(value)
			}
		default:
			a.extra(key, value)
		}
	}
	return choices
}

const maxExtra = 100

// extra keeps the first that was said; chunks repeat themselves. What the gateway says
// itself may come once more at the end of a stream: what the answer has shown.
func (a *Answer) extra(key string, value []byte) {
	said := 0
	for _, f := range a.Extra {
		if f.Key == key {
			said++
			if key != "schleuse" || bytes.Equal(f.Value, value) {
				return
			}
		}
	}
	if said > 1 {
		return
	}
	if len(a.Extra) < maxExtra && !Absent(value) {
		a.Extra = append(a.Extra, Field{key, append([]byte(nil), value...)})
	}
}

// Latest are the members without those that were said again later.
func Latest(extra []Field) []Field {
	var out []Field
	for i, f := range extra {
		if !slices.ContainsFunc(extra[i+1:], func(later Field) bool { return later.Key == f.Key }) {
			out = append(out, f)
		}
	}
	return out
}

// keep copies what is new: a chunk is valid only until the next one.
func keep(old, value []byte) []byte {
	if len(old) > 0 || Absent(value) {
		return old
	}
	return append([]byte(nil), value...)
}

// pieces of one chunk or answer go to a flow.
func (f *Flow) choice(raw []byte) error {
	for key, value := range Members(raw) {
		switch key {
		case "index":
			if n, ok := Whole(value); !ok || n != 0 {
				return unreadable("Das Modell hat mehrere Antworten gegeben, obwohl eine verlangt war.")
			}
		case "delta", "message":
			if err := f.message(value); err != nil {
				return err
			}
		case "finish_reason":
			if IsText(value) && len(value) > 2 {
				f.Finish = Unquote(value)
			}
		case "stop_reason", "matched_stop":
			if IsText(value) {
				f.Stop = keep(f.Stop, value)
			}
		case "logprobs":
			f.logprobs(value)
		}
	}
	return nil
}

func (f *Flow) message(raw []byte) error {
	var content, calls []byte
	for key, value := range Members(raw) {
		switch key {
		case "content":
			content = value
		case "tool_calls":
			calls = value
		case "reasoning_content", "reasoning":
			// Some servers send both names for the same text.
			if IsText(value) && (f.thinking == "" || f.thinking == key) && len(value) > 2 {
				f.thinking = key
				if err := f.add(Reasoning, Inside(value)); err != nil {
					return err
				}
			}
		case "refusal":
			if err := f.add(Refusal, Inside(value)); err != nil {
				return err
			}
		case "function_call":
			if !Absent(value) {
				return unreadable("Das Modell hat ein Werkzeug auf eine veraltete Art aufgerufen.")
			}
		}
	}
	if err := f.content(content); err != nil {
		return err
	}
	for i, call := range Elements(calls) {
		if err := f.call(i, call); err != nil {
			return err
		}
	}
	return nil
}

// content is a string or a list of parts with text or thoughts.
func (f *Flow) content(raw []byte) error {
	if !IsList(raw) {
		return f.add(Text, Inside(raw))
	}
	for _, part := range Elements(raw) {
		var kind string
		var text, thoughts []byte
		for key, value := range Members(part) {
			switch key {
			case "type":
				kind = Unquote(value)
			case "text":
				text = value
			case "thinking":
				thoughts = value
			}
		}
		switch kind {
		case "text":
			if err := f.add(Text, Inside(text)); err != nil {
				return err
			}
		case "thinking":
			if err := f.thoughts(thoughts); err != nil {
				return err
			}
		default:
			return unreadable("Die Antwort des Modells enthält einen Teil, der sich in diesem Format nicht darstellen lässt.")
		}
	}
	return nil
}

func (f *Flow) thoughts(raw []byte) error {
	if !IsList(raw) {
		return f.add(Reasoning, Inside(raw))
	}
	for _, part := range Elements(raw) {
		for key, value := range Members(part) {
			if key == "text" {
				if err := f.add(Reasoning, Inside(value)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (f *Flow) call(position int, raw []byte) error {
	tool := position
	var id, name, arguments []byte
	for key, value := range Members(raw) {
		switch key {
		case "index":
			if n, ok := Whole(value); ok {
				tool = n
			}
		case "id":
			id = value
		case "function":
			for key, value := range Members(value) {
				switch key {
				case "name":
					name = value
				case "arguments":
					arguments = value
				}
			}
		}
	}
	return f.addCall(tool, id, name, arguments)
}

// logprobs collects the content part of logprobs.
func (f *Flow) logprobs(raw []byte) {
	for key, value := range Members(raw) {
		if key != "content" || !IsList(value) {
			continue
		}
		for _, token := range Elements(value) {
			if f.size += len(token); f.size > maxContent {
				return
			}
			f.tokens.Add(token)
		}
	}
}
