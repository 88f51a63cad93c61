// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Proofs prove the record to a tenant's auditors. What they return encodes as the
// JSON of the description; a tenant sees its own entries only.
type Proofs interface {
	// Checkpoint is the newest signed checkpoint; it names no tenant.
	Checkpoint(ctx context.Context) (any, error)
	// Proof leads from an entry to the checkpoint; CodeNotFound when the tenant has none.
	Proof(ctx context.Context, tenant gateway.TenantID, id string) (any, error)
	// Between proves that the record only grew.
	Between(ctx context.Context, from, to ProofPoint) (any, error)
	// Export writes a zip with the tenant's entries that match, after a note of who
	// has it, and why.
	Export(ctx context.Context, l Look, f DecisionFilter, w io.Writer) error
	// Notes is a page of the tenant's journal.
	Notes(ctx context.Context, f NoteFilter) (any, error)
}

// ProofPoint is a state of the record: its size, or as it was at a time. The zero
// one is now.
type ProofPoint struct {
	Size int64
	Time time.Time
}

// NoteFilter chooses notes. Tenant is always set.
type NoteFilter struct {
	Tenant   gateway.TenantID
	From, To time.Time // To is excluded
	Topics   []string
	Object   string
	Cursor   string
	Limit    int // 1 to 200
}

// roleRevision may prove and take the record of its tenant with it.
const roleRevision = "revision"

// auditRoutes prove the record.
func (s *Server) auditRoutes() []route {
	return []route{
		{method: "GET", path: "/api/v1/audit/checkpoint", handle: s.proof(s.auditCheckpoint)},
		{method: "GET", path: "/api/v1/audit/entries/:id/proof", handle: s.proof(s.auditProof)},
		{method: "GET", path: "/api/v1/audit/consistency", handle: s.proof(s.auditConsistency)},
		{method: "GET", path: "/api/v1/audit/notes", handle: s.proof(s.auditNotes)},
		{method: "GET", path: "/api/v1/audit/export", handle: s.auditExport, streams: true},
	}
}

// auditor is the caller, if it may see proofs.
func (s *Server) auditor(c *gin.Context) (gateway.Caller, error) {
	caller := callOf(c.Request.Context()).caller
	if s.Proofs == nil {
		return caller, &gateway.Error{Op: "find part", Code: gateway.CodeNotFound, Message: "Diese Funktion ist hier nicht eingerichtet."}
	}
	if !slices.Contains(caller.Roles, roleRevision) || caller.Tenant == "" {
		return caller, &gateway.Error{Op: "prove record", Code: gateway.CodeDenied, Message: "Nachweise aus dem Protokoll bekommen nur Schlüssel mit der Rolle revision."}
	}
	return caller, nil
}

func (s *Server) proof(find func(c *gin.Context, caller gateway.Caller) (any, error)) gin.HandlerFunc {
	return func(c *gin.Context) {
		caller, err := s.auditor(c)
		if err != nil {
			s.fail(c, err)
			return
		}
		found, err := find(c, caller)
		if err != nil {
			s.fail(c, err)
			return
		}
		writeJSON(c, http.StatusOK, "application/json", found)
	}
}

func (s *Server) auditCheckpoint(c *gin.Context, _ gateway.Caller) (any, error) {
	return s.Proofs.Checkpoint(c.Request.Context())
}

func (s *Server) auditProof(c *gin.Context, caller gateway.Caller) (any, error) {
	found, err := s.Proofs.Proof(c.Request.Context(), caller.Tenant, c.Param("id"))
	if gateway.CodeOf(err) == gateway.CodeNotFound {
		// What was asked for is anybody's text: neither header nor log repeat it.
		return nil, &gateway.Error{Op: "prove entry", Code: gateway.CodeNotFound, Message: msgNotFound}
	}
	return found, err
}

func (s *Server) auditConsistency(c *gin.Context, _ gateway.Caller) (any, error) {
	q := c.Request.URL.Query()
	if err := onlyParameters(q, "from", "to"); err != nil {
		return nil, err
	}
	from, err := proofPoint("from", q.Get("from"))
	if err != nil {
		return nil, err
	}
	if from == (ProofPoint{}) {
		return nil, invalid("from", "Erwartet wird die Größe des Protokolls oder ein Tag der Form JJJJ-MM-TT.")
	}
	to, err := proofPoint("to", q.Get("to"))
	if err != nil {
		return nil, err
	}
	return s.Proofs.Between(c.Request.Context(), from, to)
}

// proofPoint reads a size or a day, of which the end counts.
func proofPoint(name, value string) (ProofPoint, error) {
	if value == "" {
		return ProofPoint{}, nil
	}
	if size, err := strconv.ParseInt(value, 10, 64); err == nil && size > 0 {
		return ProofPoint{Size: size}, nil
	}
	day, err := parseDate(value, name)
	if err != nil {
		return ProofPoint{}, invalid(name, "Erwartet wird die Größe des Protokolls oder ein Tag der Form JJJJ-MM-TT.")
	}
	return ProofPoint{Time: day.AddDate(0, 0, 1).Add(-time.Nanosecond)}, nil
}

// onlyParameters refuses what is not known, so that a typing error does not show
// more than was asked for.
func onlyParameters(q url.Values, known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, name) {
			return invalid(name, "Dieser Parameter ist nicht bekannt.")
		}
		if len(q[name]) > 1 || len(q.Get(name)) > 200 {
			return invalid(name, "Der Parameter steht mehrfach in der Anfrage oder ist zu lang.")
		}
	}
	return nil
}

func (s *Server) auditNotes(c *gin.Context, caller gateway.Caller) (any, error) {
	q := c.Request.URL.Query()
	if err := onlyParameters(q, "from", "to", "topics", "object", "cursor", "limit"); err != nil {
		return nil, err
	}
	f := NoteFilter{Tenant: caller.Tenant, Object: q.Get("object"), Cursor: q.Get("cursor"), Limit: 50}
	var err error
	if from := q.Get("from"); from != "" {
		if f.From, err = parseDate(from, "from"); err != nil {
			return nil, err
		}
	}
	if to := q.Get("to"); to != "" {
		if f.To, err = parseDate(to, "to"); err != nil {
			return nil, err
		}
		f.To = f.To.AddDate(0, 0, 1) // the day itself is included
	}
	if topics := q.Get("topics"); topics != "" {
		f.Topics = strings.Split(topics, ",")
	}
	if limit := q.Get("limit"); limit != "" {
		if f.Limit, err = strconv.Atoi(limit); err != nil || f.Limit < 1 || f.Limit > 200 {
			return nil, invalid("limit", "Erwartet wird eine ganze Zahl von 1 bis 200.")
		}
	}
	return s.Proofs.Notes(c.Request.Context(), f)
}

// auditExport is GET /api/v1/audit/export. A zip that breaks off is no zip: who
// checks it notices.
func (s *Server) auditExport(c *gin.Context) {
	caller, err := s.auditor(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	f, err := filterOf(c.Request.URL.Query())
	if err != nil {
		s.fail(c, err)
		return
	}
	why, err := look(caller, "", c.Request.Header)
	if err != nil {
		s.fail(c, err)
		return
	}
	f.Tenant = caller.Tenant
	w := &attachment{c: c}
	if err := s.Proofs.Export(c.Request.Context(), why, f, w); err != nil {
		if !w.begun {
			s.fail(c, err)
			return
		}
		callOf(c.Request.Context()).err = err
	}
}

// attachment sends the header with the first bytes, so that an error before can
// still be told.
type attachment struct {
	c     *gin.Context
	begun bool
}

func (a *attachment) Write(p []byte) (int, error) {
	if !a.begun {
		a.begun = true
		header := a.c.Writer.Header()
		header.Set("Content-Type", "application/zip")
		header.Set("Content-Disposition", `attachment; filename="protokoll.zip"`)
		header.Set("Cache-Control", "no-store")
		a.c.Status(http.StatusOK)
	}
	return a.c.Writer.Write(p)
}
