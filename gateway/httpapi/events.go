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
type namedWriter struct {
	out       gin.ResponseWriter
	control   *http.ResponseController
	decision  string
	silence   []byte
	timeout   time.Duration
	heartbeat time.Duration

	quit chan struct{}
	done chan struct{} // the goroutine has ended: out belongs to the handler alone
	once sync.Once

	mu    sync.Mutex
	begun bool // status and header are sent; read after stop
	last  time.Time
}

func (s *Server) newNamedWriter(c *gin.Context, decision string, silence []byte) *namedWriter {
	w := &namedWriter{
		out: c.Writer, control: http.NewResponseController(c.Writer), decision: decision, silence: silence,
		timeout: s.WriteTimeout, heartbeat: s.Heartbeat,
		quit: make(chan struct{}), done: make(chan struct{}), last: time.Now(),
	}
	go w.keepAlive()
	return w
}

// keepAlive writes a sign of life whenever nothing was written for a while.
func (w *namedWriter) keepAlive() {
	defer close(w.done)
	timer := time.NewTimer(w.heartbeat)
	defer timer.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-timer.C:
		}
		pause, err := w.breathe()
		if err != nil {
			return // the handler meets the same error
		}
		timer.Reset(pause)
	}
}

// breathe returns how long may be kept silent now.
func (w *namedWriter) breathe() (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rest := w.heartbeat - time.Since(w.last); rest > 0 {
		return rest, nil
	}
	return w.heartbeat, w.send(w.silence)
}

// write writes and flushes within the time a reading client needs.
func (w *namedWriter) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send(p)
}

// send is write under the lock.
func (w *namedWriter) send(p []byte) error {
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
	_ = w.control.SetWriteDeadline(w.last.Add(w.timeout)) // not every server has deadlines
	_, err := w.out.Write(p)
	if err == nil {
		err = w.control.Flush()
	}
	if err != nil {
		return &gateway.Error{Op: "write events", Code: gateway.CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	return nil
}

// stop ends the signs of life. It may be called twice.
func (w *namedWriter) stop() {
	w.once.Do(func() {
		close(w.quit)
		<-w.done
	})
}

// release ends the writer: the connection may serve another request.
func (w *namedWriter) release() {
	w.stop()
	_ = w.control.SetWriteDeadline(time.Time{})
}
