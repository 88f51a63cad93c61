// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Restorer puts the values of one request back. Placeholders are found by a
// trie over bytes; how deep the trie has been entered at the end of a piece is
// what a stream holds back. Every placeholder is replaced once, left to right,
// so a value is never searched again. Safe for concurrent use.
type Restorer struct {
	list  []placeholder
	nodes []node
	root  [256]int32
}

// node is a state of the trie.
type node struct {
	edges []edge
	entry int32 // placeholder + 1
	open  bool  // ends without a bracket: no letter or digit may follow
}

type edge struct {
	c  byte
	to int32
}

var (
	_ gateway.Restorer       = (*Restorer)(nil)
	_ gateway.StreamRestorer = (*stream)(nil)
)

func newRestorer(list []placeholder) *Restorer {
	r := &Restorer{list: list, nodes: make([]node, 1)}
	for i, p := range list {
		for _, form := range tagForms(p.tag) {
			r.addKey("["+form+"]", i, false)
		}
		r.addKey("["+strings.ToLower(p.tag), i, true)
		r.addKey(strings.ToLower(p.tag)+"]", i, false)
		r.addKey(strings.ToLower(p.tag), i, true)
	}
	// A tag whose year was dropped, unless the short form means another one.
	for i, p := range list {
		if short := withoutYear(p.tag); short != "" {
			r.addKey("["+strings.ToLower(short)+"]", i, false)
		}
	}
	for _, e := range r.nodes[0].edges {
		r.root[e.c] = e.to
	}
	return r
}

// tagForms are the ways models rewrite a tag inside its brackets.
func tagForms(tag string) []string {
	t := strings.ToLower(tag)
	cut := strings.LastIndexByte(t, '_')
	if short := withoutYear(tag); short != "" {
		cut = strings.LastIndexByte(strings.ToLower(short), '_')
	}
	return []string{t, t[:cut] + " " + t[cut+1:], t[:cut] + "-" + t[cut+1:], strings.ReplaceAll(t, "_", " "), strings.ReplaceAll(t, "_", `\_`)}
}

func withoutYear(tag string) string {
	if !strings.HasPrefix(tag, "DATE_OF_BIRTH_") || strings.Count(tag, "_") != 4 {
		return ""
	}
	return tag[:strings.LastIndexByte(tag, '_')]
}

// addKey enters a folded key; the first placeholder to claim it keeps it.
func (r *Restorer) addKey(key string, entry int, open bool) {
	at := int32(0)
	for i := range len(key) {
		at = r.step(at, key[i])
	}
	if r.nodes[at].entry == 0 {
		r.nodes[at].entry, r.nodes[at].open = int32(entry)+1, open
	}
}

// step returns the child of a node, made when missing.
func (r *Restorer) step(at int32, c byte) int32 {
	if to := r.child(at, c); to != 0 {
		return to
	}
	to := int32(len(r.nodes))
	r.nodes = append(r.nodes, node{})
	r.nodes[at].edges = append(r.nodes[at].edges, edge{c, to})
	return to
}

func (r *Restorer) child(at int32, c byte) int32 {
	for _, e := range r.nodes[at].edges {
		if e.c == c {
			return e.to
		}
	}
	return 0
}

// Restore restores a whole text.
func (r *Restorer) Restore(text string, inJSON bool) (string, int) {
	s := &stream{r: r, json: inJSON}
	out := s.feed(text, true)
	return out, s.count
}

// Stream returns a restorer for one text that comes in pieces.
func (r *Restorer) Stream(inJSON bool) gateway.StreamRestorer { return &stream{r: r, json: inJSON} }

// stream is the state of one text.
type stream struct {
	r     *Restorer
	json  bool
	held  string // not yet released
	input window // the last bytes before held, for the left word boundary
	tail  window // the last bytes released, for a title before a name
	count int
}

// Write takes a piece and returns what can be released.
func (s *stream) Write(piece string) string { return s.feed(piece, false) }

// Flush returns what was held back.
func (s *stream) Flush() string { return s.feed("", true) }

// Count is the number of placeholders restored so far.
func (s *stream) Count() int { return s.count }

// keep is how many bytes of context a stream remembers.
const keep = 48

// window is the end of a text that went by.
type window struct {
	buf [keep]byte
	n   int
}

func (w *window) add(v string) {
	v = lastBytes(v)
	if w.n+len(v) > keep {
		w.n = copy(w.buf[:], w.buf[w.n+len(v)-keep:w.n])
	}
	w.n += copy(w.buf[w.n:], v)
}

// last is the last byte, false when nothing went by.
func (w *window) last() (byte, bool) {
	if w.n == 0 {
		return 0, false
	}
	return w.buf[w.n-1], true
}

func (w *window) String() string { return string(w.buf[:w.n]) }

func (s *stream) feed(piece string, final bool) string {
	buf := piece
	if s.held != "" {
		buf = s.held + piece
	}
	var out strings.Builder
	from, p := 0, 0
scan:
	for p < len(buf) {
		if s.r.root[lower(buf[p])] == 0 || buf[p] != '[' && !s.leftBoundary(buf, p) {
			p++
			continue
		}
		m, verdict := s.match(buf, p, final)
		switch verdict {
		case wait:
			break scan
		case miss:
			p++
		case hit:
			out.WriteString(buf[from:p])
			out.WriteString(s.value(m, s.tail.String()+lastBytes(out.String())))
			s.count++
			p, from = m.end, m.end
		}
	}
	if !final {
		p = min(p, wholeRunes(buf))
	}
	p = max(p, from)
	s.held = strings.Clone(buf[p:])
	s.input.add(buf[:p])
	released := buf[from:p]
	if out.Len() > 0 || from > 0 {
		out.WriteString(released)
		released = out.String()
	}
	s.tail.add(released)
	return released
}

func lastBytes(v string) string {
	if len(v) > keep {
		v = v[len(v)-keep:]
	}
	return v
}

// wholeRunes is the length of buf without an unfinished rune at its end.
func wholeRunes(buf string) int {
	for n := 1; n <= 3 && n <= len(buf); n++ {
		c := buf[len(buf)-n]
		if c < utf8.RuneSelf {
			break
		}
		if utf8.RuneStart(c) {
			if !utf8.FullRuneInString(buf[len(buf)-n:]) {
				return len(buf) - n
			}
			break
		}
	}
	return len(buf)
}

type verdict uint8

const (
	miss verdict = iota
	hit
	wait // more bytes are needed to decide
)

type matched struct {
	entry      int32
	end        int
	apostrophe bool // a genitive s that becomes an apostrophe
}

// match finds the longest placeholder at p.
func (s *stream) match(buf string, p int, final bool) (matched, verdict) {
	best := matched{}
	at := int32(0)
	for i := p; ; i++ {
		if i == len(buf) {
			if !final && len(s.r.nodes[at].edges) > 0 {
				return matched{}, wait
			}
			break
		}
		next := s.r.child(at, lower(buf[i]))
		if next == 0 {
			break
		}
		at = next
		if n := s.r.nodes[at]; n.entry > 0 {
			ends, known := true, true
			if n.open {
				ends, known = wordEnds(buf, i+1, final)
			}
			if !known {
				return matched{}, wait
			}
			if ends {
				best = matched{entry: n.entry, end: i + 1}
			}
		}
	}
	if best.entry == 0 {
		return s.openGenitive(buf, p, final)
	}
	return s.genitive(buf, best, final)
}

// openGenitive accepts PERSON_1s without brackets.
func (s *stream) openGenitive(buf string, p int, final bool) (matched, verdict) {
	at := int32(0)
	for i := p; i < len(buf); i++ {
		if at = s.r.child(at, lower(buf[i])); at == 0 {
			return matched{}, miss
		}
		n := s.r.nodes[at]
		if n.entry == 0 || !n.open || !s.r.list[n.entry-1].person || i+1 >= len(buf) || buf[i+1] != 's' {
			continue
		}
		ends, known := wordEnds(buf, i+2, final)
		if !known {
			return matched{}, wait
		}
		if ends {
			return s.genitive(buf, matched{entry: n.entry, end: i + 1}, final)
		}
	}
	return matched{}, miss
}

// genitive turns the s after a name in s, ß, x or z into an apostrophe.
func (s *stream) genitive(buf string, m matched, final bool) (matched, verdict) {
	p := s.r.list[m.entry-1]
	if !p.person || !sibilant(p.value) {
		return m, hit
	}
	if m.end == len(buf) {
		if final {
			return m, hit
		}
		return matched{}, wait
	}
	if buf[m.end] != 's' {
		return m, hit
	}
	ends, known := wordEnds(buf, m.end+1, final)
	if !known {
		return matched{}, wait
	}
	if ends {
		m.end++
		m.apostrophe = true
	}
	return m, hit
}

// wordEnds says whether no letter, digit or underscore stands at i; known is
// false when the byte has not come yet.
func wordEnds(buf string, i int, final bool) (ends, known bool) {
	if i >= len(buf) {
		return final, final
	}
	if !final && !utf8.FullRuneInString(buf[i:]) {
		return false, false
	}
	r, _ := utf8.DecodeRuneInString(buf[i:])
	return !wordRune(r), true
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// leftBoundary says that no word reaches up to position p.
func (s *stream) leftBoundary(buf string, p int) bool {
	c, ok := s.input.last()
	if p > 0 {
		c, ok = buf[p-1], true
	}
	switch letter := classOf[c]&clWord != 0 || c == '_'; {
	case !ok, c < utf8.RuneSelf && !letter:
		return true
	case c < utf8.RuneSelf:
		return strings.IndexByte(escapeLetters, c) >= 0 && s.behindBackslash(buf[:p])
	}
	before := buf[:p]
	if p < 8 {
		before = s.input.String() + before
	}
	r, _ := utf8.DecodeLastRuneInString(before)
	return !wordRune(r)
}

// behindBackslash says that the last letter belongs to an escape. Outside JSON
// source nobody knows how often it was escaped.
func (s *stream) behindBackslash(before string) bool {
	if n := len(before); n >= 2 && before[n-2] != '\\' {
		return false
	}
	text := s.input.String() + before
	text = text[:len(text)-1]
	return escapes(text) || !s.json && strings.HasSuffix(text, `\`)
}

// escapeLetters stand behind a backslash for a control character.
const escapeLetters = "nrtbf"

// escapes says that a text ends in an odd number of backslashes.
func escapes(text string) bool {
	n := len(text) - len(strings.TrimRight(text, `\`))
	return n%2 == 1
}

// value is what a placeholder becomes after the released text.
func (s *stream) value(m matched, before string) string {
	p := s.r.list[m.entry-1]
	v := p.value
	if titled, greeted := afterTitle(before); p.person && p.last != "" && titled {
		v = p.titled
		if greeted {
			v = p.last
		}
	}
	if m.apostrophe {
		v += "'"
	}
	if s.json {
		return escapeJSON(v)
	}
	return v
}

// afterTitle says that a text ends in "Frau " or "Herrn Dr. ", and whether a
// salutation such as "Sehr geehrte" stands before that.
func afterTitle(before string) (titled, greeted bool) {
	for {
		trimmed := strings.TrimRight(before, " \u00A0")
		if trimmed == before {
			return false, false
		}
		cut := strings.LastIndexFunc(trimmed, func(r rune) bool { return r != '.' && !unicode.IsLetter(r) }) + 1
		word := strings.TrimSuffix(fold(trimmed[cut:]), ".")
		if slices.Contains([]string{"herr", "herrn", "frau", "familie", "eheleute", "eheleuten", "ehepaar", "fraulein", "hr", "fr"}, word) {
			greeting := strings.Fields(trimmed[:cut])
			return true, len(greeting) > 0 && isGreeting(greeting[len(greeting)-1])
		}
		if !slices.Contains([]string{"dr", "prof", "professor", "professorin", "med", "jur", "phil", "rer", "nat", "dipl", "ing"}, word) {
			return false, false
		}
		before = trimmed[:cut]
	}
}

func isGreeting(w string) bool {
	switch fold(w) {
	case "geehrte", "geehrter", "geehrten", "liebe", "lieber", "hallo":
		return true
	}
	return false
}

func escapeJSON(v string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return ""
	}
	quoted := strings.TrimSuffix(b.String(), "\n")
	return quoted[1 : len(quoted)-1]
}

func lower(c byte) byte {
	if isUpper(c) {
		return c | 0x20
	}
	return c
}
