// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

const (
	chatPath  = "/v1/chat/completions"
	hello     = `{"model":"haus/mock","messages":[{"role":"user","content":"Grüße"}]}`
	streaming = `{"model":"haus/mock","stream":true,"messages":[{"role":"user","content":"Grüße"}]}`
	echo      = "Sie haben geschrieben: „Grüße“."
)

func TestChatKeepsUnknownFieldsBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"model":"haus/mock", "messages":[{"role":"user","content":"Gr\u00fc\u00dfe","name":"x"}],  "guided_json":{"type":"object"},"chat_template_kwargs":{"enable_thinking":false},"seed":7,"min_p":0.050,"logit_bias":{"50256":-100},"schleuse":{"purpose":"summarise","case":"32-4711"}}`
	got := b.call(t, "POST", chatPath, body)
	if got.status != 200 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	want := strings.Replace(strings.Replace(body, `"haus/mock"`, `"mock"`, 1), `,"schleuse":{"purpose":"summarise","case":"32-4711"}`, "", 1)
	if sent := string(b.mock.Last().Body); sent != want {
		t.Errorf("upstream received\n%s\nwant byte for byte\n%s", sent, want)
	}
	for _, field := range []string{`"x_mock":{"tief":[1,2,3]}`, `"reasoning_content"`, `"system_fingerprint"`, `"logprobs":null`} {
		if !strings.Contains(got.body, field) {
			t.Errorf("answer lost %s: %s", field, got.body)
		}
	}
	id := got.header.Get(httpapi.HeaderDecision)
	if record := b.rec.last(); id == "" || record.ID != id || record.Purpose != "summarise" {
		t.Errorf("Schleuse-Decision = %q, record %q with purpose %q", id, record.ID, record.Purpose)
	}
}

func TestNothingOfTheCallerGoesUpstream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	got := b.call(t, "POST", chatPath, hello,
		"Cookie", "sitzung=geheim", "X-Forwarded-For", "10.1.2.3", "X-Aktenzeichen", "32-4711", "Schleuse-Case", "32-4711",
		"OpenAI-Organization", "org", "User-Agent", "Fachverfahren/1", "Accept-Language", "de", "X-Request-Id", "req-1",
		"Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	if got.status != 200 {
		t.Fatalf("status %d: %s", got.status, got.body)
	}
	header := b.mock.Last().Header
	allowed := map[string]bool{"Authorization": true, "Content-Type": true, "Content-Length": true, "Accept": true, "Accept-Encoding": true, "User-Agent": true, "Traceparent": true}
	for name, value := range header {
		if !allowed[name] {
			t.Errorf("header %s: %q went upstream", name, value)
		}
	}
	if header.Get("Authorization") != "Bearer sk-upstream-canary" || header.Get("User-Agent") != "ki-schleuse" {
		t.Errorf("own headers are wrong: %v", header)
	}
	if sent := header.Get("Traceparent"); !strings.Contains(sent, trace) || strings.Contains(sent, "b7ad6b7169203331") {
		t.Errorf("traceparent %q, want the same trace with a span of our own", sent)
	}
	if got.header.Get("X-Request-Id") != "req-1" {
		t.Errorf("X-Request-Id = %q, want it echoed", got.header.Get("X-Request-Id"))
	}
	for _, name := range []string{"Set-Cookie", "X-Upstream"} {
		if got.header.Get(name) != "" {
			t.Errorf("header %s of the model server reached the caller", name)
		}
	}
}

// events reads a whole stream.
func events(t *testing.T, body io.Reader) (data []string, comments int) {
	t.Helper()
	scanner := bufio.NewScanner(body)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := scanner.Text()
		if d, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, d)
		}
		if strings.HasPrefix(line, ":") {
			comments++
		}
	}
	return data, comments
}

func text(data []string) string {
	var b strings.Builder
	for _, d := range data {
		var c struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal([]byte(d), &c) == nil && len(c.Choices) > 0 {
			b.WriteString(c.Choices[0].Delta.Content)
		}
	}
	return b.String()
}

func TestStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	response := b.open(t, t.Context(), "POST", chatPath, streaming)
	defer func() { _ = response.Body.Close() }()
	data, _ := events(t, response.Body)
	if got := response.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("Content-Type = %q", got)
	}
	if text(data) != echo || data[len(data)-1] != "[DONE]" {
		t.Errorf("text %q, events %q", text(data), data)
	}
	if strings.Contains(strings.Join(data, ""), `"usage"`) {
		t.Error("the caller sees usage although it did not ask")
	}
	if !strings.Contains(string(b.mock.Last().Body), `"include_usage":true`) {
		t.Error("usage was not asked for upstream")
	}
	if id := response.Header.Get(httpapi.HeaderDecision); id == "" || id != b.rec.last().ID {
		t.Errorf("Schleuse-Decision = %q, record %q", id, b.rec.last().ID)
	}
	if c := b.rec.closings(); len(c) != 1 || c[0].Outcome != gateway.OutcomeAnswered || !c[0].Usage.Reported {
		t.Errorf("closings = %+v, want one answered with usage", c)
	}
}

func TestStreamIsNotBuffered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	hold := make(chan struct{})
	b.mock.Always(upstreamtest.Behaviour{Hold: hold})
	response := b.open(t, t.Context(), "POST", chatPath, streaming)
	defer func() { _ = response.Body.Close() }()
	r := bufio.NewReader(response.Body)
	for range 3 { // the mock makes the next event only after this one has arrived here
		line, err := r.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "data: {") {
			t.Fatalf("line %q, %v", line, err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		hold <- struct{}{}
	}
}

func TestBrokenStreamsEndWithAnErrorAndWithoutDone(t *testing.T) {
	t.Parallel()
	cases := map[upstreamtest.Defect]string{
		upstreamtest.Drop: "truncated", upstreamtest.NoDone: "truncated", upstreamtest.NoFinish: "truncated",
		upstreamtest.BrokenJSON: "truncated", upstreamtest.ErrorEvent: "upstream_unavailable",
	}
	for defect, code := range cases {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Always(upstreamtest.Behaviour{Defect: defect})
			response := b.open(t, t.Context(), "POST", chatPath, streaming)
			defer func() { _ = response.Body.Close() }()
			data, _ := events(t, response.Body)
			last := data[len(data)-1]
			var e struct {
				Error struct{ Message, Type, Code string }
			}
			if err := json.Unmarshal([]byte(last), &e); err != nil || e.Error.Code != code || e.Error.Message == "" {
				t.Errorf("last event %s, want an error with code %s", last, code)
			}
			if strings.Contains(strings.Join(data, "\n"), "[DONE]") {
				t.Error("[DONE] although the answer is not complete")
			}
			if strings.Count(strings.Join(data, "\n"), `"error"`) != 1 {
				t.Errorf("want exactly one error event: %q", data)
			}
			if c := b.rec.closings(); len(c) != 1 || c[0].Outcome == gateway.OutcomeAnswered {
				t.Errorf("closings = %+v, want one that is not answered", c)
			}
		})
	}
}

// An event of several lines must not become several events.
func TestEventsOfSeveralLines(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mock.Always(upstreamtest.Behaviour{Defect: upstreamtest.ByteOrder})
	response := b.open(t, t.Context(), "POST", chatPath, streaming)
	defer func() { _ = response.Body.Close() }()
	data, _ := events(t, response.Body)
	for _, d := range data[:len(data)-1] {
		if !json.Valid([]byte(d)) {
			t.Errorf("event is no JSON: %s", d)
		}
	}
	if text(data) != echo {
		t.Errorf("text = %q", text(data))
	}
}

// A stream that fails before its first event is an ordinary error, which
// clients can repeat.
func TestStreamFailingAtOnceHasAStatus(t *testing.T) {
	t.Parallel()
	for _, behaviour := range []upstreamtest.Behaviour{{Defect: upstreamtest.EarlyDone}, {Status: 500}} {
		b := setup(t)
		b.mock.Always(behaviour)
		got := b.call(t, "POST", chatPath, streaming)
		if got.status != 502 || at(got.json(t), "error", "message") == nil {
			t.Errorf("status %d: %s, want 502 with an error object", got.status, got.body)
		}
	}
}

func TestHeartbeatWhileSilent(t *testing.T) {
	t.Parallel()
	quick := func(c *httpapi.Config, _ *gateway.Config) { c.Heartbeat = 30 * time.Millisecond }
	for name, behaviour := range map[string]upstreamtest.Behaviour{
		"before the status line": {Latency: 200 * time.Millisecond},
		"before the first event": {FirstByte: 200 * time.Millisecond},
		"between events":         {Gap: 70 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, quick)
			b.mock.Always(behaviour)
			response := b.open(t, t.Context(), "POST", chatPath, streaming)
			defer func() { _ = response.Body.Close() }()
			if id := response.Header.Get(httpapi.HeaderDecision); id == "" || id != b.rec.last().ID {
				t.Errorf("Schleuse-Decision = %q, record %q", id, b.rec.last().ID)
			}
			data, comments := events(t, response.Body)
			if comments < 2 || text(data) != echo || data[len(data)-1] != "[DONE]" {
				t.Errorf("%d comments, text %q", comments, text(data))
			}
		})
	}
}

func TestRefusalAfterHeartbeatIsAnEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Heartbeat = 20 * time.Millisecond })
	b.mock.Always(upstreamtest.Behaviour{Latency: 150 * time.Millisecond, Status: 500})
	response := b.open(t, t.Context(), "POST", chatPath, streaming)
	defer func() { _ = response.Body.Close() }()
	data, _ := events(t, response.Body)
	if len(data) != 1 || !strings.Contains(data[0], `"upstream_unavailable"`) {
		t.Errorf("events %q, want one error", data)
	}
}

func TestClientLeaves(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"stream": streaming, "plain": hello} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Always(upstreamtest.Behaviour{Gap: 50 * time.Millisecond, Text: strings.Repeat("Wort ", 200)})
			if name == "plain" {
				b.mock.Always(upstreamtest.Behaviour{Latency: 10 * time.Second})
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			leave(t, b, ctx, body)
			if !b.mock.WaitAbandoned(time.Second) {
				t.Error("the model server was not told within a second")
			}
			deadline := time.Now().Add(2 * time.Second)
			for len(b.rec.closings()) == 0 && time.Now().Before(deadline) {
				time.Sleep(5 * time.Millisecond)
			}
			if c := b.rec.closings(); len(c) != 1 || c[0].Outcome != gateway.OutcomeCancelled {
				t.Errorf("closings = %+v, want one cancelled", c)
			}
		})
	}
}

func TestErrorsUnderV1(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body string
		headers    []string
		mock       upstreamtest.Behaviour
		status     int
		code       any
		says       string
	}{
		{"no JSON", `{"model": "x", "messages": [`, nil, upstreamtest.Behaviour{}, 400, "invalid_request", "JSON"},
		{"no messages", `{"model":"x"}`, nil, upstreamtest.Behaviour{}, 400, "invalid_request", "Nachricht"},
		{"stream is a text", `{"messages":[{}],"stream":"ja"}`, nil, upstreamtest.Behaviour{}, 400, "invalid_request", "true oder false"},
		{"wrong key", hello, []string{"Authorization", "Bearer schlecht"}, upstreamtest.Behaviour{}, 401, "unauthenticated", "Schlüssel"},
		{"refused", hello, []string{"Schleuse-Purpose", "profiling"}, upstreamtest.Behaviour{}, 403, "KIVO-05", ""},
		{"unknown class", hello, []string{"Schleuse-Data-Class", "sozialdatn"}, upstreamtest.Behaviour{}, 400, "invalid_request", "Datenklasse"},
		{"rejected upstream", hello, nil, upstreamtest.Behaviour{Status: 400, Body: `{"error":{"message":"context too long","type":"invalid_request_error","code":"context_length_exceeded","param":"messages"}}`}, 400, "context_length_exceeded", "context too long"},
		{"rate limited upstream", hello, nil, upstreamtest.Behaviour{Status: 429, Header: map[string]string{"Retry-After": "7"}}, 429, "rate_limited", ""},
		{"html upstream", hello, nil, upstreamtest.Behaviour{Defect: upstreamtest.HTMLPage}, 502, "upstream_unavailable", ""},
		{"cut upstream", hello, nil, upstreamtest.Behaviour{Defect: upstreamtest.CutBody}, 502, "truncated", ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Always(tc.mock)
			got := b.call(t, "POST", chatPath, tc.body, tc.headers...)
			v := got.json(t)
			message, _ := at(v, "error", "message").(string)
			if got.status != tc.status || at(v, "error", "code") != tc.code || message == "" || !strings.Contains(message, tc.says) {
				t.Errorf("got %d %s, want %d with code %v saying %q", got.status, got.body, tc.status, tc.code, tc.says)
			}
			for _, secret := range []string{"nginx", "sk-upstream-canary", "intern.example"} {
				if strings.Contains(got.body, secret) {
					t.Errorf("answer shows %q: %s", secret, got.body)
				}
			}
			if tc.status == 429 && got.header.Get("Retry-After") != "7" {
				t.Errorf("Retry-After = %q, want 7", got.header.Get("Retry-After"))
			}
			if tc.status == 403 && (got.header.Get(httpapi.HeaderDecision) == "" || !strings.Contains(got.body, "Art. 5 KI-VO")) {
				t.Errorf("a refusal without decision or legal basis: %v %s", got.header, got.body)
			}
		})
	}
}

func TestContextInTheBody(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, context, path string }{
		{"unknown key", `{"zweck":"chat"}`, "schleuse.zweck"},
		{"unknown key of an entity", `{"case_entities":[{"type":"iban","value":"x"},{"type":"person","wert":"x"}]}`, "schleuse.case_entities[1].wert"},
		{"unknown key of a name", `{"case_entities":[{"type":"person","value":{"vorname":"x"}}]}`, "schleuse.case_entities[0].value.vorname"},
		{"entity without value", `{"case_entities":[{"type":"iban"}]}`, "schleuse.case_entities[0].value"},
		{"empty name", `{"case_entities":[{"type":"person","value":{}}]}`, "schleuse.case_entities[0].value"},
		{"wrong type", `{"purpose":7}`, "schleuse.purpose"},
		{"no object", `[]`, "schleuse"},
		{"wrong date", `{"date":"2026-02-30"}`, "schleuse.date"},
		{"unknown class", `{"data_class":["personal","x"]}`, "schleuse.data_class"},
		{"automation that says nothing of free text", `{"automation":{"complete":true}}`, "schleuse.automation.free_text"},
		{"automation by name", `{"automation":"ja"}`, "schleuse.automation"},
		{"decision without a tenor", `{"decision":{"burdening":true}}`, "schleuse.decision.tenor"},
		{"decision that may burden or not", `{"decision":{"tenor":"x"}}`, "schleuse.decision.burdening"},
		{"unknown hearing", `{"decision":{"tenor":"x","burdening":true,"hearing":"vielleicht"}}`, "schleuse.decision.hearing"},
		{"chain of numbers", `{"chain":[1]}`, "schleuse.chain[0]"},
		{"field without a name", `{"fields":[""]}`, "schleuse.fields[0]"},
		{"contradiction", `{"service":"elterngeld"}`, "schleuse.service"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":"x"}],"schleuse":`+tc.context+`}`, "Schleuse-Service", "wohngeld-mietzuschuss")
			if got.status != 400 || at(got.json(t), "error", "param") != tc.path {
				t.Errorf("got %d %s, want 400 at %s", got.status, got.body, tc.path)
			}
			if n := len(b.mock.Requests()); n != 0 {
				t.Errorf("%d requests went upstream", n)
			}
		})
	}
}

// TestCaseInTheBody: what is said about a case reaches the gateway.
func TestCaseInTheBody(t *testing.T) {
	t.Parallel()
	said := &seen{}
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Gateway = said })
	b.call(t, "POST", chatPath, `{"messages":[{"role":"user","content":"x"}],"schleuse":{"chain":["extraction","research"],"fields":["miete"],
		"automation":{"complete":true,"free_text":false},"decision":{"tenor":"Das Wohngeld wird bewilligt.","burdening":false,"hearing":"held"}}}`)
	r := said.got
	if !slices.Equal(r.Chain, []gateway.Purpose{"extraction", "research"}) || !slices.Equal(r.Fields, []string{"miete"}) {
		t.Errorf("chain %v, fields %v", r.Chain, r.Fields)
	}
	if r.Automation == nil || !r.Automation.Complete || r.Automation.FreeText {
		t.Errorf("automation %+v", r.Automation)
	}
	if r.Ruling == nil || r.Ruling.Tenor != "Das Wohngeld wird bewilligt." || r.Ruling.Burdening || r.Ruling.Hearing != gateway.HearingHeld {
		t.Errorf("ruling %+v", r.Ruling)
	}
}

// seen keeps the request a pipeline was given.
type seen struct {
	httpapi.Pipeline
	got gateway.Request
}

func (s *seen) Complete(_ context.Context, r gateway.Request) (*gateway.Response, error) {
	s.got = r
	return nil, errors.New("Müller, geb. 1.2.1970") // an error with content must stay inside
}

func TestWholeContextReachesTheGateway(t *testing.T) {
	t.Parallel()
	p := &seen{}
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Gateway = p })
	body := `{"model":"m","messages":[{"role":"user","content":"x"}],"schleuse":{"purpose":"summarise","service":"wohngeld-mietzuschuss","case":"32-4711","data_class":"sozialdaten","sources":["akte"],"date":"2026-01-02","case_entities":[{"type":"person","value":{"first":"Erika","last":"Muster","birth_name":"Gabler"},"role":"applicant"},{"type":"iban","value":"DE02"}]}}`
	got := b.call(t, "POST", chatPath, body, "Schleuse-Data-Class", "art9")
	r := p.got
	if r.Purpose != "summarise" || r.Service != "wohngeld-mietzuschuss" || r.Case != "32-4711" || r.Model != "m" ||
		r.CaseDate.Format(time.DateOnly) != "2026-01-02" || len(r.Sources) != 1 || r.Sources[0] != "akte" ||
		len(r.DataClass) != 2 || r.DataClass[0] != "sozialdaten" || r.DataClass[1] != "art9" || r.Caller.Tenant != "musterstadt" {
		t.Errorf("request = %+v", r)
	}
	want := []gateway.Entity{{Type: "person", First: "Erika", Last: "Muster", BirthName: "Gabler", Role: "applicant"}, {Type: "iban", Value: "DE02"}}
	if len(r.Entities) != 2 || r.Entities[0] != want[0] || r.Entities[1] != want[1] {
		t.Errorf("entities = %#v, want %#v", r.Entities, want)
	}
	if _, still := r.Body.Get("schleuse"); still {
		t.Error("the context stands in the body for the model")
	}
	if got.status != 500 || strings.Contains(got.body, "Müller") {
		t.Errorf("got %d %s, want 500 without the text of the error", got.status, got.body)
	}
}

func TestEmbeddingsAndModels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "POST", "/v1/embeddings", `{"model":"haus/mock","input":["a","b"],"dimensions":3}`)
	if data, ok := at(got.json(t), "data").([]any); got.status != 200 || !ok || len(data) != 2 {
		t.Errorf("embeddings: %d %s", got.status, got.body)
	}
	if got := b.call(t, "POST", "/v1/embeddings", `{"model":"x"}`); got.status != 400 || at(got.json(t), "error", "param") != "input" {
		t.Errorf("embeddings without input: %d %s", got.status, got.body)
	}
	got = b.call(t, "GET", "/v1/models", "")
	if got.status != 200 || !strings.Contains(got.body, `"id":"haus/mock"`) {
		t.Errorf("models: %d %s", got.status, got.body)
	}
	got = b.call(t, "GET", "/v1/models/haus/mock", "")
	if got.status != 200 || at(got.json(t), "id") != "haus/mock" || at(got.json(t), "object") != "model" {
		t.Errorf("model: %d %s", got.status, got.body)
	}
	if got := b.call(t, "GET", "/v1/models/fremd", ""); got.status != 404 {
		t.Errorf("unknown model: %d %s", got.status, got.body)
	}
}

func leave(t *testing.T, b *bench, ctx context.Context, body string) { //nolint:revive // the test comes first
	t.Helper()
	response, err := b.do(ctx, body)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}
