// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"encoding/json"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

func parse(t testing.TB, raw string) gateway.Body {
	t.Helper()
	b, err := gateway.ParseBody([]byte(raw))
	if err != nil {
		t.Fatalf("parse %s: %v", raw, err)
	}
	return b
}

func TestBodyTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw          string
		texts        []string
		unscreenable int
	}{
		"plain message":            {`{"model":"m","messages":[{"role":"user","content":"Grüße an Müller"}]}`, []string{"m", "Grüße an Müller"}, 0},
		"escaped text":             {`{"messages":[{"role":"user","content":"M\u00fcller\n\"x\""}]}`, []string{"Müller\n\"x\""}, 0},
		"content parts":            {`{"messages":[{"role":"user","content":[{"type":"text","text":"A"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`, []string{"A"}, 1},
		"arguments are JSON":       {`{"messages":[{"role":"assistant","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{\"name\":\"M\\u00fcller\"}"}}]}]}`, []string{"c1", "f", "Müller"}, 0},
		"tool result is JSON":      {`{"messages":[{"role":"tool","content":"[\"Erika\"]"}]}`, []string{"Erika"}, 0},
		"unknown fields":           {`{"metadata":{"Erika Mustermann":"x"},"user":"u7"}`, []string{"Erika Mustermann", "x", "u7"}, 0},
		"token numbers":            {`{"input":[[1,2,3]]}`, []string{}, 1},
		"flat token numbers":       {`{"input":[1,2,3]}`, []string{}, 1},
		"embedding input":          {`{"input":["a","b"]}`, []string{"a", "b"}, 0},
		"base64 outside an image":  {`{"x":"data:text/plain;base64,AAAA"}`, []string{}, 1},
		"nothing but line breaks":  {`{"messages":[{"content":"\n"},{"content":"\r\n "}]}`, []string{"\n", "\r\n "}, 0},
		"not JSON though it looks": {`{"messages":[{"content":"{kein JSON"}]}`, []string{"{kein JSON"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := parse(t, c.raw)
			if got := b.Texts(); !reflect.DeepEqual(got, c.texts) {
				t.Errorf("texts %q, want %q", got, c.texts)
			}
			if b.Unscreenable() != c.unscreenable {
				t.Errorf("%d unscreenable parts, want %d", b.Unscreenable(), c.unscreenable)
			}
		})
	}
}

// A long text is not copied for those who read it.
func TestBodyTextsLieInTheBody(t *testing.T) {
	body := parse(t, `{"messages":[{"content":"`+strings.Repeat("Grüße an Müller. ", 2000)+`"},{"content":"Zeile\n"}]}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		body.Texts()
	}
	runtime.ReadMemStats(&after)
	if size := (after.TotalAlloc - before.TotalAlloc) / 100; size > uint64(body.Len()/4) {
		t.Errorf("texts of %d bytes take %d", body.Len(), size)
	}
}

func TestBodyKeepsEveryOtherByte(t *testing.T) {
	t.Parallel()
	raw := `{ "x_new" : {"a":1.50, "b":[true,null]},"messages":[ {"role":"user","content":"Herr M\u00fcller"} ] , "seed":12345678901234567890 }`
	b := parse(t, raw)
	if same := string(b.WithTexts(b.Texts()).Bytes()); same != raw {
		t.Errorf("unchanged texts changed the bytes:\n%s\n%s", raw, same)
	}
	texts := b.Texts()
	texts[0] = "[PERSON_1] \"z\""
	want := strings.Replace(raw, `Herr M\u00fcller`, `[PERSON_1] \"z\"`, 1)
	if got := string(b.WithTexts(texts).Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestBodyReplacesInsideArguments(t *testing.T) {
	t.Parallel()
	b := parse(t, `{"messages":[{"tool_calls":[{"function":{"arguments":"{\"n\":\"Erika\",\"x\":1}"}}]}]}`)
	out := b.WithTexts([]string{`O"Neil`})
	var got struct {
		Messages []struct {
			ToolCalls []struct {
				Function struct{ Arguments string }
			} `json:"tool_calls"`
		}
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if a := got.Messages[0].ToolCalls[0].Function.Arguments; a != `{"n":"O\"Neil","x":1}` {
		t.Errorf("arguments are %s", a)
	}
}

func TestBodyFields(t *testing.T) {
	t.Parallel()
	b := parse(t, `{"a":1,"schleuse":{"purpose":"chat"},"z":"ü"}`)
	if raw, ok := b.Get("schleuse"); !ok || string(raw) != `{"purpose":"chat"}` {
		t.Errorf("schleuse is %s, %v", raw, ok)
	}
	if got := string(b.Without("schleuse").Bytes()); got != `{"a":1,"z":"ü"}` {
		t.Errorf("without the middle field: %s", got)
	}
	if got := string(b.Without("z").Bytes()); got != `{"a":1,"schleuse":{"purpose":"chat"}}` {
		t.Errorf("without the last field: %s", got)
	}
	if got := string(b.Without("a", "schleuse", "z").Bytes()); got != `{}` {
		t.Errorf("without any field: %s", got)
	}
	if got := string(parse(t, `{ "a":1 , "b":2, "c":3 ,"d":4 }`).Without("b", "c", "d").Bytes()); got != `{ "a":1 }` {
		t.Errorf("without the last three fields: %s", got)
	}
	if got := string(parse(t, `{ "a":1 , "b":2, "c":3 ,"d":4 }`).Without("a", "c").Bytes()); got != `{ "b":2, "d":4 }` {
		t.Errorf("without every second field: %s", got)
	}
	set, err := b.Set("a", "neu")
	if err != nil || string(set.Bytes()) != `{"a":"neu","schleuse":{"purpose":"chat"},"z":"ü"}` {
		t.Errorf("set: %s, %v", set.Bytes(), err)
	}
	if same, err := b.Set("z", "ü"); err != nil || &same.Bytes()[0] != &b.Bytes()[0] {
		t.Errorf("setting what is set already makes another body: %s, %v", same.Bytes(), err)
	}
	empty, err := parse(t, `{}`).Set("a", 1)
	if err != nil || string(empty.Bytes()) != `{"a":1}` {
		t.Errorf("set in an empty object: %s, %v", empty.Bytes(), err)
	}
}

func TestBodyPrependMessage(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"messages":[{"role":"user","content":"f"}]}`:                                 `{"messages":[{"content":"Q","role":"system"},{"role":"user","content":"f"}]}`,
		`{"messages":[{"role":"system","content":"S"},{"role":"user","content":"f"}]}`: `{"messages":[{"role":"system","content":"Q\n\nS"},{"role":"user","content":"f"}]}`,
	} {
		got, err := parse(t, raw).PrependMessage("system", "Q")
		if err != nil || string(got.Bytes()) != want {
			t.Errorf("%s\ngot  %s, %v\nwant %s", raw, got.Bytes(), err, want)
		}
	}
	if _, err := parse(t, `{"input":"x"}`).PrependMessage("system", "Q"); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("a body without messages: %v, want invalid_request", err)
	}
}

func TestBodyRefuses(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"an array":            `[1]`,
		"nothing":             ``,
		"broken JSON":         `{"a":`,
		"invalid UTF-8":       "{\"a\":\"\xff\"}",
		"a field twice":       `{"model":"a","model":"b"}`,
		"deep nesting":        `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"too many texts":      `{"a":[` + strings.Repeat(`"x",`, 20_000) + `"x"]}`,
		"text after the body": `{} x`,
	} {
		if _, err := gateway.ParseBody([]byte(raw)); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%s: %v, want invalid_request", name, err)
		}
	}
	if _, err := gateway.ParseBody(make([]byte, gateway.MaxBodyBytes+1)); gateway.CodeOf(err) != gateway.CodeTooLarge {
		t.Errorf("a huge body: %v, want too_large", err)
	}
}

func FuzzBody(f *testing.F) {
	f.Add(`{"messages":[{"role":"user","content":"a\u00e4"}],"x":{"Y Z":[1,"{\"q\":\"w\"}"]}}`)
	f.Add(`{"a":"\ud800","":{}}`)
	f.Add(`{"a":"\ud83d\ude00\ud800\u0041\/\b\f\\","b":"\\\""}`)
	f.Fuzz(func(t *testing.T, raw string) {
		b, err := gateway.ParseBody([]byte(raw))
		if err != nil {
			return
		}
		var flat map[string]json.RawMessage
		if err := json.Unmarshal([]byte(raw), &flat); err != nil {
			t.Fatalf("refused by encoding/json: %v", err)
		}
		for key, value := range flat {
			var want string
			if json.Unmarshal(value, &want) == nil && b.String(key) != want {
				t.Fatalf("%s is %q, encoding/json reads %q", key, b.String(key), want)
			}
		}
		texts := b.Texts()
		if got := string(b.WithTexts(texts).Bytes()); got != raw {
			t.Fatalf("unchanged texts changed the bytes:\n%q\n%q", raw, got)
		}
		for i := range texts {
			texts[i] = "[X_1]\"\n"
		}
		changed := b.WithTexts(texts).Bytes()
		if !json.Valid(changed) {
			t.Fatalf("not JSON any more: %q", changed)
		}
		for _, f := range []string{"a", "messages", "x"} {
			if !json.Valid(b.Without(f).Bytes()) || !json.Valid(b.Without("a", f).Bytes()) {
				t.Fatalf("without %s: not JSON any more: %q", f, b.Without(f).Bytes())
			}
		}
	})
}

func TestBodyElements(t *testing.T) {
	t.Parallel()
	b := parse(t, `{"messages":[{"a":[1,2]},{},"x"],"none":[],"text":"[1,2]","deep":{"messages":[1]}}`)
	b, err := b.Set("tools", []int{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"messages": 3, "none": 0, "text": -1, "deep": -1, "absent": -1, "tools": 2} {
		if got := b.Elements(key); got != want {
			t.Errorf("%s has %d elements, want %d", key, got, want)
		}
	}
}
