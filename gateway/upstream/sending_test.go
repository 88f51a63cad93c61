// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

// listener is a model server that keeps what it was sent.
type listener struct {
	mu     sync.Mutex
	bodies [][]byte
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength || len(r.TransferEncoding) > 0 {
		http.Error(w, "body and its length differ", http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	l.bodies = append(l.bodies, body)
	l.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Ja"},"finish_reason":"stop"}]}`)
}

func (l *listener) last() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bodies[len(l.bodies)-1]
}

func letterOf(size int) gateway.Call {
	const frame = `{"model":"m","messages":[{"role":"user","content":""}]}`
	return chat(strings.Replace(frame, `""`, `"`+strings.Repeat("Grüße ", size)[:max(0, size-len(frame))]+`"`, 1))
}

// Bodies of every size arrive as they are, over plain connections, on which they
// are written from where they lie, and over others.
func TestBodiesArriveWhole(t *testing.T) {
	t.Parallel()
	plain, secured := &listener{}, &listener{}
	server := httptest.NewServer(plain)
	t.Cleanup(server.Close)
	tlsServer, _, trust := startTLS(t, nil)
	tlsServer.Config.Handler = secured
	for name, c := range map[string]struct {
		to       *listener
		endpoint upstream.Endpoint
	}{
		"plain": {plain, upstream.Endpoint{BaseURL: server.URL + "/v1"}},
		"TLS":   {secured, upstream.Endpoint{BaseURL: tlsServer.URL + "/v1", TLS: trust}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := client(t, c.endpoint)
			for _, size := range []int{60, 3_500, 3_900, 4_000, 4_096, 4_097, 8_192, 30_000, 300_000, 3_000_000} {
				call := letterOf(size)
				if _, err := model.Complete(t.Context(), call); err != nil {
					t.Fatalf("%d bytes: %v", size, err)
				}
				if got := c.to.last(); sha256.Sum256(got) != sha256.Sum256(call.Body) {
					t.Fatalf("of %d bytes %d arrived, or others", len(call.Body), len(got))
				}
			}
		})
	}
}
