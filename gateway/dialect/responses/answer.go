// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package responses

import (
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// Statuses of an answer and of its items.
const (
	running    = "in_progress"
	completed  = "completed"
	incomplete = "incomplete"
	failed     = "failed"
)

// Answer translates a whole answer.
func (r *Request) Answer(id string, chat []byte) ([]byte, error) {
	var f dialect.Flow
	if err := f.Whole(chat); err != nil {
		return nil, err
	}
	w := writer{request: r, id: id, flow: &f}
	return w.response(w.ended(), nil), nil
}

// writer writes what an answer consists of.
type writer struct {
	request *Request
	id      string
	flow    *dialect.Flow
}

// ended is the status of an answer that has ended properly.
func (w *writer) ended() string {
	switch w.flow.Finish {
	case "length", "content_filter":
		return incomplete
	}
	return completed
}

// itemStatus is that of a block of an answer with a status.
func (w *writer) itemStatus(b *dialect.Block) string {
	if w.flow.Finish != "" && w.ended() == incomplete && b.Index == len(w.flow.Blocks)-1 {
		return incomplete
	}
	return completed
}

// response is the answer object. Its output stands in it only at the end.
func (w *writer) response(status string, failure *dialect.Object) []byte {
	var o dialect.Object
	created := w.flow.Created
	if _, ok := dialect.Whole(created); !ok {
		created = []byte("0")
	}
	o.Text("id", "resp_"+w.id).Text("object", "response").Raw("created_at", created).Text("status", status)
	problem := []byte("null")
	if failure != nil {
		problem = failure.JSON()
	}
	o.Word("background", "false").Raw("error", problem).Raw("incomplete_details", w.incompleteDetails(status))
	w.repeat(&o)
	o.Raw("output", w.output(status)).Word("previous_response_id", "null").Word("store", "false")
	o.Raw("usage", w.usage(status))
	for _, f := range dialect.Latest(w.flow.Extra) {
		if !w.known(f.Key) {
			o.Raw(f.Key, f.Value)
		}
	}
	return o.JSON()
}

// known are the names of an answer's own fields.
func (w *writer) known(key string) bool {
	switch key {
	case "id", "object", "created_at", "status", "background", "error", "incomplete_details", "output", "output_text",
		"previous_response_id", "store", "usage", "conversation", "prompt":
		return true
	}
	for _, name := range repeated {
		if name == key {
			return true
		}
	}
	return false
}

// repeat tells the caller what it asked for, with the standard values of the format.
func (w *writer) repeat(o *dialect.Object) {
	standard := map[string]string{
		"parallel_tool_calls": "true", "tool_choice": `"auto"`, "tools": "[]", "truncation": `"disabled"`,
		"metadata": "{}", "reasoning": `{"effort":null,"summary":null}`, "text": `{"format":{"type":"text"}}`,
	}
	for _, name := range repeated {
		value := w.request.said[name]
		if name == "model" && dialect.IsText(w.flow.Model) {
			value = w.flow.Model
		}
		switch {
		case value != nil:
		case standard[name] != "":
			value = []byte(standard[name])
		case name == "prompt_cache_key", name == "safety_identifier", name == "service_tier", name == "user", name == "top_logprobs":
			continue
		default:
			value = []byte("null")
		}
		o.Raw(name, value)
	}
}

func (w *writer) incompleteDetails(status string) []byte {
	if status != incomplete {
		return []byte("null")
	}
	var o dialect.Object
	if w.flow.Finish == "length" {
		return o.Text("reason", "max_output_tokens").JSON()
	}
	return o.Text("reason", "content_filter").JSON()
}

func (w *writer) output(status string) []byte {
	var items dialect.List
	if status == completed || status == incomplete {
		for _, b := range w.flow.Blocks {
			items.Add(w.item(b, w.itemStatus(b), true))
		}
	}
	return items.JSON()
}

func (w *writer) usage(status string) []byte {
	if status != completed && status != incomplete {
		return []byte("null")
	}
	var o, in, out dialect.Object
	u := w.flow.Usage
	if !u.Reported {
		u.Input = dialect.Tokens(w.request.chat)
		for _, b := range w.flow.Blocks {
			u.Output += len(b.Content)
		}
		u.Output = dialect.Estimate(u.Output)
	}
	o.Number("input_tokens", u.Input).Object("input_tokens_details", in.Number("cached_tokens", u.Cached))
	o.Number("output_tokens", u.Output).Object("output_tokens_details", out.Number("reasoning_tokens", u.Reasoning))
	o.Number("total_tokens", u.Input+u.Output)
	if !u.Reported {
		o.Word("estimated", "true")
	}
	return o.JSON()
}

// name is the id of a block's item.
func (w *writer) name(b *dialect.Block) string {
	prefix := "msg_"
	switch b.Kind {
	case dialect.Reasoning:
		prefix = "rs_"
	case dialect.Call:
		prefix = "fc_"
	default:
	}
	return prefix + w.id + "_" + strconv.Itoa(b.Index)
}

// item is an entry of the output; without its content when it only begins.
func (w *writer) item(b *dialect.Block, status string, whole bool) []byte {
	var o dialect.Object
	o.Text("id", w.name(b))
	content := []byte("[]")
	if whole {
		var l dialect.List
		l.Add(w.part(b, true))
		content = l.JSON()
	}
	switch b.Kind {
	case dialect.Reasoning:
		o.Text("type", "reasoning").Word("summary", "[]").Raw("content", content).Text("status", status)
	case dialect.Call:
		o.Text("type", "function_call").Text("status", status).Raw("call_id", w.callID(b)).Raw("name", b.Name)
		if whole {
			o.Inside("arguments", b.Content)
		} else {
			o.Text("arguments", "")
		}
	default:
		o.Text("type", "message").Text("status", status).Text("role", "assistant").Raw("content", content)
	}
	return o.JSON()
}

// callID is the id the server gave, or one of ours.
func (w *writer) callID(b *dialect.Block) []byte {
	if b.ID != nil {
		return b.ID
	}
	return dialect.Quote("call_" + w.id + "_" + strconv.Itoa(b.Index))
}

// part is the one part of a message or of thoughts.
func (w *writer) part(b *dialect.Block, whole bool) []byte {
	content := b.Content
	if !whole {
		content = nil
	}
	var o dialect.Object
	switch b.Kind {
	case dialect.Reasoning:
		o.Text("type", "reasoning_text").Inside("text", content)
	case dialect.Refusal:
		o.Text("type", "refusal").Inside("refusal", content)
	default:
		o.Text("type", "output_text").Word("annotations", "[]").Raw("logprobs", w.logprobs(whole)).Inside("text", content)
	}
	return o.JSON()
}

func (w *writer) logprobs(whole bool) []byte {
	if !whole || w.flow.Logprobs == nil {
		return []byte("[]")
	}
	return w.flow.Logprobs
}
