// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package httpapi is the transport: it turns HTTP into one call of the gateway,
// of the completeness check or of the drafting, and the result back into HTTP.
// It decides nothing: no policy, no route and no record happens here. Start at
// [Server.routes], the list of everything that can be called; a handler decodes,
// makes one call and encodes. problem.go is the only place where an error
// becomes a status.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

// Config holds the parts behind the routes. Gateway, Auth and Models are
// required; a route whose part is nil answers that it is not set up here.
type Config struct {
	Gateway Pipeline
	Auth    Authenticator
	Models  Models

	Checker Checker
	Drafter Drafter
	// Shelf keeps reports and drafts for Keep; default: in memory, for an hour.
	Shelf     shelf.Store
	Keep      time.Duration
	Retriever gateway.Retriever
	Decisions Decisions
	// Proofs prove the record to auditors.
	Proofs   Proofs
	Services Services
	// Releases keeps what people said of results.
	Releases Releases
	// Usage tells what was used and what is left.
	Usage Usage
	// Norms knows statutes, Classifier the classes of the AI Act.
	Norms      Norms
	Classifier Classifier
	// Tenants manages tenants and their keys.
	Tenants *identity.Registry
	// Launches gives out launch tickets for the panel; PublicURL stands before
	// their path, for example https://schleuse.example. Empty: the address in the
	// answer is relative to that of the call.
	Launches  *identity.Launches
	PublicURL string
	// Ready are the checks behind /readyz.
	Ready []ReadyCheck

	Logger *slog.Logger     // default: discard
	Now    func() time.Time // default: time.Now
	// NewRequestID names a request in the technical log; default: random.
	NewRequestID func() string

	// MaxBody bounds a JSON body; default 16 MiB. MaxUpload bounds a check with
	// documents; default 96 MiB.
	MaxBody, MaxUpload int64
	// MaxBodies bounds all bodies above 1 MiB that are held at once; default 512 MiB.
	MaxBodies int64
	// Timeout bounds everything that is no stream; default 10 min.
	Timeout time.Duration
	// BodyTimeout bounds receiving a body; default 60 s.
	BodyTimeout time.Duration
	// Heartbeat is the pause after which a silent stream gets a comment; default 15 s.
	Heartbeat time.Duration
	// WriteTimeout bounds writing one event to a client that does not read; default 60 s.
	WriteTimeout time.Duration
	// HSTS says that the server is reached through TLS only.
	HSTS bool
}

// Authenticator establishes who calls, never from the body.
type Authenticator interface {
	Authenticate(ctx context.Context, r *http.Request) (gateway.Caller, error)
}

// Models lists the models a caller may see.
type Models interface {
	Models(ctx context.Context, caller gateway.Caller) []gateway.ModelCard
}

// Aliases is what Models may offer beside: names that stand for models.
type Aliases interface {
	Aliases(ctx context.Context, caller gateway.Caller) []Alias
}

// Alias is a name under which a request may ask for one of several models.
type Alias struct {
	ID gateway.ModelID `json:"id"`
	// Models are those behind it that the caller may see.
	Models []gateway.ModelID `json:"alias_of"`
}

// Services lists the public services there are rules for.
type Services interface {
	Cards() []gateway.ServiceCard
}

// ReadyCheck is one condition for taking requests.
type ReadyCheck struct {
	Name  string
	Check func(context.Context) error
	// Warning: that it fails is shown, and requests are taken all the same.
	Warning bool
}

// Server is the HTTP interface. It is safe for concurrent use.
type Server struct {
	Config
	engine   *gin.Engine
	openapi  []byte
	draining atomic.Bool
	room     *semaphore.Weighted // for large bodies
	rooms    sync.Pool           // for events, see eventWriter
}

// New checks the configuration and builds the routes.
func New(c Config) (*Server, error) {
	if c.Gateway == nil || c.Auth == nil || c.Models == nil {
		return nil, errors.New("httpapi: Gateway, Auth and Models are required")
	}
	s := &Server{Config: c.withDefaults()}
	s.room = semaphore.NewWeighted(s.MaxBodies)
	document, err := openAPIDocument()
	if err != nil {
		return nil, fmt.Errorf("httpapi: %w", err)
	}
	s.openapi = document
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.ContextWithFallback = true
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	if err := e.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("httpapi: trusted proxies: %w", err)
	}
	e.Use(s.requestID, s.accessLog, s.recover, s.securityHeaders)
	e.NoRoute(s.notFound)
	e.NoMethod(s.wrongMethod)
	for _, r := range s.routes() {
		e.Handle(r.method, r.path, s.chain(r)...)
	}
	s.engine = e
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewRequestID == nil {
		c.NewRequestID = randomID
	}
	if c.MaxBody <= 0 {
		c.MaxBody = gateway.MaxBodyBytes
	}
	if c.MaxBodies <= 0 {
		c.MaxBodies = 512 << 20
	}
	if c.MaxUpload <= 0 {
		c.MaxUpload = 96 << 20
	}
	durations := []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&c.Timeout, 10 * time.Minute},
		{&c.BodyTimeout, time.Minute},
		{&c.Heartbeat, 15 * time.Second},
		{&c.WriteTimeout, time.Minute},
	}
	for _, d := range durations {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	if c.Shelf == nil {
		c.Shelf = shelf.Memory(2000, c.Now)
	}
	if c.Keep <= 0 {
		c.Keep = time.Hour
	}
	return c
}

// route is one entry of the list.
type route struct {
	method, path string
	handle       gin.HandlerFunc
	// open routes need no key.
	open bool
	// limit of the body in bytes; 0: no body is read.
	limit int64
	// streams are not bounded by Config.Timeout as a whole.
	streams bool
}

// routes is everything that can be called.
func (s *Server) routes() []route {
	return slices.Concat(s.tenantRoutes(), s.auditRoutes(), []route{
		{method: "POST", path: "/v1/chat/completions", handle: s.chat, limit: s.MaxBody, streams: true},
		{method: "POST", path: "/v1/responses", handle: s.responses, limit: s.MaxBody, streams: true},
		{method: "POST", path: "/v1/messages", handle: s.messages, limit: s.MaxBody, streams: true},
		{method: "POST", path: "/v1/messages/count_tokens", handle: s.countTokens, limit: s.MaxBody},
		{method: "POST", path: "/anthropic/v1/messages", handle: s.messages, limit: s.MaxBody, streams: true},
		{method: "POST", path: "/anthropic/v1/messages/count_tokens", handle: s.countTokens, limit: s.MaxBody},
		{method: "POST", path: "/v1/completions", handle: s.completions, limit: s.MaxBody, streams: true},
		{method: "POST", path: "/v1/rerank", handle: s.rerank, limit: s.MaxBody},
		{method: "POST", path: "/v2/rerank", handle: s.rerank, limit: s.MaxBody},
		{method: "POST", path: "/v1/audio/transcriptions", handle: s.transcriptions, limit: s.MaxUpload},
		{method: "POST", path: "/v1/embeddings", handle: s.embeddings, limit: s.MaxBody},
		{method: "GET", path: "/v1/models", handle: s.openAIModels},
		{method: "GET", path: "/v1/models/*id", handle: s.openAIModel},

		{method: "POST", path: "/api/v1/checks", handle: s.createCheck, limit: s.MaxUpload},
		{method: "POST", path: "/api/v1/drafts", handle: s.createDraft, limit: s.MaxBody},
		{method: "GET", path: "/api/v1/drafts/:file", handle: s.getDraft},
		{method: "POST", path: "/api/v1/drafts/:file/release", handle: s.releaseDraft, limit: 64 << 10},
		{method: "POST", path: "/api/v1/tickets", handle: s.createTicket, limit: 64 << 10},
		{method: "POST", path: "/api/v1/search", handle: s.search, limit: 64 << 10},
		{method: "POST", path: "/api/v1/norms/search", handle: s.searchNorms, limit: 64 << 10},
		{method: "POST", path: "/api/v1/classifications", handle: s.classify, limit: 64 << 10},
		{method: "GET", path: "/api/v1/decisions", handle: s.listDecisions},
		{method: "GET", path: "/api/v1/decisions/:id", handle: s.getDecision},
		{method: "POST", path: "/api/v1/decisions/:id/release", handle: s.releaseDecision, limit: 64 << 10},
		{method: "GET", path: "/api/v1/models", handle: s.listModels},
		{method: "GET", path: "/api/v1/usage", handle: s.getUsage},
		{method: "GET", path: "/api/v1/limits", handle: s.getLimits},
		{method: "GET", path: "/api/v1/notices", handle: s.getNotices},
		{method: "GET", path: "/api/v1/services", handle: s.listServices},
		{method: "GET", path: "/api/v1/services/:id", handle: s.getService},

		{method: "GET", path: "/api/openapi.json", handle: s.openAPI, open: true},
		{method: "GET", path: "/healthz", handle: s.health, open: true},
		{method: "GET", path: "/readyz", handle: s.ready, open: true},
	})
}

// Routes lists "METHOD /path" of everything that can be called.
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

// chain is what stands between the engine and a handler.
func (s *Server) chain(r route) []gin.HandlerFunc {
	var chain []gin.HandlerFunc
	if !r.streams {
		chain = append(chain, s.timeout)
	}
	chain = append(chain, s.limitBody(r.limit))
	if !r.open {
		chain = append(chain, s.authenticate)
	}
	if r.limit > freeBody {
		chain = append(chain, s.hold(r.limit))
	}
	return append(chain, r.handle)
}

// Hold keeps room for the large bodies of another handler, as for those of the
// routes, and bounds them.
func (s *Server) Hold(next http.Handler, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := r.ContentLength
		if size < 0 || size > limit {
			size = limit
		}
		if size > freeBody {
			size = min(size, s.MaxBodies)
			ctx, cancel := context.WithTimeout(r.Context(), roomTime)
			defer cancel()
			if s.room.Acquire(ctx, size) != nil {
				http.Error(w, "Gerade werden zu viele große Anfragen bearbeitet.", http.StatusServiceUnavailable)
				return
			}
			defer s.room.Release(size)
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Drain makes /readyz answer that no new requests should come, and every answer
// from now on end its connection. Streams under way go on.
func (s *Server) Drain() { s.draining.Store(true) }

// HTTPServer is an http.Server for the handler with timeouts that fit streams:
// nothing bounds a whole stream, whose writer sets a deadline for each event;
// everything else is bounded, also a client that does not read its answer.
func (s *Server) HTTPServer(address string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout:      s.BodyTimeout + s.Timeout + s.WriteTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}
}
