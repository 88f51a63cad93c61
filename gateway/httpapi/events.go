// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

// namedWriter writes events that are rendered already. While there are none it
// keeps the connection alive in the way of the format, also while the model has
// not answered at all: then the status goes out with the first sign of life.
// Like [eventWriter] it gathers events until the stream is about to wait.
type namedWriter struct {
	out       gin.ResponseWriter
	control   *http.ResponseController
	decision  string
	silence   []byte
	timeout   time.Duration
	heartbeat time.Duration

	pending []byte // events that are not written yet; of the handler alone
	gathers bool   // the stream says when it waits

	mu       sync.Mutex
	timer    *time.Timer // for the next sign of life
	last     time.Time   // when something was written
	deadline time.Time   // until when a write may take
	stopped  bool
	begun    bool  // status and header are sent; read after stop
	err      error // why writing failed
}

func (s *Server) newNamedWriter(c *gin.Context, decision string, silence []byte) *namedWriter {
	w := &namedWriter{
		out: c.Writer, control: http.NewResponseController(bare(c.Writer)), decision: decision, silence: silence,
		timeout: s.WriteTimeout, heartbeat: s.Heartbeat, last: time.Now(), pending: make([]byte, 0, 1<<10),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.heartbeat, w.breathe)
	return w
}

// gather lets the stream say when gathered events are due.
func (w *namedWriter) gather(stream Stream) {
	if s, ok := stream.(interface{ BeforeWait(f func()) bool }); ok {
		w.gathers = s.BeforeWait(func() { _ = w.flush() }) // a failure is kept
	}
}

// breathe gives a sign of life when nothing was written for a while.
func (w *namedWriter) breathe() {
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
func (w *namedWriter) added() error {
	if w.gathers && len(w.pending) < maxPending {
		return nil
	}
	return w.flush()
}

// flush writes what was gathered.
func (w *namedWriter) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pending) > 0 && w.err == nil {
		w.send(w.pending)
	}
	if w.pending = w.pending[:0]; cap(w.pending) > 2*maxPending {
		w.pending = nil // one large event must not stay in memory with the stream
	}
	return w.err
}

// send writes within the time a reading client needs; a failure is kept.
func (w *namedWriter) send(p []byte) {
	if !w.begun {
		w.begun = true
		h := w.out.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("X-Accel-Buffering", "no") // reverse proxies must not hold events back
		h.Set(HeaderDecision, w.decision)
		w.out.WriteHeader(http.StatusOK)
		w.out.WriteHeaderNow()
	}
	w.last = time.Now()
	if w.deadline.Sub(w.last) < w.timeout { // rarely: it costs more than the rest
		w.deadline = w.last.Add(w.timeout + w.timeout/2)
		_ = w.control.SetWriteDeadline(w.deadline) // not every server has deadlines
	}
	_, err := w.out.Write(p)
	if err == nil {
		err = w.control.Flush()
	}
	if err != nil {
		w.err = &gateway.Error{Op: "write events", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
}

// stop ends the signs of life: the connection belongs to the handler alone. It
// may be called twice.
func (w *namedWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
}

// release ends the writer: the connection may serve another request.
func (w *namedWriter) release() {
	w.stop()
	_ = w.control.SetWriteDeadline(time.Time{})
}
