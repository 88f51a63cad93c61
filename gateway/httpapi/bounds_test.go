// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// serve is a server as the product runs it.
func serve(t *testing.T, b *bench, handler http.Handler) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := b.setup.HTTPServer(listener.Addr().String(), handler)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return "http://" + listener.Addr().String()
}

func hasty(c *httpapi.Config, _ *gateway.Config) {
	c.BodyTimeout, c.Timeout, c.WriteTimeout, c.Heartbeat = 100*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
}

// An answer that nobody reads comes to an end.
func TestAnswerThatNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	url := serve(t, setup(t, hasty), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 1<<20)
		var err error
		for range 1024 {
			if _, err = w.Write(piece); err != nil {
				break
			}
		}
		ended <- err
	}))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a gigabyte was written to a client that does not read")
		}
	case <-time.After(time.Minute):
		t.Error("the writer waits for ever")
	}
}

// A stream may last longer than anything else.
func TestStreamOutlivesTheBoundsOfAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, hasty)
	hold := make(chan struct{})
	b.mock.Next(upstreamtest.Behaviour{Hold: hold, Text: "eins zwei drei"})
	b.url = serve(t, b, b.setup)
	answer := b.open(t, t.Context(), http.MethodPost, "/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}`)
	defer answer.Body.Close()
	time.Sleep(1500 * time.Millisecond) // three times the bound of an answer
	close(hold)
	raw, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(raw), "drei") || !strings.Contains(string(raw), "[DONE]") {
		t.Errorf("%q, %v", raw, err)
	}
}

// confined is a caller whose key was made for one source.
type confined struct{ auth }

func (a confined) Authenticate(ctx context.Context, r *http.Request) (gateway.Caller, error) {
	caller, err := a.auth.Authenticate(ctx, r)
	caller.Sources = []string{"dienstanweisungen"}
	return caller, err
}

// "All sources" of a key that was made for some are those.
func TestSearchStaysWithinTheKey(t *testing.T) {
	t.Parallel()
	for sources, want := range map[string]string{`["*"]`: "dienstanweisungen", `["dienstanweisungen"]`: "dienstanweisungen", `["*","akte"]`: "", `["akte"]`: ""} {
		asked := "none"
		b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
			c.Auth = confined{}
			c.Retriever = retriever{func(q gateway.Query) ([]gateway.Passage, error) {
				asked = strings.Join(q.Sources, ",")
				return nil, nil
			}}
		})
		for _, body := range []string{`{"query":"x","sources":` + sources + `}`, `{"query":"x","schleuse":{"sources":` + sources + `}}`} {
			asked = "none"
			got := b.call(t, http.MethodPost, "/api/v1/search", body)
			if want == "" && (got.status != http.StatusForbidden || asked != "none") || want != "" && (got.status != http.StatusOK || asked != want) {
				t.Errorf("%s: status %d, asked %s", body, got.status, asked)
			}
		}
	}
}
