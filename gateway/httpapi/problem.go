// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
	"github.com/ki-schleuse/schleuse/gateway/dialect/anthropic"
)

const (
	msgInternal = "In der Schleuse ist ein Fehler aufgetreten. Bitte versuchen Sie es erneut oder wenden Sie sich an die Betreuung."
	msgNotFound = "Das Gesuchte gibt es nicht oder es ist für Sie nicht sichtbar."
)

// statusClientGone is logged when nobody is there to read an answer.
const statusClientGone = 499

// kind is how a code looks from outside.
type kind struct {
	status int
	title  string
	// openAI is the type in OpenAI's error shape.
	openAI string
}

// kindOf is the one table from codes to statuses.
func kindOf(code gateway.Code) kind {
	switch code {
	case gateway.CodeInvalid:
		return kind{http.StatusBadRequest, "Die Anfrage ist fehlerhaft", "invalid_request_error"}
	case gateway.CodeUnauthenticated:
		return kind{http.StatusUnauthorized, "Die Anmeldung fehlt oder ist ungültig", "authentication_error"}
	case gateway.CodeDenied:
		return kind{http.StatusForbidden, "Die Anfrage ist nach den geltenden Regeln nicht erlaubt", "permission_error"}
	case gateway.CodeNotFound:
		return kind{http.StatusNotFound, "Nicht gefunden", "invalid_request_error"}
	case gateway.CodeMethod:
		return kind{http.StatusMethodNotAllowed, "Diese Methode ist hier nicht möglich", "invalid_request_error"}
	case gateway.CodeTooLarge:
		return kind{http.StatusRequestEntityTooLarge, "Die Anfrage ist zu groß", "invalid_request_error"}
	case gateway.CodeConflict:
		return kind{http.StatusConflict, "Der Vorgang ist in diesem Zustand nicht möglich", "invalid_request_error"}
	case gateway.CodeRateLimited:
		return kind{http.StatusTooManyRequests, "Zu viele Anfragen", "rate_limit_error"}
	case gateway.CodeBudget:
		return kind{http.StatusTooManyRequests, "Das Budget ist aufgebraucht", "insufficient_quota"}
	case gateway.CodeOverloaded:
		return kind{http.StatusServiceUnavailable, "Alle zulässigen Sprachmodelle sind ausgelastet", "server_error"}
	case gateway.CodeNoModel:
		return kind{http.StatusUnprocessableEntity, "Für diese Anfrage steht kein zulässiges Sprachmodell bereit", "invalid_request_error"}
	case gateway.CodeUpstream:
		return kind{http.StatusBadGateway, "Das Sprachmodell hat die Anfrage abgelehnt", "invalid_request_error"}
	case gateway.CodeUnavailable:
		return kind{http.StatusBadGateway, "Das Sprachmodell ist nicht erreichbar", "server_error"}
	case gateway.CodeTruncated:
		return kind{http.StatusBadGateway, "Die Antwort des Sprachmodells ist unvollständig", "server_error"}
	case gateway.CodeTimeout:
		return kind{http.StatusGatewayTimeout, "Das Sprachmodell hat nicht rechtzeitig geantwortet", "server_error"}
	case gateway.CodeNoRecord:
		return kind{http.StatusServiceUnavailable, "Das Protokoll ist nicht verfügbar", "server_error"}
	case gateway.CodeCancelled:
		return kind{statusClientGone, "Die Anfrage wurde abgebrochen", "server_error"}
	case gateway.CodeSuperseded: // of an attempt, never of a request
	case gateway.CodeInternal:
	}
	return kind{http.StatusInternalServerError, "Interner Fehler", "server_error"}
}

// public is an error as a caller may see it: anything that is no gateway.Error
// is internal, and its text stays inside.
func public(err error) *gateway.Error {
	if e, ok := errors.AsType[*gateway.Error](err); ok {
		known := *e
		if known.Code == gateway.CodeInternal || known.Message == "" {
			known.Message = kindOf(known.Code).title + "."
		}
		if known.Code == gateway.CodeInternal {
			known.Message = msgInternal
		}
		return &known
	}
	code := gateway.CodeOf(err)
	message := kindOf(code).title + "."
	if code == gateway.CodeInternal {
		message = msgInternal
	}
	return &gateway.Error{Code: code, Message: message}
}

// reasons of a decision, for people; never nil.
func reasons(e *gateway.Error) []gateway.Reason {
	if e.Decision == nil || e.Decision.Reasons == nil {
		return []gateway.Reason{}
	}
	return e.Decision.Reasons
}

// blocking is the rule to quote: the first that blocks, else the first.
func blocking(e *gateway.Error) string {
	all := reasons(e)
	for _, r := range all {
		if r.Severity == "block" {
			return r.Rule
		}
	}
	if len(all) > 0 {
		return all[0].Rule
	}
	return ""
}

// Problem is an error under /api (RFC 9457).
type Problem struct {
	Type       string           `json:"type"`
	Title      string           `json:"title"`
	Status     int              `json:"status"`
	Detail     string           `json:"detail"`
	Code       gateway.Code     `json:"code"`
	Path       string           `json:"path,omitempty"`
	DecisionID string           `json:"decision_id,omitempty"`
	Reasons    []gateway.Reason `json:"reasons,omitempty"`
	RequestID  string           `json:"request_id,omitempty"`
}

// openAIError is an error at the doors of OpenAI and Cohere, in OpenAI's shape and with a field of ours.
type openAIError struct {
	Error    openAIDetail  `json:"error"`
	Schleuse *openAIReason `json:"schleuse,omitempty"`
}

type openAIDetail struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

type openAIReason struct {
	DecisionID string           `json:"decision_id,omitempty"`
	Code       gateway.Code     `json:"code"`
	Reasons    []gateway.Reason `json:"reasons"`
}

// fail answers a request with an error, in the shape of its door, and notes it
// for the log.
func (s *Server) fail(c *gin.Context, err error) {
	data := callOf(c.Request.Context())
	data.err = err
	e := public(err)
	decided(c, e.RequestID)
	status := kindOf(e.Code).status
	header := c.Writer.Header()
	if e.Code == gateway.CodeUnauthenticated {
		header.Set("WWW-Authenticate", "Bearer")
	}
	if pause := retryAfter(e); pause > 0 {
		header.Set("Retry-After", strconv.FormatInt(int64((pause+time.Second-1)/time.Second), 10))
	}
	shape := shapeOf(c.Request.URL.Path)
	if u := e.Upstream; shape != problemShape && e.Code == gateway.CodeUpstream && u != nil && u.Status >= 400 && u.Status < 500 {
		status = u.Status
	}
	switch shape {
	case openAIShape:
		writeJSON(c, status, "application/json", toOpenAI(e))
	case anthropicShape:
		if e.Code == gateway.CodeOverloaded {
			status = anthropic.StatusOverloaded
		}
		c.Data(status, "application/json; charset=utf-8", anthropic.Failure(toFailure(e), data.id))
	default:
		writeJSON(c, status, "application/problem+json", toProblem(e, data.id))
	}
}

// shape is how errors look at a door.
type shape int

const (
	problemShape shape = iota
	openAIShape
	anthropicShape
)

func shapeOf(path string) shape {
	switch {
	case strings.HasPrefix(path, "/anthropic/"), path == "/v1/messages", strings.HasPrefix(path, "/v1/messages/"):
		return anthropicShape
	case strings.HasPrefix(path, "/v1/"), strings.HasPrefix(path, "/v2/"):
		return openAIShape
	}
	return problemShape
}

// retryAfter is when it is worth trying again. A budget is filled by people or by
// the calendar: where the quota names no time, an hour keeps clients from hurrying.
func retryAfter(e *gateway.Error) time.Duration {
	if e.RetryAfter > 0 {
		return e.RetryAfter
	}
	switch e.Code {
	case gateway.CodeRateLimited:
		return time.Second
	case gateway.CodeOverloaded:
		return 5 * time.Second
	case gateway.CodeBudget:
		return time.Hour
	default:
		return 0
	}
}

// toFailure is an error for the doors of other wire formats.
func toFailure(e *gateway.Error) dialect.Failure {
	shown := toOpenAI(e)
	f := dialect.Failure{Code: e.Code, Label: string(e.Code), Message: shown.Error.Message, Param: e.Path}
	if shown.Error.Code != nil {
		f.Label = *shown.Error.Code
	}
	if raw, err := marshal(shown.Schleuse); err == nil {
		f.Schleuse = raw
	}
	return f
}

func toProblem(e *gateway.Error, requestID string) Problem {
	k := kindOf(e.Code)
	return Problem{
		Type: "urn:schleuse:problem:" + string(e.Code), Title: k.title, Status: k.status, Detail: e.Message,
		Code: e.Code, Path: e.Path, DecisionID: e.RequestID, Reasons: reasons(e), RequestID: requestID,
	}
}

// toOpenAI passes on what the model's server said about the request itself; of
// other failures it keeps the details inside.
func toOpenAI(e *gateway.Error) openAIError {
	out := openAIError{
		Error:    openAIDetail{Message: e.Message, Type: kindOf(e.Code).openAI, Param: optional(e.Path), Code: optional(string(e.Code))},
		Schleuse: &openAIReason{DecisionID: e.RequestID, Code: e.Code, Reasons: reasons(e)},
	}
	if rule := blocking(e); e.Code == gateway.CodeDenied && rule != "" {
		out.Error.Code = &rule
	}
	if e.Code == gateway.CodeBudget {
		out.Error.Code = optional("insufficient_quota") // what clients of OpenAI look for
	}
	if u := e.Upstream; e.Code == gateway.CodeUpstream && u != nil {
		if u.Message != "" {
			out.Error.Message = u.Message
		}
		if u.Type != "" {
			out.Error.Type = u.Type
		}
		out.Error.Code, out.Error.Param = optional(u.Code), optional(u.Param)
	}
	return out
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Server) notFound(c *gin.Context) {
	s.fail(c, &gateway.Error{Op: "find route", Code: gateway.CodeNotFound, Message: "Diese Adresse gibt es nicht."})
}

// wrongMethod: the router has said in Allow which methods there are.
func (s *Server) wrongMethod(c *gin.Context) {
	allowed := c.Writer.Header().Get("Allow")
	s.fail(c, &gateway.Error{Op: "find route", Code: gateway.CodeMethod, Message: "Diese Adresse nimmt " + c.Request.Method + " nicht an, sondern nur " + allowed + "."})
}

// absent is the answer of a route whose part is not set up.
func (s *Server) absent(c *gin.Context) {
	s.fail(c, &gateway.Error{Op: "find part", Code: gateway.CodeNotFound, Message: "Diese Funktion ist hier nicht eingerichtet."})
}

// writeJSON writes a value this package built. HTML characters stay as they are.
func writeJSON(c *gin.Context, status int, mediaType string, v any) {
	raw, err := marshal(v)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"status":500}`)
		callOf(c.Request.Context()).err = err
	}
	c.Data(status, mediaType+"; charset=utf-8", raw)
}

func marshal(v any) ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
