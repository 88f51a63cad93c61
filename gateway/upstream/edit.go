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
	name                     []byte
	start, colon, value, end int
	// What becomes of it: dropped, or renamed to.
	dropped bool
	to      string
}

// is compares like Go's own JSON reader, which some servers are written with.
func (m member) is(name string) bool {
	return name != "" && strings.EqualFold(string(m.name), name)
}

// apply makes edits. A field that is renamed takes the place of one that has the
// new name already; null says nothing and is dropped. What is no JSON object
// stays as it is: the server says what it thinks of it.
func apply(edits []edit, body []byte) []byte {
	if len(edits) == 0 {
		return body
	}
	members := membersOf(body)
	changed := false
	for _, e := range edits {
		changed = e.mark(body, members) || changed
	}
	if !changed {
		return body
	}
	out := make([]byte, 0, len(body)+64)
	out = append(out, body[:members[0].start]...)
	kept := 0
	for i, m := range members {
		if m.dropped {
			continue
		}
		if kept > 0 { // what stood before this member, with its comma
			out = append(out, body[members[i-1].end:m.start]...)
		}
		kept++
		if m.to != "" {
			out = append(append(append(out, '"'), m.to...), '"')
			m.start = m.colon
		}
		out = append(out, body[m.start:m.end]...)
	}
	return append(out, body[members[len(members)-1].end:]...)
}

// mark says of the members what the edit makes of them, and whether it is anything.
func (e edit) mark(body []byte, members []member) bool {
	at := -1
	for i, m := range members {
		if m.is(e.field) {
			at = i
			members[i].dropped = true
		}
	}
	if at < 0 {
		return false
	}
	if m := members[at]; e.to == "" || string(body[m.value:m.end]) == "null" {
		return true
	}
	for i, m := range members {
		members[i].dropped = m.dropped || m.is(e.to)
	}
	members[at].dropped, members[at].to = false, e.to
	return true
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
		if w.failed || !w.take(':') {
			return nil
		}
		m.name = nameOf(body[m.start:m.colon])
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

// nameOf is what a string says.
func nameOf(quoted []byte) []byte {
	inside := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inside, '\\') < 0 {
		return inside
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return nil
	}
	return []byte(name)
}

// walk goes through JSON source. After failed its place means nothing.
type walk struct {
	raw    []byte
	at     int
	failed bool
}

// next skips white space and says where the walk stands.
func (w *walk) next() int {
	for w.at < len(w.raw) && strings.IndexByte(" \t\r\n", w.raw[w.at]) >= 0 {
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
