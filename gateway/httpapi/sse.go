// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// streamChat writes an answer event by event. [DONE] is written only when the
// gateway says that the answer is complete; everything else ends with one error
// event, so that no client takes half a letter for a whole one.
func (s *Server) streamChat(c *gin.Context, r *gateway.Request) {
	ctx := c.Request.Context()
	r.ID = gateway.NewID(s.Now())
	w := s.newEventWriter(c, r.ID, silence)
	defer w.stop()
	stream, err := s.open(ctx, r)
	if err != nil {
		s.failStream(c, w, err, appendError)
		return
	}
	defer func() { _ = stream.Close() }() // what matters of it has been returned by Next
	callOf(ctx).decision = r.ID
	if err := copyEvents(w, stream); err != nil {
		s.failStream(c, w, err, appendError)
		return
	}
	w.stop()
	callOf(ctx).err = w.err
}

// open begins a stream.
//
//go:noinline // else the copy of the request lies on the stack of a stream while it waits
func (s *Server) open(ctx context.Context, r *gateway.Request) (Stream, error) {
	return s.Gateway.Stream(ctx, *r)
}

// copyEvents returns nil after [DONE] was accepted, else the error that ended the answer.
func copyEvents(w *eventWriter, stream Stream) error {
	w.gather(stream)
	for {
		event, err := stream.Next()
		if errors.Is(err, io.EOF) {
			w.pending = appendEvent(w.next(), done)
			return w.finish(stream)
		}
		if err != nil {
			return err
		}
		w.pending = appendEvent(w.next(), event)
		if err := w.added(); err != nil {
			return err
		}
	}
}

// What is said in the format of OpenAI besides events of the model.
var (
	silence = []byte(": warten\n\n")
	done    = []byte("[DONE]")
)

// failStream answers with a status while nothing has been sent, else with an
// error event, which take appends.
func (s *Server) failStream(c *gin.Context, w *eventWriter, err error, take func([]byte, error) []byte) {
	w.stop()
	if !w.begun {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	callOf(ctx).err = err
	if ctx.Err() == nil {
		w.pending = take(w.next(), err)
		_ = w.flush() // the client may have left; the error is in the log
	}
}

// appendError appends the error event that takes the place of [DONE].
func appendError(out []byte, err error) []byte {
	raw, encodeErr := marshal(toOpenAI(public(err)))
	if encodeErr != nil {
		raw = []byte(`{"error":{"message":"Interner Fehler","type":"server_error","param":null,"code":"internal"}}`)
	}
	return appendEvent(out, raw)
}

func appendEvent(out, data []byte) []byte {
	out = append(out, "data: "...)
	start := len(out)
	out = append(out, data...)
	if bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0 {
		oneLine(out[start:])
	}
	return append(out, '\n', '\n')
}

// oneLine: a line break in JSON stands between tokens only and would end the event.
func oneLine(b []byte) {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
}

// eventWriter writes server-sent events and keeps the connection alive while
// there are none, also while the model has not answered at all: then the status
// goes out with the first sign of life. Events are gathered until the stream is
// about to wait for the model, so that a fast model does not cost a system call
// for each word, and a slow one is not held back. The handler itself writes: to
// wake another goroutine for it costs more than the write.
type eventWriter struct {
	out       gin.ResponseWriter
	control   *http.ResponseController
	decision  string
	silence   []byte // the sign of life in the format of the answer
	timeout   time.Duration
	heartbeat time.Duration

	pending []byte // events that are not written yet; of the handler alone
	room    *room  // where they lie
	rooms   *sync.Pool
	gathers bool // the stream says when it waits
	along   bool // what comes last may travel with the end of the body

	mu       sync.Mutex
	timer    *time.Timer // for the next sign of life
	last     time.Time   // when something was written
	deadline time.Time   // until when a write may take
	stopped  bool
	final    bool  // nothing comes any more
	begun    bool  // status and header are sent; read after stop
	err      error // why writing failed; read after stop
}

// maxPending is how much is gathered before it is written in any case: with one
// more event it still fits into the 4 KB that net/http writes at once.
const maxPending = 3600

func (s *Server) newEventWriter(c *gin.Context, decision string, silence []byte) *eventWriter {
	w := &eventWriter{
		out: c.Writer, control: http.NewResponseController(bare(c.Writer)), decision: decision, silence: silence, rooms: &s.rooms,
		timeout: s.WriteTimeout, heartbeat: s.Heartbeat, last: time.Now(),
	}
	// A server with a limit of its own sets it anew for the next request.
	server, _ := c.Request.Context().Value(http.ServerContextKey).(*http.Server)
	w.along = server != nil && server.WriteTimeout > 0
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.heartbeat, w.breathe)
	return w
}

// bare is the writer of the server: gin's loses the errors of Flush.
func bare(w http.ResponseWriter) http.ResponseWriter {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = outer.Unwrap()
	}
}

// gather lets the stream say when gathered events are due.
func (w *eventWriter) gather(stream Stream) {
	if s, ok := stream.(interface{ BeforeWait(f func()) bool }); ok {
		w.gathers = s.BeforeWait(func() { _ = w.flush() }) // a failure is kept
	}
}

// breathe gives a sign of life when nothing was written for a while.
func (w *eventWriter) breathe() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.err != nil {
		return
	}
	if rest := w.heartbeat - time.Since(w.last); rest > 0 {
		w.timer.Reset(rest)
		return
	}
	w.send(w.silence)
	w.timer.Reset(w.heartbeat)
}

// added is called after events were appended to pending: it writes them, unless
// the stream will say when it is time.
func (w *eventWriter) added() error {
	if w.gathers && len(w.pending) < maxPending {
		return nil
	}
	return w.flush()
}

// flush writes what was gathered.
func (w *eventWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 && w.err == nil {
		w.send(w.pending)
	}
	w.pending = nil
	if w.err == nil && w.room != nil { // after an error the server may still hold what was being written
		w.rooms.Put(w.room)
	}
	w.room = nil
	return w.err
}

// room is for the events that come between two waits.
type room [maxPending + 1<<10]byte

// next is pending with room for more. A stream that waits has none.
func (w *eventWriter) next() []byte {
	if w.pending == nil {
		if w.room, _ = w.rooms.Get().(*room); w.room == nil {
			w.room = new(room)
		}
		w.pending = w.room[:0]
	}
	return w.pending
}

// send writes within the time a reading client needs; a failure is kept.
func (w *eventWriter) send(p []byte) {
	w.begin()
	w.last = time.Now()
	if w.deadline.Sub(w.last) < w.timeout { // rarely: it costs more than the rest
		w.deadline = w.last.Add(w.timeout + w.timeout/2)
		_ = w.control.SetWriteDeadline(w.deadline) // not every server has deadlines
	}
	_, err := w.out.Write(p)
	if err == nil && !w.final {
		err = w.control.Flush()
	}
	if err != nil {
		w.err = &gateway.Error{Op: "write events", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
}

// begin sends status and header once.
func (w *eventWriter) begin() {
	if w.begun {
		return
	}
	w.begun = true
	h := w.out.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // reverse proxies must not hold events back
	h.Set(HeaderDecision, w.decision)
	w.out.WriteHeader(http.StatusOK)
	w.out.WriteHeaderNow()
}

// finish writes the end of an answer. The stream is closed before: should that
// wait for the model's server, what is pending goes out first. If not, it goes out
// together with the end of the body, which net/http writes after the handler.
func (w *eventWriter) finish(stream Stream) error {
	if !w.gathers || !w.along {
		return w.flush()
	}
	_ = stream.Close() // what matters of it has been returned by Next
	w.mu.Lock()
	w.final = true
	w.mu.Unlock()
	return w.flush()
}

// stop writes what is pending and ends the signs of life. Afterwards the response
// belongs to the handler again, and its connection may serve another request. It
// may be called twice.
func (w *eventWriter) stop() {
	_ = w.flush() // a failure is kept
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
	if !w.deadline.IsZero() && !w.final {
		w.deadline = time.Time{}
		_ = w.control.SetWriteDeadline(time.Time{})
	}
}
