// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mock

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const sentence = "Der Bescheid über die Gewährung von Wohngeld ist schriftlich zu begründen; die Behörde hört den Beteiligten nach § 28 VwVfG vorher an."

// Text is the answer of so many words.
func Text(words int) string {
	all := strings.Fields(sentence)
	var b strings.Builder
	for i := range words {
		b.WriteString(all[i%len(all)])
		b.WriteByte(' ')
	}
	return b.String()
}

func quote(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// chatRequest is what an answer depends on.
type chatRequest struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// tokens of a prompt, roughly: nothing here depends on them.
func (x *exchange) promptTokens() int { return len(x.body) / 4 }

func (x *exchange) usage() string {
	in := x.promptTokens()
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, in, x.Tokens, in+x.Tokens)
}

func (s *Server) chat(x exchange) {
	var q chatRequest
	if err := json.Unmarshal(x.body, &q); err != nil {
		http.Error(x.w, `{"error":{"message":"body is no JSON","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return
	}
	if q.Stream {
		s.streams.Add(1)
		x.stream(q)
		return
	}
	if !x.wait(x.Latency) {
		return
	}
	x.write(fmt.Sprintf(`{"id":"chatcmpl-mock","object":"chat.completion","created":1790000000,"model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":%s,"reasoning_content":"Gedacht."},"logprobs":null,"finish_reason":"stop"}],"usage":%s,"system_fingerprint":"fp_mock","x_mock":{"kept":true}}`,
		quote(q.Model), quote(Text(x.Tokens)), x.usage()))
}

// write writes a whole answer, packed where the fault says so.
func (x *exchange) write(answer string) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	if x.Fault == FaultGzip {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = io.WriteString(z, answer)
		_ = z.Close()
		h.Set("Content-Encoding", "gzip")
		answer = packed.String()
	}
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = io.WriteString(x.w, answer)
}

func embedding(dimensions int) []byte {
	out := []byte{'['}
	for i := range dimensions {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendFloat(out, float64(i%97)/97-0.5, 'f', 6, 64)
	}
	return append(out, ']')
}

func (s *Server) embeddings(x exchange) {
	var q struct {
		Model string          `json:"model"`
		Input json.RawMessage `json:"input"`
	}
	if json.Unmarshal(x.body, &q) != nil || !x.wait(x.Latency) {
		return
	}
	n := 1
	var many []json.RawMessage
	if json.Unmarshal(q.Input, &many) == nil && len(many) > 0 {
		n = len(many)
	}
	var b strings.Builder
	b.WriteString(`{"object":"list","data":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"object":"embedding","index":%d,"embedding":%s}`, i, s.embedding)
	}
	fmt.Fprintf(&b, `],"model":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, quote(q.Model), x.promptTokens(), x.promptTokens())
	x.write(b.String())
}

func (s *Server) responses(x exchange) {
	if !x.wait(x.Latency) {
		return
	}
	x.write(fmt.Sprintf(`{"id":"resp_mock","object":"response","created_at":1790000000,"status":"completed","model":"mock","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":%s,"annotations":[]}]}],"usage":{"input_tokens":%d,"output_tokens":%d,"total_tokens":%d}}`,
		quote(Text(x.Tokens)), x.promptTokens(), x.Tokens, x.promptTokens()+x.Tokens))
}

func (s *Server) rerank(x exchange) {
	var q struct {
		Documents []json.RawMessage `json:"documents"`
	}
	if json.Unmarshal(x.body, &q) != nil || !x.wait(x.Latency) {
		return
	}
	var b strings.Builder
	b.WriteString(`{"id":"rerank-mock","results":[`)
	for i := range q.Documents {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"index":%d,"relevance_score":%.4f}`, i, 1/float64(i+2))
	}
	fmt.Fprintf(&b, `],"usage":{"total_tokens":%d}}`, x.promptTokens())
	x.write(b.String())
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"mock-model","object":"model","created":1790000000,"owned_by":"mock"}]}`)
}
