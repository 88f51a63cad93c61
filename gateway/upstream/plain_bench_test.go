// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkExchange is one request and its answer, short or a stream of 1,000
// flushed pieces, with the transport of net/http and with ours.
func BenchmarkExchange(b *testing.B) {
	piece := "data: " + strings.Repeat("x", 200) + "\n\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/short" {
			_, _ = io.WriteString(w, piece)
			return
		}
		control := http.NewResponseController(w)
		for range 1000 {
			_, _ = io.WriteString(w, piece)
			_ = control.Flush()
		}
	}))
	defer server.Close()
	body := []byte(strings.Repeat("Sehr geehrte Damen und Herren, ", 33))
	for _, path := range []string{"/short", "/stream"} {
		for name, transport := range map[string]http.RoundTripper{
			"baseline_net_http": &http.Transport{ReadBufferSize: readBuffer},
			"plain":             &plainTransport{dial: (&net.Dialer{}).DialContext, address: strings.TrimPrefix(server.URL, "http://"), idleTime: time.Minute, maxIdle: maxIdlePlain},
		} {
			b.Run(path[1:]+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				room := make([]byte, largeBuffer)
				for b.Loop() {
					r, err := request(b.Context(), http.MethodPost, server.URL+path, body)
					if err != nil {
						b.Fatal(err)
					}
					answer, err := transport.RoundTrip(r)
					if err != nil {
						b.Fatal(err)
					}
					_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, answer.Body, room)
					if err = errors.Join(err, answer.Body.Close()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
