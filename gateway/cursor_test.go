// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// valid walks raw as the gateway does.
func valid(raw []byte, strict bool) bool {
	c := cursor{raw: raw, utf8: strict}
	c.space()
	c.skip()
	c.end()
	return c.mistake == 0
}

// samples are JSON and nearly JSON.
func samples() []string {
	return []string{
		``, ` `, `{}`, `[]`, `null`, `true`, `false`, `nul`, `truex`, `tru`, `0`, `-`, `-0`, `01`, `1.`, `1.5`, `.5`, `1e`, `1e+`, `1E-7`, `1e5.2`, `+1`, `--1`,
		`{"a":1}`, `{"a":1,}`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1 "b":2}`, `{a:1}`, `{"a":1}}`, `{"a":[1,2,{"b":null}]}`, ` { "a" : [ 1 , 2 ] } `,
		`[1,]`, `[,1]`, `[1 2]`, `[`, `[1`, `[1,`, `]`, `{"a":1]`, `[}`, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":"`,
		`"`, `""`, `"a`, `"\`, `"\"`, `"\\"`, `"\u12"`, `"\u12g4"`, `"\uD800"`, `"\x"`, `"\/\b\f\n\r\t\""`, "\"\n\"", "\"\x1f\"", "\"\x7f\"", "\"\x00\"",
		"\"12345678901234567890\"", "\"1234567\\\"", "\"12345678\n\"", "\"ü\"", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xf0\x9f\x98\x80\"", "\"\xc0\x80\"", "\xc3\xbc", "\"abcdefg\xc3",
		"\"aaaaaaaa\xe2\x82\"", "\ufeff{}", "1\x00", "{\"\xff\":1}", "\t\r\n1 \v",
	}
}

func TestCursorTakesJSONAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		if got, want := valid([]byte(s), false), json.Valid([]byte(s)); got != want {
			t.Errorf("%q: valid %v, want %v", s, got, want)
		}
		if got, want := valid([]byte(s), true), json.Valid([]byte(s)) && utf8.ValidString(s); got != want {
			t.Errorf("%q: valid UTF-8 and JSON %v, want %v", s, got, want)
		}
	}
	deep := strings.Repeat("[", maxSkipDepth+1) + strings.Repeat("]", maxSkipDepth+1)
	if valid([]byte(deep), false) || !valid([]byte(deep[1:len(deep)-1]), false) {
		t.Errorf("the bound of nesting is not %d", maxSkipDepth)
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range samples() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if strings.Count(string(raw), "[")+strings.Count(string(raw), "{") > maxSkipDepth {
			return
		}
		want := json.Valid(raw)
		if got := valid(raw, false); got != want {
			t.Fatalf("%q: valid %v, want %v", raw, got, want)
		}
		if got := valid(raw, true); got != (want && utf8.Valid(raw)) {
			t.Fatalf("%q: valid UTF-8 and JSON %v", raw, got)
		}
		var s string
		if want && json.Unmarshal(raw, &s) == nil && utf8.Valid(raw) && raw[0] == '"' && raw[len(raw)-1] == '"' {
			if got := unquote(raw[1 : len(raw)-1]); got != s {
				t.Fatalf("%q decoded as %q, want %q", raw, got, s)
			}
		}
	})
}

// What is known about a changed body is what reading it again would find.
func FuzzBodyEdit(f *testing.F) {
	f.Add(`{"a":{"steuer_id": 86095742719 ,"n":1},"Erika M":"x","m":"{\"t\":86095742719}","image_url":"http://x","model":"m"}`, "model", `[NAME_1] "x"`)
	f.Add(`{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"text":"a\u00fcb"}]}]}`, "messages", "7")
	f.Add(`{ "x" : "{\"b\":\"{\\\"c\\\":[1234567,\\\"d\\\"]}\"}" , "input":[1,2]}`, "Neuer Name", "")
	f.Add(`{}`, "model", "{\"a\":1}")
	f.Add(`{}`, "0", "\n")
	f.Fuzz(func(t *testing.T, raw, key, word string) {
		b, err := ParseBody([]byte(raw))
		if err != nil || !utf8.ValidString(key) || !utf8.ValidString(word) {
			return
		}
		texts := b.Texts()
		for i := range texts {
			if i%2 == 0 {
				texts[i] = "[" + word + "]"
			}
		}
		changed := b.WithTexts(texts)
		same(t, changed)
		for i, got := range changed.Texts() {
			if i%2 == 0 && got != readableOf(texts[i]) {
				t.Fatalf("text %d is %q, want %q", i, got, texts[i])
			}
		}
		set, err := changed.Set(key, map[string]string{"content": word})
		if err != nil {
			t.Fatal(err)
		}
		same(t, set)
		set, err = set.Set("model", word)
		if err != nil {
			t.Fatal(err)
		}
		same(t, set)
		if got := set.String("model"); got != word && key != "model" {
			t.Fatalf("model is %q, want %q", got, word)
		}
		same(t, set.Without(key))
	})
}

// readableOf is what a text says after it was written into JSON and read again.
func readableOf(s string) string { return readable(appendQuoted(nil, s)) }

// same compares what is known about a body with what a fresh look finds: its
// bytes, fields and where its texts begin.
func same(t *testing.T, b Body) {
	t.Helper()
	if !json.Valid(b.raw) {
		t.Fatalf("no JSON: %q", b.raw)
	}
	again := mustScan(b.raw)
	if len(again.fields) != len(b.fields) {
		t.Fatalf("%d fields, want %d: %q", len(b.fields), len(again.fields), b.raw)
	}
	for i, f := range b.fields {
		g := again.fields[i]
		if f.key != g.key || f.start != g.start || f.valueAt != g.valueAt || f.end != g.end || f.elements != g.elements {
			t.Fatalf("field %+v, want %+v in %q", f, g, b.raw)
		}
		if from, to := b.textsOf(i); from > to || to > len(b.texts) {
			t.Fatalf("texts of field %d are %d to %d", i, from, to)
		} else if to > from && (b.texts[from].start < f.start || b.texts[to-1].end > f.end) {
			t.Fatalf("texts of field %d stand outside of it in %q", i, b.raw)
		}
	}
	if got, want := starts(b), starts(again); !subset(want, got) {
		t.Fatalf("texts begin at %v, a fresh look finds %v in %q", got, want, b.raw)
	}
}

func starts(b Body) []int {
	var out []int
	for _, t := range b.texts {
		out = append(out, t.start)
	}
	return out
}

// subset: a text that was replaced stays a text, though its replacement alone
// would not be one.
func subset(some, all []int) bool {
	i := 0
	for _, s := range all {
		if i < len(some) && some[i] == s {
			i++
		}
	}
	return i == len(some)
}

func TestChunkReaderFindsWhatAClientNeeds(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Chunk{
		`{"choices":[{"index":2,"delta":{"content":"a"},"finish_reason":"stop"},{"delta":{}}]}`:                                           {Choices: []ChunkChoice{{2, true}, {1, false}}},
		`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":6.0,"total_tokens":9,"prompt_tokens_details":{"cached_tokens":2}}}`: {Usage: &Usage{Input: 3, Output: 6, Cached: 2, Reported: true}},
		`{"choices":[],"usage":{"prompt_tokens":null,"completion_tokens":-1,"completion_tokens_details":{"reasoning_tokens":4,"x":[1]}}}`: {Usage: &Usage{Reasoning: 4, Reported: true}},
		`{"choices":[{"finish_reason":""}],"usage":null,"error":null}`:                                                                    {Choices: []ChunkChoice{{}}},
		`{"error":{"message":"Erika"}}`:                        {Failed: true},
		`{"error":"x","choices":null}`:                         {Failed: true},
		`{"choices":{"index":0}}`:                              {Odd: true},
		`{"choices":[1]}`:                                      {Odd: true, Choices: []ChunkChoice{{}}},
		`{"choices":[{"index":"1"}]}`:                          {Odd: true, Choices: []ChunkChoice{{}}},
		`{"choices":[{"index":1.5}]}`:                          {Odd: true, Choices: []ChunkChoice{{}}},
		`{"choices":[{"index":0,"finish_reason":true}]}`:       {Odd: true, Choices: []ChunkChoice{{}}},
		`{"usage":7}`:                                          {Odd: true},
		`{"choices":[{"finish_reason":"a","index":null}, {}]}`: {Choices: []ChunkChoice{{0, true}, {1, false}}},
	} {
		var r ChunkReader
		got, err := r.Read([]byte(raw))
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		got.Data, got.event = nil, nil
		if len(got.Choices) == 0 {
			got.Choices = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", raw, got, want)
		}
	}
}

// Any bytes: the reader takes objects that are JSON, and never more than a
// decoder that reads everything into memory would see.
func FuzzChunkReader(f *testing.F) {
	f.Add(`{"choices":[{"index":1,"delta":{"tool_calls":[{"index":"x","function":{"arguments":"a"}}]},"finish_reason":null}],"usage":{"prompt_tokens":1}}`)
	f.Add(`{"error":{},"choices":[{"index":0,"finish_reason":"stop"}]} x`)
	f.Fuzz(func(t *testing.T, raw string) {
		var r ChunkReader
		c, err := r.Read([]byte(raw))
		if err != nil {
			return
		}
		if !json.Valid([]byte(raw)) {
			t.Fatalf("took %q", raw)
		}
		for _, p := range c.event.pieces {
			if raw[p.start-1] != '"' || raw[p.end] != '"' || !json.Valid([]byte(raw[p.start-1:p.end+1])) {
				t.Fatalf("piece %d:%d of %q is no string", p.start, p.end, raw)
			}
		}
	})
}

// What a model says of its tokens is no text, but a tool may have an argument of
// that name.
func TestOnlyTheTokensOfAChoiceAreNoText(t *testing.T) {
	t.Parallel()
	answer := `{"choices":[{"logprobs":{"content":[{"token":"Meier"}]},"message":{"content":"Hallo","tool_calls":[{"function":{"name":"f","arguments":"{\"logprobs\":\"Schulze\"}"}}],"x":{"logprobs":"Lehmann"}}}]}`
	b, err := parseBody([]byte(answer), true)
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Join(b.Texts(), "|")
	if !strings.Contains(texts, "Schulze") || !strings.Contains(texts, "Lehmann") || !strings.Contains(texts, "Hallo") || strings.Contains(texts, "Meier") {
		t.Errorf("texts: %s", texts)
	}
}
