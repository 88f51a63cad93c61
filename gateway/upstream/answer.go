// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway"
)

// count is a token count as servers write it: 12, 12.0 or null.
type count int

// UnmarshalJSON takes any number and treats everything else as unknown (0).
func (c *count) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < 0 || f > math.MaxInt32 {
		return nil //nolint:nilerr // unknown is no error: see above
	}
	*c = count(f)
	return nil
}

// usage is the usage object of chat and embeddings.
type usage struct {
	Prompt     count `json:"prompt_tokens"`
	Completion count `json:"completion_tokens"`
}

func (u *usage) report() gateway.Usage {
	if u == nil {
		return gateway.Usage{}
	}
	return gateway.Usage{Input: int(u.Prompt), Output: int(u.Completion), Reported: true}
}

// choice is what the judgement about completeness needs of a choice.
type choice struct {
	Index  int     `json:"index"`
	Finish *string `json:"finish_reason"`
}

func (c choice) finished() bool { return c.Finish != nil && *c.Finish != "" }

// answer is what is read of an answer or a chunk; everything else is only passed on.
type answer struct {
	Error   json.RawMessage `json:"error"`
	Choices []choice        `json:"choices"`
	Data    []struct {
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Results []struct {
		Index json.RawMessage `json:"index"`
	} `json:"results"` // rerank
	Text  *string `json:"text"` // transcription
	Usage *usage  `json:"usage"`
}

func (a *answer) failed() bool { return len(a.Error) > 0 && !bytes.Equal(a.Error, []byte("null")) }

// checkAnswer says whether a body is a whole answer of the operation.
func checkAnswer(o gateway.Operation, body []byte) (gateway.Usage, *gateway.Error) {
	const op = "check answer"
	if !isObject(body) {
		return gateway.Usage{}, &gateway.Error{Op: op, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("answer is no JSON object")}
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return gateway.Usage{}, brokenJSON(op, err)
	}
	if a.failed() {
		return gateway.Usage{}, reported(op, body)
	}
	if err := whole(o, &a); err != nil {
		return gateway.Usage{}, truncated(op, err)
	}
	return a.Usage.report(), nil
}

func isObject(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// brokenJSON tells JSON that stops in the middle from JSON of another shape.
func brokenJSON(op string, err error) *gateway.Error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return truncated(op, errors.New("broken JSON at offset "+strconv.FormatInt(syntax.Offset, 10)))
	}
	return &gateway.Error{Op: op, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("answer has an unexpected shape")}
}

// reported is an error that the server wrote instead of an answer.
func reported(op string, body []byte) *gateway.Error {
	return &gateway.Error{
		Op: op, Code: gateway.CodeUnavailable, Message: msgUnavailable,
		Upstream: parseError(body), Err: errors.New("server reported an error"),
	}
}

func whole(o gateway.Operation, a *answer) error {
	if o == gateway.OperationEmbeddings {
		if len(a.Data) == 0 {
			return errors.New("answer has no data")
		}
		for i, d := range a.Data {
			if len(d.Embedding) < 3 || bytes.Equal(d.Embedding, []byte("null")) {
				return fmt.Errorf("data[%d] has no embedding", i)
			}
		}
		return nil
	}
	switch {
	case o == gateway.OperationRerank && len(a.Results) == 0:
		return errors.New("answer has no results")
	case o == gateway.OperationTranscription && a.Text == nil:
		return errors.New("answer has no text")
	case o == gateway.OperationRerank || o == gateway.OperationTranscription:
		return nil
	}
	if len(a.Choices) == 0 {
		return errors.New("answer has no choices")
	}
	for i, c := range a.Choices {
		if !c.finished() {
			return fmt.Errorf("choices[%d] has no finish_reason", i)
		}
	}
	return nil
}
