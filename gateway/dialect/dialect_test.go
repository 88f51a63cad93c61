// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

func TestFields(t *testing.T) {
	t.Parallel()
	got, err := dialect.Fields([]byte(" { \"a\" : [1, {\"b\":\"}\"}] ,\n\"\\u00e4\":\"x\\\\\" , \"c\":null } "))
	want := []dialect.Field{{Key: "a", Value: []byte(`[1, {"b":"}"}]`)}, {Key: "ä", Value: []byte(`"x\\"`)}, {Key: "c", Value: []byte("null")}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	for name, in := range map[string]string{
		"empty": ``, "a list": `[1]`, "a text": `"x"`, "half": `{"a":1`, "twice": `{"model":1,"MODEL":2}`, "no UTF-8": "{\"a\":\"\xff\"}",
		"many": `{` + many(1001) + `}`, "large": `{"a":"` + strings.Repeat("x", gateway.MaxBodyBytes) + `"}`,
	} {
		_, err := dialect.Fields([]byte(in))
		if e, ok := errors.AsType[*gateway.Error](err); !ok || e.Code != gateway.CodeInvalid && e.Code != gateway.CodeTooLarge {
			t.Errorf("%s: %v, want a mistake of the caller", name, err)
		}
	}
}

func many(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(`"f%d":1`, i))
	}
	return strings.Join(all, ",")
}

// teller writes down what it is told.
type teller struct{ told []string }

func (t *teller) Open(b *dialect.Block) { t.told = append(t.told, fmt.Sprintf("open %d", b.Index)) }

func (t *teller) Piece(_ *dialect.Block, content []byte) { t.told = append(t.told, string(content)) }

func (t *teller) Close(b *dialect.Block) { t.told = append(t.told, fmt.Sprintf("close %d", b.Index)) }

// Blocks follow one another, whatever the order in which a server sends pieces.
func TestFlow(t *testing.T) {
	t.Parallel()
	delta := func(d string) string { return `{"choices":[{"index":0,"delta":` + d + `}]}` }
	finish := `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	for name, c := range map[string]struct {
		chunks []string
		want   string
	}{
		"nothing":            {[]string{finish}, ""},
		"text":               {[]string{delta(`{"content":"a"}`), delta(`{"content":""}`), delta(`{"content":"b"}`), finish}, "open 0,a,b,close 0"},
		"thoughts come back": {[]string{delta(`{"reasoning":"a"}`), delta(`{"content":"b"}`), delta(`{"reasoning":"c"}`), finish}, "open 0,a,close 0,open 1,b,close 1,open 2,c,close 2"},
		"both names of thoughts": {
			[]string{delta(`{"reasoning":"a","reasoning_content":"a"}`), delta(`{"reasoning_content":"b","reasoning":"b"}`), finish},
			"open 0,a,b,close 0",
		},
		"text after a call": {
			[]string{delta(`{"tool_calls":[{"index":0,"id":"x","function":{"name":"n","arguments":"{"}}]}`), delta(`{"content":"t"}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}`), finish},
			"open 0,{,},close 0,open 1,t,close 1",
		},
		"the name comes late": {
			[]string{delta(`{"tool_calls":[{"index":0,"id":"x","function":{"arguments":"{"}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"name":"n","arguments":"}"}}]}`), finish},
			"open 0,{},close 0",
		},
		"calls without index": {
			[]string{delta(`{"tool_calls":[{"id":"x","function":{"name":"n","arguments":"{}"}},{"id":"y","function":{"name":"m","arguments":""}}]}`), finish},
			"open 0,{},close 0,open 1,close 1",
		},
		"a repeated name": {
			[]string{delta(`{"tool_calls":[{"index":0,"id":"x","function":{"name":"n","arguments":""}}]}`), delta(`{"tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"{}"}}]}`), finish},
			"open 0,{},close 0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f dialect.Flow
			var told teller
			for _, chunk := range c.chunks {
				if err := f.Chunk([]byte(chunk), &told); err != nil {
					t.Fatal(err)
				}
			}
			if err := f.End(&told); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(told.told, ","); got != c.want {
				t.Errorf("told %s, want %s", got, c.want)
			}
		})
	}
}

func TestFlowIsBounded(t *testing.T) {
	t.Parallel()
	var f dialect.Flow
	var told teller
	var err error
	for i := 0; i < 5000 && err == nil; i++ {
		err = f.Chunk(fmt.Appendf(nil, `{"x%d":1,"choices":[{"delta":{"tool_calls":[{"index":%d,"function":{"name":"n"}}]}}]}`, i, i), &told)
	}
	if err == nil || len(f.Blocks) > 1024 || len(f.Extra) > 100 {
		t.Errorf("%d blocks and %d fields were kept: %v", len(f.Blocks), len(f.Extra), err)
	}
	f = dialect.Flow{}
	piece := []byte(`{"choices":[{"delta":{"content":"` + strings.Repeat("x", 1<<20) + `"}}]}`)
	for err = nil; err == nil && len(f.Blocks) < 2; {
		err = f.Chunk(piece, &told)
	}
	if err == nil {
		t.Error("an endless text was kept")
	}
}

// The walk finds in valid JSON what encoding/json finds.
func FuzzWalk(f *testing.F) {
	f.Add(`{"a":[1,"\\\"",{"b":[]}],"c":{},"d":-1e5}`)
	f.Add(" [ ] ")
	f.Add(`{"\u0061":"\ud83d\ude00"}`)
	f.Fuzz(func(t *testing.T, in string) {
		if !json.Valid([]byte(in)) {
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(in), &object) == nil && object != nil {
			found := map[string]string{}
			for key, value := range dialect.Members([]byte(in)) {
				found[key] = string(value)
			}
			for key, value := range object {
				if found[key] != string(value) {
					t.Errorf("%q is %q, want %q", key, found[key], value)
				}
			}
		}
		var list []json.RawMessage
		if json.Unmarshal([]byte(in), &list) == nil {
			n := 0
			for i, value := range dialect.Elements([]byte(in)) {
				if n++; i >= len(list) || string(value) != string(list[i]) {
					t.Errorf("element %d is %q", i, value)
				}
			}
			if n != len(list) {
				t.Errorf("%d elements, want %d", n, len(list))
			}
		}
		if dialect.Tokens([]byte(in)) < 0 {
			t.Error("a negative number of tokens")
		}
	})
}
