// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package mock is a model server for measuring gateways. It computes nothing: it
// waits as long as it was told and writes prepared bytes, whole, in pieces or
// with one of the faults of real servers. It is no test double of the product's
// own tests, which script single exchanges; here a running server is told from
// outside, through [Control], how to behave from now on. Start at [Server].
package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"
)

// Fault is what goes wrong at the server. A number from 400 to 599 is a refusal
// with that status.
type Fault string

// Faults.
const (
	FaultNone       Fault = ""
	FaultHang       Fault = "hang"        // accepts and never answers
	FaultDie        Fault = "die"         // stream: the connection breaks half way
	FaultErrorEvent Fault = "error-event" // stream: an error object half way, then the end
	FaultBytewise   Fault = "bytewise"    // stream: every byte is a write of its own
	FaultNoUsage    Fault = "no-usage"    // stream: no usage although it was asked for
	FaultRateLimit  Fault = "rate-limit"  // 429 with Retry-After: 1
	FaultFlaky      Fault = "flaky"       // 503, then an answer, in turn
	FaultNoDone     Fault = "no-done"     // stream: ends after finish_reason without [DONE]
	FaultNoFinish   Fault = "no-finish"   // stream: [DONE] without finish_reason
	FaultBroken     Fault = "broken"      // stream: one event is no JSON
	FaultLongLine   Fault = "long-line"   // stream: one event is longer than 64 KiB
	FaultTools      Fault = "tools"       // stream: two tool calls, their pieces interleaved
	FaultGzip       Fault = "gzip"        // the answer comes packed, asked for or not
	FaultUsageLast  Fault = "usage-last"  // stream: usage in the event of finish_reason, none after it
)

func (f Fault) valid() bool {
	switch f {
	case FaultNone, FaultHang, FaultDie, FaultErrorEvent, FaultBytewise, FaultNoUsage, FaultRateLimit, FaultFlaky,
		FaultNoDone, FaultNoFinish, FaultBroken, FaultLongLine, FaultTools, FaultGzip, FaultUsageLast:
		return true
	}
	return f.status() != 0
}

// status of a refusal, 0 when the fault is none.
func (f Fault) status() int {
	n, err := strconv.Atoi(string(f))
	if err != nil || n < 400 || n > 599 {
		return 0
	}
	return n
}

// Settings are how the server behaves until it is told otherwise.
type Settings struct {
	// Latency of an answer that is no stream.
	Latency time.Duration
	// FirstToken is the time to the first event of a stream, Gap that between two.
	FirstToken, Gap time.Duration
	// Tokens are the words of an answer, each an event of a stream.
	Tokens int
	Fault  Fault
}

const (
	maxTokens = 100_000
	maxWait   = 10 * time.Minute
)

// Values are the settings as a query.
func (s Settings) Values() url.Values {
	return url.Values{
		"latency": {s.Latency.String()}, "ttft": {s.FirstToken.String()}, "gap": {s.Gap.String()},
		"tokens": {strconv.Itoa(s.Tokens)}, "fault": {string(s.Fault)},
	}
}

// change takes over what the query names.
func (s Settings) change(q url.Values) (Settings, error) {
	for name, field := range map[string]*time.Duration{"latency": &s.Latency, "ttft": &s.FirstToken, "gap": &s.Gap} {
		if !q.Has(name) {
			continue
		}
		d, err := time.ParseDuration(q.Get(name))
		if err != nil || d < 0 || d > maxWait {
			return s, fmt.Errorf("%s: %q is no time up to %s", name, q.Get(name), maxWait)
		}
		*field = d
	}
	if q.Has("tokens") {
		n, err := strconv.Atoi(q.Get("tokens"))
		if err != nil || n < 1 || n > maxTokens {
			return s, fmt.Errorf("tokens: %q is no number from 1 to %d", q.Get("tokens"), maxTokens)
		}
		s.Tokens = n
	}
	if q.Has("fault") {
		s.Fault = Fault(q.Get("fault"))
	}
	if !s.Fault.valid() {
		return s, fmt.Errorf("fault: %q is unknown", s.Fault)
	}
	return s, nil
}

// Stats count what arrived since the last reset.
type Stats struct {
	Requests int64 `json:"requests"`
	Streams  int64 `json:"streams"`
	// Aborted are requests whose client left before the answer was whole.
	Aborted  int64 `json:"aborted"`
	InFlight int64 `json:"in_flight"`
	BytesIn  int64 `json:"bytes_in"`
}

// Last is the last request as the server saw it.
type Last struct {
	Path   string      `json:"path"`
	Proto  string      `json:"proto"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
}

// Server is the model server. It is safe for concurrent use.
type Server struct {
	settings  atomic.Pointer[Settings]
	last      atomic.Pointer[Last]
	embedding []byte
	turn      atomic.Int64

	requests, streams, aborted, inFlight, bytesIn atomic.Int64
}

// maxKept bounds the body that is kept as the last one, maxBody what is read.
const (
	maxKept = 64 << 10
	maxBody = 64 << 20
)

// New returns a server that answers at once with 50 words.
func New() *Server {
	s := &Server{embedding: embedding(1024)}
	s.settings.Store(&Settings{Tokens: 50})
	s.last.Store(&Last{})
	return s
}

// Handler has the routes of a model server, with and without /v1, and those of
// the control: POST /control/settings?…, GET /control/stats, GET /control/last,
// POST /control/reset.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range []string{"", "/v1"} {
		mux.HandleFunc("POST "+prefix+"/chat/completions", s.counted(s.chat))
		mux.HandleFunc("POST "+prefix+"/embeddings", s.counted(s.embeddings))
		mux.HandleFunc("POST "+prefix+"/responses", s.counted(s.responses))
		mux.HandleFunc("POST "+prefix+"/rerank", s.counted(s.rerank))
		mux.HandleFunc("GET "+prefix+"/models", s.models)
	}
	mux.HandleFunc("POST /control/settings", s.change)
	mux.HandleFunc("GET /control/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.stats()) })
	mux.HandleFunc("GET /control/last", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.last.Load()) })
	mux.HandleFunc("POST /control/reset", func(http.ResponseWriter, *http.Request) { s.reset() })
	return mux
}

func (s *Server) change(w http.ResponseWriter, r *http.Request) {
	next, err := s.settings.Load().change(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.settings.Store(&next)
}

func (s *Server) stats() Stats {
	return Stats{
		Requests: s.requests.Load(), Streams: s.streams.Load(), Aborted: s.aborted.Load(),
		InFlight: s.inFlight.Load(), BytesIn: s.bytesIn.Load(),
	}
}

func (s *Server) reset() {
	for _, n := range []*atomic.Int64{&s.requests, &s.streams, &s.aborted, &s.bytesIn, &s.turn} {
		n.Store(0)
	}
	s.last.Store(&Last{})
}

// exchange is one request to a model with the settings that hold for it.
type exchange struct {
	Settings
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	body []byte
}

// counted reads the body, keeps it and answers with what is common to all routes.
func (s *Server) counted(answer func(exchange)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		body, err := readBody(r)
		s.bytesIn.Add(int64(len(body)))
		if err != nil {
			s.aborted.Add(1)
			return
		}
		if len(body) <= maxKept {
			s.last.Store(&Last{Path: r.URL.Path, Proto: r.Proto, Header: r.Header.Clone(), Body: string(body)})
		}
		x := exchange{Settings: *s.settings.Load(), s: s, w: w, r: r, body: body}
		if !x.refused() {
			answer(x)
		}
	}
}

// readBody allocates once when the length is known.
func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength < 0 {
		return io.ReadAll(io.LimitReader(r.Body, maxBody))
	}
	if r.ContentLength > maxBody {
		return nil, errors.New("body too large")
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// refused answers with the faults that leave no answer.
func (x *exchange) refused() bool {
	status := x.Fault.status()
	switch x.Fault { //nolint:exhaustive // the others leave an answer
	case FaultHang:
		<-x.r.Context().Done()
		x.s.aborted.Add(1)
		return true
	case FaultRateLimit:
		x.w.Header().Set("Retry-After", "1")
		status = http.StatusTooManyRequests
	case FaultFlaky:
		if x.s.turn.Add(1)%2 == 1 {
			status = http.StatusServiceUnavailable
		}
	}
	if status == 0 {
		return false
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	fmt.Fprintf(x.w, `{"error":{"message":"mock error %d","type":"mock_error","param":null,"code":"mock_%d"}}`, status, status)
	return true
}

// wait returns false when the client has left meanwhile.
func (x *exchange) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
		x.s.aborted.Add(1)
		return false
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(raw) // the client may have left
}
