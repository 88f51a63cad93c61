// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// chat is POST /v1/chat/completions.
func (s *Server) chat(c *gin.Context) { s.generate(c, gateway.OperationChat) }

// completions is POST /v1/completions.
func (s *Server) completions(c *gin.Context) { s.generate(c, gateway.OperationCompletion) }

// generate answers in the format of OpenAI, whole or in pieces.
func (s *Server) generate(c *gin.Context, o gateway.Operation) {
	r, err := s.modelRequest(c, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	streamed, err := wantsStream(r.Body)
	if err != nil {
		s.fail(c, err)
		return
	}
	if streamed {
		s.streamChat(c, r)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Timeout)
	defer cancel()
	s.complete(ctx, c, r)
}

// embeddings is POST /v1/embeddings.
func (s *Server) embeddings(c *gin.Context) {
	r, err := s.modelRequest(c, gateway.OperationEmbeddings)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.complete(c.Request.Context(), c, r)
}

// complete answers within ctx, which ends no later than the request.
//
//nolint:contextcheck // what is noted about a call stands in the context of its request
func (s *Server) complete(ctx context.Context, c *gin.Context, r *gateway.Request) {
	answer, err := s.Gateway.Complete(ctx, *r)
	if err != nil {
		s.fail(c, err)
		return
	}
	decided(c, answer.ID)
	c.Data(http.StatusOK, "application/json; charset=utf-8", answer.Body)
}

// modelRequest reads a wire body and what is said about it. The request lies on
// the heap: it is large, and a stream would keep every copy on its stack.
func (s *Server) modelRequest(c *gin.Context, o gateway.Operation) (*gateway.Request, error) {
	raw, err := s.readBody(c)
	if err != nil {
		return nil, err
	}
	return requestOf(c, o, raw)
}

// requestOf is the request of a wire body. The body stays as it came, except that
// the "schleuse" object is ours and goes no further.
func requestOf(c *gin.Context, o gateway.Operation, raw []byte) (*gateway.Request, error) {
	body, err := gateway.ParseBody(raw)
	if err != nil {
		return nil, err
	}
	said, _ := body.Get("schleuse")
	m, err := matterOf(c.Request.Header, said)
	if err != nil {
		return nil, err
	}
	if err := checkShape(o, body); err != nil {
		return nil, err
	}
	r := m.request(callOf(c.Request.Context()).caller, o)
	r.Model = gateway.ModelID(body.String("model"))
	r.Body = body.Without("schleuse")
	return &r, nil
}

// checkShape finds the mistakes that no model server needs to see.
func checkShape(o gateway.Operation, body gateway.Body) error {
	if model, ok := body.Get("model"); ok && model[0] != '"' && string(model) != "null" {
		return invalid("model", "Erwartet wird der Name eines Modells.")
	}
	switch o {
	case gateway.OperationEmbeddings:
		return checkTexts(body, "input")
	case gateway.OperationCompletion:
		return checkTexts(body, "prompt")
	case gateway.OperationRerank:
		return checkRerank(body)
	case gateway.OperationTranscription:
		return nil
	default:
	}
	if body.Elements("messages") < 1 {
		return invalid("messages", "Erwartet wird eine Liste mit mindestens einer Nachricht.")
	}
	return nil
}

// checkTexts takes a text or a list of texts. The format also knows the numbers
// of tokens; nobody could find a name in them.
func checkTexts(body gateway.Body, field string) error {
	raw, ok := body.Get(field)
	switch {
	case ok && raw[0] == '"':
		return nil
	case body.Elements(field) < 1:
		return invalid(field, "Erwartet wird ein Text oder eine Liste von Texten.")
	}
	for i, element := range dialect.Elements(raw) {
		switch {
		case element[0] == '"':
		case element[0] == '[', element[0] >= '0' && element[0] <= '9':
			return invalid(fmt.Sprintf("%s[%d]", field, i), "Token-Nummern werden nicht angenommen, weil niemand sie auf personenbezogene Daten prüfen kann. Bitte senden Sie den Text.")
		default:
			return invalid(fmt.Sprintf("%s[%d]", field, i), "Erwartet wird ein Text.")
		}
	}
	return nil
}

func wantsStream(body gateway.Body) (bool, error) {
	raw, ok := body.Get("stream")
	switch {
	case !ok, string(raw) == "null", string(raw) == "false":
		return false, nil
	case string(raw) == "true":
		return true, nil
	}
	return false, invalid("stream", "Erwartet wird true oder false.")
}

// openAIModelEntry is a model as OpenAI lists it, with our facts beside.
type openAIModelEntry struct {
	ID       gateway.ModelID   `json:"id"`
	Object   string            `json:"object"`
	Created  int64             `json:"created"`
	OwnedBy  string            `json:"owned_by"`
	Schleuse gateway.ModelCard `json:"schleuse"`
}

func openAIEntry(m gateway.ModelCard) openAIModelEntry {
	return openAIModelEntry{ID: m.ID, Object: "model", OwnedBy: m.Operator, Schleuse: m}
}

// openAIAliasEntry is a name that stands for one of several models.
type openAIAliasEntry struct {
	ID       gateway.ModelID `json:"id"`
	Object   string          `json:"object"`
	Created  int64           `json:"created"`
	OwnedBy  string          `json:"owned_by"`
	Schleuse Alias           `json:"schleuse"`
}

func openAIAlias(a Alias) openAIAliasEntry {
	return openAIAliasEntry{ID: a.ID, Object: "model", OwnedBy: "schleuse", Schleuse: a}
}

// openAIModels is GET /v1/models.
func (s *Server) openAIModels(c *gin.Context) {
	list := []any{}
	for _, m := range s.modelsOf(c) {
		list = append(list, openAIEntry(m))
	}
	for _, a := range s.aliasesOf(c) {
		list = append(list, openAIAlias(a))
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"object": "list", "data": list})
}

// openAIModel is GET /v1/models/{id}; an id may contain slashes.
func (s *Server) openAIModel(c *gin.Context) {
	id := gateway.ModelID(strings.TrimPrefix(c.Param("id"), "/"))
	for _, m := range s.modelsOf(c) {
		if m.ID == id {
			writeJSON(c, http.StatusOK, "application/json", openAIEntry(m))
			return
		}
	}
	for _, a := range s.aliasesOf(c) {
		if a.ID == id {
			writeJSON(c, http.StatusOK, "application/json", openAIAlias(a))
			return
		}
	}
	s.fail(c, &gateway.Error{Op: "find model", Code: gateway.CodeNotFound, Path: "model", Message: "Dieses Modell gibt es nicht."})
}

func (s *Server) modelsOf(c *gin.Context) []gateway.ModelCard {
	ctx := c.Request.Context()
	return s.Models.Models(ctx, callOf(ctx).caller)
}

// aliasesOf are the aliases the caller may use; none where Models knows none.
func (s *Server) aliasesOf(c *gin.Context) []Alias {
	lister, ok := s.Models.(Aliases)
	if !ok {
		return nil
	}
	ctx := c.Request.Context()
	return lister.Aliases(ctx, callOf(ctx).caller)
}
