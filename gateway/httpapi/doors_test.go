// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// Everything that OpenAI's chat format knows goes through byte for byte.
func TestChatIsByteTrue(t *testing.T) {
	t.Parallel()
	const answer = `{"id":"c","object":"chat.completion","created":1767225600,"model":"mock",  "choices":[` +
		`{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"annotations":[],"reasoning_content":"Erst A, dann B.","tool_calls":[{"id":"call_a","type":"function","function":{"name":"wetter","arguments":"{\"ort\": \"Ulm\"}"}},{"id":"call_b","type":"function","function":{"name":"wetter","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"},` +
		`{"index":1,"message":{"role":"assistant","content":"{\"ort\":\"Ulm\"}","reasoning":"Gr\u00fcndlich."},"logprobs":{"content":[{"token":"{","logprob":-0.0001,"bytes":[123],"top_logprobs":[]}],"refusal":null},"finish_reason":"stop","stop_reason":null}],` +
		`"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"completion_tokens_details":{"reasoning_tokens":3}},"service_tier":"default","x_neu":{"a":[1.50]}}`
	for name, fields := range map[string]string{
		"several answers":     `"n":2,"temperature":0.30,"seed":42`,
		"tools":               `"tools":[{"type":"function","function":{"name":"wetter","parameters":{"type":"object","properties":{"ort":{"type":"string"}}},"strict":true}}],"tool_choice":{"type":"function","function":{"name":"wetter"}},"parallel_tool_calls":true`,
		"a schema":            `"response_format":{"type":"json_schema","json_schema":{"name":"ort","strict":true,"schema":{"type":"object","properties":{"ort":{"enum":["Ulm","K\u00f6ln"]}}}}}`,
		"logprobs":            `"logprobs":true,"top_logprobs":5,"logit_bias":{"50256":-100}`,
		"reasoning":           `"reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false},"max_completion_tokens":1e2`,
		"spaces and unknowns": "\"x_neu\" :\t{ \"a\" : [ 1.50 , true ] } ,\n \"min_p\":0.050",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: answer})
			body := `{"model":"haus/mock","messages":[{"role":"user","content":[{"type":"text","text":"Was zeigt das?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]},{"role":"assistant","content":"x","reasoning_content":"y"}],` + fields + `}`
			got := b.call(t, "POST", chatPath, body)
			if got.status != 200 || got.body != answer {
				t.Errorf("got %d\n%s\nwant byte for byte\n%s", got.status, got.body, answer)
			}
			if sent, want := string(b.mock.Last().Body), strings.Replace(body, "haus/mock", "mock", 1); sent != want {
				t.Errorf("sent\n%s\nwant byte for byte\n%s", sent, want)
			}
		})
	}
}

// The events of a stream as well; of stream_options only include_usage is ours.
func TestChatStreamIsByteTrue(t *testing.T) {
	t.Parallel()
	events := []string{
		`{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"Hm\u2026"},"logprobs":{"content":[{"token":"a","logprob":-1.0}]},"finish_reason":null}],"x_neu":[1.50]}`,
		`{"id":"c","choices":[{"index":1,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"zwei","arguments":""}},{"index":0,"function":{"arguments":"{\"x\":1}"}}]},"finish_reason":null}]}`,
		`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"},{"index":1,"delta":{"content":""},"finish_reason":"tool_calls"}]}`,
		`{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"x":{}}}`,
	}
	b := setup(t)
	stream := "data: " + strings.Join(events, "\n\ndata: ") + "\n\ndata: [DONE]\n\n"
	b.mock.Next(upstreamtest.Behaviour{Raw: stream})
	got := b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":"x"}],"stream":true,"n":2,"stream_options":{"include_usage":true,"include_obfuscation":false}}`)
	if got.body != stream {
		t.Errorf("got\n%s\nwant byte for byte\n%s", got.body, stream)
	}
	if sent := string(b.mock.Last().Body); !strings.Contains(sent, `"stream_options":{"include_obfuscation":false,"include_usage":true}`) {
		t.Errorf("sent %s", sent)
	}
}

func TestChatRefusesPicturesByAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}]}`)
	if got.status != 400 || at(got.json(t), "error", "param") != "messages" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

// door is a front door with a request for it.
type door struct{ path, body, text string }

var doors = map[string]door{
	"responses": {"/v1/responses", `{"model":"haus/mock","input":"Grüße"%s}`, `"text":"` + echo + `"`},
	"messages":  {"/v1/messages", `{"model":"haus/mock","max_tokens":50,"messages":[{"role":"user","content":"Grüße"}]%s}`, `"text":"` + echo + `"`},
	"prefixed":  {"/anthropic/v1/messages", `{"model":"haus/mock","max_tokens":50,"messages":[{"role":"user","content":"Grüße"}]%s}`, `"text":"` + echo + `"`},
	"chat":      {chatPath, `{"model":"haus/mock","messages":[{"role":"user","content":"Grüße"}]%s}`, `"content":"` + echo + `"`},
}

// with is the request with further fields.
func (d door) with(fields string) string {
	if fields != "" {
		fields = "," + fields
	}
	return strings.Replace(d.body, "%s", fields, 1)
}

// What is said about a request is understood at every door, and goes no further.
func TestContextAtEveryDoor(t *testing.T) {
	t.Parallel()
	for name, d := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen gateway.Request
			b := setup(t, func(_ *httpapi.Config, g *gateway.Config) { g.Router = &watching{seen: &seen} })
			got := b.call(t, "POST", d.path, d.with(`"schleuse":{"purpose":"summarise","case":"32-4711","conversation":"g-1","case_entities":[{"type":"person","value":{"last":"Mustermann"}}]},"x_neu":{"a":[1.50]}`), "X-Request-Id", "req-7")
			if got.status != 200 || !strings.Contains(got.body, d.text) || !strings.Contains(got.body, `"x_mock":{"tief":[1,2,3]}`) {
				t.Errorf("got %d %s", got.status, got.body)
			}
			record, id := b.rec.last(), got.header.Get(httpapi.HeaderDecision)
			if id == "" || id != record.ID || record.Purpose != "summarise" || record.Case == "" || record.Entities != 1 || got.header.Get("X-Request-Id") != "req-7" {
				t.Errorf("decision %q, record %+v", id, record)
			}
			if seen.Conversation != "g-1" {
				t.Errorf("conversation %q", seen.Conversation)
			}
			if sent := string(b.mock.Last().Body); strings.Contains(sent, "schleuse") || !strings.Contains(sent, `"x_neu":{"a":[1.50]}`) {
				t.Errorf("sent %s", sent)
			}
			if c := b.rec.closings(); len(c) != 1 || c[0].Outcome != gateway.OutcomeAnswered {
				t.Errorf("closings %+v", c)
			}
			got = b.call(t, "POST", d.path, d.with(""), "Schleuse-Conversation", "g-2")
			if got.status != 200 || seen.Conversation != "g-2" {
				t.Errorf("got %d, conversation %q", got.status, seen.Conversation)
			}
			if got = b.call(t, "POST", d.path, d.with(`"schleuse":{"conversation":"a"}`), "Schleuse-Conversation", "b"); got.status != 400 {
				t.Errorf("a contradiction was accepted: %d %s", got.status, got.body)
			}
		})
	}
}

// watching is a router that notes the request.
type watching struct {
	router
	seen *gateway.Request
}

func (w *watching) Plan(ctx context.Context, r gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	*w.seen = r
	return w.router.Plan(ctx, r, permitted)
}

// failing is a pipeline that always answers with an error.
type failing struct {
	httpapi.Pipeline
	err *gateway.Error
}

func (f failing) Complete(context.Context, gateway.Request) (*gateway.Response, error) {
	return nil, f.err
}

func (f failing) Stream(context.Context, gateway.Request) (httpapi.Stream, error) { return nil, f.err }

func TestErrorsAtEveryDoor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err                   gateway.Error
		status, anthropic     int
		openAI, code, message string // type and code at OpenAI's doors, type at Anthropic's
		retry                 string
	}{
		{gateway.Error{Code: gateway.CodeRateLimited, RetryAfter: 1500 * time.Millisecond}, 429, 429, "rate_limit_error", "rate_limited", "rate_limit_error", "2"},
		{gateway.Error{Code: gateway.CodeRateLimited}, 429, 429, "rate_limit_error", "rate_limited", "rate_limit_error", "1"},
		{gateway.Error{Code: gateway.CodeBudget, RetryAfter: time.Hour}, 429, 429, "insufficient_quota", "insufficient_quota", "rate_limit_error", "3600"},
		{gateway.Error{Code: gateway.CodeOverloaded}, 503, 529, "server_error", "overloaded", "overloaded_error", "5"},
		{gateway.Error{Code: gateway.CodeTimeout}, 504, 504, "server_error", "upstream_timeout", "timeout_error", ""},
		{gateway.Error{Code: gateway.CodeNoModel}, 422, 422, "invalid_request_error", "no_model", "invalid_request_error", ""},
		{gateway.Error{Code: gateway.CodeInternal, Message: "geheim"}, 500, 500, "server_error", "internal", "api_error", ""},
		{gateway.Error{Code: gateway.CodeUpstream, Upstream: &gateway.UpstreamError{Status: 400, Message: "too long", Code: "context_length_exceeded", Type: "invalid_request_error"}}, 400, 400, "invalid_request_error", "context_length_exceeded", "invalid_request_error", ""},
	} {
		t.Run(string(c.err.Code)+c.retry, func(t *testing.T) {
			t.Parallel()
			err := c.err
			err.RequestID = "e-1"
			b := setup(t, func(h *httpapi.Config, _ *gateway.Config) { h.Gateway = failing{err: &err} })
			for name, d := range doors {
				for _, stream := range []string{"false", "true"} {
					got := b.call(t, "POST", d.path, d.with(`"stream":`+stream))
					status, kind, code := c.status, c.openAI, any(c.code)
					if d.path != chatPath && d.path != "/v1/responses" {
						status, kind, code = c.anthropic, c.message, nil
						if at(got.json(t), "type") != "error" {
							t.Errorf("%s: not in Anthropic's shape: %s", name, got.body)
						}
					}
					v := got.json(t)
					if got.status != status || at(v, "error", "type") != kind || at(v, "error", "code") != code || at(v, "schleuse", "code") != string(c.err.Code) {
						t.Errorf("%s: got %d %s, want %d %s %v", name, got.status, got.body, status, kind, code)
					}
					if got.header.Get("Retry-After") != c.retry || got.header.Get(httpapi.HeaderDecision) != "e-1" || strings.Contains(got.body, "geheim") {
						t.Errorf("%s: Retry-After %q, decision %q: %s", name, got.header.Get("Retry-After"), got.header.Get(httpapi.HeaderDecision), got.body)
					}
				}
			}
		})
	}
}

// Whatever goes wrong in the middle: no door tells half an answer as a whole one.
func TestBrokenStreamsAtEveryDoor(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"responses": "event: response.completed", "messages": "event: message_stop", "prefixed": "event: message_stop", "chat": "[DONE]"}
	for _, defect := range []upstreamtest.Defect{upstreamtest.Drop, upstreamtest.NoDone, upstreamtest.NoFinish, upstreamtest.ErrorEvent, upstreamtest.BrokenJSON} {
		for name, d := range doors {
			t.Run(string(defect)+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.mock.Next(upstreamtest.Behaviour{Defect: defect})
				got := b.call(t, "POST", d.path, d.with(`"stream":true`))
				if got.status != 200 || strings.Contains(got.body, whole[name]) || !strings.Contains(got.body, `"error"`) {
					t.Errorf("got %d %s", got.status, got.body)
				}
				if c := b.rec.closings(); len(c) != 1 || c[0].Outcome == gateway.OutcomeAnswered {
					t.Errorf("closings %+v", c)
				}
			})
		}
	}
}

// Legal peculiarities of servers harm no door.
func TestWholeStreamsAtEveryDoor(t *testing.T) {
	t.Parallel()
	whole := map[string]string{"responses": "event: response.completed", "messages": "event: message_stop", "prefixed": "event: message_stop", "chat": "[DONE]"}
	for _, defect := range []upstreamtest.Defect{"", upstreamtest.ByteByByte, upstreamtest.LongLine, upstreamtest.NoUsage, upstreamtest.EmptyStart, upstreamtest.ByteOrder, upstreamtest.FinishEmpty} {
		for name, d := range doors {
			t.Run(string(defect)+"/"+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				// A byte order mark stands at the very beginning or nowhere.
				b.mock.Next(upstreamtest.Behaviour{Defect: defect, KeepAlive: defect != upstreamtest.ByteOrder, Text: "Gute Grüße"})
				got := b.call(t, "POST", d.path, d.with(`"stream":true`))
				if got.status != 200 || !strings.Contains(got.body, whole[name]) || !strings.Contains(got.body, `"Gute `) || !strings.Contains(got.body, `"Grüße`) {
					t.Errorf("got %d %.2000s", got.status, got.body)
				}
			})
		}
	}
}

// While the model is silent every door shows that it is alive.
func TestSilenceAtEveryDoor(t *testing.T) {
	t.Parallel()
	signs := map[string]string{"responses": ": warten\n\n", "messages": "event: ping\ndata: {\"type\":\"ping\"}\n\n", "chat": ": warten\n\n"}
	for name, sign := range signs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(h *httpapi.Config, _ *gateway.Config) { h.Heartbeat = 20 * time.Millisecond })
			b.mock.Next(upstreamtest.Behaviour{Latency: time.Second})
			response := b.open(t, t.Context(), "POST", doors[name].path, doors[name].with(`"stream":true`))
			defer func() { _ = response.Body.Close() }()
			buffer := make([]byte, len(sign))
			if _, err := io.ReadFull(response.Body, buffer); err != nil || string(buffer) != sign {
				t.Errorf("%v, read %q, want %q before the model has answered", err, buffer, sign)
			}
			rest, err := io.ReadAll(response.Body)
			if err != nil || !strings.Contains(string(rest), "Grüße") {
				t.Errorf("%v: %s", err, rest)
			}
		})
	}
}

// A client that leaves stops the model at every door.
func TestLeavingAtEveryDoor(t *testing.T) {
	t.Parallel()
	for name, d := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Next(upstreamtest.Behaviour{Gap: 20 * time.Millisecond, Text: strings.Repeat("Wort ", 2000)})
			ctx, cancel := context.WithCancel(t.Context())
			response := b.open(t, ctx, "POST", d.path, d.with(`"stream":true`))
			if _, err := response.Body.Read(make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			cancel()
			_ = response.Body.Close()
			if !b.mock.WaitAbandoned(5 * time.Second) {
				t.Error("the model goes on for nobody")
			}
		})
	}
}

func TestKeyInTheHeaderOfAnthropic(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := doors["messages"]
	for key, want := range map[string]int{"gut": 200, "falsch": 401, "": 401} {
		got := b.call(t, "POST", d.path, d.with(""), "Authorization", "", "X-Api-Key", key, "Anthropic-Version", "2023-06-01")
		if got.status != want {
			t.Errorf("key %q: got %d %s", key, got.status, got.body)
		}
	}
	if sent := b.mock.Last().Header; sent.Get("X-Api-Key") != "" || sent.Get("Anthropic-Version") != "" || sent.Get("Authorization") != "Bearer sk-upstream-canary" {
		t.Errorf("headers of the caller went upstream: %v", sent)
	}
}

func TestCountTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "POST", "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"Wie hoch ist das Wohngeld?"}]}`)
	v := got.json(t)
	if n, ok := v["input_tokens"].(float64); !ok || n < 8 || n > 40 || v["estimated"] != true {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got = b.call(t, "POST", "/v1/messages/count_tokens", `{"messages":7}`); got.status != 400 || at(got.json(t), "error", "param") != "messages" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if len(b.rec.closings()) != 0 {
		t.Error("counting was recorded as a request")
	}
}

// named are models with aliases.
type named struct{ models }

func (named) Aliases(_ context.Context, caller gateway.Caller) []httpapi.Alias {
	if caller.Tenant != "musterstadt" {
		return nil
	}
	return []httpapi.Alias{{ID: "schleuse/klein", Models: []gateway.ModelID{card.ID}}}
}

func TestAliasesAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, func(h *httpapi.Config, _ *gateway.Config) { h.Models = named{} })
	for key, want := range map[string]bool{"Bearer gut": true, "Bearer nachbar": false} {
		list := b.call(t, "GET", "/v1/models", "", "Authorization", key)
		if strings.Contains(list.body, `{"id":"schleuse/klein","object":"model","created":0,"owned_by":"schleuse","schleuse":{"id":"schleuse/klein","alias_of":["haus/mock"]}}`) != want {
			t.Errorf("%s: %s", key, list.body)
		}
		if one := b.call(t, "GET", "/v1/models/schleuse/klein", "", "Authorization", key); (one.status == 200) != want {
			t.Errorf("%s: %d %s", key, one.status, one.body)
		}
	}
}

// While a replica drains it answers what comes and ends each connection.
func TestDrain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	d := doors["chat"]
	if got := b.open(t, t.Context(), "POST", d.path, d.with("")); got.Close {
		t.Error("the connection ends before draining")
	} else {
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
	}
	b.setup.Drain()
	for _, fields := range []string{"", `"stream":true`} {
		got := b.open(t, t.Context(), "POST", d.path, d.with(fields))
		raw, _ := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if got.StatusCode != http.StatusOK || !got.Close || !strings.Contains(string(raw), "Grüße") {
			t.Errorf("got %d, closes %v: %s", got.StatusCode, got.Close, raw)
		}
	}
	if ready := b.call(t, "GET", "/readyz", ""); ready.status != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", ready.status)
	}
}
