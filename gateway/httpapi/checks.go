// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
)

// Checker does the completeness check, permission and record included.
type Checker interface {
	Check(ctx context.Context, caller gateway.Caller, in completeness.Input) (completeness.Report, error)
}

// Limits of a check that is sent as a form.
const (
	maxParts    = 201
	maxDocument = 32 << 20
	maxCheck    = 8 << 20
)

// createCheck is POST /api/v1/checks, as JSON or as a form with files.
func (s *Server) createCheck(c *gin.Context) {
	if s.Checker == nil {
		s.absent(c)
		return
	}
	in, err := s.readCheck(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	report, err := s.Checker.Check(ctx, caller, in)
	if err != nil {
		s.fail(c, err)
		return
	}
	if len(report.DecisionIDs) > 0 {
		decided(c, report.DecisionIDs[0])
	}
	if err := s.putReport(ctx, caller.Tenant, report); err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c, http.StatusOK, "application/json", report)
}

func (s *Server) readCheck(c *gin.Context) (completeness.Input, error) {
	said, err := matterOfHeaders(c.Request.Header)
	if err != nil {
		return completeness.Input{}, err
	}
	in, err := s.readCheckBody(c)
	if err != nil {
		return completeness.Input{}, err
	}
	return in, firstError(
		merge(&in.Case, said.file, "case"),
		merge(&in.Service, said.service, "service"),
	)
}

func (s *Server) readCheckBody(c *gin.Context) (completeness.Input, error) {
	kind, parameters, _ := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if kind == "multipart/form-data" {
		return readForm(multipart.NewReader(c.Request.Body, parameters["boundary"]))
	}
	raw, err := s.readBody(c)
	if err != nil {
		return completeness.Input{}, err
	}
	return completeness.ParseInput(raw)
}

// readForm reads the part "check" (the same JSON as without a form) and after it
// one part per file. A file whose field is the id of a document of the check
// belongs to that document; any other is a new document under its field's name.
func readForm(form *multipart.Reader) (completeness.Input, error) {
	var in completeness.Input
	for n := 0; ; n++ {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			if n == 0 {
				return in, invalid("check", "Der Teil „check“ mit dem Antrag fehlt.")
			}
			return in, nil
		}
		if err != nil {
			return in, bodyError(err)
		}
		switch {
		case n >= maxParts:
			return in, &gateway.Error{Op: "read form", Code: gateway.CodeTooLarge, Message: "Das Formular hat zu viele Teile."}
		case n == 0 && part.FormName() != "check":
			return in, invalid("check", "Der erste Teil des Formulars muss „check“ heißen und den Antrag enthalten.")
		case n == 0:
			in, err = readCheckPart(part)
		default:
			err = addFile(&in, part)
		}
		if err != nil {
			return in, err
		}
	}
}

func readCheckPart(part *multipart.Part) (completeness.Input, error) {
	raw, err := readPart(part, maxCheck)
	if err != nil {
		return completeness.Input{}, err
	}
	return completeness.ParseInput(raw)
}

func addFile(in *completeness.Input, part *multipart.Part) error {
	content, err := readPart(part, maxDocument)
	if err != nil {
		return err
	}
	id, mediaType := part.FormName(), part.Header.Get("Content-Type")
	if id == "" || len(id) > 200 {
		return invalid("", "Ein Teil des Formulars hat keinen brauchbaren Namen.")
	}
	for i := range in.Documents {
		d := &in.Documents[i]
		if d.ID != id {
			continue
		}
		if d.Content != nil {
			return invalid("documents."+id, "Das Dokument ist zweimal enthalten.")
		}
		d.Content = content
		if d.Name == "" {
			d.Name = part.FileName()
		}
		if d.MediaType == "" {
			d.MediaType = mediaType
		}
		return nil
	}
	in.Documents = append(in.Documents, completeness.InputDocument{ID: id, Name: part.FileName(), MediaType: mediaType, Content: content})
	return nil
}

// readPart never returns nil without an error: an empty file is a file.
func readPart(part *multipart.Part, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(part, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if int64(len(raw)) > limit {
		return nil, &gateway.Error{Op: "read form", Code: gateway.CodeTooLarge, Path: strings.ToValidUTF8(part.FormName(), ""), Message: "Dieser Teil des Formulars ist zu groß."}
	}
	return raw, nil
}
