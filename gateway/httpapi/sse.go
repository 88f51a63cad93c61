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
		return
	}
	w.stop()
	callOf(ctx).err = w.err
}

// failStream answers with a status while nothing has been sent, else with an
// error event.
func (s *Server) failStream(c *gin.Context, w *eventWriter, err error) {
	w.stop()
	if !w.begun {
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
// goes out with the first heartbeat. One goroutine writes; what comes while it
// writes goes out together with the next write, so that a fast model does not
// cost a system call for each word, and a slow one is not held back.
type eventWriter struct {
	out       gin.ResponseWriter
	control   *http.ResponseController
	decision  string
	timeout   time.Duration
	heartbeat time.Duration

	signal chan struct{} // something is pending
	done   chan struct{} // the goroutine has ended: out belongs to the handler again
	once   sync.Once

	mu      sync.Mutex
	room    sync.Cond
	pending []byte
	ended   bool

	begun bool  // status and header are sent; read after stop
	err   error // why writing failed; under mu or after stop
}

// maxPending is how much may wait for a client that reads slowly.
const maxPending = 64 << 10

func (s *Server) newEventWriter(c *gin.Context, decision string) *eventWriter {
	w := &eventWriter{
		out: c.Writer, control: http.NewResponseController(c.Writer), decision: decision,
		timeout: s.WriteTimeout, heartbeat: s.Heartbeat,
		signal: make(chan struct{}, 1), done: make(chan struct{}),
	}
	w.room.L = &w.mu
	go w.run()
	return w
}

// run writes what is pending until the stream has ended or the client has left.
func (w *eventWriter) run() {
	defer close(w.done)
	timer := time.NewTimer(w.heartbeat)
	defer timer.Stop()
	var out []byte
	for {
		silent := false
		select {
		case <-w.signal:
		case <-timer.C:
			silent = true
		}
		timer.Reset(w.heartbeat)
		var ended bool
		out, ended = w.take(out[:0])
		if silent && len(out) == 0 {
			out = append(out, ": warten\n\n"...)
		}
		if err := w.write(out); err != nil {
			w.broken(err)
			return
		}
		if ended {
			return
		}
	}
}

// take swaps the pending events for an empty buffer.
func (w *eventWriter) take(empty []byte) (out []byte, ended bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out, w.pending = w.pending, empty
	w.room.Signal()
	return out, w.ended
}

func (w *eventWriter) broken(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	w.room.Signal()
}

// write writes and flushes within the time a reading client needs.
func (w *eventWriter) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	w.begin()
	_ = w.control.SetWriteDeadline(time.Now().Add(w.timeout)) // not every server has deadlines
	_, err := w.out.Write(p)
	if err == nil {
		err = w.control.Flush()
	}
	if err != nil {
		return &gateway.Error{Op: "write events", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	return nil
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

// copy returns nil after [DONE] was accepted, else the error that ended the answer.
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

// event hands an event to the writing goroutine and waits only when a slow
// client has left too much pending.
func (w *eventWriter) event(data []byte) error {
	w.mu.Lock()
	for len(w.pending) > maxPending && w.err == nil {
		w.room.Wait()
	}
	err := w.err
	w.pending = appendEvent(w.pending, data)
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
	return err
}

func appendEvent(out, data []byte) []byte {
	out = append(out, "data: "...)
	start := len(out)
	out = append(out, data...)
	if bytes.ContainsAny(data, "\r\n") {
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

// stop writes what is pending and ends the goroutine. Afterwards the response
// belongs to the handler again.
func (w *eventWriter) stop() {
	w.once.Do(func() {
		w.mu.Lock()
		w.ended = true
		w.mu.Unlock()
		select {
		case w.signal <- struct{}{}:
		default:
		}
		<-w.done
		_ = w.control.SetWriteDeadline(time.Time{})
	})
}

// fail writes the error event that takes the place of [DONE]; the writer has stopped.
func (w *eventWriter) fail(err error) {
	raw, encodeErr := marshal(toOpenAI(public(err)))
	if encodeErr != nil {
		raw = []byte(`{"error":{"message":"Interner Fehler","type":"server_error","param":null,"code":"internal"}}`)
	}
	_ = w.write(appendEvent(nil, raw)) // the client may have left; the error itself is in the log already
}
