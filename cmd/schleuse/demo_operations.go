// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// dummyDim is the length of the dummy's vectors.
const dummyDim = 1021

// readDummy reads a request strictly enough to answer a wrong one as a server does.
func readDummy(w http.ResponseWriter, r *http.Request, into any) (size int, ok bool) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxDummyBody))
	if err != nil || json.Unmarshal(raw, into) != nil {
		http.Error(w, `{"error":{"message":"no JSON","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return 0, false
	}
	return len(raw), true
}

func writeDummy(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // whoever asked has gone
}

// texts are one or several texts of a request.
type texts []string

func (t *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*t = texts{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(raw, &several)
	*t = several
	return err
}

// dummyVector counts the words of a text in places that a hash chooses: texts that
// share words are near each other, and nothing more is behind it.
func dummyVector(text string) []float64 {
	v := make([]float64, dummyDim)
	for word := range strings.FieldsSeq(strings.ToLower(text)) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(strings.Trim(word, ".,;:!?„“()"))) // a hash takes all
		v[h.Sum32()%dummyDim]++
	}
	length := math.Sqrt(nearness(v, v))
	for i := range v {
		v[i] /= cmp.Or(length, 1)
	}
	return v
}

func nearness(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func dummyEmbeddings(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model string `json:"model"`
		Input texts  `json:"input"`
	}
	size, ok := readDummy(w, r, &q)
	if !ok {
		return
	}
	data := []map[string]any{}
	for i, text := range q.Input {
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": dummyVector(text)})
	}
	writeDummy(w, map[string]any{"object": "list", "model": q.Model, "data": data, "usage": map[string]int{"prompt_tokens": size / 4, "total_tokens": size / 4}})
}

func dummyRerank(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model     string `json:"model"`
		Query     string `json:"query"`
		Documents texts  `json:"documents"`
		TopN      int    `json:"top_n"`
	}
	size, ok := readDummy(w, r, &q)
	if !ok {
		return
	}
	type result struct {
		Index int     `json:"index"`
		Score float64 `json:"relevance_score"`
	}
	results, asked := []result{}, dummyVector(q.Query)
	for i, text := range q.Documents {
		results = append(results, result{i, nearness(asked, dummyVector(text))})
	}
	slices.SortStableFunc(results, func(a, b result) int { return cmp.Compare(b.Score, a.Score) })
	if q.TopN > 0 {
		results = results[:min(q.TopN, len(results))]
	}
	writeDummy(w, map[string]any{"id": "attrappe", "model": q.Model, "results": results, "usage": map[string]int{"total_tokens": size / 4}})
}

func dummyCompletion(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model  string `json:"model"`
		Prompt texts  `json:"prompt"`
		N      int    `json:"n"`
		Stream bool   `json:"stream"`
	}
	size, ok := readDummy(w, r, &q)
	if !ok {
		return
	}
	answer := dummyAnswer(strings.Join(q.Prompt, " "))
	usage := map[string]int{"prompt_tokens": size / 4, "completion_tokens": len(answer) / 4, "total_tokens": (size + len(answer)) / 4}
	head := map[string]any{"id": "attrappe", "object": "text_completion", "created": time.Now().Unix(), "model": q.Model}
	if !q.Stream {
		choices := []any{}
		for i := range min(max(q.N, 1), maxDummyChoices) {
			choices = append(choices, map[string]any{"index": i, "text": answer, "finish_reason": "stop", "logprobs": nil})
		}
		head["choices"], head["usage"] = choices, usage
		writeDummy(w, head)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(choices []any, usage any) {
		head["choices"], head["usage"] = choices, usage
		raw, err := json.Marshal(head)
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", raw)
		_ = control.Flush()
	}
	for _, word := range strings.SplitAfter(answer, " ") {
		send([]any{map[string]any{"index": 0, "text": word, "finish_reason": nil}}, nil)
	}
	send([]any{map[string]any{"index": 0, "text": "", "finish_reason": "stop"}}, nil)
	send([]any{}, usage)
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}

// maxDummyChoices bounds n.
const maxDummyChoices = 8

func dummyAnswer(asked string) string {
	return fmt.Sprintf("Hier antwortet eine Attrappe, die nichts rechnet. Bei ihr kam an: „%s“", beginning(asked))
}

// dummyTools are the functions a request offers.
type dummyTools struct {
	Tools []struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	} `json:"tools"`
	Choice json.RawMessage `json:"tool_choice"`
}

// called is the function the dummy has to call: the one that is named, or the first
// if one is demanded. Left to itself it calls none.
func (t dummyTools) called() string {
	var named struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(t.Choice, &named) == nil && named.Function.Name != "" {
		return named.Function.Name
	}
	if string(t.Choice) == `"required"` && len(t.Tools) > 0 {
		return t.Tools[0].Function.Name
	}
	return ""
}
