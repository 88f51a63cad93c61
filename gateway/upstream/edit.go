// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"encoding/json"
	"strings"
)

// member is one member of a JSON object: raw[start:colon] is its name, raw[value:end] its value.
type member struct {
	name                     string
	start, colon, value, end int
}

// is compares like Go's own JSON reader, which some servers are written with.
func (m member) is(name string) bool { return name != "" && strings.EqualFold(m.name, name) }

// apply makes the edit. A field that is renamed takes the place of one that has
// the new name already; null says nothing and is dropped. What is no JSON object
// stays as it is: the server says what it thinks of it.
func (e edit) apply(body []byte) []byte {
	members := membersOf(body)
	at := -1
	for i, m := range members {
		if m.is(e.field) {
			at = i
		}
	}
	if at < 0 {
		return body
	}
	renamed := e.to != "" && string(body[members[at].value:members[at].end]) != "null"
	out := make([]byte, 0, len(body)+len(e.to))
	out = append(out, body[:members[0].start]...)
	kept := 0
	for i, m := range members {
		if m.is(e.field) && (i != at || !renamed) || renamed && m.is(e.to) {
			continue
		}
		if kept > 0 { // what stood before this member, with its comma
			out = append(out, body[members[i-1].end:m.start]...)
		}
		kept++
		if i == at {
			out = append(out, `"`+e.to+`"`...)
			m.start = m.colon
		}
		out = append(out, body[m.start:m.end]...)
	}
	return append(out, body[members[len(members)-1].end:]...)
}

// membersOf are the top-level members of a JSON object; nil when it is none. It
// finds where they stand and does not check what they hold.
func membersOf(body []byte) []member {
	w := walk{raw: body}
	if !w.take('{') {
		return nil
	}
	var all []member
	for !w.failed {
		m := member{start: w.next()}
		w.text()
		m.colon = w.at
		if w.failed || json.Unmarshal(body[m.start:m.colon], &m.name) != nil || !w.take(':') {
			return nil
		}
		m.value = w.next()
		w.skip()
		m.end = w.at
		all = append(all, m)
		switch {
		case w.failed:
		case w.take(','):
		case w.take('}'):
			return all
		default:
			return nil
		}
	}
	return nil
}

// walk goes through JSON source. After failed its place means nothing.
type walk struct {
	raw    []byte
	at     int
	failed bool
}

// next skips white space and says where the walk stands.
func (w *walk) next() int {
	for w.at < len(w.raw) && bytes.IndexByte([]byte(" \t\r\n"), w.raw[w.at]) >= 0 {
		w.at++
	}
	return w.at
}

// take steps over a character, if it comes next.
func (w *walk) take(c byte) bool {
	if w.next() >= len(w.raw) || w.raw[w.at] != c {
		return false
	}
	w.at++
	return true
}

// text steps over a string.
func (w *walk) text() {
	if !w.take('"') {
		w.failed = true
		return
	}
	for {
		i := bytes.IndexByte(w.raw[w.at:], '"')
		if i < 0 {
			w.failed = true
			return
		}
		w.at += i + 1
		escapes := 0
		for j := w.at - 2; w.raw[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return
		}
	}
}

// skip steps over a value.
func (w *walk) skip() {
	depth := 0
	for begin := w.at; w.at < len(w.raw) && !w.failed; {
		switch c := w.raw[w.at]; c {
		case '"':
			w.text()
		case '{', '[':
			depth++
			w.at++
		case '}', ']':
			if depth == 0 {
				w.failed = w.at == begin
				return
			}
			depth--
			w.at++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				w.failed = w.at == begin
				return
			}
			w.at++
			continue
		default:
			w.at++
			continue
		}
		if depth == 0 {
			return
		}
	}
	w.failed = true
}
