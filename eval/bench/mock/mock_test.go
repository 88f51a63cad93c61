// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mock_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

func setup(t *testing.T) (string, mock.Control) {
	t.Helper()
	server := httptest.NewServer(mock.New().Handler())
	t.Cleanup(server.Close)
	return server.URL, mock.Control{URL: server.URL}
}

// reply is an answer without its body.
type reply struct {
	status int
	header http.Header
}

func post(t *testing.T, url, body string) (reply, string) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	raw, _ := io.ReadAll(r.Body) // a fault may break it
	return reply{r.StatusCode, r.Header}, string(raw)
}

func TestFaultsOfStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[mock.Fault]struct {
		has, lacks string
	}{
		mock.FaultNone:       {`"finish_reason":"stop"`, `"error"`},
		mock.FaultDie:        {`"content"`, "[DONE]"},
		mock.FaultErrorEvent: {`"error"`, "[DONE]"},
		mock.FaultNoDone:     {`"finish_reason":"stop"`, "[DONE]"},
		mock.FaultNoFinish:   {"[DONE]", `"finish_reason":"stop"`},
		mock.FaultBytewise:   {"[DONE]", `"error"`},
		mock.FaultNoUsage:    {"[DONE]", `"usage"`},
		mock.FaultUsageLast:  {`"finish_reason":"stop"}],"usage"`, `"choices":[],`},
		mock.FaultLongLine:   {strings.Repeat("ä", mock.LongPiece/2), `"error"`},
		mock.FaultTools:      {`"finish_reason":"tool_calls"`, `"content":"`},
		mock.FaultGzip:       {"[DONE]", `"error"`}, // the client of the test unpacks it
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			address, control := setup(t)
			if err := control.Set(t.Context(), mock.Settings{Tokens: 10, Fault: name}); err != nil {
				t.Fatal(err)
			}
			_, got := post(t, address+"/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true}}`)
			if !strings.Contains(got, c.has) || strings.Contains(got, c.lacks) {
				t.Errorf("the stream should have %.60q and lack %q: %.600s", c.has, c.lacks, got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	address, control := setup(t)
	for _, c := range []struct {
		fault    mock.Fault
		statuses []int
	}{
		{"503", []int{503, 503}},
		{mock.FaultRateLimit, []int{429}},
		{mock.FaultFlaky, []int{503, 200, 503}},
	} {
		if err := control.Set(t.Context(), mock.Settings{Tokens: 10, Fault: c.fault}); err != nil {
			t.Fatal(err)
		}
		for i, want := range c.statuses {
			r, _ := post(t, address+"/v1/chat/completions", `{"model":"m"}`)
			if r.status != want {
				t.Errorf("%s, request %d: status %d, want %d", c.fault, i+1, r.status, want)
			}
			if want == http.StatusTooManyRequests && r.header.Get("Retry-After") != "1" {
				t.Errorf("Retry-After = %q", r.header.Get("Retry-After"))
			}
		}
	}
}

func TestOtherRoutes(t *testing.T) {
	t.Parallel()
	address, control := setup(t)
	for path, c := range map[string]struct{ body, want string }{
		"/v1/embeddings": {`{"model":"m","input":["a","b"]}`, `"index":1`},
		"/v1/rerank":     {`{"model":"m","query":"q","documents":["a","b","c"]}`, `"index":2`},
		"/v1/responses":  {`{"model":"m","input":"q"}`, `"output_text"`},
	} {
		if _, got := post(t, address+path, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s lacks %s: %.200s", path, c.want, got)
		}
	}
	s, err := control.Stats(t.Context())
	if err != nil || s.Requests != 3 || s.InFlight != 0 {
		t.Errorf("stats %+v, %v; want three requests", s, err)
	}
}

func TestControlRefusesNonsense(t *testing.T) {
	t.Parallel()
	address, control := setup(t)
	for _, q := range []string{"tokens=0", "tokens=x", "latency=-1s", "gap=99h", "fault=tanzen", "fault=200"} {
		if r, _ := post(t, address+"/control/settings?"+q, ""); r.status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", q, r.status)
		}
	}
	if err := control.Set(t.Context(), mock.Settings{Tokens: 1, Latency: time.Millisecond}); err != nil {
		t.Error(err)
	}
	if l, err := control.Last(t.Context()); err != nil || l.Path != "" {
		t.Errorf("last %+v, %v; want it forgotten", l, err)
	}
}

func FuzzSettings(f *testing.F) {
	f.Add(mock.Settings{Tokens: 3, Fault: mock.FaultDie}.Values().Encode())
	f.Add("tokens=1&latency=1ns&fault=503")
	server := mock.New().Handler()
	f.Fuzz(func(t *testing.T, query string) {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/control/settings", RawQuery: query}, Body: http.NoBody})
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("%q: status %d", query, w.Code)
		}
	})
}
