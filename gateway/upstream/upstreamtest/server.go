// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package upstreamtest is an OpenAI-compatible model server for tests and
// benchmarks: deterministic answers, every defect real servers were seen with,
// and a record of what arrived. It computes nothing and is no model. Start with
// [Start] in a test, or use a [Server] as http.Handler.
package upstreamtest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// Server answers the paths of the OpenAI interface: /v1/chat/completions,
// /v1/completions, /v1/embeddings, /v1/rerank, /v1/audio/transcriptions and
// /v1/models.
// The zero value is ready and well-behaved.
type Server struct {
	// URL is the base URL including /v1, set by Start.
	URL string

	mu        sync.Mutex
	next      []Behaviour
	standard  Behaviour
	requests  []Request
	inflight  int
	abandoned chan struct{}
	gone      int
	opened    int
}

// Request is what arrived.
type Request struct {
	Method, Path string
	Proto        string // "HTTP/1.1" or "HTTP/2.0"
	Header       http.Header
	Body         []byte
}

// Behaviour is how the server treats a request.
type Behaviour struct {
	// Status, Header and Body replace the answer when Status is not 0.
	Status int
	Header map[string]string
	Body   string
	// Raw is written as the event stream, byte for byte, when it is not empty.
	Raw string
	// Text replaces the echo of the last user message.
	Text string
	// Latency is waited before the status line, FirstByte after it, Gap between events.
	Latency, FirstByte, Gap time.Duration
	// Hold, if not nil, is received from before each event after the first.
	Hold <-chan struct{}
	// Gzip packs the answer, LineEnd replaces "\n" in streams.
	Gzip    bool
	LineEnd string
	// KeepAlive sends a comment line before each event.
	KeepAlive bool
	Defect    Defect
}

// Defect is something that goes wrong, or that clients get wrong.
type Defect string

// Defects. Those marked legal must not harm a good client.
const (
	Drop       Defect = "drop"         // the connection breaks in the middle
	NoDone     Defect = "no_done"      // the stream ends in order, but without [DONE]
	NoFinish   Defect = "no_finish"    // [DONE] without finish_reason
	HalfFinish Defect = "half_finish"  // of two choices only one is finished
	ErrorEvent Defect = "error_event"  // an error object in the middle of the stream
	BareError  Defect = "bare_error"   // the same without "data:"
	NamedError Defect = "named_error"  // "event: error" with an object of another shape
	BrokenJSON Defect = "broken_json"  // one event is cut
	Silent     Defect = "silent"       // nothing more comes in the middle, the connection stays
	ErrorIn200 Defect = "error_in_200" // a plain answer with status 200 that is an error object
	PlainJSON  Defect = "plain_json"   // a stream was asked for, a plain answer comes
	HTMLPage   Defect = "html_page"    // 502 with the page of a proxy
	CutBody    Defect = "cut_body"     // a plain answer shorter than its Content-Length
	EarlyDone  Defect = "early_done"   // [DONE] as first event
	Reset      Defect = "reset"        // the connection is reset in the middle (RST)
	HalfClosed Defect = "half_closed"  // the server ends its direction in the middle and keeps listening
	SlowHeader Defect = "slow_header"  // the header of the answer comes byte by byte and never ends
	WrongType  Defect = "wrong_type"   // events that are called text/html

	EarlyHints    Defect = "early_hints"    // legal: 103 before the answer
	Trailer       Defect = "trailer"        // legal: a header field behind the body
	DoubleDone    Defect = "double_done"    // legal: [DONE] twice
	AfterDone     Defect = "after_done"     // legal: an event and an error after [DONE]
	CommentFlood  Defect = "comment_flood"  // legal: 64 KiB of comments before each event
	NoNewline     Defect = "no_newline"     // legal: nothing ends the last line
	Together      Defect = "together"       // legal: one event holds all choices
	UsageOften    Defect = "usage_often"    // legal: each event reports usage so far
	NegativeUsage Defect = "negative_usage" // legal: a count below zero
	HugeUsage     Defect = "huge_usage"     // legal: a count no answer can have

	ByteByByte  Defect = "byte_by_byte" // legal: one byte per write
	LongLine    Defect = "long_line"    // legal: one event of 200 KiB
	NoUsage     Defect = "no_usage"     // legal: usage is not reported
	OpenEnd     Defect = "open_end"     // legal: the connection stays open after [DONE]
	EmptyStart  Defect = "empty_start"  // legal: a first event with empty choices
	ByteOrder   Defect = "byte_order"   // legal: byte order mark, several data lines in one event
	FinishEmpty Defect = "finish_empty" // legal: finish_reason "" until the end
)

// Start runs a Server on a loopback port until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("listen: %v", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String() + "/v1"}
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ConnState: s.count}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = h.Serve(listener)
	}()
	tb.Cleanup(func() {
		_ = h.Close()
		<-done
	})
	return s
}

func (s *Server) count(_ net.Conn, state http.ConnState) {
	if state != http.StateNew {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
}

// Connections is the number of connections that were opened.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Always sets how requests are treated from now on.
func (s *Server) Always(b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standard = b
}

// Next sets how the next requests are treated, one Behaviour each.
func (s *Server) Next(b ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, b...)
}

// Requests returns what has arrived so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Last returns the latest request; the zero Request when there was none.
func (s *Server) Last() Request {
	all := s.Requests()
	if len(all) == 0 {
		return Request{}
	}
	return all[len(all)-1]
}

// Inflight is the number of requests being answered.
func (s *Server) Inflight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inflight
}

// Abandoned is the number of requests whose client went away before the end.
func (s *Server) Abandoned() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// WaitAbandoned waits until a client has gone away, at most for d.
func (s *Server) WaitAbandoned(d time.Duration) bool {
	select {
	case <-s.signal():
		return true
	case <-time.After(d):
		return false
	}
}

func (s *Server) signal() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.abandoned == nil {
		s.abandoned = make(chan struct{})
	}
	return s.abandoned
}

// maxBody bounds what a test can send.
const maxBody = 128 << 20

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	b := s.begin(Request{Method: r.Method, Path: r.URL.Path, Proto: r.Proto, Header: r.Header.Clone(), Body: body})
	defer s.finish(r)
	a := &answering{w: w, r: r, b: b, body: body}
	a.flusher, _ = w.(http.Flusher)
	if !a.wait(b.Latency) {
		return
	}
	if !a.before() {
		return
	}
	if b.Status != 0 {
		a.canned()
		return
	}
	a.route()
}

func (s *Server) begin(r Request) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	s.inflight++
	if len(s.next) == 0 {
		return s.standard
	}
	b := s.next[0]
	s.next = s.next[1:]
	return b
}

func (s *Server) finish(r *http.Request) {
	signal := s.signal()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inflight--
	if r.Context().Err() == nil {
		return
	}
	s.gone++
	if s.gone == 1 {
		close(signal)
	}
}

// answering is one request being answered.
type answering struct {
	w       http.ResponseWriter
	r       *http.Request
	b       Behaviour
	body    []byte
	flusher http.Flusher
}

// wait sleeps and reports whether the client is still there.
func (a *answering) wait(d time.Duration) bool {
	if d <= 0 {
		return a.r.Context().Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-a.r.Context().Done():
		return false
	}
}

func (a *answering) canned() {
	if a.b.Header["Content-Type"] == "" {
		a.w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range a.b.Header {
		a.w.Header().Set(name, value)
	}
	a.w.WriteHeader(a.b.Status)
	_, _ = io.WriteString(a.w, a.b.Body)
}

func (a *answering) route() {
	switch a.r.Method + " " + a.r.URL.Path {
	case "POST /v1/chat/completions":
		a.chat()
	case "POST /v1/completions":
		a.completion()
	case "POST /v1/rerank":
		a.rerank()
	case "POST /v1/audio/transcriptions":
		a.transcription()
	case "POST /v1/embeddings":
		a.embeddings()
	case "GET /v1/models":
		a.plain(map[string]any{"object": "list", "data": []any{
			map[string]any{"id": "mock", "object": "model", "created": 1767225600, "owned_by": "upstreamtest"},
			map[string]any{"id": "mock-embed", "object": "model", "created": 1767225600, "owned_by": "upstreamtest"},
		}})
	default:
		a.refuse(http.StatusNotFound, "unknown path")
	}
}

func (a *answering) refuse(status int, message string) {
	a.b = Behaviour{Status: status, Body: string(encode(map[string]any{
		"error": map[string]any{"message": message, "type": "invalid_request_error", "param": nil, "code": nil},
	}))}
	a.canned()
}

// encode marshals what this package built itself.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return raw
}
