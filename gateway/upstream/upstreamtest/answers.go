// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstreamtest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// chatRequest is what the answers depend on.
type chatRequest struct {
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	N        int    `json:"n"`
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
	Tools []struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	} `json:"tools"`
	ToolChoice    json.RawMessage `json:"tool_choice"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// lastText is the text of the last message with the role.
func (q chatRequest) lastText(role string) string {
	for _, m := range slices.Backward(q.Messages) {
		if m.Role == role {
			return contentText(m.Content)
		}
	}
	return ""
}

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
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.Text)
	}
	return strings.Join(texts, " ")
}

// wantsTools: tools are offered and the conversation does not end with a result.
func (q chatRequest) wantsTools() bool {
	n := len(q.Messages)
	return len(q.Tools) > 0 && string(q.ToolChoice) != `"none"` && n > 0 && q.Messages[n-1].Role != "tool"
}

// reply is the deterministic answer of a well-behaved request.
func (a *answering) reply(q chatRequest) string {
	if a.b.Text != "" {
		return a.b.Text
	}
	if n := len(q.Messages); n > 0 && q.Messages[n-1].Role == "tool" {
		return "Das Werkzeug hat geantwortet: „" + q.lastText("tool") + "“."
	}
	return "Sie haben geschrieben: „" + q.lastText("user") + "“."
}

// arguments of every tool call, as JSON text.
func arguments(q chatRequest) string {
	return string(encode(map[string]string{"eingabe": q.lastText("user")}))
}

func words(s string) int { return len(strings.Fields(s)) }

func (a *answering) usage(q chatRequest, text string) map[string]any {
	in := 0
	for _, m := range q.Messages {
		in += words(contentText(m.Content))
	}
	out := words(text)
	return map[string]any{
		"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out,
		"prompt_tokens_details": map[string]any{"cached_tokens": 0},
	}
}

func (a *answering) chat() {
	var q chatRequest
	if err := json.Unmarshal(a.body, &q); err != nil {
		a.refuse(http.StatusBadRequest, "body is no JSON: "+err.Error())
		return
	}
	if len(q.Messages) == 0 {
		a.refuse(http.StatusBadRequest, "messages is empty")
		return
	}
	q.N = max(q.N, 1)
	if q.Stream && a.b.Defect != PlainJSON && a.b.Defect != HTMLPage && a.b.Defect != ErrorIn200 {
		a.stream(q)
		return
	}
	text := a.reply(q)
	var choices []any
	for i := range q.N {
		choices = append(choices, a.choice(q, i, text))
	}
	answer := map[string]any{
		"id": "chatcmpl-mock", "object": "chat.completion", "created": 1767225600, "model": q.Model,
		"system_fingerprint": "fp_mock", "x_mock": map[string]any{"tief": []int{1, 2, 3}}, "choices": choices,
	}
	if a.b.Defect != NoUsage {
		answer["usage"] = a.usageDefect(a.usage(q, text))
	}
	a.plain(answer)
}

func (a *answering) choice(q chatRequest, i int, text string) map[string]any {
	message := map[string]any{"role": "assistant", "content": text, "reasoning_content": "Ich wiederhole die Eingabe."}
	finish := any("stop")
	if q.wantsTools() {
		var calls []any
		for k, tool := range q.Tools {
			calls = append(calls, toolCall(k, tool.Function.Name, arguments(q)))
		}
		message["content"], message["tool_calls"], finish = nil, calls, "tool_calls"
	}
	if a.b.Defect == NoFinish {
		finish = nil
	}
	return map[string]any{"index": i, "message": message, "finish_reason": finish, "logprobs": nil}
}

func toolCall(k int, name, args string) map[string]any {
	return map[string]any{
		"id": "call_" + strconv.Itoa(k), "type": "function",
		"function": map[string]any{"name": name, "arguments": args},
	}
}

// plain writes a whole answer, with the defects that concern one.
func (a *answering) plain(v any) {
	raw := encode(v)
	a.w.Header().Set("Content-Type", "application/json")
	a.w.Header().Set("Set-Cookie", "lb=1")
	a.w.Header().Set("X-Upstream", "mock")
	switch a.b.Defect {
	case ErrorIn200:
		raw = []byte(`{"error":{"message":"CUDA out of memory","type":"internal_error","code":500}}`)
	case HTMLPage:
		a.w.Header().Set("Content-Type", "text/html")
		a.w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(a.w, "<html><body><h1>502 Bad Gateway</h1>nginx/1.27 intern.example</body></html>")
		return
	case CutBody:
		a.w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
		_, _ = a.w.Write(raw[:len(raw)/2])
		a.flush(a.w)
		panic(http.ErrAbortHandler)
	case BrokenJSON:
		raw = raw[:len(raw)/2]
	default: // the other defects concern streams
	}
	if a.b.Gzip {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(raw)
		_ = z.Close()
		a.w.Header().Set("Content-Encoding", "gzip")
		raw = packed.Bytes()
	}
	_, _ = a.w.Write(raw)
}

// defaultDimensions of an embedding.
const defaultDimensions = 64

func (a *answering) embeddings() {
	var q struct {
		Model      string          `json:"model"`
		Input      json.RawMessage `json:"input"`
		Dimensions int             `json:"dimensions"`
		Encoding   string          `json:"encoding_format"`
	}
	if err := json.Unmarshal(a.body, &q); err != nil {
		a.refuse(http.StatusBadRequest, "body is no JSON: "+err.Error())
		return
	}
	var inputs []string
	var one string
	switch {
	case json.Unmarshal(q.Input, &one) == nil && one != "":
		inputs = []string{one}
	case json.Unmarshal(q.Input, &inputs) == nil && len(inputs) > 0:
	default:
		a.refuse(http.StatusBadRequest, "input must be a text or a list of texts")
		return
	}
	if q.Dimensions <= 0 || q.Dimensions > 4096 {
		q.Dimensions = defaultDimensions
	}
	tokens := 0
	var data []any
	for i, input := range inputs {
		tokens += words(input)
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector(input, q.Dimensions, q.Encoding)})
	}
	a.plain(map[string]any{
		"object": "list", "model": q.Model, "data": data,
		"usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens},
	})
}

// vector hashes words into dimensions: texts that share words are near each other.
func vector(text string, dimensions int, encoding string) any {
	v := make([]float64, dimensions)
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		h := fnv.New32a()
		_, _ = io.WriteString(h, strings.Trim(word, ".,;:!?„“"))
		v[int(h.Sum32())%dimensions]++
	}
	norm := 0.0
	for _, x := range v {
		norm += x * x
	}
	out := make([]float32, dimensions)
	for i, x := range v {
		if norm > 0 {
			out[i] = float32(x / math.Sqrt(norm))
		}
	}
	if encoding != "base64" {
		return out
	}
	raw := make([]byte, 0, 4*dimensions)
	for _, x := range out {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(raw)
}
