// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Decisions reads the record.
type Decisions interface {
	List(ctx context.Context, f DecisionFilter) (DecisionPage, error)
	// Find returns CodeNotFound when the tenant has no such record.
	Find(ctx context.Context, tenant gateway.TenantID, id string) (StoredDecision, error)
	// Note writes down that an auditor looks; without it nothing is shown.
	Note(ctx context.Context, l Look) error
}

// Look is an auditor who reads what others have asked, and why.
type Look struct {
	Caller gateway.Caller
	// ID is the record that is opened; empty for a list.
	ID string
	// Reason is a sentence without names, Case the file number of the audit.
	Reason, Case string
}

// DecisionFilter chooses records. Tenant is always set; empty fields do not restrict.
type DecisionFilter struct {
	Tenant   gateway.TenantID
	System   gateway.SystemID
	From, To time.Time // To is excluded
	Effect   gateway.Effect
	Outcome  gateway.Outcome
	Purpose  gateway.Purpose
	Service  gateway.ServiceID
	Rule     string
	Cursor   string
	Limit    int // 1 to 200
}

// DecisionPage is one page of records, newest first.
type DecisionPage struct {
	Items []StoredDecision `json:"items"`
	// Next is the cursor of the next page; empty on the last one.
	Next string `json:"next,omitempty"`
}

// StoredDecision is one request: its record and, once it has ended, its closing.
type StoredDecision struct {
	Record  gateway.Record   `json:"record"`
	Closing *gateway.Closing `json:"closing,omitempty"`
}

// audits says whether the caller may see the records of the whole tenant. Any other
// key, that of an administrator too, sees what its own system has asked.
func audits(caller gateway.Caller) bool { return slices.Contains(caller.Roles, roleRevision) }

const (
	minReason = 10  // characters
	maxReason = 500 // characters
)

// look reads why an auditor asks.
func look(caller gateway.Caller, id string, h http.Header) (Look, error) {
	l := Look{Caller: caller, ID: id, Reason: strings.Join(strings.Fields(h.Get("Schleuse-Reason")), " "), Case: strings.TrimSpace(h.Get("Schleuse-Case"))}
	if n := utf8.RuneCountInString(l.Reason); n < minReason || n > maxReason || !utf8.ValidString(l.Reason) {
		return l, invalid("Schleuse-Reason", "Bitte begründen Sie in einem Satz ohne Namen, warum Sie in das Protokoll sehen: 10 bis 500 Zeichen in UTF-8.")
	}
	if l.Case == "" || len(l.Case) > maxHeader || !utf8.ValidString(l.Case) {
		return l, invalid("Schleuse-Case", "Bitte geben Sie das Aktenzeichen Ihrer Prüfung an, höchstens 512 Byte in UTF-8.")
	}
	return l, nil
}

// noteLook writes down that an auditor looks, and why, before anything is shown.
func (s *Server) noteLook(c *gin.Context, caller gateway.Caller, id string) error {
	if !audits(caller) {
		return nil
	}
	l, err := look(caller, id, c.Request.Header)
	if err != nil {
		return err
	}
	return s.Decisions.Note(c.Request.Context(), l)
}

// listDecisions is GET /api/v1/decisions.
func (s *Server) listDecisions(c *gin.Context) {
	if s.Decisions == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	f, err := filterOf(c.Request.URL.Query())
	if err != nil {
		s.fail(c, err)
		return
	}
	f.Tenant = caller.Tenant
	if !audits(caller) {
		f.System = caller.System
	}
	if err := s.noteLook(c, caller, ""); err != nil {
		s.fail(c, err)
		return
	}
	page, err := s.Decisions.List(ctx, f)
	if err != nil {
		s.fail(c, err)
		return
	}
	if page.Items == nil {
		page.Items = []StoredDecision{}
	}
	writeJSON(c, http.StatusOK, "application/json", page)
}

// filterOf reads the query; an unknown parameter is an error, so that a typing
// error does not show more than was asked for.
func filterOf(q url.Values) (DecisionFilter, error) {
	f := DecisionFilter{Limit: 50}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		value := q.Get(name)
		if len(q[name]) > 1 || len(value) > 200 {
			return f, invalid(name, "Der Parameter steht mehrfach in der Anfrage oder ist zu lang.")
		}
		var err error
		switch name {
		case "from":
			f.From, err = parseDate(value, name)
		case "to":
			f.To, err = parseDate(value, name)
			f.To = f.To.AddDate(0, 0, 1) // the day itself is included
		case "effect":
			f.Effect = gateway.Effect(value)
		case "outcome":
			f.Outcome = gateway.Outcome(value)
		case "system":
			f.System = gateway.SystemID(value)
		case "purpose":
			f.Purpose = gateway.Purpose(value)
		case "service":
			f.Service = gateway.ServiceID(value)
		case "rule":
			f.Rule = value
		case "cursor":
			f.Cursor = value
		case "limit":
			f.Limit, err = strconv.Atoi(value)
			if err != nil || f.Limit < 1 || f.Limit > 200 {
				err = invalid(name, "Erwartet wird eine ganze Zahl von 1 bis 200.")
			}
		default:
			err = invalid(name, "Dieser Parameter ist nicht bekannt.")
		}
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// getDecision is GET /api/v1/decisions/{id}.
func (s *Server) getDecision(c *gin.Context) {
	if s.Decisions == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	d, err := s.Decisions.Find(ctx, caller.Tenant, c.Param("id"))
	foreign := err == nil && (d.Record.Tenant != caller.Tenant || d.Record.System != caller.System && !audits(caller))
	if foreign || gateway.CodeOf(err) == gateway.CodeNotFound {
		// What was asked for is anybody's text: neither header nor log repeat it.
		err = &gateway.Error{Op: "find decision", Code: gateway.CodeNotFound, Message: msgNotFound}
	}
	if err == nil {
		err = s.noteLook(c, caller, d.Record.ID)
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c, http.StatusOK, "application/json", d)
}

// listModels is GET /api/v1/models.
func (s *Server) listModels(c *gin.Context) {
	models := s.modelsOf(c)
	if models == nil {
		models = []gateway.ModelCard{}
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"models": models})
}

// listServices is GET /api/v1/services.
func (s *Server) listServices(c *gin.Context) {
	if s.Services == nil {
		s.absent(c)
		return
	}
	cards := s.Services.Cards()
	if cards == nil {
		cards = []gateway.ServiceCard{}
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"services": cards})
}

// getService is GET /api/v1/services/{id}.
func (s *Server) getService(c *gin.Context) {
	if s.Services == nil {
		s.absent(c)
		return
	}
	for _, card := range s.Services.Cards() {
		if string(card.ID) == c.Param("id") {
			writeJSON(c, http.StatusOK, "application/json", card)
			return
		}
	}
	s.fail(c, &gateway.Error{Op: "find service", Code: gateway.CodeNotFound, Path: "service", Message: "Diese Leistung ist nicht eingerichtet."})
}

// search is POST /api/v1/search: passages the caller may read, with citations.
func (s *Server) search(c *gin.Context) {
	if s.Retriever == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	r, q, err := s.readSearch(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	permit, err := s.Gateway.Permit(ctx, r)
	if err != nil {
		s.fail(c, err)
		return
	}
	q.For = r
	q.For.ID = permit.ID()
	found, err := s.Retriever.Retrieve(ctx, q)
	if err := closePermit(ctx, permit, err, fmt.Sprintf("%d Fundstellen", len(found))); err != nil {
		s.fail(c, err)
		return
	}
	if found == nil {
		found = []gateway.Passage{}
	}
	decided(c, permit.ID())
	writeJSON(c, http.StatusOK, "application/json", gin.H{"decision_id": permit.ID(), "passages": found})
}

func (s *Server) readSearch(c *gin.Context) (gateway.Request, gateway.Query, error) {
	var none gateway.Request
	o, err := s.readObject(c, "query", "sources", "limit", "schleuse")
	if err != nil {
		return none, gateway.Query{}, err
	}
	text, err1 := o.required("query", 4000)
	sources, err2 := o.texts("sources", maxSources)
	limit, err3 := o.number("limit", 1, 50)
	m, err4 := matterOf(c.Request.Header, o.fields["schleuse"])
	content, err5 := json.Marshal(map[string]string{"query": text})
	if err := firstError(err1, err2, err3, err4, err5); err != nil {
		return none, gateway.Query{}, err
	}
	body, err := gateway.ParseBody(content)
	if err != nil {
		return none, gateway.Query{}, err
	}
	caller := callOf(c.Request.Context()).caller
	if len(sources) == 0 {
		sources = m.sources
	}
	sources = caller.SourcesOf(sources)
	r := m.request(caller, gateway.OperationSearch)
	r.Sources, r.Body = sources, body
	q := gateway.Query{Tenant: caller.Tenant, Principals: caller.Principals, Sources: sources, Text: text, Limit: limit}
	return r, q, nil
}
