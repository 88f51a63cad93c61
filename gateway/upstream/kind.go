// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"fmt"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// kind is what one sort of model server does otherwise than the OpenAI interface
// says. Only what its documentation or an observed answer backs stands here; the
// source is named in the file of the kind. All kinds end a stream with [DONE],
// report usage in the members of the OpenAI interface and write errors in one of
// the shapes that parseError reads. Where the model's thoughts stand
// (reasoning_content, reasoning or parts of the content) differs and is passed on
// as it came.
type kind struct {
	name string
	// lacks are operations for which the server has no interface.
	lacks []gateway.Operation
	// edits are what must be changed in a body before it is sent.
	edits []edit
	// health is the path, from the root of the server, that tells without a key
	// whether it can work; "": its list of models tells.
	health string
	// models is the path of the list of models, below the base URL.
	models string
	// idle is how long an unused connection is kept: shorter than the server keeps
	// it, else a request meets a connection that is just being closed. 0: 90 s.
	idle time.Duration
}

// kinds are all that are known. The first is the default. A new one is a file
// kind_*.go, a line here, exchanges in testdata/kinds and a template in catalog.
func kinds() []kind {
	return []kind{
		openAI(), vllm(), ollama(), llamaCPP(), mistral(), ionos(), stackit(), ovhcloud(), scaleway(), alephAlpha(),
	}
}

// Kinds are the names that Endpoint.Kind takes. The first is the default.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

// Offers says whether servers of a kind have an interface for an operation, as
// far as is known: false is certain, true may still depend on the model.
func Offers(name string, o gateway.Operation) bool {
	k, ok := kindOf(name)
	return ok && k.offers(o)
}

func kindOf(name string) (kind, bool) {
	all := kinds()
	if name == "" {
		return all[0], true
	}
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

func (k kind) offers(o gateway.Operation) bool { return !slices.Contains(k.lacks, o) }

// msgNotOffered is for a catalogue that promises more than the server has.
const msgNotOffered = "Der Server dieses Modells bietet diese Art von Anfrage nicht an. Bitte wählen Sie ein anderes Modell oder wenden Sie sich an die Betreuung."

func notOffered(endpoint string, k kind, o gateway.Operation) error {
	return &gateway.Error{
		Op: "call model", Code: gateway.CodeNoModel, Message: msgNotOffered,
		Err: fmt.Errorf("endpoint %q of kind %q has no interface for %q", endpoint, k.name, o),
	}
}

// adapt makes the edits that concern the operation.
func (k kind) adapt(o gateway.Operation, body []byte) []byte {
	edits := make([]edit, 0, len(k.edits))
	for _, e := range k.edits {
		if e.concerns(o) {
			edits = append(edits, e)
		}
	}
	return apply(edits, body)
}

// edit renames or drops one top-level field of a body; all other bytes stay.
type edit struct {
	// field is the name in the OpenAI interface.
	field string
	// to is the server's name for it; "": it refuses the field, which says
	// nothing about the answer.
	to string
	// in are the operations concerned; nil: all.
	in []gateway.Operation
}

func (e edit) concerns(o gateway.Operation) bool { return e.in == nil || slices.Contains(e.in, o) }

// generates are the operations that write text.
func generates() []gateway.Operation {
	return []gateway.Operation{gateway.OperationChat, gateway.OperationCompletion}
}

// newLimit is the limit of an answer under the name that servers took before
// OpenAI introduced max_completion_tokens. A server that does not know the new
// name writes without a limit.
func newLimit() edit { return edit{field: "max_completion_tokens", to: "max_tokens", in: generates()} }
