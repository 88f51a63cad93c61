// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Drafter assembles letters and lets people release them, permission and record
// included.
type Drafter interface {
	Draft(ctx context.Context, caller gateway.Caller, in DraftInput) (Draft, error)
	// Release lets the named person answer for the letter. It checks once more;
	// CodeConflict when something forbids the release.
	Release(ctx context.Context, caller gateway.Caller, d Draft, person string) (Draft, error)
}

// DraftInput is what POST /api/v1/drafts says.
type DraftInput struct {
	// Kind is the kind of letter, for example "nachforderung".
	Kind    string
	Service gateway.ServiceID
	// Case is the Aktenzeichen.
	Case string
	// Date is the date of the letter; zero: today.
	Date time.Time
	// Report is the completeness check the letter rests on; nil: none.
	Report *completeness.Report
	// Facts and Recipient are JSON objects as sent; nil: not given.
	Facts, Recipient json.RawMessage
	// Tenor is the decision a person has made, for letters that tell it.
	Tenor string
}

// Draft is a letter that a person has not released yet, or has.
type Draft struct {
	ID         string            `json:"id"`
	Kind       string            `json:"kind"`
	Service    gateway.ServiceID `json:"service"`
	DecisionID string            `json:"decision_id"`
	Created    time.Time         `json:"created"`
	// Problems forbid a release: German sentences, empty when there are none.
	Problems []string `json:"problems"`
	Released *Release `json:"released"`
	// Detail is what the drafting wants to tell beside: deadline, citations, facts.
	Detail json.RawMessage `json:"detail,omitempty"`
	// Letter is written in the format that is asked for.
	Letter document.Letter `json:"-"`
	// Origin is the drafting's own form of the draft, which it needs to release it.
	Origin json.RawMessage `json:"-"`
}

// Release says who took responsibility for a letter.
type Release struct {
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	DecisionID string    `json:"decision_id"`
}

// createDraft is POST /api/v1/drafts.
func (s *Server) createDraft(c *gin.Context) {
	if s.Drafter == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	in, err := s.readDraft(c, caller.Tenant)
	if err != nil {
		s.fail(c, err)
		return
	}
	d, err := s.Drafter.Draft(ctx, caller, in)
	if err != nil {
		s.fail(c, err)
		return
	}
	if d.Problems == nil {
		d.Problems = []string{}
	}
	if d.Created.IsZero() {
		d.Created = s.Now().UTC()
	}
	d.Released, d.Letter.Draft = nil, true // only a person releases
	if err := s.putDraft(ctx, caller.Tenant, d); err != nil {
		s.fail(c, err)
		return
	}
	decided(c, d.DecisionID)
	c.Header("Location", "/api/v1/drafts/"+d.ID+".json")
	writeJSON(c, http.StatusCreated, "application/json", d)
}

func (s *Server) readDraft(c *gin.Context, tenant gateway.TenantID) (DraftInput, error) {
	said, err := matterOfHeaders(c.Request.Header)
	if err != nil {
		return DraftInput{}, err
	}
	o, err := s.readObject(c, "kind", "service", "case", "date", "check_id", "report", "facts", "recipient", "tenor")
	if err != nil {
		return DraftInput{}, err
	}
	var in DraftInput
	kind, err1 := o.required("kind", 64)
	service, err2 := o.text("service", 128)
	file, err3 := o.text("case", 128)
	date, err4 := o.date("date")
	facts, err5 := o.raw("facts")
	recipient, err6 := o.raw("recipient")
	tenor, err7 := o.text("tenor", 20_000)
	report, err8 := s.reportOf(c.Request.Context(), o, tenant)
	if err := firstError(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		return DraftInput{}, err
	}
	in = DraftInput{Kind: kind, Service: gateway.ServiceID(service), Case: file, Date: date, Report: report, Facts: facts, Recipient: recipient, Tenor: tenor}
	if report != nil {
		err1 = merge(&in.Service, report.Service, "service")
	}
	return in, firstError(err1, merge(&in.Case, said.file, "case"), merge(&in.Service, said.service, "service"))
}

// reportOf takes a report by the id of its check or as it is.
func (s *Server) reportOf(ctx context.Context, o object, tenant gateway.TenantID) (*completeness.Report, error) {
	id, err := o.text("check_id", 128)
	if err != nil {
		return nil, err
	}
	raw, err := o.raw("report")
	switch {
	case err != nil:
		return nil, err
	case id != "" && raw != nil:
		return nil, invalid("report", "Es kann nur check_id oder report angegeben werden.")
	case id != "":
		r, err := s.report(ctx, tenant, id)
		if err != nil {
			return nil, &gateway.Error{Op: "find report", Code: gateway.CodeInvalid, Path: "check_id", Message: "Diese Prüfung gibt es nicht oder sie ist abgelaufen.", Err: err}
		}
		return &r, nil
	case raw == nil:
		return nil, nil //nolint:nilnil // a letter may rest on facts alone
	}
	var r completeness.Report
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, &gateway.Error{Op: "decode report", Code: gateway.CodeInvalid, Path: "report", Message: "Das ist kein Bericht einer Vollständigkeitsprüfung.", Err: err}
	}
	return &r, nil
}

// format is one way to write a letter.
type format struct {
	mediaType string
	write     func(io.Writer, document.Letter) error
}

func formatOf(extension string) (format, bool) {
	switch extension {
	case "odt":
		return format{"application/vnd.oasis.opendocument.text", document.WriteODT}, true
	case "docx":
		return format{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", document.WriteDOCX}, true
	case "pdf":
		return format{"application/pdf", document.WritePDF}, true
	case "html":
		return format{"text/html; charset=utf-8", document.WriteHTML}, true
	}
	return format{}, false
}

// getDraft is GET /api/v1/drafts/{id}.{odt,docx,pdf,html,json}.
func (s *Server) getDraft(c *gin.Context) {
	ctx := c.Request.Context()
	id, extension, _ := strings.Cut(c.Param("file"), ".")
	f, known := formatOf(extension)
	if !known && extension != "json" {
		s.fail(c, &gateway.Error{Op: "get draft", Code: gateway.CodeNotFound, Message: "Dieses Format gibt es nicht. Möglich sind odt, docx, pdf, html und json."})
		return
	}
	d, err := s.draft(ctx, callOf(ctx).caller.Tenant, id)
	if err != nil {
		s.fail(c, err)
		return
	}
	decided(c, d.DecisionID)
	if !known {
		writeJSON(c, http.StatusOK, "application/json", d)
		return
	}
	s.writeLetter(c, d, f, id+"."+extension)
}

func (s *Server) writeLetter(c *gin.Context, d Draft, f format, name string) {
	var b bytes.Buffer
	if err := f.write(&b, d.Letter); err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Kind + "-" + name}))
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; sandbox; frame-ancestors 'none'")
	c.Data(http.StatusOK, f.mediaType, b.Bytes())
}

// releaseDraft is POST /api/v1/drafts/{id}/release: a named person takes
// responsibility. The release itself is decided and recorded.
func (s *Server) releaseDraft(c *gin.Context) {
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	d, err := s.releasable(c, caller)
	if err != nil {
		s.fail(c, err)
		return
	}
	if d, err = s.Drafter.Release(ctx, caller, d, identity.UserName(caller.User)); err != nil {
		s.fail(c, err)
		return
	}
	if err := s.putDraft(ctx, caller.Tenant, d); err != nil {
		s.fail(c, err)
		return
	}
	decided(c, d.Released.DecisionID)
	writeJSON(c, http.StatusOK, "application/json", d)
}

func (s *Server) releasable(c *gin.Context, caller gateway.Caller) (Draft, error) {
	if raw, err := s.readBody(c); err != nil || len(bytes.TrimSpace(raw)) > 0 && string(bytes.TrimSpace(raw)) != "{}" {
		return Draft{}, firstError(err, invalid("", "Die Freigabe hat keinen Inhalt."))
	}
	if caller.User == "" {
		return Draft{}, invalid("Schleuse-User", "Eine Freigabe braucht die Person, die sie erteilt.")
	}
	d, err := s.draft(c.Request.Context(), caller.Tenant, c.Param("file"))
	if err != nil {
		return Draft{}, err
	}
	if d.Released != nil {
		return Draft{}, &gateway.Error{Op: "release", Code: gateway.CodeConflict, Message: "Das Schreiben ist bereits freigegeben."}
	}
	if len(d.Problems) > 0 {
		return Draft{}, &gateway.Error{Op: "release", Code: gateway.CodeConflict, Message: "Das Schreiben kann nicht freigegeben werden: " + strings.Join(d.Problems, " ")}
	}
	return d, nil
}

// closePermit ends the record of a permit, whatever became of the work.
func closePermit(ctx context.Context, p Permit, err error, result string) error {
	outcome := gateway.OutcomeAnswered
	if err != nil {
		outcome, result = gateway.OutcomeFailed, ""
	}
	closing := p.Close(context.WithoutCancel(ctx), outcome, result)
	return firstError(err, closing)
}
