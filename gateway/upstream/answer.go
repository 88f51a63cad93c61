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
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// checkAnswer says whether a body is a whole answer of the operation.
func checkAnswer(o gateway.Operation, body []byte) (gateway.Usage, *gateway.Error) {
	const op = "check answer"
	if !isObject(body) {
		return gateway.Usage{}, &gateway.Error{Op: op, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("answer is no JSON object")}
	}
	if o != gateway.OperationChat && o != gateway.OperationCompletion {
		return checkList(op, o, body)
	}
	var r gateway.ChunkReader // an answer has the members of a chunk
	a, err := r.Read(body)
	switch {
	case err != nil:
		return gateway.Usage{}, truncated(op, err)
	case a.Failed:
		return gateway.Usage{}, reported(op, body)
	case a.Odd:
		return gateway.Usage{}, odd(op)
	case len(a.Choices) == 0:
		return gateway.Usage{}, truncated(op, errors.New("answer has no choices"))
	}
	for i, c := range a.Choices {
		if !c.Finished {
			return gateway.Usage{}, truncated(op, fmt.Errorf("choices[%d] has no finish_reason", i))
		}
	}
	if a.Usage == nil {
		return gateway.Usage{}, nil
	}
	return *a.Usage, nil
}

// checkList is checkAnswer for answers that are no conversation.
func checkList(op string, o gateway.Operation, body []byte) (gateway.Usage, *gateway.Error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return gateway.Usage{}, brokenJSON(op, err)
	}
	if a.failed() {
		return gateway.Usage{}, reported(op, body)
	}
	if err := a.whole(o); err != nil {
		return gateway.Usage{}, truncated(op, err)
	}
	u := a.Usage.report()
	if o == gateway.OperationTranscription {
		u.AudioSeconds = int(a.Duration)
		if a.Usage != nil {
			u.AudioSeconds = max(u.AudioSeconds, int(a.Usage.Seconds))
		}
	}
	return u, nil
}

func isObject(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

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

// usage is the usage object of answers that are no conversation. Rerankers and
// transcribers name it as they like; total_tokens is common to them.
type usage struct {
	Prompt     count `json:"prompt_tokens"`
	Input      count `json:"input_tokens"`
	Completion count `json:"completion_tokens"`
	Output     count `json:"output_tokens"`
	Total      count `json:"total_tokens"`
	// Seconds is what transcribers say instead of tokens.
	Seconds seconds `json:"seconds"`
}

// seconds is a length as servers write it, 8.47 or "8.47", rounded up.
type seconds int

// UnmarshalJSON takes a number, also in quotes, and treats everything else as
// unknown (0).
func (s *seconds) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || f < 0 || f > math.MaxInt32 {
		return nil //nolint:nilerr // unknown is no error: see above
	}
	*s = seconds(math.Ceil(f))
	return nil
}

func (u *usage) report() gateway.Usage {
	if u == nil {
		return gateway.Usage{}
	}
	out := int(max(u.Completion, u.Output))
	in := int(max(u.Prompt, u.Input))
	if in == 0 {
		in = max(int(u.Total)-out, 0)
	}
	return gateway.Usage{Input: in, Output: out, Reported: true}
}

// answer is what is read of an answer that is no conversation; everything else
// is only passed on.
type answer struct {
	Error json.RawMessage `json:"error"`
	Data  []struct {
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Results []json.RawMessage `json:"results"`
	Text    *string           `json:"text"`
	Usage   *usage            `json:"usage"`
	// Duration in seconds of what was transcribed.
	Duration seconds `json:"duration"`
}

func (a *answer) failed() bool { return len(a.Error) > 0 && !bytes.Equal(a.Error, []byte("null")) }

func (a *answer) whole(o gateway.Operation) error {
	switch o {
	case gateway.OperationRerank:
		if len(a.Results) == 0 && len(a.Data) == 0 {
			return errors.New("answer has no results")
		}
		return nil
	case gateway.OperationTranscription:
		if a.Text == nil {
			return errors.New("answer has no text")
		}
		return nil
	default:
		return a.wholeVectors()
	}
}

func (a *answer) wholeVectors() error {
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

// brokenJSON tells JSON that stops in the middle from JSON of another shape.
func brokenJSON(op string, err error) *gateway.Error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return truncated(op, errors.New("broken JSON at offset "+strconv.FormatInt(syntax.Offset, 10)))
	}
	return odd(op)
}

// odd is an answer of another shape than it should have.
func odd(op string) *gateway.Error {
	return &gateway.Error{Op: op, Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("answer has an unexpected shape")}
}

// reported is an error that the server wrote instead of an answer.
func reported(op string, body []byte) *gateway.Error {
	return &gateway.Error{
		Op: op, Code: gateway.CodeUnavailable, Message: msgUnavailable,
		Upstream: parseError(body), Err: errors.New("server reported an error"),
	}
}
