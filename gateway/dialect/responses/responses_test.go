// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package responses_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
	"github.com/ki-schleuse/schleuse/gateway/dialect/responses"
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
		"a text": {
			`{"model":"m","input":"Tell me a three sentence bedtime story about a unicorn."}`,
			`{"model":"m","messages":[{"role":"user","content":"Tell me a three sentence bedtime story about a unicorn."}]}`,
		},
		"instructions and roles": {
			`{"model":"m","instructions":"Eins.","input":[{"role":"developer","content":"Zwei."},{"type":"message","role":"user","content":[{"type":"input_text","text":"Hallo"}]},{"role":"system","content":"Drei."}]}`,
			`{"model":"m","messages":[{"role":"system","content":"Eins.\n\nZwei."},{"role":"user","content":"Hallo"},{"role":"system","content":"Drei."}]}`,
		},
		"a picture": {
			`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"what is in this image?"},{"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"low"}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"what is in this image?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}]}]}`,
		},
		"a file": {
			`{"model":"m","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}]}]}`,
			`{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA=="}}]}]}`,
		},
		"functions": {
			`{"model":"m","input":"Boston?","tools":[{"type":"function","name":"get_current_weather","description":"Get the current weather in a given location","parameters":{"type":"object","required":["location"]},"strict":true},{"type":"function","name":"b","parameters":null,"strict":null}],"tool_choice":{"type":"function","name":"b"},"parallel_tool_calls":false}`,
			`{"model":"m","messages":[{"role":"user","content":"Boston?"}],"tools":[{"type":"function","function":{"name":"get_current_weather","description":"Get the current weather in a given location","parameters":{"type":"object","required":["location"]},"strict":true}},{"type":"function","function":{"name":"b"}}],"tool_choice":{"type":"function","function":{"name":"b"}},"parallel_tool_calls":false}`,
		},
		"only some of the functions": {
			`{"model":"m","input":"x","tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"b"}]},"tools":[{"type":"function","name":"a"},{"type":"function","name":"b"}]}`,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"b"}}],"tool_choice":"required"}`,
		},
		"what the model said before": {
			`{"model":"m","input":[{"role":"user","content":"x"},
			 {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]},
			 {"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Mo","annotations":[]},{"type":"output_text","text":"ment."}]},
			 {"type":"function_call","id":"fc_1","call_id":"call_1","name":"a","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"call_2","name":"b","arguments":"{}"},
			 {"type":"function_call_output","call_id":"call_1","output":"12"},{"type":"function_call_output","call_id":"call_2","output":[{"type":"input_text","text":"13"}]},
			 {"role":"assistant","content":"Fertig."},{"role":"assistant","content":"Wirklich."}]}`,
			`{"model":"m","messages":[{"role":"user","content":"x"},
			 {"role":"assistant","content":"Moment.","reasoning_content":"Hm.","tool_calls":[{"id":"call_1","type":"function","function":{"name":"a","arguments":"{\"x\":1}"}},{"id":"call_2","type":"function","function":{"name":"b","arguments":"{}"}}]},
			 {"role":"tool","tool_call_id":"call_1","content":"12"},{"role":"tool","tool_call_id":"call_2","content":"13"},
			 {"role":"assistant","content":"Fertig."},{"role":"assistant","content":"Wirklich."}]}`,
		},
		"the shape of the answer": {
			`{"model":"m","input":"x","text":{"format":{"type":"json_schema","name":"n","description":"d","schema":{"type":"object"},"strict":true},"verbosity":"low"},"reasoning":{"effort":"high","summary":"auto"},"max_output_tokens":50,"top_logprobs":2,"include":["message.output_text.logprobs","reasoning.encrypted_content"]}`,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}},"verbosity":"low","reasoning_effort":"high","max_tokens":50,"top_logprobs":2,"logprobs":true}`,
		},
		"unknown fields and what stays here": {
			`{"model":"m","input":"x","store":false,"background":false,"previous_response_id":null,"truncation":"disabled","metadata":{"akte":"32"},"temperature":0.30,"guided_json":{"a":1},"schleuse":{"purpose":"chat"},"stream":true,"stream_options":{"include_obfuscation":false}}`,
			`{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":0.30,"guided_json":{"a":1},"schleuse":{"purpose":"chat"},"stream":true,"stream_options":{"include_usage":true}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := responses.Parse([]byte(c.in))
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			same(t, "the chat body", r.Chat(), c.want)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	item := func(i string) string { return `{"model":"m","input":[` + i + `]}` }
	with := func(field string) string { return `{"model":"m","input":"x",` + field + `}` }
	for name, c := range map[string]struct{ in, path string }{
		"no input":             {`{"model":"m"}`, "input"},
		"empty input":          {item(``), "input"},
		"store":                {with(`"store":true`), "store"},
		"earlier answer":       {with(`"previous_response_id":"resp_1"`), "previous_response_id"},
		"conversation":         {with(`"conversation":{"id":"c"}`), "conversation"},
		"background":           {with(`"background":true`), "background"},
		"stored prompt":        {with(`"prompt":{"id":"p"}`), "prompt"},
		"web search":           {with(`"tools":[{"type":"function","name":"a"},{"type":"web_search_preview"}]`), "tools[1].type"},
		"files":                {with(`"tools":[{"type":"file_search","vector_store_ids":["v"]}]`), "tools[0].type"},
		"foreign server":       {with(`"tools":[{"type":"mcp","server_url":"https://x"}]`), "tools[0].type"},
		"choice of a tool":     {with(`"tool_choice":{"type":"web_search_preview"}`), "tool_choice"},
		"choice of an unknown": {with(`"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"a"}]}`), "tool_choice.tools"},
		"cutting":              {with(`"truncation":"auto"`), "truncation"},
		"include":              {with(`"include":["file_search_call.results"]`), "include[0]"},
		"format":               {with(`"text":{"format":{"type":"grammar"}}`), "text.format.type"},
		"several answers":      {with(`"n":3`), "n"},
		"messages beside":      {with(`"messages":[{"role":"user","content":"y"}]`), "messages"},
		"two bounds":           {with(`"max_output_tokens":5,"max_tokens":9`), "max_tokens"},
		"reference":            {item(`{"type":"item_reference","id":"msg_1"}`), "input[0]"},
		"unknown item":         {item(`{"role":"user","content":"x"},{"type":"computer_call"}`), "input[1].type"},
		"unknown part":         {item(`{"role":"user","content":[{"type":"input_video"}]}`), "input[0].content[0].type"},
		"picture by address":   {item(`{"role":"user","content":[{"type":"input_image","image_url":"https://x/a.png"}]}`), "input[0].content[0].image_url"},
		"picture by file":      {item(`{"role":"user","content":[{"type":"input_image","file_id":"f"}]}`), "input[0].content[0].file_id"},
		"file by address":      {item(`{"role":"user","content":[{"type":"input_file","file_url":"https://x"}]}`), "input[0].content[0].file_url"},
		"encrypted thoughts":   {item(`{"type":"reasoning","summary":[],"encrypted_content":"AA"}`), "input[0].encrypted_content"},
		"arguments":            {item(`{"type":"function_call","call_id":"c","name":"n","arguments":{}}`), "input[0].arguments"},
		"role":                 {item(`{"role":"tool","content":"x"}`), "input[0].role"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := responses.Parse([]byte(c.in))
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

const request = `{"model":"m","input":"x","instructions":"Kurz.","temperature":0.5,"stream":true}`

func parse(t testing.TB) *responses.Request {
	t.Helper()
	r, err := responses.Parse([]byte(request))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// frame is what every answer to request repeats.
const frame = `"id":"resp_e-1","object":"response","created_at":7,"background":false,"instructions":"Kurz.","max_output_tokens":null,"max_tool_calls":null,
 "metadata":{},"model":"m-1","parallel_tool_calls":true,"reasoning":{"effort":null,"summary":null},"temperature":0.5,"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],
 "top_p":null,"truncation":"disabled","previous_response_id":null,"store":false`

func TestAnswers(t *testing.T) {
	t.Parallel()
	const usage = `"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}`
	const told = `"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}`
	for name, c := range map[string]struct{ in, want string }{
		"thoughts, text and a call": {
			`{"model":"m-1","created":7,"schleuse":{"decision":"e-1"},"choices":[{"index":0,"message":{"content":"Ja.","reasoning_content":"Hm.","tool_calls":[{"id":"call_1","function":{"name":"a","arguments":"{\"x\": 1}"}}]},"logprobs":{"content":[{"token":"Ja","logprob":-0.1}]},"finish_reason":"tool_calls"}],` + usage + `}`,
			`{` + frame + `,"status":"completed","error":null,"incomplete_details":null,"schleuse":{"decision":"e-1"},"output":[
			 {"id":"rs_e-1_0","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}],"status":"completed"},
			 {"id":"msg_e-1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[{"token":"Ja","logprob":-0.1}],"text":"Ja."}]},
			 {"id":"fc_e-1_2","type":"function_call","status":"completed","call_id":"call_1","name":"a","arguments":"{\"x\": 1}"}],` + told + `}`,
		},
		"cut by the bound, in the middle of a call": {
			`{"model":"m-1","created":7,"choices":[{"message":{"tool_calls":[{"id":"c","function":{"name":"a","arguments":"{\"x"}}]},"finish_reason":"length"}],` + usage + `}`,
			`{` + frame + `,"status":"incomplete","error":null,"incomplete_details":{"reason":"max_output_tokens"},"output":[{"id":"fc_e-1_0","type":"function_call","status":"incomplete","call_id":"c","name":"a","arguments":"{\"x"}],` + told + `}`,
		},
		"a refusal, without usage": {
			`{"model":"m-1","created":7,"choices":[{"message":{"content":null,"refusal":"Nein."},"finish_reason":"content_filter"}]}`,
			`{` + frame + `,"status":"incomplete","error":null,"incomplete_details":{"reason":"content_filter"},"output":[{"id":"msg_e-1_0","type":"message","status":"incomplete","role":"assistant","content":[{"type":"refusal","refusal":"Nein."}]}],
			 "usage":{"input_tokens":32,"input_tokens_details":{"cached_tokens":0},"output_tokens":2,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":34,"estimated":true}}`,
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
	if got, err := parse(t).Answer("e-1", []byte(`{"choices":[{"message":{"tool_calls":[{"function":{"name":"a","arguments":"{"}}]},"finish_reason":"stop"}]}`)); err == nil {
		t.Errorf("half a call was told as whole: %s", got)
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

// event is what the order of a stream is judged by.
type event struct {
	Type     string          `json:"type"`
	Number   int             `json:"sequence_number"`
	Output   int             `json:"output_index"`
	ItemID   string          `json:"item_id"`
	Delta    string          `json:"delta"`
	Text     string          `json:"text"`
	Part     json.RawMessage `json:"part"`
	Item     json.RawMessage `json:"item"`
	Response json.RawMessage `json:"response"`
}

func eventsOf(t *testing.T, raw string) []event {
	t.Helper()
	var all []event
	for block := range strings.SplitSeq(strings.TrimSuffix(raw, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(block, "\n")
		var e event
		if !ok || json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &e) != nil || name != "event: "+e.Type {
			t.Fatalf("no event: %s", block)
		}
		if e.Number != len(all) {
			t.Errorf("%s has number %d, want %d", e.Type, e.Number, len(all))
		}
		all = append(all, e)
	}
	return all
}

func TestStream(t *testing.T) {
	t.Parallel()
	got, err := told(parse(t),
		`{"created":7,"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
		`{"created":7,"choices":[{"index":0,"delta":{"reasoning":"Hm"}}]}`,
		`{"created":7,"choices":[{"index":0,"delta":{"content":"Gr\u00fc"}}]}`,
		`{"created":7,"choices":[{"index":0,"delta":{"content":"\u00dfe"}}]}`,
		`{"created":7,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"a","arguments":"{\"x\""}}]}}]}`,
		`{"created":7,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}`,
		`{"created":7,"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5}}`)
	if err != nil {
		t.Fatal(err)
	}
	all := eventsOf(t, got)
	var order []string
	for _, e := range all {
		order = append(order, strings.TrimPrefix(e.Type, "response.")+"|"+e.ItemID+"|"+e.Delta+"|"+e.Text)
	}
	want := []string{
		"created|||", "in_progress|||",
		"output_item.added|||", "content_part.added|rs_e-1_0||", "reasoning_text.delta|rs_e-1_0|Hm|", "reasoning_text.done|rs_e-1_0||Hm", "content_part.done|rs_e-1_0||", "output_item.done|||",
		"output_item.added|||", "content_part.added|msg_e-1_1||", "output_text.delta|msg_e-1_1|Grü|", "output_text.delta|msg_e-1_1|ße|", "output_text.done|msg_e-1_1||Grüße", "content_part.done|msg_e-1_1||", "output_item.done|||",
		"output_item.added|||", `function_call_arguments.delta|fc_e-1_2|{"x"|`, "function_call_arguments.delta|fc_e-1_2|:1}|", "function_call_arguments.done|fc_e-1_2||", "output_item.done|||",
		"completed|||",
	}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("order\n%q\nwant\n%q", order, want)
	}
	const usage = `"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":15}`
	same(t, "the first event", all[0].Response, `{`+frame+`,"status":"in_progress","error":null,"incomplete_details":null,"output":[],"usage":null}`)
	same(t, "the last event", all[len(all)-1].Response, `{`+frame+`,"status":"completed","error":null,"incomplete_details":null,"output":[
	 {"id":"rs_e-1_0","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Hm"}],"status":"completed"},
	 {"id":"msg_e-1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Grüße"}]},
	 {"id":"fc_e-1_2","type":"function_call","status":"completed","call_id":"c","name":"a","arguments":"{\"x\":1}"}],`+usage+`}`)
	same(t, "a begun item", all[15].Item, `{"id":"fc_e-1_2","type":"function_call","status":"in_progress","call_id":"c","name":"a","arguments":""}`)
	same(t, "an ended item", all[14].Item, `{"id":"msg_e-1_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"Grüße"}]}`)
}

// A stream that did not end properly is never told as completed.
func TestStreamsThatBreak(t *testing.T) {
	t.Parallel()
	for name, chunks := range map[string][]string{
		"unfinished":       {`{"choices":[{"index":0,"delta":{"content":"x"}}]}`},
		"broken":           {`{"choices":[`},
		"second choice":    {`{"choices":[{"index":1,"delta":{"content":"x"}}]}`},
		"broken arguments": {`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"b","arguments":"{"}}]},"finish_reason":"tool_calls"}]}`},
	} {
		if got, err := told(parse(t), chunks...); err == nil || strings.Contains(got, "response.completed") {
			t.Errorf("%s: told as whole: %v %s", name, err, got)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	s := parse(t).Stream("e-1")
	out, err := s.Event(nil, []byte(`{"created":7,"model":"m-1","choices":[{"index":0,"delta":{"content":"x"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	all := eventsOf(t, string(s.Fail(out, dialect.Failure{Code: gateway.CodeTruncated, Label: "truncated", Message: "Abgebrochen.", Schleuse: []byte(`{}`)})))
	last := all[len(all)-2:]
	if last[0].Type != "response.failed" || last[1].Type != "error" {
		t.Errorf("ends with %q and %q, want response.failed and error", last[0].Type, last[1].Type)
	}
	same(t, "the failed answer", last[0].Response, `{`+frame+`,"status":"failed","error":{"code":"server_error","message":"Abgebrochen."},"incomplete_details":null,"output":[],"usage":null}`)
	early := string(parse(t).Stream("e-1").Fail(nil, dialect.Failure{Code: gateway.CodeDenied, Label: "KIVO-05", Message: "Verboten."}))
	if want := "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"code\":\"KIVO-05\",\"message\":\"Verboten.\",\"param\":null,"; !strings.HasPrefix(early, want) {
		t.Errorf("before anything was told: %s", early)
	}
}

// Whatever a caller writes is translated to a body the gateway can read, or refused.
func FuzzParse(f *testing.F) {
	f.Add(request)
	f.Add(`{"input":[{"role":"user","content":[{"type":"input_text","text":"\ud800"},{"type":"input_image","image_url":"data:a"}]},{"type":"function_call","call_id":"a","name":"b","arguments":"{}"},{"type":"reasoning","summary":[{"text":"x"}]}],"tools":[{"type":"function","name":"a"}],"tool_choice":"auto","text":{"format":{"type":"json_object"}}}`)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := responses.Parse([]byte(in))
		if err != nil {
			if e, ok := errors.AsType[*gateway.Error](err); !ok || e.Message == "" {
				t.Errorf("error = %#v, want one for the caller", err)
			}
			return
		}
		if !json.Valid(r.Chat()) {
			t.Fatalf("%s became %s", in, r.Chat())
		}
		answer, err := r.Answer("e-1", []byte(`{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`))
		if err != nil || !json.Valid(answer) {
			t.Errorf("answer %s, %v", answer, err)
		}
	})
}

// Whatever a model's server writes is told as valid events, or not at all.
func FuzzStream(f *testing.F) {
	f.Add(`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}],"x":1}`, `{"choices":[],"usage":{"prompt_tokens":1}}`)
	f.Add(`{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"b","arguments":"{}"}}]}}]}`, `{"choices":[{"delta":{"refusal":"c"},"finish_reason":"length"}]}`)
	f.Fuzz(func(t *testing.T, a, b string) {
		got, err := told(parse(t), a, b)
		whole := false
		for line := range strings.SplitSeq(got, "\n") {
			if data, ok := strings.CutPrefix(line, "data: "); ok && !json.Valid([]byte(data)) {
				t.Fatalf("no JSON: %s", data)
			}
			whole = whole || line == "event: response.completed" || line == "event: response.incomplete"
		}
		if whole != (err == nil) {
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
	end := got[strings.LastIndex(got, "event: response.completed"):]
	if !strings.Contains(end, `"schleuse":{"decision":"e-1","citations_missing":true}`) || strings.Count(end, `"schleuse"`) != 1 {
		t.Errorf("the end is %s", end)
	}
}
