// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package mcp speaks the Model Context Protocol in both directions. As a server
// it offers the gateway's own work as tools (completeness check, letter, search,
// norms, classification): each tool is one call of the HTTP interface with the
// caller's own key, so that rights, policies and record are the same and stand
// in one place. As a client it calls tools of other servers that a tenant has
// released: each call goes through the gateway like a call of a model. It runs
// no agent and keeps no session. Start at [Server] and [Client].
package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config of a Server. API and Auth are required.
type Config struct {
	// API is the HTTP interface that the tools call.
	API http.Handler
	// Auth establishes who calls.
	Auth interface {
		Authenticate(ctx context.Context, r *http.Request) (gateway.Caller, error)
	}
	// Released are tools of other servers; nil: none. Gateway takes their calls.
	Released interface {
		Tools(tenant gateway.TenantID) []Released
	}
	Gateway interface {
		Complete(ctx context.Context, r gateway.Request) (*gateway.Response, error)
	}
	Version string
	Logger  *slog.Logger
	// MaxBody bounds a request, default 32 MiB, MaxAnswer what a tool returns,
	// default 8 MiB.
	MaxBody, MaxAnswer int64
	// BodyTimeout bounds receiving a request, default 60 s, Timeout one call of a
	// tool, default 10 min.
	BodyTimeout, Timeout time.Duration
}

// Server answers POST /mcp. It is stateless: any replica may answer.
type Server struct {
	Config
	handler http.Handler
}

// NewServer checks the configuration.
func NewServer(c Config) (*Server, error) {
	if c.API == nil || c.Auth == nil {
		return nil, errors.New("mcp: API and Auth are required")
	}
	if c.Released != nil && c.Gateway == nil {
		return nil, errors.New("mcp: released tools need the Gateway")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 32 << 20
	}
	if c.MaxAnswer <= 0 {
		c.MaxAnswer = 8 << 20
	}
	if c.BodyTimeout <= 0 {
		c.BodyTimeout = time.Minute
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Minute
	}
	s := &Server{Config: c}
	s.handler = sdk.NewStreamableHTTPHandler(s.serverFor, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, MaxRequestBodyBytes: c.MaxBody, PropagateRequestCancellation: true,
		// The host is checked by whoever ends TLS; every request carries a key, so
		// that a page in a browser cannot call in somebody's name.
		DisableLocalhostProtection: true,
	})
	return s, nil
}

type callerKey struct{}

// ServeHTTP lets in who has a key.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := s.Auth.Authenticate(r.Context(), r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ki-schleuse"`)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Der Schlüssel fehlt oder ist ungültig: Authorization: Bearer slz_…"}}`))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(s.BodyTimeout)) // not every server has deadlines
	r.Body = &timedBody{ReadCloser: r.Body, control: control}
	s.handler.ServeHTTP(w, r)
}

// timedBody takes the deadline off when all has arrived. After a failure it
// stays, so that the rest of the body holds nothing up.
type timedBody struct {
	io.ReadCloser

	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

const instructions = "KI-Schleuse: Werkzeuge für die Sachbearbeitung. Jeder Aufruf wird nach den Regeln des Datenschutzes und der KI-Verordnung entschieden und protokolliert. " +
	"Ergebnisse sind Arbeitshilfen: Entscheidungen trifft ein Mensch."

// serverFor makes the server of one request: its tools are those of its caller.
func (s *Server) serverFor(r *http.Request) *sdk.Server {
	caller, ok := r.Context().Value(callerKey{}).(gateway.Caller)
	if !ok {
		return nil
	}
	server := sdk.NewServer(&sdk.Implementation{Name: "ki-schleuse", Title: "KI-Schleuse", Version: s.Version},
		&sdk.ServerOptions{Instructions: instructions, Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
			// The list is that of one caller: no cache between may hand it to another.
			SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.CacheScope, c.TTLMs = "private", 0 },
		})
	for _, t := range tools() {
		server.AddTool(&sdk.Tool{Name: t.name, Title: t.title, Description: t.description, InputSchema: t.schema, Annotations: t.hints()}, s.safely(r, s.call(r, t)))
	}
	if s.Released != nil {
		for _, t := range s.Released.Tools(caller.Tenant) {
			server.AddTool(&sdk.Tool{Name: t.Name, Title: t.Title, Description: t.Description, InputSchema: t.Schema}, s.safely(r, s.pass(r, caller, t)))
		}
	}
	return server
}

// safely bounds a call in time and turns a panic into a refusal: calls run in
// goroutines of their own, where one would end the process.
func (s *Server) safely(outer *http.Request, handle sdk.ToolHandler) sdk.ToolHandler {
	return func(ctx context.Context, q *sdk.CallToolRequest) (result *sdk.CallToolResult, err error) {
		ctx, cancel := withBoth(ctx, outer.Context(), s.Timeout)
		defer cancel()
		defer func() {
			if v := recover(); v != nil { // what it panicked with may be content
				s.Logger.LogAttrs(ctx, slog.LevelError, "panic", slog.String("tool", q.Params.Name), slog.String("type", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
				result, err = refused(nil), nil
			}
		}()
		return handle(ctx, q)
	}
}

// call is one call of the HTTP interface in the caller's name.
func (s *Server) call(outer *http.Request, t tool) sdk.ToolHandler {
	return func(ctx context.Context, q *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		arguments := q.Params.Arguments
		if len(arguments) == 0 {
			arguments = json.RawMessage("{}")
		}
		r, err := t.request(ctx, arguments)
		if err != nil {
			return refused(err), nil
		}
		carryOver(r, outer)
		if t.purpose != "" && r.Header.Get("Schleuse-Purpose") == "" {
			r.Header.Set("Schleuse-Purpose", string(t.purpose))
		}
		answer := &recorder{header: http.Header{}, limit: s.MaxAnswer}
		s.API.ServeHTTP(answer, r)
		return answer.result(), nil
	}
}

// carried are the headers of the outer request that count for the inner one.
var carried = [...]string{
	"Authorization", "Schleuse-User", "Schleuse-Principals", "Schleuse-Purpose", "Schleuse-Service", "Schleuse-Case",
	"Schleuse-Data-Class", "Schleuse-Conversation", "X-Request-Id", "Traceparent",
}

func carryOver(inner, outer *http.Request) {
	for _, name := range carried {
		if values := outer.Header.Values(name); values != nil {
			inner.Header[name] = slices.Clone(values)
		}
	}
	inner.RemoteAddr, inner.TLS, inner.Host = outer.RemoteAddr, outer.TLS, outer.Host
}

// withBoth ends with the first of two contexts, or in time: older versions of the
// protocol detach a call from its request.
func withBoth(ctx, second context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	stop := context.AfterFunc(second, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// pass sends a call of a released tool through the gateway.
func (s *Server) pass(outer *http.Request, caller gateway.Caller, t Released) sdk.ToolHandler {
	return func(ctx context.Context, q *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		body, err := toolBody(t, q.Params.Arguments)
		if err != nil {
			return refused(err), nil
		}
		said, err := matterOf(q.Params.Meta, outer.Header)
		if err != nil {
			return refused(err), nil
		}
		if said.Purpose == "" {
			said.Purpose = t.Purpose
		}
		answer, err := s.Gateway.Complete(ctx, gateway.Request{
			Caller: caller, Operation: gateway.OperationTool, Purpose: said.Purpose, Service: said.Service,
			Case: said.Case, DataClass: said.DataClass, Entities: said.Entities, Model: t.Model, Body: body,
		})
		if err != nil {
			return refused(err), nil
		}
		return remoteResult(answer)
	}
}

// refused is a refusal that the model and the person behind it can read.
func refused(err error) *sdk.CallToolResult {
	text := "Der Aufruf konnte nicht bearbeitet werden."
	var known *gateway.Error
	if errors.As(err, &known) && known.Message != "" {
		text = known.Message
		if known.Path != "" {
			text = known.Path + ": " + text
		}
		if known.RequestID != "" {
			text += fmt.Sprintf(" (Vorgang %s)", known.RequestID)
		}
	}
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}
