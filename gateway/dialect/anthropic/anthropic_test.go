// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
	"github.com/ki-schleuse/schleuse/gateway/dialect/anthropic"
)

// same compares two JSON documents, whatever the order of members.
func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s is no JSON: %v: %s", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("the expectation is no JSON: %v", err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s\n%s\nwant\n%s", what, got, want)
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"the smallest": {
			`{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"Hello, world"}]}`,
			`{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"Hello, world"}]}`,
		},
		"conversation with system blocks": {
			`{"model":"m","max_tokens":9,"system":[{"type":"text","text":"Eins.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Zwei."}],
			 "messages":[{"role":"user","content":[{"type":"text","text":"Hallo"}]},{"role":"assistant","content":"Guten Tag"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"system","content":"Eins.\n\nZwei."},{"role":"user","content":"Hallo"},{"role":"assistant","content":"Guten Tag"},
			 {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}`,
		},
		"unknown fields and sampling": {
			`{"model":"m","max_tokens":9,"temperature":0.30,"top_p":1,"top_k":5,"guided_json":{"a":[1]},"min_p":0.05,"schleuse":{"purpose":"chat"},"stop_sequences":["ENDE"],"metadata":{"user_id":"u"},"service_tier":"auto","messages":[{"role":"user","content":"x"}]}`,
			`{"model":"m","max_tokens":9,"stop":["ENDE"],"user":"u","messages":[{"role":"user","content":"x"}],"temperature":0.30,"top_p":1,"top_k":5,"guided_json":{"a":[1]},"min_p":0.05,"schleuse":{"purpose":"chat"}}`,
		},
		"a picture": {
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBOR\/w0="}},{"type":"text","text":"Was ist das?"}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR/w0="}},{"type":"text","text":"Was ist das?"}]}]}`,
		},
		"tools": {
			`{"model":"m","max_tokens":9,"tools":[{"name":"get_weather","description":"Wetter","input_schema":{"type":"object","properties":{"ort":{"type":"string"}}},"strict":true,"cache_control":null},{"type":"custom","name":"b","input_schema":{"type":"object"}}],
			 "tool_choice":{"type":"tool","name":"get_weather","disable_parallel_tool_use":true},"messages":[{"role":"user","content":"Wetter?"}]}`,
			`{"model":"m","max_tokens":9,"tools":[{"type":"function","function":{"name":"get_weather","description":"Wetter","parameters":{"type":"object","properties":{"ort":{"type":"string"}}},"strict":true}},{"type":"function","function":{"name":"b","parameters":{"type":"object"}}}],
			 "tool_choice":{"type":"function","function":{"name":"get_weather"}},"parallel_tool_calls":false,"messages":[{"role":"user","content":"Wetter?"}]}`,
		},
		"calls and results": {
			`{"model":"m","max_tokens":9,"tool_choice":{"type":"any"},"messages":[
			 {"role":"assistant","content":[{"type":"thinking","thinking":"Ich schaue nach.","signature":"x"},{"type":"text","text":"Moment.","citations":null},{"type":"tool_use","id":"toolu_1","name":"wetter","input":{"ort":"M\u00fcnchen","x":"a\"b"},"caller":{"type":"direct"}},{"type":"tool_use","id":"toolu_2","name":"wetter","input":{}}]},
			 {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"12 Grad"},{"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"kein"},{"type":"text","text":"Netz"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]},{"type":"text","text":"Und nun?"}]}]}`,
			`{"model":"m","max_tokens":9,"tool_choice":"required","messages":[
			 {"role":"assistant","content":"Moment.","reasoning_content":"Ich schaue nach.","tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"wetter","arguments":"{\"ort\":\"M\\u00fcnchen\",\"x\":\"a\\\"b\"}"}},{"id":"toolu_2","type":"function","function":{"name":"wetter","arguments":"{}"}}]},
			 {"role":"tool","tool_call_id":"toolu_1","content":"12 Grad"},{"role":"tool","tool_call_id":"toolu_2","content":"Error: kein\nNetz"},
			 {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}},{"type":"text","text":"Und nun?"}]}]}`,
		},
		"streaming, thinking and a schema": {
			`{"model":"m","max_tokens":9,"stream":true,"thinking":{"type":"enabled","budget_tokens":8000},"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"messages":[{"role":"user","content":"x"}]}`,
			`{"model":"m","max_tokens":9,"stream":true,"stream_options":{"include_usage":true},"reasoning_effort":"medium","response_format":{"type":"json_schema","json_schema":{"name":"antwort","schema":{"type":"object"},"strict":true}},"messages":[{"role":"user","content":"x"}]}`,
		},
		"effort wins over a budget": {
			`{"model":"m","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"max"},"messages":[{"role":"user","content":"x"}]}`,
			`{"model":"m","max_tokens":9,"reasoning_effort":"high","messages":[{"role":"user","content":"x"}]}`,
		},
		"a text as document": {
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","title":"Bescheid","source":{"type":"text","media_type":"text/plain","data":"Inhalt"}}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Bescheid\nInhalt"}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := anthropic.Parse([]byte(c.in))
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			same(t, "the chat body", r.Chat(), c.want)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	user := func(block string) string {
		return `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[` + block + `]}]}`
	}
	with := func(field string) string {
		return `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],` + field + `}`
	}
	for name, c := range map[string]struct{ in, path string }{
		"no JSON":              {`{"model"`, ""},
		"no object":            {`[]`, ""},
		"a field twice":        {with(`"Model":"n"`), "Model"},
		"no bound":             {`{"messages":[{"role":"user","content":"x"}]}`, "max_tokens"},
		"no messages":          {`{"max_tokens":9}`, "messages"},
		"empty messages":       {`{"max_tokens":9,"messages":[]}`, "messages"},
		"role":                 {`{"max_tokens":9,"messages":[{"role":"tool","content":"x"}]}`, "messages[0].role"},
		"field of a message":   {`{"max_tokens":9,"messages":[{"role":"user","content":"x","name":"y"}]}`, "messages[0].name"},
		"picture by address":   {user(`{"type":"text","text":"a"},{"type":"image","source":{"type":"url","url":"https://x"}}`), "messages[0].content[1].source.type"},
		"picture by file":      {user(`{"type":"image","source":{"type":"file","file_id":"f"}}`), "messages[0].content[0].source.type"},
		"PDF":                  {user(`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AA"}}`), "messages[0].content[0].source.type"},
		"unknown block":        {user(`{"type":"search_result","title":"x"}`), "messages[0].content[0].type"},
		"unknown in a result":  {user(`{"type":"tool_result","tool_use_id":"t","content":[{"type":"document"}]}`), "messages[0].content[0].content[0].type"},
		"encrypted thoughts":   {`{"max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"redacted_thinking","data":"AA"}]}]}`, "messages[0].content[0].type"},
		"arguments":            {`{"max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":"x"}]}]}`, "messages[0].content[0].input"},
		"tool of the server":   {with(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`), "tools[0].type"},
		"tool choice":          {with(`"tool_choice":{"type":"all"}`), "tool_choice.type"},
		"servers of others":    {with(`"mcp_servers":[{"type":"url","url":"https://x"}]`), "mcp_servers"},
		"container":            {with(`"container":"c"`), "container"},
		"several answers":      {with(`"n":2`), "n"},
		"two names of a field": {with(`"stop_sequences":["a"],"stop":["b"]`), "stop"},
		"a second list":        {with(`"functions":[{}]`), "functions"},
		"metadata":             {with(`"metadata":{"akte":"x"}`), "metadata.akte"},
		"thinking":             {with(`"thinking":{"type":"sehr"}`), "thinking.type"},
		"system":               {with(`"system":[{"type":"image"}]`), "system[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := anthropic.Parse([]byte(c.in))
			var e *gateway.Error
			if !errors.As(err, &e) {
				t.Fatalf("accepted as %s", r.Chat())
			}
			if e.Code != gateway.CodeInvalid || e.Path != c.path || e.Message == "" {
				t.Errorf("got %s at %q: %q, want a mistake at %q", e.Code, e.Path, e.Message, c.path)
			}
		})
	}
}

const request = `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}`

func parse(t testing.TB) *anthropic.Request {
	t.Helper()
	r, err := anthropic.Parse([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const usage = `"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4}}`
	const told = `"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":5}`
	for name, c := range map[string]struct{ in, want string }{
		"text": {
			`{"id":"c","object":"chat.completion","created":1,"model":"m-1","system_fingerprint":"fp","schleuse":{"decision":"e-1"},"choices":[{"index":0,"message":{"role":"assistant","content":"Grüße \"hier\""},"finish_reason":"stop"}],` + usage + `}`,
			`{"id":"msg_e-1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text","text":"Grüße \"hier\""}],"stop_reason":"end_turn","stop_sequence":null,` + told + `,"system_fingerprint":"fp","schleuse":{"decision":"e-1"}}`,
		},
		"thoughts and calls": {
			`{"model":"m-1","choices":[{"message":{"content":null,"reasoning":"Hm.","reasoning_content":"Hm.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"wetter","arguments":"{\"ort\": \"Ulm\"}"}},{"function":{"name":"leer","arguments":""}}]},"finish_reason":"tool_calls"}],` + usage + `}`,
			`{"id":"msg_e-1","type":"message","role":"assistant","model":"m-1","content":[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"tool_use","id":"call_1","name":"wetter","input":{"ort":"Ulm"}},{"type":"tool_use","id":"toolu_e-1_2","name":"leer","input":{}}],"stop_reason":"tool_use","stop_sequence":null,` + told + `}`,
		},
		"cut by the bound": {
			`{"model":"m-1","choices":[{"message":{"content":"Es"},"finish_reason":"length"}],` + usage + `}`,
			`{"id":"msg_e-1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text","text":"Es"}],"stop_reason":"max_tokens","stop_sequence":null,` + told + `}`,
		},
		"a stop sequence": {
			`{"model":"m-1","choices":[{"message":{"content":"Es"},"finish_reason":"stop","stop_reason":"ENDE"}],` + usage + `}`,
			`{"id":"msg_e-1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text","text":"Es"}],"stop_reason":"stop_sequence","stop_sequence":"ENDE",` + told + `}`,
		},
		"parts, without usage": {
			`{"choices":[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"Ja."}]},"finish_reason":"stop"}]}`,
			`{"id":"msg_e-1","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"text","text":"Ja."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":2,"estimated":true}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(t).Answer("e-1", []byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "the answer", got, c.want)
		})
	}
}

// What cannot be told whole is not told at all.
func TestAnswersThatCannotBeTold(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"broken":           `{"choices":[`,
		"unfinished":       `{"choices":[{"message":{"content":"x"}}]}`,
		"two answers":      `{"choices":[{"index":0,"message":{"content":"x"},"finish_reason":"stop"},{"index":1,"message":{"content":"y"},"finish_reason":"stop"}]}`,
		"broken arguments": `{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"b","arguments":"{\"ort\":"}}]},"finish_reason":"tool_calls"}]}`,
		"no name":          `{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`,
		"an unknown part":  `{"choices":[{"message":{"content":[{"type":"audio","data":"x"}]},"finish_reason":"stop"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := parse(t).Answer("e-1", []byte(in)); gateway.CodeOf(err) != gateway.CodeUnavailable {
				t.Errorf("got %s, %v, want an error", got, err)
			}
		})
	}
}

// told runs chunks through a stream.
func told(r dialect.Request, chunks ...string) (string, error) {
	s := r.Stream("e-1")
	var out []byte
	var err error
	for _, c := range chunks {
		if out, err = s.Event(out, []byte(c)); err != nil {
			return string(out), err
		}
	}
	out, err = s.End(out)
	return string(out), err
}

const start = `event: message_start
data: {"type":"message_start","message":{"id":"msg_e-1","type":"message","role":"assistant","model":"m-1","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":0}}}

`

func TestStream(t *testing.T) {
	t.Parallel()
	got, err := told(parse(t),
		`{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
		`{"model":"m-1","choices":[{"index":0,"delta":{"reasoning_content":"Hm"},"finish_reason":null}]}`,
		`{"model":"m-1","choices":[{"index":0,"delta":{"content":"Gr\u00fc\u00dfe"},"finish_reason":null}]}`,
		`{"model":"m-1","choices":[{"index":0,"delta":{"content":" \"an\" alle"},"finish_reason":null}]}`,
		`{"model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_late":[1.50]}`,
		`{"model":"m-1","x_late":[1.50],"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}`)
	want := start + `event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Gr\u00fc\u00dfe"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" \"an\" alle"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5},"x_late":[1.50]}

event: message_stop
data: {"type":"message_stop"}

`
	if err != nil || got != want {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

// The pieces of two calls come mixed; blocks must follow one another.
func TestStreamOfParallelCalls(t *testing.T) {
	t.Parallel()
	call := func(calls string) string {
		return `{"model":"m-1","choices":[{"index":0,"delta":{"tool_calls":[` + calls + `]}}]}`
	}
	got, err := told(parse(t),
		call(`{"index":0,"id":"a","type":"function","function":{"name":"eins","arguments":""}},{"index":1,"id":"b","type":"function","function":{"name":"zwei","arguments":""}}`),
		call(`{"index":1,"function":{"arguments":"{\"y\""}}`), call(`{"index":0,"function":{"arguments":"{\"x\""}}`),
		call(`{"index":0,"function":{"arguments":":1}"}}`), call(`{"index":1,"function":{"arguments":":2}"}}`),
		`{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for line := range strings.SplitSeq(got, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e struct {
			Type          string
			Index         int
			Content_block struct{ Name string } //nolint:revive // as in the format
			Delta         struct {
				Partial_json string //nolint:revive // as in the format
				Stop_reason  string //nolint:revive // as in the format
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		order = append(order, strings.Join([]string{e.Type, e.Content_block.Name, e.Delta.Partial_json, e.Delta.Stop_reason}, "|"))
	}
	want := []string{
		"message_start|||", "content_block_start|eins||", `content_block_delta||{"x"|`, `content_block_delta||:1}|`, "content_block_stop|||",
		"content_block_start|zwei||", `content_block_delta||{"y":2}|`, "content_block_stop|||", "message_delta|||tool_use", "message_stop|||",
	}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("order\n%q\nwant\n%q", order, want)
	}
}

// A stream that did not end properly has no message_stop.
func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	for name, chunks := range map[string][]string{
		"unfinished":       {`{"choices":[{"index":0,"delta":{"content":"x"}}]}`},
		"broken":           {`{"choices":[`},
		"second choice":    {`{"choices":[{"index":1,"delta":{"content":"x"}}]}`},
		"broken arguments": {`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"b","arguments":"{"}}]},"finish_reason":"tool_calls"}]}`},
	} {
		got, err := told(parse(t), chunks...)
		if err == nil || strings.Contains(got, "message_stop") {
			t.Errorf("%s: told as whole: %v %s", name, err, got)
		}
	}
	s := parse(t).Stream("e-1")
	out, err := s.Event(nil, []byte(`{"choices":[{"index":0,"delta":{"content":"x"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	out = s.Fail(out, dialect.Failure{Code: gateway.CodeTruncated, Label: "truncated", Message: "Abgebrochen.", Schleuse: []byte(`{"code":"truncated"}`)})
	if want := "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"Abgebrochen.\"},\"schleuse\":{\"code\":\"truncated\"}}\n\n"; !strings.HasSuffix(string(out), want) {
		t.Errorf("ends with\n%s\nwant\n%s", out, want)
	}
	if got := string(s.Silence()); got != "event: ping\ndata: {\"type\":\"ping\"}\n\n" {
		t.Errorf("silence is %q", got)
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	short, err := anthropic.ParseCount([]byte(`{"messages":[{"role":"user","content":"Wie hoch ist das Wohngeld?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := anthropic.ParseCount([]byte(`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + strings.Repeat("A", 90_000) + `"}}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if n := short.Count(); n < 8 || n > 30 {
		t.Errorf("26 letters are %d tokens", n)
	}
	if n := picture.Count(); n < 1500 || n > 1600 {
		t.Errorf("a picture is %d tokens", n)
	}
	same(t, "the count", short.CountAnswer(), `{"input_tokens":17,"estimated":true}`)
}

// Whatever a caller writes is translated to a body the gateway can read, or refused.
func FuzzParse(f *testing.F) {
	f.Add(request)
	f.Add(`{"max_tokens":1,"system":[{"type":"text","text":"a"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":[{"type":"text","text":"\ud800"}]},{"type":"image","source":{"type":"base64","media_type":"a","data":"b"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"i","name":"n","input":{"a":[1,{"b":"\\"}]}}]}],"tools":[{"name":"a"}],"tool_choice":{"type":"auto"}}`)
	f.Add("{ \"messages\" : [ ] , \"max_tokens\" : 1e2 }")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := anthropic.Parse([]byte(in))
		if err != nil {
			if e, ok := errors.AsType[*gateway.Error](err); !ok || e.Message == "" {
				t.Errorf("error = %#v, want one for the caller", err)
			}
			return
		}
		if !json.Valid(r.Chat()) {
			t.Fatalf("%s became %s", in, r.Chat())
		}
		if r.Count() < 0 {
			t.Error("a negative number of tokens")
		}
	})
}

// Whatever a model's server writes is told as valid events, or not at all.
func FuzzStream(f *testing.F) {
	f.Add(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"x":1}`, `{"choices":[],"usage":{"prompt_tokens":1}}`)
	f.Add(`{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"b","arguments":"{}"}}]}}]}`, `{"choices":[{"delta":{"reasoning":"c"},"finish_reason":"length"}]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		got, err := told(parse(t), a, b)
		for line := range strings.SplitSeq(got, "\n") {
			if data, ok := strings.CutPrefix(line, "data: "); ok && !json.Valid([]byte(data)) {
				t.Fatalf("no JSON: %s", data)
			}
		}
		if whole := strings.HasSuffix(got, "\"message_stop\"}\n\n"); whole != (err == nil) {
			t.Errorf("whole %v, error %v: %s", whole, err, got)
		}
	})
}

// What the gateway says at the end of a stream goes with the end of the answer.
func TestLastWordOfTheGateway(t *testing.T) {
	t.Parallel()
	got, err := told(parse(t),
		`{"choices":[{"index":0,"delta":{"content":"x"}}],"schleuse":{"decision":"e-1"}}`,
		`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		`{"choices":[],"schleuse":{"decision":"e-1","citations_missing":true}}`)
	if err != nil {
		t.Fatal(err)
	}
	end := got[strings.LastIndex(got, "event: message_delta"):]
	if !strings.Contains(end, `"schleuse":{"decision":"e-1","citations_missing":true}`) || strings.Count(end, `"schleuse"`) != 1 {
		t.Errorf("the end is %s", end)
	}
}
