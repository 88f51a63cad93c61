// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// plainServer is a server that says what script returns for each request on each
// connection; an empty string ends the connection.
type plainServer struct {
	*plainTransport
	connections atomic.Int64
	requests    atomic.Int64
}

func startPlain(t *testing.T, script func(c net.Conn, request *http.Request) string) *plainServer {
	t.Helper()
	return servePlain(t, func(s *plainServer, c net.Conn) { s.serve(c, script) })
}

// servePlain has every connection served by serve, which need not speak HTTP.
func servePlain(t *testing.T, serve func(*plainServer, net.Conn)) *plainServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &plainServer{plainTransport: &plainTransport{dial: (&net.Dialer{}).DialContext, address: l.Addr().String(), idleTime: time.Minute, maxIdle: 4}}
	t.Cleanup(func() { s.CloseIdleConnections(); _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go func() {
				defer c.Close()
				serve(s, c)
			}()
		}
	}()
	return s
}

func (s *plainServer) serve(c net.Conn, script func(net.Conn, *http.Request) string) {
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		s.requests.Add(1)
		say := script(c, r)
		if say == "" {
			return
		}
		if _, err := io.WriteString(c, say); err != nil {
			return
		}
	}
}

func (s *plainServer) post(ctx context.Context, body string) (*http.Response, error) {
	r, err := request(ctx, http.MethodPost, "http://"+s.address+"/v1/chat/completions?a=b", []byte(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.RoundTrip(r)
}

func (s *plainServer) text(t *testing.T, body string) string {
	t.Helper()
	response, err := s.post(t.Context(), body)
	if err != nil {
		t.Fatalf("RoundTrip: %v", err)
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(raw)
}

func sized(body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

func TestPlainTransportUsesConnectionsAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		say         string
		want        string
		connections int64
	}{
		"length":            {sized("gut"), "gut", 1},
		"empty":             {sized(""), "", 1},
		"no content":        {"HTTP/1.1 204 No Content\r\n\r\n", "", 1},
		"chunked":           {chunkedHead + "3\r\ngut\r\n0\r\n\r\n", "gut", 1},
		"chunked, trailer":  {chunkedHead + "3\r\ngut\r\n0\r\nX-A: b\r\n\r\n", "gut", 1},
		"early hints":       {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + sized("gut"), "gut", 1},
		"said to be last":   {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\ngut", "gut", 3},
		"more than the end": {sized("gut") + "HTTP/1.1 200 OK\r\n\r\n", "gut", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startPlain(t, func(net.Conn, *http.Request) string { return c.say })
			for range 3 {
				if got := s.text(t, "{}"); got != c.want {
					t.Errorf("body %q, want %q", got, c.want)
				}
			}
			if got := s.connections.Load(); got != c.connections {
				t.Errorf("%d connections for three requests, want %d", got, c.connections)
			}
		})
	}
}

func TestPlainTransportSendsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"small": `{"a":"ä"}`, "large": strings.Repeat("0123456789", 400_000)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *http.Request
			var raw []byte
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Clone(context.WithoutCancel(r.Context()))
				raw, _ = io.ReadAll(r.Body)
			}))
			defer server.Close()
			s := &plainServer{plainTransport: &plainTransport{dial: (&net.Dialer{}).DialContext, address: strings.TrimPrefix(server.URL, "http://"), idleTime: time.Minute, maxIdle: 4}}
			defer s.CloseIdleConnections()
			s.text(t, body)
			if string(raw) != body || got.Method != http.MethodPost || got.URL.String() != "/v1/chat/completions?a=b" || got.Host != s.address ||
				got.ContentLength != int64(len(body)) || got.Header.Get("Content-Type") != "application/json" || len(got.Header) != 2 {
				t.Errorf("%s %s, host %s, header %v, %d of %d bytes", got.Method, got.URL, got.Host, got.Header, len(raw), len(body))
			}
		})
	}
}

func TestPlainTransportRefusesHeaders(t *testing.T) {
	t.Parallel()
	s := startPlain(t, func(net.Conn, *http.Request) string { return sized("gut") })
	for name, value := range map[string]string{"X-A": "b\r\nX-C: d", "X B": "c", "X-D": "\x00"} {
		r, err := request(t.Context(), http.MethodPost, "http://"+s.address+"/", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{name: {value}}
		if response, err := s.RoundTrip(r); err == nil {
			_ = response.Body.Close()
			t.Errorf("header %q: %q was sent", name, value)
		}
	}
	if n := s.requests.Load(); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// Connections that the server ended, or on which it said what nobody has asked
// for, are not used again.
func TestPlainTransportLeavesDeadConnections(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 2)
	s := startPlain(t, func(c net.Conn, r *http.Request) string {
		_, _ = io.WriteString(c, sized("gut"))
		if r.ContentLength == 3 {
			_, _ = io.WriteString(c, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
		}
		ended <- struct{}{}
		return ""
	})
	for _, body := range []string{"{}", "{ }", "{}"} {
		if got := s.text(t, body); got != "gut" {
			t.Fatalf("body %q", got)
		}
		<-ended
		time.Sleep(20 * time.Millisecond) // the end has arrived
	}
	if got := s.connections.Load(); got != 3 {
		t.Errorf("%d connections, want one for each request", got)
	}
}

func TestPlainTransportEndsIdleConnections(t *testing.T) {
	t.Parallel()
	s := startPlain(t, func(net.Conn, *http.Request) string { return sized("gut") })
	s.idleTime = 30 * time.Millisecond
	s.text(t, "{}")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.mu.Lock()
		n := len(s.idle)
		s.mu.Unlock()
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the connection is kept")
		}
	}
	s.text(t, "{}")
	if got := s.connections.Load(); got != 2 {
		t.Errorf("%d connections, want 2", got)
	}
}

func TestPlainTransportKeepsFewConnections(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	together := make(chan struct{})
	s := startPlain(t, func(net.Conn, *http.Request) string {
		<-together
		return sized("gut")
	})
	for range 12 {
		all.Go(func() {
			response, err := s.post(t.Context(), "{}")
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		})
	}
	for s.requests.Load() < 12 {
		time.Sleep(time.Millisecond)
	}
	close(together)
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) != s.maxIdle {
		t.Errorf("%d connections are kept, want %d", len(s.idle), s.maxIdle)
	}
}

// Whoever gives up, before or within the answer, ends the connection.
func TestPlainTransportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]string{"before the answer": "", "within the answer": chunkedHead + "3\r\ngut\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan error, 1)
			asked := make(chan struct{})
			s := startPlain(t, func(c net.Conn, _ *http.Request) string {
				_, _ = io.WriteString(c, say)
				close(asked)
				_, err := c.Read(make([]byte, 1))
				gone <- err
				return ""
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-asked
				cancel()
			}()
			response, err := s.post(ctx, "{}")
			if err == nil {
				_, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			if err == nil {
				t.Error("the answer was read to an end that it does not have")
			}
			select {
			case <-gone:
			case <-time.After(10 * time.Second):
				t.Error("the server was not told")
			}
			if c := s.take(); c != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

func TestPlainTransportSeesBrokenAnswers(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]string{
		"nothing":           "",
		"no HTTP":           "SSH-2.0-OpenSSH\r\n",
		"large header":      "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 2*maxHeaderSize) + "\r\n\r\n",
		"endless hints":     strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 2*maxInformed) + sized("gut"),
		"another protocol":  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"cut in the header": "HTTP/1.1 200 OK\r\nContent-",
		"cut in the body":   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ngut",
		"cut in a chunk":    chunkedHead + "a\r\ngut",
		"broken chunk":      chunkedHead + "zz\r\ngut\r\n",
		"two lengths":       "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\ngut!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startPlain(t, func(c net.Conn, _ *http.Request) string {
				_, _ = io.WriteString(c, say)
				return ""
			})
			response, err := s.post(t.Context(), "{}")
			if err == nil {
				_, err = io.ReadAll(response.Body)
				_ = response.Body.Close()
			}
			if err == nil {
				t.Error("no error")
			}
			if c := s.take(); c != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

// A body that was closed before its end may be closed and read again, and its
// connection is not used again.
func TestPlainBodyClosedEarly(t *testing.T) {
	t.Parallel()
	s := startPlain(t, func(net.Conn, *http.Request) string { return chunkedHead + "3\r\ngut\r\n" })
	response, err := s.post(t.Context(), "{}")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(response.Body.Close(), response.Body.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := response.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("Read after Close: %v", err)
	}
	if s.take() != nil {
		t.Error("the connection is kept")
	}
}

// A body that is over has no connection any more: what is asked of it must not
// reach the request that has the connection now.
func TestPlainBodyOverLeavesTheConnectionAlone(t *testing.T) {
	t.Parallel()
	for name, say := range map[string][2]string{"chunked": {chunkedHead + "3\r\ngut\r\n", "0\r\n\r\n"}, "length": {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "gut"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startPlain(t, func(c net.Conn, _ *http.Request) string {
				_, _ = io.WriteString(c, say[0])
				time.Sleep(20 * time.Millisecond) // whoever reads waits
				return say[1]
			})
			first, err := s.post(t.Context(), "{}")
			if err != nil {
				t.Fatal(err)
			}
			defer first.Body.Close()
			if _, err := io.ReadAll(first.Body); err != nil {
				t.Fatal(err)
			}
			told := 0
			tell := func() { told++ }
			body, _ := first.Body.(*plainBody)
			body.beforeWait(tell) // while nobody has the connection
			second, err := s.post(t.Context(), "{}")
			if err != nil {
				t.Fatal(err)
			}
			defer second.Body.Close()
			body.beforeWait(tell) // while another request has it
			if _, err := io.ReadAll(second.Body); err != nil {
				t.Fatal(err)
			}
			if told > 0 {
				t.Errorf("the caller of a request that is over was told %d times about another", told)
			}
			if got := s.connections.Load(); got != 1 {
				t.Errorf("%d connections, want the same for both", got)
			}
		})
	}
}

// What was given up before it began is not sent, though a connection stands ready.
func TestPlainTransportSendsNothingForAContextThatIsOver(t *testing.T) {
	t.Parallel()
	s := startPlain(t, func(net.Conn, *http.Request) string { return sized("gut") })
	s.text(t, "{}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if response, err := s.post(ctx, "{}"); err == nil {
			_ = response.Body.Close()
			t.Fatal("no error")
		}
	}
	s.text(t, "{}")
	if n, c := s.requests.Load(), s.connections.Load(); n != 2 || c != 1 {
		t.Errorf("%d requests on %d connections, want 2 on 1", n, c)
	}
}

// A request that cannot be sent makes no connection, and its body is closed.
func TestPlainTransportClosesBodies(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	dialled := 0
	for name, c := range map[string]struct {
		ctx    context.Context
		header string
		length int64
	}{
		"over": {gone, "X-A", 2}, "header": {t.Context(), "X A", 2}, "no connection": {t.Context(), "X-A", 2}, "unknown length": {t.Context(), "X-A", -1},
	} {
		transport := &plainTransport{address: "x", dial: func(context.Context, string, string) (net.Conn, error) {
			dialled++
			return nil, errAddress
		}}
		r, err := request(c.ctx, http.MethodPost, "http://x/", []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		body := &closing{Reader: strings.NewReader("{}")}
		r.Body, r.ContentLength = body, c.length
		r.Header.Set("X-B", "c")
		r.Header[c.header] = []string{"d"}
		if response, err := transport.RoundTrip(r); err == nil {
			_ = response.Body.Close()
			t.Errorf("%s: no error", name)
		}
		if !body.closed {
			t.Errorf("%s: the body was not closed", name)
		}
	}
	if dialled != 1 {
		t.Errorf("%d connections were asked for, want one: the others must not be sent", dialled)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

// A server that refuses a large body before it has read it is heard, whether it
// ends the connection or reads on.
func TestPlainTransportHearsEarlyAnswers(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nviel"
	for name, then := range map[string]func(net.Conn){
		"ends":     func(net.Conn) { time.Sleep(50 * time.Millisecond) },
		"reads on": func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servePlain(t, func(_ *plainServer, c net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, refusal)
					then(c)
				}
			})
			response, err := s.post(t.Context(), strings.Repeat("a", 16<<20))
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge || string(raw) != "viel" || err != nil {
				t.Errorf("status %d, %q, %v", response.StatusCode, raw, err)
			}
			if s.take() != nil {
				t.Error("the connection is kept")
			}
		})
	}
}

// Who gives up while the server reads nothing does not wait for it.
func TestPlainTransportEndsWhileItWrites(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := servePlain(t, func(*plainServer, net.Conn) { <-over })
	defer close(over)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if response, err := s.post(ctx, strings.Repeat("a", 32<<20)); err == nil {
		_ = response.Body.Close()
		t.Error("no error")
	}
}

// Before a read that waits the caller is told, however much came at once; a read
// that does not wait tells nobody.
func TestPlainConnTellsBeforeItWaits(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	s := startPlain(t, func(c net.Conn, _ *http.Request) string {
		_, _ = io.WriteString(c, chunkedHead)
		for say := range next {
			_, _ = fmt.Fprintf(c, "%x\r\n%s\r\n", len(say), say)
		}
		return "0\r\n\r\n"
	})
	response, err := s.post(t.Context(), "{}")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var got bytes.Buffer
	pieces := []string{"eins", strings.Repeat("zwei", 40_000), "drei"}
	told, sent := 0, 0
	body, _ := response.Body.(*plainBody)
	body.beforeWait(func() {
		told++
		if want := len(strings.Join(pieces[:sent], "")); got.Len() < want {
			return // the rest is under way
		}
		if sent == len(pieces) {
			close(next)
			sent++
		} else if sent < len(pieces) {
			next <- pieces[sent]
			sent++
		}
	})
	if _, err := io.Copy(&got, struct{ io.Reader }{response.Body}); err != nil {
		t.Fatal(err)
	}
	if want := strings.Join(pieces, ""); got.String() != want {
		t.Errorf("%d bytes, want %d", got.Len(), len(want))
	}
	if told < len(pieces) {
		t.Errorf("told %d times for %d waits", told, len(pieces))
	}
}
