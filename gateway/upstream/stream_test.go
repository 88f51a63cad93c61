// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream_test

import (
	"encoding/json"
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

// content joins the text of choice 0.
func content(t *testing.T, events []string) string {
	t.Helper()
	var b strings.Builder
	for _, ev := range events {
		var c struct {
			Choices []struct {
				Index int
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte(ev), &c); err != nil {
			t.Fatalf("event is no JSON: %v: %s", err, ev)
		}
		for _, x := range c.Choices {
			if x.Index == 0 {
				b.WriteString(x.Delta.Content)
			}
		}
	}
	return b.String()
}

const echo = "Sie haben geschrieben: „Grüße aus Musterstadt“."

func TestStreamDefectsAreNeverSuccess(t *testing.T) {
	t.Parallel()
	cases := []struct {
		defect upstreamtest.Defect
		body   string
		code   gateway.Code
		says   string // of the upstream's own message
	}{
		{upstreamtest.Drop, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.NoDone, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.NoFinish, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.HalfFinish, twoChoices, gateway.CodeTruncated, ""},
		{upstreamtest.EarlyDone, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.BrokenJSON, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.ErrorEvent, streamBody, gateway.CodeUnavailable, "EngineCore died unexpectedly"},
		{upstreamtest.BareError, streamBody, gateway.CodeUnavailable, "EngineCore died unexpectedly"},
		{upstreamtest.NamedError, streamBody, gateway.CodeUnavailable, "overloaded"},
		{upstreamtest.ErrorIn200, streamBody, gateway.CodeUnavailable, "CUDA out of memory"},
		{upstreamtest.PlainJSON, streamBody, gateway.CodeUnavailable, ""},
		{upstreamtest.HTMLPage, streamBody, gateway.CodeUnavailable, ""},
		{upstreamtest.Silent, streamBody, gateway.CodeTimeout, ""},
		{upstreamtest.Reset, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.HalfClosed, streamBody, gateway.CodeTruncated, ""},
		{upstreamtest.WrongType, streamBody, gateway.CodeUnavailable, ""},
	}
	for _, tc := range cases {
		t.Run(string(tc.defect), func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Always(upstreamtest.Behaviour{Defect: tc.defect})
			_, err := drain(t, c, tc.body)
			var e *gateway.Error
			if !errors.As(err, &e) || e.Code != tc.code {
				t.Fatalf("error = %v, want %s", err, tc.code)
			}
			if tc.says != "" && (e.Upstream == nil || e.Upstream.Message != tc.says) {
				t.Errorf("upstream = %+v, want its message %q", e.Upstream, tc.says)
			}
			if e.Message == "" {
				t.Error("no sentence for people")
			}
		})
	}
}

func TestLegalStreams(t *testing.T) {
	t.Parallel()
	cases := map[string]upstreamtest.Behaviour{
		"plain":           {},
		"crlf":            {LineEnd: "\r\n"},
		"cr":              {LineEnd: "\r"},
		"keep alive":      {KeepAlive: true},
		"gzip":            {Gzip: true},
		"byte by byte":    {Defect: upstreamtest.ByteByByte},
		"crlf bytewise":   {Defect: upstreamtest.ByteByByte, LineEnd: "\r\n"},
		"no usage":        {Defect: upstreamtest.NoUsage},
		"open end":        {Defect: upstreamtest.OpenEnd},
		"empty start":     {Defect: upstreamtest.EmptyStart},
		"byte order":      {Defect: upstreamtest.ByteOrder},
		"finish empty":    {Defect: upstreamtest.FinishEmpty},
		"early hints":     {Defect: upstreamtest.EarlyHints},
		"trailer":         {Defect: upstreamtest.Trailer},
		"done twice":      {Defect: upstreamtest.DoubleDone},
		"after the end":   {Defect: upstreamtest.AfterDone},
		"comment flood":   {Defect: upstreamtest.CommentFlood},
		"no newline":      {Defect: upstreamtest.NoNewline},
		"usage often":     {Defect: upstreamtest.UsageOften},
		"negative usage":  {Defect: upstreamtest.NegativeUsage},
		"huge usage":      {Defect: upstreamtest.HugeUsage},
		"no space":        {Raw: "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + echo + "\"},\"finish_reason\":\"length\"}]}\n\ndata:[DONE]\n\n"},
		"no last newline": {Raw: "id: 7\nretry: 10\ndata: {\"choices\":[{\"delta\":{\"content\":\"" + echo + "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]"},
		"usage null":      {Raw: "data: {\"usage\":null,\"error\":null,\"choices\":[{\"delta\":{\"content\":\"" + echo + "\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"},
	}
	for name, b := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, server := setup(t)
			server.Always(b)
			events, err := drain(t, c, streamBody)
			if err != nil {
				t.Fatalf("a legal stream failed: %v", err)
			}
			if got := content(t, events); got != echo {
				t.Errorf("text = %q, want %q", got, echo)
			}
		})
	}
}

func TestLongLine(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	server.Always(upstreamtest.Behaviour{Defect: upstreamtest.LongLine})
	events, err := drain(t, c, streamBody)
	if err != nil {
		t.Fatalf("a line of 200 KiB failed: %v", err)
	}
	if got := len(content(t, events)); got != len(echo)+2*(100<<10) {
		t.Errorf("got %d bytes of text", got)
	}
	small, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"haus": {BaseURL: server.URL}}, MaxLine: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := drain(t, small, streamBody); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("line above the bound: %v, want unavailable", err)
	}
}

func TestUsageChunkIsMarked(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	s, err := c.Stream(t.Context(), chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	marked := 0
	for {
		chunk, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if chunk.Usage == nil {
			continue
		}
		marked++
		if *chunk.Usage != (gateway.Usage{Input: 3, Output: 6, Reported: true}) || !strings.Contains(string(chunk.Data), `"choices":[]`) {
			t.Errorf("usage = %+v on %s", *chunk.Usage, chunk.Data)
		}
	}
	if marked != 1 {
		t.Errorf("%d chunks carry usage, want 1", marked)
	}
}

func TestToolCallsStayApart(t *testing.T) {
	t.Parallel()
	c, _ := setup(t)
	body := `{"model":"mock","stream":true,"messages":[{"role":"user","content":"Straße \"Am Markt\""}],"tools":[{"type":"function","function":{"name":"erste"}},{"type":"function","function":{"name":"zweite"}}]}`
	events, err := drain(t, c, body)
	if err != nil {
		t.Fatal(err)
	}
	args := map[int]string{}
	for _, ev := range events {
		var chunk struct {
			Choices []struct {
				Delta struct {
					ToolCalls []struct {
						Index    int
						Function struct{ Arguments string }
					} `json:"tool_calls"`
				}
			}
		}
		if err := json.Unmarshal([]byte(ev), &chunk); err != nil {
			t.Fatal(err)
		}
		for _, choice := range chunk.Choices {
			for _, call := range choice.Delta.ToolCalls {
				args[call.Index] += call.Function.Arguments
			}
		}
	}
	want := `{"eingabe":"Straße \"Am Markt\""}`
	if args[0] != want || args[1] != want {
		t.Errorf("arguments = %q and %q, want %q twice", args[0], args[1], want)
	}
}

func TestStreamIsNotBuffered(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	hold := make(chan struct{})
	server.Always(upstreamtest.Behaviour{Hold: hold})
	s, err := c.Stream(t.Context(), chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	// The second event is written only after the first was received here.
	for range 3 {
		if _, err := s.Next(); err != nil {
			t.Fatalf("Next: %v", err)
		}
		hold <- struct{}{}
	}
}

func TestCloseStopsUpstream(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	server.Always(upstreamtest.Behaviour{Gap: 20 * time.Millisecond, Text: strings.Repeat("Wort ", 500)})
	s, err := c.Stream(t.Context(), chat(streamBody))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		for {
			if _, err := s.Next(); err != nil {
				result <- err
				return
			}
		}
	}()
	time.Sleep(30 * time.Millisecond)
	begin := time.Now()
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
	if err := <-result; gateway.CodeOf(err) != gateway.CodeCancelled {
		t.Errorf("Next during Close = %v, want cancelled", err)
	}
	if !server.WaitAbandoned(5 * time.Second) {
		t.Error("the server was not told")
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("closing took %v", d)
	}
}

func TestFinishedStreamKeepsItsConnection(t *testing.T) {
	t.Parallel()
	c, server := setup(t)
	for range 20 {
		if _, err := drain(t, c, streamBody); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Connections(); n != 1 {
		t.Errorf("20 streams used %d connections, want 1", n)
	}
}

// A server that has said [DONE] and does not end its answer costs the connection,
// not the caller's time.
func TestFinishedStreamIsNotHeldByItsServer(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"gut"},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(server.Close)
	c := client(t, upstream.Endpoint{BaseURL: server.URL, Timeouts: upstream.Timeouts{Idle: time.Minute}})
	begin := time.Now()
	if _, err := drain(t, c, streamBody); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > 20*time.Second {
		t.Errorf("closing took %v", d)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the connection is kept")
	}
}
