// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package floor_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/floor"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// lockedBuffer is written by the goroutine of the record.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestFloorsPassAnswersOn(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(mock.New().Handler())
	t.Cleanup(upstream.Close)
	for _, mode := range floor.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			var record lockedBuffer
			handler, err := floor.New(t.Context(), mode, upstream.URL, &record)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			for body, want := range map[string]string{
				`{"model":"mock-model","messages":[]}`:               `"x_mock"`,
				`{"model":"mock-model","messages":[],"stream":true}`: "data: [DONE]",
			} {
				if status, got := post(t, server.URL, body); status != 200 || !strings.Contains(got, want) {
					t.Errorf("%s: status %d lacks %s: %.200s", body, status, want, got)
				}
			}
			if mode != floor.OPA {
				return
			}
			if status, _ := post(t, server.URL, `{"model":"other","messages":[]}`); status != http.StatusForbidden {
				t.Errorf("a model that is not released: status %d", status)
			}
			for end := time.Now().Add(10 * time.Second); strings.Count(record.String(), "\n") < 2 && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond)
			}
			if got := record.String(); strings.Count(got, `"allow":true`) != 2 {
				t.Errorf("record: %s", got)
			}
		})
	}
}

func TestUnknownModeAndUpstream(t *testing.T) {
	t.Parallel()
	if _, err := floor.New(t.Context(), "keiner", "http://127.0.0.1:1", io.Discard); err == nil {
		t.Error("an unknown mode was accepted")
	}
	if _, err := floor.New(t.Context(), floor.Gin, "nirgends", io.Discard); err == nil {
		t.Error("an upstream without host was accepted")
	}
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	r, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(raw)
}
