// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstreamtest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// before does what goes wrong or is unusual ahead of the answer, and reports
// whether to go on.
func (a *answering) before() bool {
	switch a.b.Defect {
	case EarlyHints:
		a.w.Header().Set("Link", "</style.css>; rel=preload")
		a.w.WriteHeader(http.StatusEarlyHints)
		a.w.Header().Del("Link")
	case Trailer:
		a.w.Header().Set("Trailer", "X-Checksum")
	case SlowHeader:
		a.dripHeader()
		return false
	default: // nothing happens before
	}
	return true
}

// dripPause is between two bytes of a header that never ends.
const dripPause = 20 * time.Millisecond

// dripHeader writes a status line and then one byte after the other.
func (a *answering) dripHeader() {
	conn, buffered := a.take()
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Slow: ")
	gone := watch(buffered)
	for {
		select {
		case <-gone:
			return
		case <-time.After(dripPause):
		}
		if _, err := conn.Write([]byte{'a'}); err != nil {
			return
		}
	}
}

// take takes over the connection; nil when that is not possible (HTTP/2).
func (a *answering) take() (net.Conn, *bufio.ReadWriter) {
	conn, buffered, err := http.NewResponseController(a.w).Hijack()
	if err != nil {
		return nil, nil
	}
	_ = buffered.Flush()
	return conn, buffered
}

// watch is closed when the client has gone.
func watch(r io.Reader) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, r)
	}()
	return gone
}

// reset ends the connection with RST instead of FIN.
func (a *answering) reset() {
	conn, _ := a.take()
	if conn == nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// halfClose ends our direction only and keeps listening.
func (a *answering) halfClose() {
	conn, buffered := a.take()
	if conn == nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	select {
	case <-watch(buffered):
	case <-time.After(10 * time.Second):
	}
}

// flood is 64 KiB of comment lines.
func flood() []byte {
	return []byte(strings.Repeat(": "+strings.Repeat("x", 61)+"\n", 1<<10))
}

// reshape changes the list of events for the defects that concern its order.
func (a *answering) reshape(q chatRequest, out [][]byte) [][]byte {
	switch a.b.Defect {
	case EarlyDone:
		return [][]byte{[]byte("data: [DONE]")}
	case ByteOrder:
		out[0] = append([]byte("\xef\xbb\xbf"), bytes.Replace(out[0], []byte(","), []byte(",\ndata: "), 1)...)
	case DoubleDone:
		out = append(out, []byte("data: [DONE]"))
	case AfterDone:
		out = append(out, data(a.chunk(q, a.delta(0, map[string]any{"content": "zu spät"}, nil))), []byte(`data: {"error":{"message":"too late"}}`))
	default: // the list stays
	}
	return out
}

// usageDefect is what a defect makes of the usage.
func (a *answering) usageDefect(usage map[string]any) map[string]any {
	switch a.b.Defect {
	case NegativeUsage:
		usage["prompt_tokens"], usage["completion_tokens"] = -3, -1
	case HugeUsage:
		usage["prompt_tokens"], usage["completion_tokens"] = 1e300, 9007199254740993
	default: // it stays
	}
	return usage
}
