// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// lastUsage reads a stream and returns the usage that was said last.
func lastUsage(t *testing.T, c *upstream.Client, body string) gateway.Usage {
	t.Helper()
	s, err := c.Stream(t.Context(), chat(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	var last gateway.Usage
	for {
		chunk, err := s.Next()
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Usage != nil {
			last = *chunk.Usage
		}
	}
}

func TestUsageThatCannotBe(t *testing.T) {
	t.Parallel()
	for defect, want := range map[upstreamtest.Defect]gateway.Usage{
		upstreamtest.NegativeUsage: {Reported: true},
		upstreamtest.HugeUsage:     {Reported: true},
		upstreamtest.UsageOften:    {Input: 3, Output: 8, Reported: true},
	} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Always(upstreamtest.Behaviour{Defect: defect})
			if got := lastUsage(t, c, streamBody); got != want {
				t.Errorf("streamed: usage = %+v, want %+v", got, want)
			}
			if defect == upstreamtest.UsageOften {
				return
			}
			answer, err := c.Complete(t.Context(), chat(plainBody))
			if err != nil || answer.Usage != want {
				t.Errorf("plain: usage = %+v, %v, want %+v", answer.Usage, err, want)
			}
		})
	}
}

func TestSeveralChoicesInOneEvent(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	server.Always(upstreamtest.Behaviour{Defect: upstreamtest.Together})
	events, err := drain(t, c, twoChoices)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[int]string{}
	most := 0
	for _, ev := range events {
		var chunk struct {
			Choices []struct {
				Index int
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(ev), &chunk); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(chunk.Choices))
		for _, choice := range chunk.Choices {
			texts[choice.Index] += choice.Delta.Content
		}
	}
	if most != 2 || texts[0] != echo || texts[1] != echo {
		t.Errorf("at most %d choices in an event, texts %v", most, texts)
	}
}

// A server that goes on and on with comments is alive, but neither for ever nor
// without end.
func TestCommentsAreBounded(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	server.Always(upstreamtest.Behaviour{Defect: upstreamtest.CommentFlood})
	c, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL}}, MaxAnswer: 200 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drain(t, c, streamBody); gateway.CodeOf(err) != gateway.CodeUnavailable || !strings.Contains(err.Error(), "larger than allowed") {
		t.Errorf("error = %v, want: larger than allowed", err)
	}
}

func TestHeaderThatNeverEnds(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	server.Always(upstreamtest.Behaviour{Defect: upstreamtest.SlowHeader})
	c := client(t, upstream.Endpoint{BaseURL: server.URL, Timeouts: upstream.Timeouts{Connect: 50 * time.Millisecond, FirstByte: 200 * time.Millisecond, Idle: 10 * time.Second}})
	for name, ask := range map[string]func() error{
		"plain":    func() error { _, err := c.Complete(t.Context(), chat(plainBody)); return err },
		"streamed": func() error { _, err := drain(t, c, streamBody); return err },
	} {
		begin := time.Now()
		if err := ask(); gateway.CodeOf(err) != gateway.CodeTimeout || !strings.Contains(err.Error(), "no first byte") {
			t.Errorf("%s: error = %v, want: no first byte", name, err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

// A consumer that takes its time is no silent server: the idle clock runs only
// while the server is waited for.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	server := upstreamtest.Start(t)
	c := client(t, upstream.Endpoint{BaseURL: server.URL, Timeouts: upstream.Timeouts{Connect: time.Second, FirstByte: 5 * time.Second, Idle: time.Second, Total: time.Minute}})
	hold := make(chan struct{}, 100)
	server.Always(upstreamtest.Behaviour{Hold: hold})
	s, err := c.Stream(t.Context(), chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for n := 0; ; n++ {
		_, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("event %d: %v", n, err)
		}
		if n == 2 {
			time.Sleep(1500 * time.Millisecond)
		}
		hold <- struct{}{}
	}
}

func TestPlainAnswersOfOddConnections(t *testing.T) {
	t.Parallel()
	for defect, code := range map[upstreamtest.Defect]gateway.Code{
		upstreamtest.EarlyHints: "", upstreamtest.Trailer: "", upstreamtest.SlowHeader: gateway.CodeTimeout,
	} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Always(upstreamtest.Behaviour{Defect: defect})
			if _, err := c.Complete(t.Context(), chat(plainBody)); gateway.CodeOf(err) != code {
				t.Errorf("error = %v, want code %q", err, code)
			}
		})
	}
}

// raw answers every connection with the same bytes and closes it.
func raw(t *testing.T, answer string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				buf := make([]byte, 64<<10)
				_, _ = conn.Read(buf)
				_, _ = io.WriteString(conn, answer)
				_ = conn.Close()
			}()
		}
	}()
	return "http://" + listener.Addr().String() + "/v1"
}

func TestWireNonsense(t *testing.T) {
	t.Parallel()
	good := `{"choices":[{"index":0,"message":{"content":"ja"},"finish_reason":"stop"}]}`
	cases := []struct {
		name, answer string
		code         gateway.Code
	}{
		{"no answer", "", gateway.CodeUnavailable},
		{"no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", gateway.CodeUnavailable},
		{"a header of 1 MiB", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", gateway.CodeUnavailable},
		{"six hundred early hints", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 6000) + "HTTP/1.1 200 OK\r\n\r\n" + good, gateway.CodeUnavailable},
		{"100 continue, then fine", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + good, ""},
		{"switches protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", gateway.CodeUnavailable},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n" + good, gateway.CodeUnavailable},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", gateway.CodeUnavailable},
		{"chunk that is cut", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"choices\":[", gateway.CodeTruncated},
		{"chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", gateway.CodeTruncated},
		{"gzip that is none", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + good, gateway.CodeUnavailable},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, upstream.Endpoint{BaseURL: raw(t, tc.answer), Key: canary})
			_, err := c.Complete(t.Context(), chat(plainBody))
			if got := gateway.CodeOf(err); got != tc.code {
				t.Errorf("error = %v, want code %q", err, tc.code)
			}
			if err != nil && strings.Contains(fmt.Sprint(err), canary) {
				t.Errorf("the key stands in the error: %v", err)
			}
		})
	}
}

// Every failure to get a connection looks the same to the router: *net.OpError
// with the Op "dial", code unavailable, no status.
func TestNoConnectionIsVisible(t *testing.T) {
	t.Parallel()
	closed := raw(t, "")
	plain := strings.Replace(raw(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "http://", "https://", 1)
	silent := strings.Replace(mute(t), "http://", "https://", 1)
	quick := upstream.Timeouts{Connect: 200 * time.Millisecond, FirstByte: 10 * time.Second}
	cases := map[string]struct {
		e    upstream.Endpoint
		dial bool
	}{
		"nobody listens":              {upstream.Endpoint{BaseURL: "http://127.0.0.1:1/v1"}, true},
		"no such name":                {upstream.Endpoint{BaseURL: "https://modell.invalid/v1"}, true},
		"no TLS at the other end":     {upstream.Endpoint{BaseURL: plain}, true},
		"handshake that never comes":  {upstream.Endpoint{BaseURL: silent, Timeouts: quick}, true},
		"proxy that is not there":     {upstream.Endpoint{BaseURL: "https://modell.example/v1", Proxy: "http://nutzer:kennwort@127.0.0.1:1"}, true},
		"answered by hanging up":      {upstream.Endpoint{BaseURL: closed}, false},
		"address that is not allowed": {upstream.Endpoint{BaseURL: "https://169.254.169.254/v1"}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, tc.e)
			_, err := c.Complete(t.Context(), chat(plainBody))
			var e *gateway.Error
			if !errors.As(err, &e) || e.Code != gateway.CodeUnavailable || e.Upstream != nil {
				t.Fatalf("error = %v, want unavailable without a status", err)
			}
			var dial *net.OpError
			if got := errors.As(err, &dial) && dial.Op == "dial"; got != tc.dial {
				t.Errorf("looks like no connection: %v, want %v (%v)", got, tc.dial, err)
			}
			if strings.Contains(err.Error(), "kennwort") {
				t.Errorf("the password of the proxy stands in the error: %v", err)
			}
		})
	}
}

// mute accepts connections and says nothing.
func mute(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		var open []net.Conn
		for {
			conn, err := listener.Accept()
			if err != nil {
				for _, c := range open {
					_ = c.Close()
				}
				return
			}
			open = append(open, conn)
		}
	}()
	return "http://" + listener.Addr().String() + "/v1"
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := upstreamtest.Start(t)
	c, server := setup(t)
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		server.Next(upstreamtest.Behaviour{Status: status, Header: map[string]string{"Location": elsewhere.URL + "/chat/completions"}})
		if _, err := c.Complete(t.Context(), chat(plainBody)); gateway.CodeOf(err) != gateway.CodeUnavailable {
			t.Errorf("%d: error = %v, want unavailable", status, err)
		}
	}
	if n := len(elsewhere.Requests()); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	call := func(body string) gateway.Call {
		return gateway.Call{Operation: gateway.OperationCompletion, Route: gateway.Route{Endpoint: "haus"}, Body: []byte(body)}
	}
	c, server := setup(t)
	answer, err := c.Complete(t.Context(), call(`{"model":"mock","prompt":"Grüße aus Musterstadt","n":2}`))
	if err != nil || strings.Count(string(answer.Body), echo) != 2 || answer.Usage != (gateway.Usage{Input: 3, Output: 6, Reported: true}) {
		t.Fatalf("answer %s, usage %+v, %v", answer.Body, answer.Usage, err)
	}
	if server.Last().Path != "/v1/completions" {
		t.Errorf("path = %s", server.Last().Path)
	}
	streamed := `{"model":"mock","prompt":"Grüße aus Musterstadt","stream":true,"stream_options":{"include_usage":true}}`
	for defect, want := range map[upstreamtest.Defect]gateway.Code{"": "", upstreamtest.NoDone: gateway.CodeTruncated, upstreamtest.NoFinish: gateway.CodeTruncated, upstreamtest.ErrorEvent: gateway.CodeUnavailable, upstreamtest.Reset: gateway.CodeTruncated} {
		server.Next(upstreamtest.Behaviour{Defect: defect})
		s, err := c.Stream(t.Context(), call(streamed))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for err == nil {
			var chunk gateway.Chunk
			if chunk, err = s.Next(); err == nil {
				var ev struct{ Choices []struct{ Text string } }
				if json.Unmarshal(chunk.Data, &ev) == nil && len(ev.Choices) == 1 {
					text.WriteString(ev.Choices[0].Text)
				}
			}
		}
		_ = s.Close()
		if want == "" && (!errors.Is(err, io.EOF) || text.String() != echo) || want != "" && gateway.CodeOf(err) != want {
			t.Errorf("%q: text %q, error %v, want %q", defect, text.String(), err, want)
		}
	}
}

func TestRerank(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	call := gateway.Call{
		Operation: gateway.OperationRerank, Route: gateway.Route{Endpoint: "haus"},
		Body: []byte(`{"model":"mock","query":"wohngeld antrag","documents":["Kindergeld",{"text":"Antrag auf Wohngeld"},"ein Antrag"],"top_n":2,"return_documents":true}`),
	}
	answer, err := c.Complete(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Results []struct {
			Index int
			Score float64 `json:"relevance_score"`
		}
	}
	if err := json.Unmarshal(answer.Body, &got); err != nil || len(got.Results) != 2 || got.Results[0].Index != 1 || got.Results[0].Score != 1 || got.Results[1].Index != 2 {
		t.Errorf("answer = %s, %v", answer.Body, err)
	}
	if answer.Usage != (gateway.Usage{Input: 8, Reported: true}) || server.Last().Path != "/v1/rerank" {
		t.Errorf("usage %+v of %s", answer.Usage, server.Last().Path)
	}
	for _, body := range []string{`{"results":[]}`, `{"results":null}`, `{}`} {
		server.Next(upstreamtest.Behaviour{Status: 200, Body: body})
		if _, err := c.Complete(t.Context(), call); gateway.CodeOf(err) != gateway.CodeTruncated {
			t.Errorf("%s: error = %v, want truncated", body, err)
		}
	}
}

func TestTranscription(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	call := gateway.Call{
		Operation: gateway.OperationTranscription, Route: gateway.Route{Endpoint: "haus"},
		Body:  []byte(`{"model":"whisper","language":"de","temperature":0.2,"timestamp_granularities":["word","segment"]}`),
		Files: []gateway.File{{Field: "file", Name: "Sitzung Mustermann.WAV", MediaType: "audio/wav", Content: slices.Repeat([]byte{7}, 100_000)}},
	}
	answer, err := c.Complete(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text   string
		Fields map[string]string `json:"x_fields"`
	}
	if err := json.Unmarshal(answer.Body, &got); err != nil || got.Text != "Aufnahme datei.wav mit 100000 Bytes." {
		t.Errorf("answer = %s, %v", answer.Body, err)
	}
	want := map[string]string{"model": "whisper", "language": "de", "temperature": "0.2", "timestamp_granularities[]": "word,segment"}
	if fmt.Sprint(got.Fields) != fmt.Sprint(want) {
		t.Errorf("fields = %v, want %v", got.Fields, want)
	}
	if answer.Usage != (gateway.Usage{Input: 100_000, Output: 5, Reported: true}) {
		t.Errorf("usage = %+v", answer.Usage)
	}
	if sent := server.Last(); strings.Contains(string(sent.Body), "Mustermann") || sent.Path != "/v1/audio/transcriptions" {
		t.Errorf("%s received the name of the file", sent.Path)
	}
	for body, seconds := range map[string]int{
		`{"text":"a","duration":8.47}`: 9, `{"text":"a","duration":"61.0"}`: 61, `{"text":"a","usage":{"type":"duration","seconds":12}}`: 12, `{"text":"a","duration":"lang"}`: 0,
	} {
		server.Next(upstreamtest.Behaviour{Status: 200, Body: body})
		if answer, err := c.Complete(t.Context(), call); err != nil || answer.Usage.AudioSeconds != seconds {
			t.Errorf("%s: %+v, %v", body, answer.Usage, err)
		}
	}
	server.Next(upstreamtest.Behaviour{Status: 200, Body: `{"task":"transcribe"}`}, upstreamtest.Behaviour{Status: 413, Body: `{"error":{"message":"file too large"}}`})
	if _, err := c.Complete(t.Context(), call); gateway.CodeOf(err) != gateway.CodeTruncated {
		t.Errorf("answer without a text: %v, want truncated", err)
	}
	if _, err := c.Complete(t.Context(), call); gateway.CodeOf(err) != gateway.CodeUpstream {
		t.Errorf("file too large: %v, want a refusal", err)
	}
}
