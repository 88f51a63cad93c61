// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Norms knows which norms exist.
type Norms interface {
	// Cited checks every citation in a text.
	Cited(text string) []Cited
	// Source is the name of the source that holds the texts of statutes.
	Source() string
}

// Cited is a citation and whether the norm exists.
type Cited struct {
	Text   string `json:"text"`
	Exists bool   `json:"exists"`
	// Problem says in German why it cannot be confirmed.
	Problem string `json:"problem,omitempty"`
	Heading string `json:"heading,omitempty"`
	Statute string `json:"statute,omitempty"`
	Stand   string `json:"stand,omitempty"`
}

// searchNorms is POST /api/v1/norms/search: passages of statutes that fit a
// question, and what is known of the norms it cites.
func (s *Server) searchNorms(c *gin.Context) {
	if s.Norms == nil || s.Retriever == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	r, q, err := s.readSearch(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	if len(q.Sources) > 0 {
		s.fail(c, invalid("sources", "Gesucht wird immer in den Gesetzen; bitte lassen Sie diese Angabe weg."))
		return
	}
	r.Sources, q.Sources = nil, []string{s.Norms.Source()}
	if r.Purpose == "" {
		r.Purpose = gateway.PurposeLegalReferences
	}
	permit, err := s.Gateway.Permit(ctx, r)
	if err != nil {
		s.fail(c, err)
		return
	}
	q.For = r
	q.For.ID = permit.ID()
	found, err := s.Retriever.Retrieve(ctx, q)
	cited := s.Norms.Cited(q.Text)
	if err := closePermit(ctx, permit, err, fmt.Sprintf("%d Fundstellen, %d Zitate", len(found), len(cited))); err != nil {
		s.fail(c, err)
		return
	}
	if found == nil {
		found = []gateway.Passage{}
	}
	if cited == nil {
		cited = []Cited{}
	}
	decided(c, permit.ID())
	writeJSON(c, http.StatusOK, "application/json", gin.H{"decision_id": permit.ID(), "citations": cited, "passages": found})
}
