// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// maxDocuments bounds what one request may have sorted.
const maxDocuments = 2000

// rerank is POST /v1/rerank and /v2/rerank, in the form of Cohere and Jina. Model
// servers differ in what they take and return, so documents go out as texts and
// come back, when they are wanted, as the caller sent them.
func (s *Server) rerank(c *gin.Context) {
	r, err := s.modelRequest(c, gateway.OperationRerank)
	if err != nil {
		s.fail(c, err)
		return
	}
	documents, _ := r.Body.Get("documents")
	wanted, _ := r.Body.Get("return_documents")
	if r.Body, err = withPlainDocuments(r.Body); err != nil {
		s.fail(c, err)
		return
	}
	answer, err := s.Gateway.Complete(c.Request.Context(), *r)
	if err != nil {
		s.fail(c, err)
		return
	}
	decided(c, answer.ID)
	body, err := rerankAnswer(answer.Body, documents, string(wanted) == "true")
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
}

// checkRerank finds the mistakes that no model server needs to see.
func checkRerank(body gateway.Body) error {
	if query, ok := body.Get("query"); !ok || query[0] != '"' || len(query) == 2 {
		return invalid("query", "Erwartet wird ein Text.")
	}
	documents, _ := body.Get("documents")
	n := 0
	for i, document := range dialect.Elements(documents) {
		if n++; n > maxDocuments {
			return invalid("documents", fmt.Sprintf("Die Liste hat mehr als %d Einträge.", maxDocuments))
		}
		if text, err := documentText(document); err != nil || !dialect.IsText(text) {
			return invalid(fmt.Sprintf("documents[%d]", i), "Erwartet wird ein Text oder ein Objekt mit text.")
		}
	}
	if n == 0 {
		return invalid("documents", "Erwartet wird eine Liste mit mindestens einem Text.")
	}
	if wanted, ok := body.Get("return_documents"); ok && string(wanted) != "true" && string(wanted) != "false" && string(wanted) != "null" {
		return invalid("return_documents", "Erwartet wird true oder false.")
	}
	if top, ok := body.Get("top_n"); ok && string(top) != "null" {
		if n, whole := dialect.Whole(top); !whole || n < 1 {
			return invalid("top_n", "Erwartet wird eine ganze Zahl ab 1.")
		}
	}
	return nil
}

// documentText is the text of a document as JSON; a field beside it has no place.
func documentText(document []byte) ([]byte, error) {
	if !dialect.IsObject(document) {
		return document, nil
	}
	var text []byte
	for key, value := range dialect.Members(document) {
		if key != "text" || text != nil {
			return nil, invalid("documents", "Erwartet wird ein Text oder ein Objekt mit text.")
		}
		text = value
	}
	return text, nil
}

// withPlainDocuments is the body with texts in place of objects with a text.
func withPlainDocuments(body gateway.Body) (gateway.Body, error) {
	documents, _ := body.Get("documents")
	changed := false
	var plain dialect.List
	for _, document := range dialect.Elements(documents) {
		text, err := documentText(document)
		if err != nil {
			return body, err
		}
		changed = changed || dialect.IsObject(document)
		plain.Add(text)
	}
	if !changed {
		return body, nil
	}
	return body.Set("documents", json.RawMessage(plain.JSON()))
}

// rerankAnswer puts the caller's own documents into the results, or none. What
// else the server says stays.
func rerankAnswer(answer, documents []byte, wanted bool) ([]byte, error) {
	var given [][]byte
	for _, document := range dialect.Elements(documents) {
		given = append(given, document)
	}
	var out dialect.Object
	for key, value := range dialect.Members(answer) {
		if key != "results" {
			out.Raw(key, value)
			continue
		}
		var results dialect.List
		for _, result := range dialect.Elements(value) {
			r, err := rerankResult(result, given, wanted)
			if err != nil {
				return nil, err
			}
			results.Add(r)
		}
		out.List("results", &results)
	}
	return out.JSON(), nil
}

func rerankResult(result []byte, given [][]byte, wanted bool) ([]byte, error) {
	var out dialect.Object
	index, scored := -1, false
	for key, value := range dialect.Members(result) {
		switch key {
		case "index":
			if n, ok := dialect.Whole(value); ok {
				index = n
			}
		case "document":
			continue
		case "score":
			key = "relevance_score"
			fallthrough
		case "relevance_score":
			if scored {
				continue
			}
			scored = true
		}
		out.Raw(key, value)
	}
	if index < 0 || index >= len(given) || !scored {
		return nil, &gateway.Error{Op: "read answer", Code: gateway.CodeUnavailable, Message: "Die Antwort des Modells ist unlesbar."}
	}
	if wanted {
		document := given[index]
		if dialect.IsText(document) {
			var o dialect.Object
			document = o.Raw("text", document).JSON()
		}
		out.Raw("document", document)
	}
	return out.JSON(), nil
}
