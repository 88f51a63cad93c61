// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What a clock says when it ends a call.
var (
	errFirstByte = errors.New("no first byte in time")
	errIdle      = errors.New("silent for too long")
	errTotal     = errors.New("call took too long")
	errLarge     = errors.New("answer larger than allowed")
	errEncoding  = errors.New("unknown content encoding")
)

// exchange is one request and its answer with their clocks. Closing it ends the
// connection at once when the answer has not been read to its end.
type exchange struct {
	endpoint *endpoint
	parent   context.Context //nolint:containedctx // an exchange is one call and ends with it
	ctx      context.Context //nolint:containedctx // likewise
	cancel   context.CancelCauseFunc
	timeout  context.CancelFunc
	clock    clock
	response *http.Response
	body     io.Reader
	// received says that the first byte of the answer's body is there.
	received bool
	// draining: the clock runs over all reads together.
	draining bool
	left     int64
}

func newExchange(parent context.Context, e *endpoint) *exchange {
	timed, timeout := context.WithTimeoutCause(parent, e.Timeouts.Total, errTotal)
	ctx, cancel := context.WithCancelCause(timed)
	x := &exchange{endpoint: e, parent: parent, ctx: ctx, cancel: cancel, timeout: timeout}
	x.clock.cancel = cancel
	return x
}

// close ends the exchange. It may be called more than once.
func (x *exchange) close() {
	x.clock.stop()
	x.cancel(context.Canceled)
	x.timeout()
	if x.response != nil {
		_ = x.response.Body.Close()
	}
}

// open prepares the body: bounded, watched by the clocks, unpacked.
func (x *exchange) open(limit int64) error {
	x.left = limit
	x.body = watched{x: x, src: x.response.Body}
	switch encoding := strings.ToLower(x.response.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacked, err := gzip.NewReader(x.body)
		if err != nil {
			return err
		}
		x.body = unpacked
	default:
		return fmt.Errorf("%w %q", errEncoding, encoding)
	}
	x.body = &bounded{src: x.body, left: &x.left}
	return nil
}

// readAll reads the body up to its bound.
func (x *exchange) readAll(limit int64) ([]byte, error) {
	size := x.response.ContentLength
	if size < 0 || size > limit {
		size = 4 << 10
	}
	buf := make([]byte, 0, size+1)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := x.body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// watched lets the clocks run only while a read waits, so that a slow consumer
// is not taken for a silent server.
type watched struct {
	x   *exchange
	src io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if w.x.draining {
		return w.src.Read(p)
	}
	limit, waiting := w.x.endpoint.Timeouts.Idle, awaitNext
	if !w.x.received {
		limit, waiting = w.x.endpoint.Timeouts.FirstByte, awaitFirstByte
	}
	w.x.clock.start(limit, waiting)
	n, err := w.src.Read(p)
	w.x.clock.pause()
	w.x.received = w.x.received || n > 0
	return n, err
}

// bounded is an error, not an end, when there is more than allowed.
type bounded struct {
	src  io.Reader
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	*b.left -= int64(n)
	if *b.left < 0 {
		return 0, errLarge
	}
	return n, err
}

// phase is what a call is waiting for.
type phase int

const (
	awaitFirstByte phase = iota
	awaitNext
	awaitEnd
)

func (p phase) cause() error {
	switch p {
	case awaitFirstByte:
		return errFirstByte
	case awaitNext:
		return errIdle
	case awaitEnd:
	}
	return context.Canceled
}

// clock cancels an exchange when it is not stopped in time. It is started and
// stopped for every read, so it does not touch its timer for that: a timer that
// fires too early sees how much is left and waits for the rest.
type clock struct {
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	expires time.Time // when the wait under way is too long; zero: there is none
	fires   time.Time // when the timer looks next; zero: it does not
	phase   phase
}

func (c *clock) start(d time.Duration, p phase) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expires, c.phase = now.Add(d), p
	if c.fires.IsZero() || c.expires.Before(c.fires) {
		c.watch(d)
	}
}

// watch has the timer look after d; mu is held.
func (c *clock) watch(d time.Duration) {
	c.fires = c.expires
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.look)
		return
	}
	c.timer.Reset(d)
}

func (c *clock) look() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fires = time.Time{}
	if c.expires.IsZero() {
		return // nothing waits; the next start sets the timer
	}
	if left := c.expires.Sub(now); left > 0 {
		c.watch(left)
		return
	}
	c.cancel(c.phase.cause())
}

// pause ends the wait under way.
func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expires = time.Time{}
}

// stop ends the clock's work until it is started again.
func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expires, c.fires = time.Time{}, time.Time{}
	if c.timer != nil {
		c.timer.Stop()
	}
}
