// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"bytes"
	"fmt"
	"math/bits"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// needs is a set of capabilities.
type needs uint8

const (
	needTools needs = 1 << iota
	needJSONSchema
	needVision
	needAudio
	needLogprobs
	needReasoning
)

// demands lists the capabilities with what is said about them to people and
// where in the body they are asked for.
var demands = [...]struct {
	need       needs
	capability gateway.Capability
	text, path string
}{
	{needTools, gateway.CapabilityTools, "Werkzeugaufrufe", "tools"},
	{needJSONSchema, gateway.CapabilityJSONSchema, "Antworten nach einem JSON-Schema", "response_format"},
	{needVision, gateway.CapabilityVision, "Bilder", "messages"},
	{needAudio, gateway.CapabilityAudio, "Tonaufnahmen", "messages"},
	{needLogprobs, gateway.CapabilityLogprobs, "Wahrscheinlichkeiten der Wörter", "logprobs"},
	{needReasoning, gateway.CapabilityReasoning, "Gedankengänge", "reasoning_effort"},
}

func (n needs) count() int { return bits.OnesCount8(uint8(n)) }

func needOf(c gateway.Capability) needs {
	for _, d := range demands {
		if d.capability == c {
			return d.need
		}
	}
	return 0
}

// able is the set of a card; all when nobody said what the model can do.
func able(c gateway.ModelCard) needs {
	if c.Capabilities == nil {
		return ^needs(0)
	}
	var n needs
	for _, name := range c.Capabilities {
		n |= needOf(name)
	}
	return n
}

// needsOf reads from a body what only some models can do. That a model should
// think (reasoning_effort) is a wish and no need: others ignore it.
func needsOf(r gateway.Request) needs {
	var n needs
	if r.Operation != gateway.OperationChat && r.Operation != gateway.OperationCompletion {
		return 0
	}
	b := r.Body
	if filledList(b, "tools") || filledList(b, "functions") {
		n |= needTools
	}
	if raw, ok := b.Get("response_format"); ok && bytes.Contains(raw, []byte(`"json_schema"`)) {
		n |= needJSONSchema
	}
	if raw, ok := b.Get("logprobs"); ok && string(raw) != "false" && string(raw) != "null" {
		n |= needLogprobs
	}
	if raw, ok := b.Get("modalities"); ok && bytes.Contains(raw, []byte(`"audio"`)) {
		n |= needAudio
	}
	if b.Unscreenable() == 0 {
		return n
	}
	// A quote inside a text stands behind a backslash, so that these are whole strings.
	raw, _ := b.Get("messages")
	if bytes.Contains(raw, []byte(`"image_url"`)) || bytes.Contains(raw, []byte(`"input_image"`)) {
		n |= needVision
	}
	if bytes.Contains(raw, []byte(`"input_audio"`)) {
		n |= needAudio
	}
	return n
}

func filledList(b gateway.Body, field string) bool {
	raw, ok := b.Get(field)
	return ok && len(raw) > 2 && raw[0] == '[' && len(bytes.TrimSpace(raw[1:len(raw)-1])) > 0
}

// bytesPerToken is more than any tokeniser makes of running text, so that a
// request is refused only when it certainly does not fit.
const bytesPerToken = 6

// tooLong says that a request has certainly more tokens than a window, and how
// many at least. Pictures and lists of inputs are not estimated.
func tooLong(r gateway.Request, window int) (tokens int, long bool) {
	if window <= 0 || r.Body.Len()/bytesPerToken <= window {
		return 0, false
	}
	tokens = leastTokens(r)
	return tokens, tokens > window
}

func leastTokens(r gateway.Request) int {
	var field string
	switch r.Operation {
	case gateway.OperationChat:
		field = "messages"
	case gateway.OperationCompletion:
		field = "prompt"
	case gateway.OperationEmbeddings:
		field = "input"
	default:
		return 0
	}
	raw, _ := r.Body.Get(field)
	if r.Body.Unscreenable() > 0 || field != "messages" && (len(raw) == 0 || raw[0] != '"') {
		return 0
	}
	return characters(raw) / bytesPerToken
}

// characters counts the bytes of JSON source without runs of the same character,
// which a tokeniser may take as one, and with an escaped character as one.
func characters(raw []byte) int {
	n := 0
	var last byte
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '\\' && i+1 < len(raw) {
			i++
			if raw[i] == 'u' {
				i += 4
			}
			n++
			last = 0
			continue
		}
		if c != last {
			n++
		}
		last = c
	}
	return n
}

// unable explains why a named model cannot do a request.
func unable(name gateway.ModelID, missing needs, tokens, window int) error {
	e := &gateway.Error{Op: "candidates", Code: gateway.CodeInvalid}
	who, to := "Das Modell "+string(name), "das Modell "+string(name)
	if name == "" {
		who, to = "Kein Modell des Katalogs", "jedes Modell des Katalogs"
	}
	if missing == 0 {
		e.Path = "messages"
		e.Message = fmt.Sprintf("Die Anfrage ist zu lang für %s: Sie hat mindestens %d Token, gelesen werden höchstens %d.", to, tokens, window)
		return e
	}
	negation := " nicht"
	if name == "" {
		negation = ""
	}
	var texts []string
	for _, d := range demands {
		if missing&d.need == 0 {
			continue
		}
		if len(texts) == 0 {
			e.Path = d.path
		}
		texts = append(texts, fmt.Sprintf("%s (%s)", d.text, d.path))
	}
	e.Message = fmt.Sprintf("%s kann%s, was die Anfrage verlangt: %s.", who, negation, strings.Join(texts, ", "))
	return e
}
