// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	rename := edit{field: "max_completion_tokens", to: "max_tokens"}
	drop := edit{field: "user"}
	for name, tc := range map[string]struct {
		e        edit
		in, want string
	}{
		"renamed in its place":         {rename, "{ \"a\" : 1 ,\n \"max_completion_tokens\" : 2 , \"b\":[3]}\n", "{ \"a\" : 1 ,\n \"max_tokens\" : 2 , \"b\":[3]}\n"},
		"takes the place of the old":   {rename, `{"max_tokens":9,"a":1,"max_completion_tokens":2}`, `{"a":1,"max_tokens":2}`},
		"null leaves the old one":      {rename, `{"max_tokens":9,"max_completion_tokens":null}`, `{"max_tokens":9}`},
		"in another case":              {rename, `{"Max_Completion_Tokens":2,"MAX_TOKENS":9}`, `{"max_tokens":2}`},
		"with escapes":                 {rename, `{"max\u005fcompletion_tokens":2}`, `{"max_tokens":2}`},
		"not in depth":                 {rename, `{"a":{"max_completion_tokens":2},"b":"max_completion_tokens"}`, `{"a":{"max_completion_tokens":2},"b":"max_completion_tokens"}`},
		"first dropped":                {drop, `{"user":"x", "a":"}\\\"","b":{"user":1}}`, `{"a":"}\\\"","b":{"user":1}}`},
		"middle dropped":               {drop, `{"a":1, "user":{"b":"]"}, "c":2}`, `{"a":1, "c":2}`},
		"last dropped":                 {drop, `{"a":[{"b":"\\"}],"user":"\"" }`, `{"a":[{"b":"\\"}] }`},
		"only one dropped":             {drop, ` {"user":null}`, ` {}`},
		"dropped twice":                {drop, `{"user":1,"a":2,"User":3}`, `{"a":2}`},
		"nothing to do":                {drop, `{"a" : 1.50}`, `{"a" : 1.50}`},
		"empty":                        {drop, `{}`, `{}`},
		"no object":                    {drop, `["user"]`, `["user"]`},
		"broken in a name":             {drop, `{"user`, `{"user`},
		"broken in a value":            {drop, `{"user":[1,"a`, `{"user":[1,"a`},
		"broken between":               {drop, `{"user":1 "a":2}`, `{"user":1 "a":2}`},
		"broken: no value":             {drop, `{"user":,"a":2}`, `{"user":,"a":2}`},
		"broken: nothing":              {drop, ``, ``},
		"a long number keeps its form": {drop, `{"user":1,"seed":12345678901234567890.50e1}`, `{"seed":12345678901234567890.50e1}`},
	} {
		if got := string(apply([]edit{tc.e}, []byte(tc.in))); got != tc.want {
			t.Errorf("%s: %s becomes\n%s, want\n%s", name, tc.in, got, tc.want)
		}
	}
}

// What is valid JSON stays so, and says the same but for the field.
func FuzzEdit(f *testing.F) {
	f.Add(`{"a":1,"user":{"x":["]"]},"b":"\\\"}"}`, true)
	f.Add(`{"user":1,"max_tokens":2,"user":null}`, false)
	f.Add("{\n \"\\u0075ser\" : \"{\", \"c\" : [ {} , [ ] , null ] }", true)
	f.Fuzz(func(t *testing.T, body string, rename bool) {
		e := edit{field: "user"}
		if rename {
			e.to = "max_tokens"
		}
		got := apply([]edit{e}, []byte(body))
		var before, after map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &before) != nil || before == nil {
			return
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%q becomes %q: %v", body, got, err)
		}
		for _, name := range slices.Collect(maps.Keys(before)) {
			if strings.EqualFold(name, "user") || rename && strings.EqualFold(name, "max_tokens") {
				continue
			}
			if string(after[name]) != string(before[name]) {
				t.Fatalf("%q becomes %q: %s changed", body, got, name)
			}
		}
		for name := range after {
			if strings.EqualFold(name, "user") {
				t.Fatalf("%q becomes %q: the field is still there", body, got)
			}
		}
	})
}

// BenchmarkAdapt edits a body of 30 KB as Mistral needs it, beside a copy of it.
func BenchmarkAdapt(b *testing.B) {
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("Sehr geehrte Damen und Herren, ", 1000) + `"}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":200}`)
	m := mistral()
	b.Run("mistral", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.adapt("chat", body)
		}
	})
	b.Run("openai", func(b *testing.B) {
		k := openAI()
		b.ReportAllocs()
		for b.Loop() {
			k.adapt("chat", body)
		}
	})
	b.Run("baseline_copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = slices.Clone(body)
		}
	})
}

func FuzzParseError(f *testing.F) {
	for _, s := range []string{
		`{"error":{"message":"x SECRET","code":1,"type":null}}`, `{"error":"SECRET","code":"SECRET\n"}`, `{"detail":[{"loc":["a",1],"msg":"b"}]}`,
		`{"message":{"detail":[{"loc":[],"msg":"b"}]}}`, `{"httpStatus":1,"messages":[{"errorCode":"a","message":"SECRET"}]}`, `{"message":[[]]}`, `<html>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		x := &exchange{endpoint: &endpoint{Endpoint: Endpoint{Key: "sk-geheim-4711"}}}
		u := x.readable(bytes.ReplaceAll(body, []byte("SECRET"), []byte("sk-geheim-4711")))
		for _, s := range []string{u.Message, u.Type, u.Code, u.Param} {
			if len(s) > maxErrorText || strings.Contains(s, "sk-geheim-4711") || strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("%q gives %q", body, s)
			}
		}
	})
}
