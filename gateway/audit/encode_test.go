// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// oddStrings are texts in which something has to be escaped, and some that have not.
var oddStrings = []string{ //nolint:gochecknoglobals // never changed
	"", "a", "§ 80 SGB X, „Straße“", `"\/`, "<b>&amp;</b>", "\x00\x01\b\f\n\r\t\x1f\x7f", "\u2028\u2029", "a\xff\xfe\xc3",
	"\xed\xa0\x80", "\U0001f600", "zzz", "Aa", "é", "\u00e9<", `{"a":1}`,
}

// oddRaws are inputs of decisions, some of them not compact, none of them invalid.
var oddRaws = []string{ //nolint:gochecknoglobals // never changed
	`{}`, `[]`, `null`, `{"a":[1,-2,"x"],"b":{"c":true,"d":false,"e":null}}`, `{ "a" : 1.5e3 }`, `{"a":"<ä\u00e4>"}`,
	"{\"a\":\"\u2028\xff\"}", `[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]`, `-0`, `0`, `10`, `"\""`, "\t[\n1 ]", `{"":""}`,
}

// filler sets every field it can reach. A field that is added to a record later
// is set as well, so that the comparison notices when encode does not know it.
type filler struct{ *rand.Rand }

func (f filler) fill(v reflect.Value, depth int) {
	if f.special(v, depth) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(oddStrings[f.IntN(len(oddStrings))])
	case reflect.Int, reflect.Int64:
		v.SetInt([]int64{0, 0, 1, -1, 7, 1 << 40, -1 << 62}[f.IntN(7)])
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.fill(field, depth)
		}
	case reflect.Pointer:
		if f.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth)
		}
	case reflect.Slice:
		if f.IntN(4) > 0 {
			v.Set(reflect.MakeSlice(v.Type(), f.IntN(4), 4))
			for i := range v.Len() {
				f.fill(v.Index(i), depth)
			}
		}
	case reflect.Map:
		if f.IntN(4) > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range f.IntN(12) {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				f.fill(key, depth)
				f.fill(value, depth)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Interface:
		if value := f.any(depth); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		panic(fmt.Sprintf("a record has a field of kind %s", v.Kind()))
	}
}

func (f filler) special(v reflect.Value, _ int) bool {
	switch v.Interface().(type) {
	case time.Time:
		at := []time.Time{
			{},
			time.Unix(0, 0), time.Date(2026, 3, 2, 8, 0, 0, 120_000_000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
			time.Date(2026, 7, 2, 8, 0, 0, 1, time.FixedZone("", 2*3600+1800)), time.Date(2026, 7, 2, 8, 0, 0, 0, time.FixedZone("", -3600)),
		}
		v.Set(reflect.ValueOf(at[f.IntN(len(at))]))
	case json.RawMessage:
		if f.IntN(4) > 0 {
			v.SetBytes([]byte(oddRaws[f.IntN(len(oddRaws))]))
		}
	default:
		return false
	}
	return true
}

// any is a parameter of an obligation, with what JSON makes of it and more.
func (f filler) any(depth int) any {
	if depth == 0 {
		return nil
	}
	switch f.IntN(12) {
	case 0:
		return nil
	case 1:
		return f.Float64() * 1e25
	case 2:
		return json.Number("1.50")
	case 3:
		return f.IntN(2) == 0
	case 4:
		return f.Int() - 1<<62
	case 5:
		return []string{"fields", oddStrings[f.IntN(len(oddStrings))]}
	case 6:
		return []string(nil)
	case 7:
		return []any{f.any(depth - 1), f.any(depth - 1)}
	case 8:
		return map[string]any{"b": f.any(depth - 1), oddStrings[f.IntN(len(oddStrings))]: f.any(depth - 1)}
	case 9:
		return map[string]int{"b": 1, "<": 2}
	case 10:
		return []any{}
	}
	return oddStrings[f.IntN(len(oddStrings))]
}

func TestEncodeIsJSON(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20000) {
		var l Leaf
		filler{rand.New(rand.NewPCG(seed, 1))}.fill(reflect.ValueOf(&l).Elem(), 4)
		want, err := json.Marshal(l)
		if err != nil {
			t.Fatalf("leaf %d: %v", seed, err)
		}
		got, err := l.encode()
		if err != nil || !bytes.Equal(got, want) {
			at := 0
			for at < min(len(got), len(want)) && got[at] == want[at] {
				at++
			}
			t.Fatalf("leaf %d, %v: they part at byte %d:\n got …%s\nwant …%s", seed, err, at, got[max(0, at-60):min(len(got), at+60)], want[max(0, at-60):min(len(want), at+60)])
		}
	}
}

func TestEncodeRefusesWhatJSONRefuses(t *testing.T) {
	t.Parallel()
	circle := map[string]any{}
	circle["a"] = []any{circle}
	decisions := func(d gateway.Decision) *gateway.Record { return &gateway.Record{Decisions: []gateway.Decision{d}} }
	params := func(value any) *gateway.Record {
		return decisions(gateway.Decision{Obligations: []gateway.Obligation{{Params: map[string]any{"a": value}}}})
	}
	for name, l := range map[string]Leaf{
		"a year of five digits":  {Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"a zone of two days":     {Time: time.Now().In(time.FixedZone("", 48*3600))},
		"a broken input":         {Record: decisions(gateway.Decision{Input: json.RawMessage(`{"a":}`)})},
		"two values as an input": {Record: decisions(gateway.Decision{Input: json.RawMessage(`1 2`)})},
		"a circle":               {Record: params(circle)},
		"a function":             {Record: params(func() {})},
	} {
		if _, err := json.Marshal(l); err == nil {
			t.Fatalf("%s: encoding/json accepts it", name)
		}
		if out, err := l.encode(); err == nil {
			t.Errorf("%s becomes %s", name, out)
		}
	}
}

// FuzzPlain: what is called plain is embedded by encoding/json as it is.
func FuzzPlain(f *testing.F) {
	for _, raw := range oddRaws {
		f.Add([]byte(raw))
	}
	f.Add([]byte(`{"a":01}`))
	f.Add([]byte(`{"a":1,}`))
	f.Add([]byte(`[1,]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !isPlain(raw) {
			return
		}
		want, err := json.Marshal(json.RawMessage(raw))
		if err != nil || !bytes.Equal(want, raw) {
			t.Errorf("%q is called plain; encoding/json makes %q of it, %v", raw, want, err)
		}
	})
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{
		`{"a":[1,-2,"x"],"b":{"c":true,"d":false,"e":null}}`: true,
		`[]`: true, `{}`: true, `-0`: true, `""`: true,
		``: false, `{`: false, `[1`: false, `{"a"}`: false, `{"a":1`: false, `01`: false, `-`: false, `1.5`: false,
		"1\x20": false, `"ä"`: false, `"<"`: false, `"\n"`: false, "\"\n\"": false, `tru`: false, `{,}`: false, `[,]`: false, `1]`: false,
	} {
		if got := isPlain([]byte(raw)); got != want {
			t.Errorf("isPlain(%s) = %v, want %v", raw, got, want)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	raw, err := os.ReadFile("audittest/testdata/request.json")
	if err != nil {
		b.Fatal(err)
	}
	var sample struct {
		Record  gateway.Record
		Closing gateway.Closing
	}
	if err := json.Unmarshal(raw, &sample); err != nil {
		b.Fatal(err)
	}
	var input bytes.Buffer
	if err := json.Compact(&input, sample.Record.Decisions[0].Input); err != nil {
		b.Fatal(err)
	}
	sample.Record.Decisions[0].Input = input.Bytes()
	leaves := []Leaf{
		{Kind: KindOpen, ID: sample.Record.ID, Time: sample.Record.Time, Tenant: sample.Record.Tenant, Writer: "w", Record: &sample.Record},
		{Kind: KindClose, ID: sample.Record.ID, Time: sample.Record.Time, Tenant: sample.Record.Tenant, Writer: "w", Closing: &sample.Closing},
	}
	for name, encode := range map[string]func(Leaf) ([]byte, error){
		"ours": Leaf.encode,
		"json": func(l Leaf) ([]byte, error) { return json.Marshal(l) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, l := range leaves {
					if _, err := encode(l); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
