// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// plainTransport speaks HTTP/1.1 without TLS to one server, as most models in the
// own data centre are reached. The goroutine that asks writes the request and
// reads the answer itself; the transport of net/http hands both over to two more,
// which costs their memory for every stream and two more waits for every request.
// Answers are parsed by net/http.
type plainTransport struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	address  string        // host and port
	idleTime time.Duration // how long an unused connection is kept
	maxIdle  int

	readers sync.Pool // of *bufio.Reader, for connections in use: an idle one needs none
	heads   sync.Pool // of *[]byte, for what stands before a body

	mu     sync.Mutex
	idle   []*plainConn // the one used last stands last
	expiry *time.Timer  // for the one that stands first
}

const (
	maxIdlePlain  = 256
	maxHeaderSize = 64 << 10
	// maxInformed is how many answers may say that the answer is still to come.
	maxInformed = 5
)

// RoundTrip sends a request and returns the answer, whose body has to be closed.
func (t *plainTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.roundTrip(r)
	if err != nil && r.Body != nil {
		_ = r.Body.Close() // where nothing was sent, nobody has
	}
	return response, err
}

func (t *plainTransport) roundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err // an idle connection would take the request nevertheless
	}
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength <= 0 {
		return nil, errors.New("a body of unknown length cannot be sent")
	}
	head, _ := t.heads.Get().(*[]byte)
	if head == nil {
		head = new([]byte)
	}
	defer t.heads.Put(head)
	var err error
	if *head, err = appendHead((*head)[:0], r); err != nil {
		return nil, err
	}
	ctx := r.Context()
	c, reused, err := t.connection(ctx)
	if err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: c.Conn, Reused: reused})
	}
	// Whoever gives up ends the connection at once, whatever waits for it.
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	response, err := c.exchange(*head, r)
	if err != nil {
		stop()
		_ = c.Close()
		return nil, err
	}
	body := &plainBody{t: t, c: c, src: response.Body, stop: stop, last: response.Close}
	if response.Body == http.NoBody {
		body.finish()
	}
	response.Body = body
	return response, nil
}

// appendHead appends request line and header.
func appendHead(head []byte, r *http.Request) ([]byte, error) {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	head = append(append(head, r.Method...), ' ')
	head = append(append(head, r.URL.RequestURI()...), " HTTP/1.1\r\nHost: "...)
	head = append(append(head, host...), "\r\n"...)
	for name, values := range r.Header {
		for _, value := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
				return head, fmt.Errorf("header %q cannot be sent", name)
			}
			head = append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
		}
	}
	if r.ContentLength > 0 {
		head = append(strconv.AppendInt(append(head, "Content-Length: "...), r.ContentLength, 10), "\r\n"...)
	}
	return append(head, "\r\n"...), nil
}

// connection is an idle one that still stands, or a new one.
func (t *plainTransport) connection(ctx context.Context) (c *plainConn, reused bool, err error) {
	for c := t.take(); c != nil; c = t.take() {
		if c.stands() {
			t.attach(c)
			return c, true, nil
		}
		_ = c.Close()
	}
	conn, err := t.dial(ctx, "tcp", t.address)
	if err != nil {
		return nil, false, err
	}
	c = newPlainConn(conn)
	t.attach(c)
	return c, false, nil
}

// attach gives a connection the buffer to read with.
func (t *plainTransport) attach(c *plainConn) {
	if c.buffered, _ = t.readers.Get().(*bufio.Reader); c.buffered == nil {
		c.buffered = bufio.NewReaderSize(nil, readBuffer)
	}
	c.buffered.Reset(c)
	c.beforeWait, c.more = nil, false
}

// detach takes the buffer back. Only who has read the answer to its end may call it.
func (t *plainTransport) detach(c *plainConn) {
	c.buffered.Reset(nil)
	t.readers.Put(c.buffered)
	c.buffered, c.beforeWait, c.more = nil, nil, false
}

// take is the idle connection that was used last, nil: there is none.
func (t *plainTransport) take() *plainConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) == 0 {
		return nil
	}
	last := len(t.idle) - 1
	c := t.idle[last]
	t.idle[last] = nil
	t.idle = t.idle[:last]
	return c
}

// keep makes a connection available for the next request.
func (t *plainTransport) keep(c *plainConn) {
	c.since = time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) >= t.maxIdle {
		_ = c.Close()
		return
	}
	if t.idle = append(t.idle, c); len(t.idle) > 1 {
		return
	}
	if t.expiry == nil {
		t.expiry = time.AfterFunc(t.idleTime, t.expire)
		return
	}
	t.expiry.Reset(t.idleTime)
}

// expire closes what was not used for too long.
func (t *plainTransport) expire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, old := time.Now(), 0
	for old < len(t.idle) && now.Sub(t.idle[old].since) >= t.idleTime {
		_ = t.idle[old].Close()
		old++
	}
	t.idle = append(t.idle[:0:0], t.idle[old:]...)
	if len(t.idle) > 0 {
		t.expiry.Reset(t.idleTime - now.Sub(t.idle[0].since))
	}
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *plainTransport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.idle {
		_ = c.Close()
	}
	t.idle = nil
}

// plainConn is a connection. From a request until the end of its answer it
// belongs to the goroutine that asked; others only close it.
type plainConn struct {
	net.Conn
	probe probe
	// buffered reads from the connection while it is in use.
	buffered *bufio.Reader
	// left is how many bytes may be read.
	left int
	// more: the last read brought as much as it had room for.
	more bool
	// beforeWait, if set, is called before a read that waits.
	beforeWait func()
	since      time.Time // when it became idle
}

func newPlainConn(conn net.Conn) *plainConn {
	c := &plainConn{Conn: conn}
	c.probe.of(conn)
	return c
}

// Read reads what is there, and tells before it waits.
func (c *plainConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("header of the answer larger than allowed")
	}
	p = p[:min(len(p), c.left)]
	n, err, waits := 0, error(nil), true
	if c.beforeWait != nil {
		if c.more { // nearly always, more is there
			n, err, waits = c.probe.read(p)
		}
		if waits {
			c.beforeWait()
		}
	}
	if waits {
		n, err = c.Conn.Read(p)
	}
	c.more = n == len(p)
	c.left -= n
	return n, err
}

// stands says that an idle connection was not closed by the server and that
// nothing came that nobody has asked for.
func (c *plainConn) stands() bool {
	var one [1]byte
	_, _, waits := c.probe.read(one[:])
	return waits
}

// exchange sends a request and returns when the header of its answer is there.
func (c *plainConn) exchange(head []byte, r *http.Request) (*http.Response, error) {
	sendErr := c.send(head, r)
	c.left = maxHeaderSize
	for range maxInformed {
		response, err := http.ReadResponse(c.buffered, r)
		switch {
		case err != nil && sendErr != nil:
			return nil, sendErr
		case err != nil:
			return nil, fmt.Errorf("read answer: %w", err)
		case response.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("the server changed the protocol")
		case response.StatusCode >= http.StatusOK:
			response.Close = response.Close || sendErr != nil // it answered without having read all
			c.left = math.MaxInt
			return response, nil
		}
	}
	return nil, errors.New("the server says again and again that the answer is still to come")
}

// send writes head and body at once, so that they travel together.
func (c *plainConn) send(head []byte, r *http.Request) (err error) {
	if r.Body == nil || r.Body == http.NoBody {
		_, err = c.Write(head)
		return err
	}
	defer func() { err = errors.Join(err, r.Body.Close()) }()
	body, whole := r.Body.(io.WriterTo)
	if !whole {
		if _, err = c.Write(head); err == nil {
			_, err = io.CopyN(c.Conn, r.Body, r.ContentLength)
		}
		return err
	}
	_, err = body.WriteTo(&headed{conn: c.Conn, head: head})
	return err
}

// headed writes a head with the first piece of what follows it.
type headed struct {
	conn net.Conn
	head []byte
}

func (h *headed) Write(p []byte) (int, error) {
	if len(h.head) == 0 {
		return h.conn.Write(p)
	}
	pieces := net.Buffers{h.head, p}
	n, err := pieces.WriteTo(h.conn)
	written := int(n) - len(h.head)
	h.head = nil
	return max(written, 0), err
}

// plainBody is the body of an answer. At its end the connection serves the next
// request; closed before, the connection ends.
type plainBody struct {
	t    *plainTransport
	c    *plainConn
	src  io.Reader
	stop func() bool // ends the watch over the context
	last bool        // the server ends the connection
	over atomic.Bool
	end  error // what Read returns when it is over
}

func (b *plainBody) Read(p []byte) (int, error) {
	if b.over.Load() {
		if b.end == nil {
			return 0, http.ErrBodyReadAfterClose
		}
		return 0, b.end
	}
	n, err := b.src.Read(p)
	if errors.Is(err, io.EOF) {
		b.finish()
	}
	return n, err
}

// finish lets go of the connection after the answer has been read to its end.
func (b *plainBody) finish() {
	b.end = io.EOF
	if !b.over.CompareAndSwap(false, true) {
		return // closed meanwhile, by somebody else
	}
	c := b.c
	reusable := b.stop() && !b.last && c.buffered.Buffered() == 0
	b.t.detach(c)
	if !reusable {
		_ = c.Close()
		return
	}
	b.t.keep(c)
}

// Close ends the connection if the answer was not read to its end.
func (b *plainBody) Close() error {
	if !b.over.CompareAndSwap(false, true) {
		return nil
	}
	b.stop()
	return b.c.Close()
}

// beforeWait has f called before every read that waits for the server. A body that
// has been read to its end waits for nothing, and its connection may serve another
// request by now.
func (b *plainBody) beforeWait(f func()) {
	if !b.over.Load() {
		b.c.beforeWait = f
	}
}
