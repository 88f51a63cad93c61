// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

const canary = "sk-geheim-4711-canary"

// setup starts a mock server and a client with short clocks.
func setup(t *testing.T) (*upstream.Client, *upstreamtest.Server) {
	t.Helper()
	server := upstreamtest.Start(t)
	return client(t, upstream.Endpoint{BaseURL: server.URL, Key: canary}), server
}

func client(t *testing.T, e upstream.Endpoint) *upstream.Client {
	t.Helper()
	if e.Timeouts == (upstream.Timeouts{}) {
		e.Timeouts = upstream.Timeouts{Connect: time.Second, FirstByte: 2 * time.Second, Idle: time.Second, Total: 20 * time.Second}
	}
	c, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": e}})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

func chat(body string) gateway.Call {
	return gateway.Call{RequestID: "r1", Operation: gateway.OperationChat, Route: gateway.Route{Endpoint: "haus"}, Body: []byte(body)}
}

const (
	plainBody  = `{"model":"mock", "messages":[{"role":"user","content":"Grüße aus Musterstadt"}],  "min_p":0.05,"guided_json":{"type":"object"}}`
	streamBody = `{"model":"mock","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Grüße aus Musterstadt"}]}`
	twoChoices = `{"model":"mock","stream":true,"n":2,"messages":[{"role":"user","content":"Grüße aus Musterstadt"}]}`
)

func TestCompletePassesBytesThrough(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	answer, err := c.Complete(t.Context(), chat(plainBody))
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	if got := string(server.Last().Body); got != plainBody {
		t.Errorf("upstream received %q, want the exact bytes %q", got, plainBody)
	}
	for _, field := range []string{`"x_mock":{"tief":[1,2,3]}`, `"reasoning_content"`, `"system_fingerprint"`, `"logprobs":null`} {
		if !strings.Contains(string(answer.Body), field) {
			t.Errorf("answer lost %s: %s", field, answer.Body)
		}
	}
	want := gateway.Usage{Input: 3, Output: 6, Reported: true}
	if answer.Usage != want {
		t.Errorf("usage = %+v, want %+v", answer.Usage, want)
	}
}

func TestOnlyOwnHeadersGoUpstream(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	c, err := upstream.New(upstream.Config{
		Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL + "/", Key: canary, Headers: map[string]upstream.Secret{"api-key": "zweiter"}}},
		UserAgent: "ki-schleuse/test",
		Trace:     func(context.Context) string { return trace },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(t.Context(), chat(plainBody)); err != nil {
		t.Fatalf("Complete: %v", err)
	}
	want := map[string]string{
		"Authorization": "Bearer " + canary, "Content-Type": "application/json", "Accept": "application/json",
		"User-Agent": "ki-schleuse/test", "Traceparent": trace, "Api-Key": "zweiter",
		"Accept-Encoding": "gzip", "Content-Length": "125",
	}
	got := server.Last().Header
	for name, value := range want {
		if got.Get(name) != value && name != "Content-Length" {
			t.Errorf("header %s = %q, want %q", name, got.Get(name), value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("unexpected header %s: %q went upstream", name, got[name])
		}
	}
}

func TestTraceFromOutsideIsChecked(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	c, err := upstream.New(upstream.Config{
		Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL}},
		Trace:     func(context.Context) string { return "00-Müller-geb-1970-01" },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Complete(t.Context(), chat(plainBody)); err != nil {
		t.Fatal(err)
	}
	if got := server.Last().Header.Get("Traceparent"); got != "" {
		t.Errorf("malformed traceparent %q went upstream", got)
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	call := gateway.Call{Operation: gateway.OperationEmbeddings, Route: gateway.Route{Endpoint: "haus"}, Body: []byte(`{"model":"mock-embed","input":["a b","c"],"encoding_format":"base64"}`)}
	answer, err := c.Complete(t.Context(), call)
	if err != nil {
		t.Fatalf("Complete: %v", err)
	}
	if answer.Usage.Input != 3 || !answer.Usage.Reported {
		t.Errorf("usage = %+v, want 3 tokens in", answer.Usage)
	}
	for name, body := range map[string]string{
		"no data":      `{"object":"list","data":[]}`,
		"no embedding": `{"object":"list","data":[{"index":0,"embedding":null}]}`,
	} {
		server.Next(upstreamtest.Behaviour{Status: 200, Body: body})
		if _, err := c.Complete(t.Context(), call); gateway.CodeOf(err) != gateway.CodeTruncated {
			t.Errorf("%s: error = %v, want truncated", name, err)
		}
	}
}

func TestModelsAndPing(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	models, err := c.Models(t.Context(), "haus")
	if err != nil || strings.Join(models, ",") != "mock,mock-embed" {
		t.Fatalf("Models = %v, %v, want mock and mock-embed", models, err)
	}
	server.Next(upstreamtest.Behaviour{Status: 404, Body: "nope"}, upstreamtest.Behaviour{Status: 500})
	if err := c.Ping(t.Context(), "haus"); err != nil {
		t.Errorf("Ping of a server without a list: %v, want alive", err)
	}
	if err := c.Ping(t.Context(), "haus"); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("Ping of a broken server = %v, want unavailable", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	openAI := func(message string) string {
		return `{"error":{"message":"` + message + `","type":"invalid_request_error","param":"messages","code":"ctx"}}`
	}
	cases := []struct {
		name    string
		b       upstreamtest.Behaviour
		code    gateway.Code
		message string // what may be passed on
		retry   time.Duration
	}{
		{"400", upstreamtest.Behaviour{Status: 400, Body: openAI("zu lang")}, gateway.CodeUpstream, "zu lang", 0},
		{"404 flat shape", upstreamtest.Behaviour{Status: 404, Body: `{"object":"error","message":"model unknown","code":404}`}, gateway.CodeUpstream, "model unknown", 0},
		{"422 detail list", upstreamtest.Behaviour{Status: 422, Body: `{"detail":[{"loc":["body","n"],"msg":"too big"}]}`}, gateway.CodeUpstream, "body.n: too big", 0},
		{"error as text", upstreamtest.Behaviour{Status: 400, Body: `{"error":"kaputt"}`}, gateway.CodeUpstream, "kaputt", 0},
		{"429 seconds", upstreamtest.Behaviour{Status: 429, Body: openAI("langsam"), Header: map[string]string{"Retry-After": "7"}}, gateway.CodeRateLimited, "langsam", 7 * time.Second},
		{"429 absurd", upstreamtest.Behaviour{Status: 429, Header: map[string]string{"Retry-After": "99999999"}}, gateway.CodeRateLimited, "", time.Hour},
		{"401 is our fault", upstreamtest.Behaviour{Status: 401, Body: openAI("bad key " + canary)}, gateway.CodeUnavailable, "", 0},
		{"key is masked", upstreamtest.Behaviour{Status: 400, Body: openAI("key " + canary + " no")}, gateway.CodeUpstream, "key *** no", 0},
		{"503", upstreamtest.Behaviour{Status: 503, Body: openAI("voll"), Header: map[string]string{"Retry-After": "2"}}, gateway.CodeUnavailable, "voll", 2 * time.Second},
		{"504", upstreamtest.Behaviour{Status: 504}, gateway.CodeTimeout, "", 0},
		{"html page", upstreamtest.Behaviour{Defect: upstreamtest.HTMLPage}, gateway.CodeUnavailable, "", 0},
		{"redirect", upstreamtest.Behaviour{Status: 307, Header: map[string]string{"Location": "http://127.0.0.1:1/"}}, gateway.CodeUnavailable, "", 0},
		{"long message", upstreamtest.Behaviour{Status: 400, Body: openAI(strings.Repeat("ü", 4000))}, gateway.CodeUpstream, strings.Repeat("ü", 256), 0},
	}
	for _, tc := range cases {
		for _, streamed := range []bool{false, true} {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				c, server := setup(t)
				server.Always(tc.b)
				var err error
				if streamed {
					_, err = c.Stream(t.Context(), chat(streamBody))
				} else {
					_, err = c.Complete(t.Context(), chat(plainBody))
				}
				var e *gateway.Error
				if !errors.As(err, &e) {
					t.Fatalf("error = %v, want a gateway error", err)
				}
				if e.Code != tc.code || e.Upstream == nil || e.Upstream.Message != tc.message || e.RetryAfter != tc.retry {
					t.Errorf("got code %s, upstream %+v, retry %v, want %s, %q, %v", e.Code, e.Upstream, e.RetryAfter, tc.code, tc.message, tc.retry)
				}
				if strings.Contains(err.Error()+e.Message+e.Upstream.Message, canary) {
					t.Errorf("the key stands in the error: %v", err)
				}
				if n := len(server.Requests()); n != 1 {
					t.Errorf("%d requests went upstream, want exactly 1", n)
				}
			})
		}
	}
}

// The client asks once; what follows is for the router, which must see why.
func TestNothingIsAskedTwice(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		b      upstreamtest.Behaviour
		code   gateway.Code
		status int
		retry  time.Duration
	}{
		{"busy", upstreamtest.Behaviour{Status: 503}, gateway.CodeUnavailable, 503, 0},
		{"busy for long", upstreamtest.Behaviour{Status: 503, Header: map[string]string{"Retry-After": "3"}}, gateway.CodeUnavailable, 503, 3 * time.Second},
		{"server error", upstreamtest.Behaviour{Status: 500}, gateway.CodeUnavailable, 500, 0},
		{"bad gateway", upstreamtest.Behaviour{Status: 502}, gateway.CodeUnavailable, 502, 0},
		{"overloaded", upstreamtest.Behaviour{Status: 529}, gateway.CodeUnavailable, 529, 0},
		{"rate limit", upstreamtest.Behaviour{Status: 429}, gateway.CodeRateLimited, 429, 0},
		{"milliseconds", upstreamtest.Behaviour{Status: 429, Header: map[string]string{"Retry-After-Ms": "1500", "Retry-After": "2"}}, gateway.CodeRateLimited, 429, 1500 * time.Millisecond},
		{"requests used up", upstreamtest.Behaviour{Status: 429, Header: map[string]string{
			"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "1m30s", "X-Ratelimit-Remaining-Tokens": "900", "X-Ratelimit-Reset-Tokens": "6m0s",
		}}, gateway.CodeRateLimited, 429, 90 * time.Second},
		{"tokens used up", upstreamtest.Behaviour{Status: 429, Header: map[string]string{
			"X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "12",
		}}, gateway.CodeRateLimited, 429, 12 * time.Second},
		{"nonsense", upstreamtest.Behaviour{Status: 429, Header: map[string]string{
			"Retry-After-Ms": "NaN", "X-Ratelimit-Remaining-Tokens": "0", "X-Ratelimit-Reset-Tokens": "soon",
		}}, gateway.CodeRateLimited, 429, 0},
		{"answer began", upstreamtest.Behaviour{Defect: upstreamtest.CutBody}, gateway.CodeTruncated, 0, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Next(tc.b)
			_, err := c.Complete(t.Context(), chat(plainBody))
			var e *gateway.Error
			if !errors.As(err, &e) || len(server.Requests()) != 1 {
				t.Fatalf("error %v after %d requests, want a gateway error after one", err, len(server.Requests()))
			}
			status := 0
			if e.Upstream != nil {
				status = e.Upstream.Status
			}
			if e.Code != tc.code || status != tc.status || e.RetryAfter != tc.retry {
				t.Errorf("code %s, status %d, pause %v, want %s, %d, %v", e.Code, status, e.RetryAfter, tc.code, tc.status, tc.retry)
			}
		})
	}
}

func TestPlainAnswerDefects(t *testing.T) {
	t.Parallel()
	cases := []struct {
		b    upstreamtest.Behaviour
		code gateway.Code
	}{
		{upstreamtest.Behaviour{Defect: upstreamtest.NoFinish}, gateway.CodeTruncated},
		{upstreamtest.Behaviour{Defect: upstreamtest.CutBody}, gateway.CodeTruncated},
		{upstreamtest.Behaviour{Defect: upstreamtest.BrokenJSON}, gateway.CodeTruncated},
		{upstreamtest.Behaviour{Defect: upstreamtest.ErrorIn200}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Status: 200, Body: `"nur Text"`}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Status: 200, Body: ""}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Status: 200, Body: `{"choices":"x"}`}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Status: 200, Body: `{"choices":[]}`}, gateway.CodeTruncated},
		{upstreamtest.Behaviour{Status: 200, Body: "<html>ok</html>", Header: map[string]string{"Content-Type": "text/html"}}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Status: 200, Body: "x", Header: map[string]string{"Content-Encoding": "br"}}, gateway.CodeUnavailable},
		{upstreamtest.Behaviour{Gzip: true}, ""},
		{upstreamtest.Behaviour{Defect: upstreamtest.NoUsage}, ""},
	}
	for _, tc := range cases {
		t.Run(string(tc.b.Defect)+tc.b.Body, func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Always(tc.b)
			answer, err := c.Complete(t.Context(), chat(plainBody))
			if got := gateway.CodeOf(err); got != tc.code {
				t.Fatalf("code = %q (%v), want %q", got, err, tc.code)
			}
			if err == nil && !strings.Contains(string(answer.Body), "Grüße aus Musterstadt") {
				t.Errorf("answer = %s", answer.Body)
			}
		})
	}
}

func TestAnswerIsBounded(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	c, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL}}, MaxAnswer: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	for _, packed := range []bool{false, true} {
		server.Next(upstreamtest.Behaviour{Text: strings.Repeat("a", 1<<20), Gzip: packed})
		_, err := c.Complete(t.Context(), chat(plainBody))
		if gateway.CodeOf(err) != gateway.CodeUnavailable {
			t.Errorf("gzip=%v: error = %v, want unavailable because too large", packed, err)
		}
	}
}

func TestClocks(t *testing.T) {
	t.Parallel()
	clocks := upstream.Timeouts{Connect: time.Second, FirstByte: 200 * time.Millisecond, Idle: 150 * time.Millisecond, Total: 600 * time.Millisecond}
	clocks.Connect = 50 * time.Millisecond
	cases := []struct {
		name   string
		b      upstreamtest.Behaviour
		stream bool
		want   string
	}{
		{"first byte, no status line", upstreamtest.Behaviour{Latency: 5 * time.Second}, false, "no first byte"},
		{"first byte, silent after the header", upstreamtest.Behaviour{FirstByte: 5 * time.Second}, true, "no first byte"},
		{"idle between events", upstreamtest.Behaviour{Defect: upstreamtest.Silent}, true, "silent"},
		{"total, although alive", upstreamtest.Behaviour{Gap: 100 * time.Millisecond, Text: strings.Repeat("Wort ", 50)}, true, "too long"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.Start(t)
			server.Always(tc.b)
			c := client(t, upstream.Endpoint{BaseURL: server.URL, Timeouts: clocks})
			begin := time.Now()
			var err error
			if tc.stream {
				_, err = drain(t, c, streamBody)
			} else {
				_, err = c.Complete(t.Context(), chat(plainBody))
			}
			if gateway.CodeOf(err) != gateway.CodeTimeout || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want a timeout that says %q", err, tc.want)
			}
			if d := time.Since(begin); d > 4*time.Second {
				t.Errorf("took %v", d)
			}
			if !server.WaitAbandoned(5 * time.Second) {
				t.Error("the server was not told")
			}
		})
	}
}

func TestConnectFailures(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	url := gone.URL
	gone.Close()
	c := client(t, upstream.Endpoint{BaseURL: url + "/v1"})
	if _, err := c.Complete(t.Context(), chat(plainBody)); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("closed port: %v, want unavailable", err)
	}
	wrong := gateway.Call{Operation: gateway.OperationChat, Route: gateway.Route{Endpoint: "fremd"}}
	if _, err := c.Complete(t.Context(), wrong); gateway.CodeOf(err) != gateway.CodeInternal {
		t.Errorf("unknown endpoint: %v, want internal", err)
	}
	if _, err := c.Complete(t.Context(), gateway.Call{Operation: gateway.OperationCheck, Route: gateway.Route{Endpoint: "haus"}}); gateway.CodeOf(err) != gateway.CodeInternal {
		t.Errorf("operation without a model: %v, want internal", err)
	}
}

func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	server.Always(upstreamtest.Behaviour{Latency: 10 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // leaves when the server has the request
		for server.Inflight() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	_, err := c.Complete(ctx, chat(plainBody))
	if gateway.CodeOf(err) != gateway.CodeCancelled {
		t.Errorf("error = %v, want cancelled", err)
	}
	if !server.WaitAbandoned(5 * time.Second) {
		t.Error("the server was not told")
	}
}

// drain reads a stream to its end and returns the text and the error (nil for io.EOF).
func drain(t *testing.T, c *upstream.Client, body string) ([]string, error) {
	t.Helper()
	s, err := c.Stream(t.Context(), chat(body))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	var events []string
	for {
		chunk, err := s.Next()
		if errors.Is(err, io.EOF) {
			if _, again := s.Next(); !errors.Is(again, io.EOF) {
				t.Errorf("Next after the end = %v, want io.EOF again", again)
			}
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, string(chunk.Data))
	}
}
