// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package floor_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
			handler, err := floor.New(t.Context(), mode, upstream.URL, writer(t, mode, &record))
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

// writer is a file where a floor needs one.
func writer(t *testing.T, mode floor.Mode, record *lockedBuffer) io.Writer {
	t.Helper()
	if mode != floor.Durable {
		return record
	}
	return journal(t)
}

func journal(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// TestDurable: every answer has its entry in the file before it is handed out, in a
// file that keeps its length.
func TestDurable(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(mock.New().Handler())
	t.Cleanup(upstream.Close)
	file := journal(t)
	handler, err := floor.New(t.Context(), floor.Durable, upstream.URL, file)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	length := func() int64 {
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := length()
	var wg sync.WaitGroup
	const writers, each = 8, 10
	for range writers {
		wg.Go(func() {
			for range each {
				if status, got := post(t, server.URL, `{"model":"mock-model","messages":[]}`); status != 200 {
					t.Errorf("status %d: %.200s", status, got)
				}
			}
		})
	}
	wg.Wait()
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(content, []byte(`"allow":true`)); got != writers*each {
		t.Errorf("%d entries after %d answers", got, writers*each)
	}
	if after := length(); before == 0 || after != before {
		t.Errorf("the file had %d bytes and has %d", before, after)
	}
	if _, err := floor.New(t.Context(), floor.Durable, upstream.URL, io.Discard); err == nil {
		t.Error("a durable floor without a file was accepted")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := post(t, server.URL, `{"model":"mock-model","messages":[]}`); status != http.StatusServiceUnavailable {
		t.Errorf("an answer without an entry: status %d", status)
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
