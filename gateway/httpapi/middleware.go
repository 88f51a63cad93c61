// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Names of headers.
const (
	HeaderDecision  = "Schleuse-Decision"
	headerRequestID = "X-Request-Id"
)

// call is what one request collects for its line in the log.
type call struct {
	id       string
	trace    string
	caller   gateway.Caller
	decision string
	err      error
	held     int64 // room for the body, see Server.hold
}

type callKey struct{}

// callOf is the call of a request; never nil behind the middleware.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// Traceparent is the W3C trace context to send on, or "" when the caller sent
// none: the caller's trace with a span of our own.
func Traceparent(ctx context.Context) string { return callOf(ctx).trace }

// requestID names the request in the technical log. It is not the id of the
// record, which no caller can influence.
func (s *Server) requestID(c *gin.Context) {
	id := c.GetHeader(headerRequestID)
	if !plainID(id) {
		id = s.NewRequestID()
	}
	c.Header(headerRequestID, id)
	if shapeOf(c.Request.URL.Path) == anthropicShape {
		c.Header("Request-Id", id) // where clients of Anthropic look for it
	}
	if s.draining.Load() {
		c.Header("Connection", "close") // the next request goes to another replica
	}
	data := &call{id: id, trace: childTrace(c.GetHeader("Traceparent"))}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callKey{}, data))
}

// plainID: up to 64 letters, digits, dots, dashes and underscores.
func plainID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) < 0
}

func randomID() string { return randomHex(12) }

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// childTrace keeps the trace and puts a new span in place of the caller's.
func childTrace(parent string) string {
	if len(parent) != 55 || parent[:3] != "00-" || parent[35] != '-' || parent[52] != '-' {
		return ""
	}
	trace, flags := parent[3:35], parent[53:]
	if _, err := hex.DecodeString(trace + flags + parent[36:52]); err != nil || strings.Trim(trace, "0") == "" {
		return ""
	}
	return strings.ToLower("00-" + trace + "-" + randomHex(8) + "-" + flags)
}

// accessLog writes one line per request: the route, never the path or the query.
func (s *Server) accessLog(c *gin.Context) {
	begin := time.Now()
	c.Next()
	s.logCall(c, begin)
}

// logCall is a function of its own because its frame is large: a stream stays in
// accessLog for minutes, and what lies on its stack then is multiplied by all streams.
func (s *Server) logCall(c *gin.Context, begin time.Time) {
	data := callOf(c.Request.Context())
	var array [10]slog.Attr
	attributes := append(array[:0],
		slog.String("method", c.Request.Method),
		slog.String("route", c.FullPath()),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(c.Writer.Size(), 0)),
		slog.Duration("duration", time.Since(begin)),
		slog.String("request_id", data.id),
		slog.Attr{Key: "caller", Value: data.caller.LogValue()},
	)
	if data.decision != "" {
		attributes = append(attributes, slog.String("decision", data.decision))
	}
	level := slog.LevelInfo
	if data.err != nil {
		code := gateway.CodeOf(data.err)
		attributes = append(attributes, slog.String("code", string(code)), slog.String("error", data.err.Error()))
		if code == gateway.CodeInternal || code == gateway.CodeNoRecord {
			level = slog.LevelError
		}
	}
	s.Logger.LogAttrs(c.Request.Context(), level, "request", attributes...)
}

// recover turns a panic into an internal error; the stack goes to the log.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		s.Logger.LogAttrs(c.Request.Context(), slog.LevelError, "panic",
			slog.String("route", c.FullPath()), slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
		c.Abort()
		if !c.Writer.Written() {
			s.fail(c, &gateway.Error{Op: "handle request", Code: gateway.CodeInternal, Message: msgInternal, Err: errors.New("panic")})
		}
	}()
	c.Next()
}

func (s *Server) securityHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if s.HSTS {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// limitBody makes reading more than limit bytes an error.
func (s *Server) limitBody(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Body != nil {
			c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
		}
	}
}

// freeBody is how large a body may be without asking for room.
const freeBody = 1 << 20

// hold keeps room for a large body while the request lasts, so that no number of
// callers can fill the memory with bodies that nobody has looked at yet.
func (s *Server) hold(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		size := c.Request.ContentLength
		if size < 0 || size > limit { // unknown: as much as may come
			size = limit
		}
		if size <= freeBody {
			return
		}
		size = min(size, s.MaxBodies)
		ctx, cancel := context.WithTimeout(c.Request.Context(), roomTime)
		defer cancel()
		if err := s.room.Acquire(ctx, size); err != nil {
			c.Header("Connection", "close")
			s.fail(c, &gateway.Error{Op: "keep room for body", Code: gateway.CodeOverloaded, RetryAfter: roomTime, Message: "Gerade werden zu viele große Anfragen bearbeitet. Bitte versuchen Sie es gleich noch einmal."})
			c.Abort()
			return
		}
		data := callOf(c.Request.Context())
		data.held = size
		defer func() { s.room.Release(data.held) }()
		c.Next()
	}
}

// shrink gives back what a body does not need after all.
func (s *Server) shrink(c *gin.Context, size int) {
	data := callOf(c.Request.Context())
	if size <= freeBody {
		size = 0
	}
	if spare := data.held - int64(size); spare > 0 {
		data.held -= spare
		s.room.Release(spare)
	}
}

// roomTime is how long a large body waits for room.
const roomTime = 5 * time.Second

func (s *Server) timeout(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Timeout)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func (s *Server) authenticate(c *gin.Context) {
	ctx := c.Request.Context()
	// Clients of Anthropic send their key in a header of its own.
	if len(c.Request.Header.Values("X-Api-Key")) > 1 {
		s.fail(c, &gateway.Error{Op: "authenticate", Code: gateway.CodeInvalid, Message: "Die Kopfzeile X-Api-Key steht mehrfach in der Anfrage; erwartet wird genau eine."})
		c.Abort()
		return
	}
	if h := c.Request.Header; h.Get("Authorization") == "" && h.Get("X-Api-Key") != "" {
		h.Set("Authorization", "Bearer "+h.Get("X-Api-Key"))
	}
	caller, err := s.Auth.Authenticate(ctx, c.Request)
	if err != nil {
		s.fail(c, err)
		c.Abort()
		return
	}
	callOf(ctx).caller = caller
}

// decided notes the record of a request in the answer and in the log.
func decided(c *gin.Context, id string) {
	if id == "" {
		return
	}
	callOf(c.Request.Context()).decision = id
	if !c.Writer.Written() {
		c.Header(HeaderDecision, id)
	}
}
