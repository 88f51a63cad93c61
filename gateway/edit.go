// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// A change of a body moves what is known about it along with its bytes, so that
// nothing is read twice.

// WithTexts returns the body with its texts replaced; the slice has the length
// and order of Texts. Unchanged texts keep their bytes.
func (b Body) WithTexts(texts []string) Body { return b.withTexts(b.Texts(), texts) }

// withTexts is WithTexts for a caller who still has what Texts returned.
func (b Body) withTexts(was, is []string) Body {
	if len(was) != len(is) {
		panic("gateway: WithTexts: number of texts differs from Texts") // a programming error, not input
	}
	if slices.Equal(was, is) {
		return b
	}
	out, _ := b.splice(was, is)
	return out
}

// splice replaces the first texts and says how many it took.
func (b Body) splice(was, is []string) (out Body, taken int) {
	out = b
	out.raw = make([]byte, 0, len(b.raw)+64)
	out.texts = slices.Clone(b.texts)
	moved := make([]int, len(b.texts)) // by how much each text's end has moved
	at := 0
	for i, t := range b.texts {
		out.raw = append(out.raw, b.raw[at:t.start]...)
		at = t.end
		quote, n := 0, 1
		start := len(out.raw)
		switch {
		case t.nested != nil:
			var inner Body
			if inner, n = t.nested.splice(was[taken:], is[taken:]); bytes.Equal(inner.raw, t.nested.raw) {
				out.raw = append(out.raw, b.raw[t.start:t.end]...)
			} else {
				out.raw = appendQuoted(out.raw, string(inner.raw))
				out.texts[i].nested = &inner
			}
		case was[taken] == is[taken]:
			out.raw = append(out.raw, b.raw[t.start:t.end]...)
		case t.number:
			out.raw = appendQuotedString(out.raw, is[taken])
			out.texts[i].number, quote = false, 1
		default:
			out.raw = appendQuoted(out.raw, is[taken])
		}
		out.texts[i].start, out.texts[i].end = start+quote, len(out.raw)-quote
		moved[i] = len(out.raw) - t.end
		taken += n
	}
	out.raw = append(out.raw, b.raw[at:]...)
	out.fields = b.moveFields(out, moved)
	return out, taken
}

// moveFields are the fields after the texts have moved.
func (b Body) moveFields(out Body, moved []int) []field {
	fields := slices.Clone(b.fields)
	next, by := 0, 0
	move := func(at int) int {
		for ; next < len(b.texts) && b.texts[next].end <= at; next++ {
			by = moved[next]
		}
		return at + by
	}
	for i, f := range b.fields {
		fields[i].start = move(f.start)
		fields[i].valueAt = move(f.valueAt)
		if from, to := b.textsOf(i); from < to && b.texts[from].start < f.valueAt { // the key is a text
			t := out.texts[from]
			fields[i].key = unquote(out.raw[t.start:t.end])
		}
		fields[i].end = move(f.end)
	}
	return fields
}

// textsOf is the span of a field's texts.
func (b Body) textsOf(i int) (from, to int) {
	if i > 0 {
		from = b.fields[i-1].texts
	}
	return from, b.fields[i].texts
}

// Set returns the body with a top-level field set to the JSON of value.
func (b Body) Set(key string, value any) (Body, error) {
	if s, ok := value.(string); ok && utf8.ValidString(s) {
		return b.set(key, appendQuotedString(nil, s)), nil
	}
	encoded, err := encode(value)
	if err != nil {
		return Body{}, fmt.Errorf("encode field %s: %w", key, err)
	}
	return b.set(key, encoded), nil
}

// set is Set for a value that is valid JSON already.
func (b Body) set(key string, encoded []byte) Body {
	for i, f := range b.fields {
		if f.key != key {
			continue
		}
		if bytes.Equal(b.raw[f.valueAt:f.end], encoded) {
			return b // as for a model whose server calls it what the caller does
		}
		f.end = f.valueAt + len(encoded)
		first, past := b.textsOf(i)
		if first < past && b.texts[first].start < f.valueAt {
			first++ // the key is a text and stays
		}
		return b.replace(i, i+1, f, first, join(b.raw[:f.valueAt], encoded, b.raw[b.fields[i].end:]))
	}
	at := bytes.IndexByte(b.raw, '{') + 1
	member := append(appendQuotedString(nil, key), ':')
	f := field{key: key, start: at, valueAt: at + len(member), end: at + len(member) + len(encoded)}
	member = append(member, encoded...)
	if len(b.fields) > 0 {
		member = append(member, ',')
	}
	return b.replace(0, 0, f, 0, join(b.raw[:at], member, b.raw[at:]))
}

// replace puts a field in the place of those from i to j in what is known about
// the body; the bytes are there already. The texts before keep stay.
func (b Body) replace(i, j int, f field, keep int, raw []byte) Body {
	past := 0
	if j > 0 {
		past = b.fields[j-1].texts
	}
	by := len(raw) - len(b.raw)
	fresh := Body{raw: raw, texts: append(make([]text, 0, len(b.texts)+1), b.texts[:keep]...)}
	s := scanner{cursor: cursor{raw: raw, at: f.valueAt}, body: &fresh, elements: -1}
	if i == j && !plainKey(f.key) {
		s.add(text{start: f.start + 1, end: f.valueAt - 2})
	}
	s.memberValue(f.key, 1)
	f.texts, f.unscreenable, f.remote, f.elements = len(fresh.texts), fresh.unscreenable, fresh.remote, s.elements
	for _, t := range b.texts[past:] {
		t.start, t.end = t.start+by, t.end+by
		fresh.texts = append(fresh.texts, t)
	}
	fresh.fields = append(append(make([]field, 0, len(b.fields)+1), b.fields[:i]...), f)
	for _, g := range b.fields[j:] {
		g.start, g.valueAt, g.end, g.texts = g.start+by, g.valueAt+by, g.end+by, g.texts+f.texts-past
		fresh.fields = append(fresh.fields, g)
	}
	fresh.unscreenable, fresh.remote = 0, false
	for _, g := range fresh.fields {
		fresh.unscreenable += g.unscreenable
		fresh.remote = fresh.remote || g.remote
	}
	return fresh
}

// Without returns the body without the named top-level fields, in whatever case
// they are written.
func (b Body) Without(keys ...string) Body {
	last, left := -1, 0 // the last field that stays, how many stay
	for i, f := range b.fields {
		if !containsFold(keys, f.key) {
			last = i
			left++
		}
	}
	if left == len(b.fields) {
		return b
	}
	out := Body{raw: make([]byte, 0, len(b.raw)), fields: make([]field, 0, left), texts: make([]text, 0, len(b.texts))}
	at := 0 // copied or left out up to here
	for i, f := range b.fields[:last+1] {
		if containsFold(keys, f.key) { // takes the comma behind it with it
			out.raw = append(out.raw, b.raw[at:f.start]...)
			at = b.fields[i+1].start
			continue
		}
		out = out.with(b, i, at-len(out.raw))
	}
	if n := len(b.fields); last+1 < n { // the comma before them goes
		cut := b.fields[last+1].start
		if last >= 0 {
			cut = b.fields[last].end
		}
		out.raw = append(out.raw, b.raw[at:cut]...)
		at = b.fields[n-1].end
	}
	out.raw = append(out.raw, b.raw[at:]...)
	return out
}

// with adds what is known about field i of another body, of which so many bytes
// were left out before it.
func (b Body) with(from Body, i, gone int) Body {
	first, past := from.textsOf(i)
	for _, t := range from.texts[first:past] {
		t.start, t.end = t.start-gone, t.end-gone
		b.texts = append(b.texts, t)
	}
	f := from.fields[i]
	f.start, f.valueAt, f.end, f.texts = f.start-gone, f.valueAt-gone, f.end-gone, len(b.texts)
	b.fields = append(b.fields, f)
	b.unscreenable += f.unscreenable
	b.remote = b.remote || f.remote
	return b
}

// is says that two bodies have the very same bytes in the same place.
func (b Body) is(other Body) bool {
	return len(b.raw) == len(other.raw) && (len(b.raw) == 0 || &b.raw[0] == &other.raw[0])
}
