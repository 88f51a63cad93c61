// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// encode writes the JSON of a leaf, byte by byte as encoding/json does, in a
// tenth of its time: every request waits for two of them. A test compares both
// over leaves in which every field is set.
func (l Leaf) encode() ([]byte, error) {
	e := encoder{out: make([]byte, 0, l.size())}
	e.leaf(&l)
	return e.out, e.err
}

// size is about what the JSON of a leaf takes.
func (l Leaf) size() int {
	size := 768
	if l.Record != nil {
		size += 768
		for i := range l.Record.Decisions {
			size += decisionSize(&l.Record.Decisions[i])
		}
		size += decisionSize(l.Record.Answer)
	}
	if l.Closing != nil {
		size += decisionSize(l.Closing.Response)
	}
	if l.Note != nil {
		size += len(l.Note.Text) + len(l.Note.Reason) + len(l.Note.Old) + len(l.Note.New)
	}
	return size
}

func decisionSize(d *gateway.Decision) int {
	if d == nil {
		return 0
	}
	size := 768 + len(d.Input) + 256*len(d.Obligations)
	for i := range d.Reasons {
		r := &d.Reasons[i]
		size += 96 + len(r.Title) + len(r.Basis) + len(r.Text)
	}
	return size
}

// encoder appends JSON. Members end with a comma, which the end of their object takes back.
type encoder struct {
	out []byte
	err error
}

func (e *encoder) open() { e.out = append(e.out, '{') }

func (e *encoder) shut() { e.end('}') }

// end closes an object or a list and begins the next member of what is around it.
func (e *encoder) end(bracket byte) {
	if last := len(e.out) - 1; e.out[last] == ',' {
		e.out[last] = bracket
	} else {
		e.out = append(e.out, bracket)
	}
	e.out = append(e.out, ',')
}

// key begins a member; its name needs no escaping.
func (e *encoder) key(name string) {
	e.out = append(e.out, '"')
	e.out = append(e.out, name...)
	e.out = append(e.out, '"', ':')
}

func (e *encoder) null() { e.out = append(e.out, "null,"...) }

func (e *encoder) text(name, value string) {
	e.key(name)
	e.string(value)
}

func (e *encoder) textIf(name, value string) {
	if value != "" {
		e.text(name, value)
	}
}

func (e *encoder) number(name string, value int64) {
	e.key(name)
	e.out = strconv.AppendInt(e.out, value, 10)
	e.out = append(e.out, ',')
}

func (e *encoder) numberIf(name string, value int64) {
	if value != 0 {
		e.number(name, value)
	}
}

func (e *encoder) bool(value bool) {
	e.out = strconv.AppendBool(e.out, value)
	e.out = append(e.out, ',')
}

func (e *encoder) time(name string, value time.Time) {
	e.key(name)
	e.out = append(e.out, '"')
	out, err := value.AppendText(e.out)
	if err != nil {
		e.fail(err)
	} else {
		e.out = out
	}
	e.out = append(e.out, '"', ',')
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// texts writes a list of strings; nil is null, as in encoding/json.
func texts[S ~string](e *encoder, name string, values []S) {
	e.key(name)
	if values == nil {
		e.null()
		return
	}
	e.out = append(e.out, '[')
	for _, v := range values {
		e.string(string(v))
	}
	e.end(']')
}

func textsIf[S ~string](e *encoder, name string, values []S) {
	if len(values) > 0 {
		texts(e, name, values)
	}
}

// list writes a list of objects; nil is null.
func list[T any](e *encoder, name string, values []T, one func(*T)) {
	e.key(name)
	if values == nil {
		e.null()
		return
	}
	e.out = append(e.out, '[')
	for i := range values {
		one(&values[i])
	}
	e.end(']')
}

func listIf[T any](e *encoder, name string, values []T, one func(*T)) {
	if len(values) > 0 {
		list(e, name, values, one)
	}
}

// object writes a map in the order of its keys; nil is null.
func object[K ~string, V any](e *encoder, values map[K]V, one func(V)) {
	if values == nil {
		e.null()
		return
	}
	e.open()
	var few [8]K
	for _, k := range sortedKeys(values, few[:0]) {
		e.string(string(k))
		e.out[len(e.out)-1] = ':'
		one(values[k])
	}
	e.shut()
}

func sortedKeys[K ~string, V any](values map[K]V, keys []K) []K {
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

const hexDigits = "0123456789abcdef"

// plainByte says which bytes stand in JSON as they are: not quotes, backslashes
// and controls, nor what a page could take for markup.
var plainByte = func() (plain [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return plain
}()

// string writes a string and a comma, escaped as encoding/json does.
func (e *encoder) string(s string) {
	out := e.out
	out = append(out, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			out = append(out, s[start:i]...)
			out = appendEscaped(out, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(append(out, s[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029': // ends of lines in JavaScript
			out = append(append(out, s[start:i]...), `\u202`...)
			out = append(out, hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	e.out = append(append(out, s[start:]...), '"', ',')
}

func appendEscaped(out []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(out, '\\', c)
	case '\b':
		return append(out, '\\', 'b')
	case '\f':
		return append(out, '\\', 'f')
	case '\n':
		return append(out, '\\', 'n')
	case '\r':
		return append(out, '\\', 'r')
	case '\t':
		return append(out, '\\', 't')
	}
	return append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// raw embeds JSON. What a policy was asked is canonical already, and looking at
// it is enough; anything else is made compact by encoding/json.
func (e *encoder) raw(value json.RawMessage) {
	if isPlain(value) {
		e.out = append(append(e.out, value...), ',')
		return
	}
	e.other(value)
}

func (e *encoder) rawIf(name string, value json.RawMessage) {
	if len(value) > 0 {
		e.key(name)
		e.raw(value)
	}
}

// other writes what encoding/json makes of a value.
func (e *encoder) other(value any) {
	out, err := json.Marshal(value)
	if err != nil {
		e.fail(err)
		e.null()
		return
	}
	e.out = append(append(e.out, out...), ',')
}

// maxDepth bounds how deep values are followed before encoding/json, which
// notices circles, takes over.
const maxDepth = 16

// any writes a parameter of an obligation.
func (e *encoder) any(value any, depth int) {
	if depth == 0 {
		e.other(value)
		return
	}
	switch v := value.(type) {
	case nil:
		e.null()
	case string:
		e.string(v)
	case bool:
		e.bool(v)
	case int:
		e.out = append(strconv.AppendInt(e.out, int64(v), 10), ',')
	case []string:
		e.values(v == nil, func() {
			for _, s := range v {
				e.string(s)
			}
		})
	case []any:
		e.values(v == nil, func() {
			for _, one := range v {
				e.any(one, depth-1)
			}
		})
	case map[string]any:
		object(e, v, func(one any) { e.any(one, depth-1) })
	default:
		e.other(value)
	}
}

func (e *encoder) values(null bool, all func()) {
	if null {
		e.null()
		return
	}
	e.out = append(e.out, '[')
	all()
	e.end(']')
}
