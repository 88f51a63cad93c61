// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"bytes"
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
func (s *Server) streamChat(c *gin.Context, r gateway.Request) {
	ctx := c.Request.Context()
	r.ID = gateway.NewID(s.Now())
	w := s.newEventWriter(c, r.ID)
	defer w.stop()
	stream, err := s.Gateway.Stream(ctx, r)
	if err != nil {
		s.failStream(c, w, err)
		return
	}
	defer func() { _ = stream.Close() }() // what matters of it has been returned by Next
	callOf(ctx).decision = r.ID
	if err := w.copy(stream); err != nil {
		s.failStream(c, w, err)
	}
}

// failStream answers with a status while nothing has been sent, else with an
// error event.
func (s *Server) failStream(c *gin.Context, w *eventWriter, err error) {
	if begun := w.stop(); !begun {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	callOf(ctx).err = err
	if ctx.Err() == nil {
		w.fail(err)
	}
}

// eventWriter writes server-sent events and keeps the connection alive while
// there are none, also while the model has not answered at all: then the status
// goes out with the first heartbeat. Its lock orders the events and the heartbeat.
type eventWriter struct {
	mu        sync.Mutex
	out       gin.ResponseWriter
	control   *http.ResponseController
	decision  string
	timeout   time.Duration
	heartbeat time.Duration
	timer     *time.Timer
	begun     bool
	stopped   bool
	buf       []byte
}

func (s *Server) newEventWriter(c *gin.Context, decision string) *eventWriter {
	w := &eventWriter{
		out: c.Writer, control: http.NewResponseController(c.Writer), decision: decision,
		timeout: s.WriteTimeout, heartbeat: s.Heartbeat,
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(w.heartbeat, w.beat)
	return w
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

// copy returns nil after [DONE] was written, else the error that ended the answer.
func (w *eventWriter) copy(stream Stream) error {
	for {
		event, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return w.event([]byte("[DONE]"))
		}
		if err != nil {
			return err
		}
		if err := w.event(event); err != nil {
			return err
		}
	}
}

// fail writes the error event that takes the place of [DONE].
func (w *eventWriter) fail(err error) {
	raw, encodeErr := marshal(toOpenAI(public(err)))
	if encodeErr != nil {
		raw = []byte(`{"error":{"message":"Interner Fehler","type":"server_error","param":null,"code":"internal"}}`)
	}
	_ = w.event(raw) // the client may have left; the error itself is in the log already
}

func (w *eventWriter) event(data []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf[:0], "data: "...)
	w.buf = append(w.buf, data...)
	if bytes.ContainsAny(data, "\r\n") {
		oneLine(w.buf)
	}
	w.buf = append(w.buf, '\n', '\n')
	w.timer.Reset(w.heartbeat)
	return w.write(w.buf)
}

// oneLine: a line break in JSON stands between tokens only and would end the event.
func oneLine(b []byte) {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
}

func (w *eventWriter) beat() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	if w.write([]byte(": warten\n\n")) == nil {
		w.timer.Reset(w.heartbeat)
	}
}

// write writes and flushes within the time a reading client needs.
func (w *eventWriter) write(p []byte) error {
	w.begin()
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // not every server has deadlines
	if _, err := w.out.Write(p); err != nil {
		return &gateway.Error{Op: "write event", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	if err := w.control.Flush(); err != nil {
		return &gateway.Error{Op: "flush event", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	return nil
}

// stop ends the heartbeat and says whether anything has been sent. Nothing is
// written afterwards.
func (w *eventWriter) stop() (begun bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.timer.Stop()
	_ = w.control.SetWriteDeadline(time.Time{})
	return w.begun
}
