// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstreamtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// completion answers POST /v1/completions with an echo of the prompt.
func (a *answering) completion() {
	var q struct {
		Model         string `json:"model"`
		Prompt        any    `json:"prompt"`
		N             int    `json:"n"`
		Stream        bool   `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(a.body, &q); err != nil || q.Prompt == nil {
		a.refuse(http.StatusBadRequest, "prompt is missing")
		return
	}
	prompt := fmt.Sprint(q.Prompt)
	text := cmp.Or(a.b.Text, "Sie haben geschrieben: „"+prompt+"“.")
	choice := func(i int, text string, finish any) any {
		return map[string]any{"index": i, "text": text, "finish_reason": finish, "logprobs": nil}
	}
	answer := func(choices ...any) map[string]any {
		return map[string]any{"id": "cmpl-mock", "object": "text_completion", "created": 1767225600, "model": q.Model, "choices": append([]any{}, choices...)}
	}
	usage := map[string]any{"prompt_tokens": words(prompt), "completion_tokens": words(text), "total_tokens": words(prompt) + words(text)}
	n := max(q.N, 1)
	if !q.Stream {
		whole := answer()
		for i := range n {
			whole["choices"] = append(whole["choices"].([]any), choice(i, text, "stop")) //nolint:forcetypeassert // set above
		}
		whole["usage"] = usage
		a.plain(whole)
		return
	}
	var events [][]byte
	for _, piece := range strings.SplitAfter(text, " ") {
		for i := range n {
			events = append(events, data(answer(choice(i, piece, nil))))
		}
	}
	for i := range n {
		if a.b.Defect != NoFinish {
			events = append(events, data(answer(choice(i, "", "stop"))))
		}
	}
	if q.StreamOptions.IncludeUsage {
		last := answer()
		last["usage"] = usage
		events = append(events, data(last))
	}
	if a.b.Defect != NoDone {
		events = append(events, []byte("data: [DONE]"))
	}
	a.sendEvents(events)
}

// rerank answers POST /v1/rerank in the form of Jina and Cohere: a document is the
// better the more words of the query it has.
func (a *answering) rerank() {
	var q struct {
		Model           string            `json:"model"`
		Query           string            `json:"query"`
		Documents       []json.RawMessage `json:"documents"`
		TopN            int               `json:"top_n"`
		ReturnDocuments bool              `json:"return_documents"`
	}
	if err := json.Unmarshal(a.body, &q); err != nil || q.Query == "" || len(q.Documents) == 0 {
		a.refuse(http.StatusBadRequest, "query and documents are needed")
		return
	}
	type result struct {
		Index    int     `json:"index"`
		Score    float64 `json:"relevance_score"`
		Document any     `json:"document,omitempty"`
	}
	wanted := strings.Fields(strings.ToLower(q.Query))
	tokens := len(wanted)
	var results []result
	for i, raw := range q.Documents {
		text := documentText(raw)
		have := strings.Fields(strings.ToLower(text))
		tokens += len(have)
		hits := 0
		for _, w := range wanted {
			if slices.Contains(have, w) {
				hits++
			}
		}
		r := result{Index: i, Score: float64(hits) / float64(len(wanted))}
		if q.ReturnDocuments {
			r.Document = map[string]any{"text": text}
		}
		results = append(results, r)
	}
	slices.SortStableFunc(results, func(x, y result) int { return cmp.Compare(y.Score, x.Score) })
	if q.TopN > 0 {
		results = results[:min(q.TopN, len(results))]
	}
	a.plain(map[string]any{"id": "rerank-mock", "model": q.Model, "results": results, "usage": map[string]any{"total_tokens": tokens}})
}

func documentText(raw json.RawMessage) string {
	var d struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &d.Text) == nil || json.Unmarshal(raw, &d) == nil {
		return d.Text
	}
	return ""
}

// maxForm bounds what of a form is kept in memory.
const maxForm = 32 << 20

// transcription answers POST /v1/audio/transcriptions: it tells the size of the
// recording and the fields that came with it.
func (a *answering) transcription() {
	a.r.Body = io.NopCloser(bytes.NewReader(a.body))
	if err := a.r.ParseMultipartForm(maxForm); err != nil {
		a.refuse(http.StatusBadRequest, "body is no form: "+err.Error())
		return
	}
	form := a.r.MultipartForm
	if len(form.File["file"]) != 1 || a.r.FormValue("model") == "" {
		a.refuse(http.StatusBadRequest, "model and one file are needed")
		return
	}
	file := form.File["file"][0]
	text := cmp.Or(a.b.Text, fmt.Sprintf("Aufnahme %s mit %d Bytes.", file.Filename, file.Size))
	a.plain(map[string]any{"text": text, "x_fields": fieldsOf(form), "usage": map[string]any{"type": "tokens", "input_tokens": file.Size, "output_tokens": words(text)}})
}

func fieldsOf(form *multipart.Form) map[string]string {
	out := map[string]string{}
	for name, values := range form.Value {
		out[name] = strings.Join(values, ",")
	}
	return out
}
