// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"bytes"
	"encoding/json"
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
	root  [256]int32 // first step, by the byte in either case
}

// node is a state of the trie: its bytes stand in a list of siblings.
type node struct {
	child, next int32 // first child and next sibling, 0 for none
	entry       int32 // placeholder + 1
	c           byte
	open        bool // ends without a bracket: no letter or digit may follow
}

var (
	_ gateway.Restorer       = (*Restorer)(nil)
	_ gateway.StreamRestorer = (*stream)(nil)
)

func newRestorer(list []placeholder) *Restorer {
	r := &Restorer{list: list, nodes: make([]node, 1, 1+48*len(list))}
	var buf, tag [96]byte
	for i := range list {
		t := appendLower(tag[:0], list[i].tag)
		r.addForms(buf[:0], t, numberAt(list[i].tag), i)
		r.addKey(append(append(buf[:0], '['), t...), i, true)
		r.addKey(append(append(buf[:0], t...), ']'), i, false)
		r.addKey(t, i, true)
	}
	// A tag whose year was dropped, unless the short form means another one.
	for i := range list {
		if short := withoutYear(list[i].tag); short != "" {
			t := appendLower(append(tag[:0], '['), short)
			r.addKey(append(t, ']'), i, false)
		}
	}
	for n := r.nodes[0].child; n > 0; n = r.nodes[n].next {
		c := r.nodes[n].c
		r.root[c] = n
		if 'a' <= c && c <= 'z' {
			r.root[c&^0x20] = n
		}
	}
	return r
}

// addForms enters the ways models rewrite a tag inside its brackets: [IBAN 1],
// [IBAN-1], blanks or escaped underscores throughout. cut is where the number
// begins.
func (r *Restorer) addForms(key, tag []byte, cut, entry int) {
	for _, form := range [...]struct{ all, last string }{{"_", "_"}, {"_", " "}, {"_", "-"}, {" ", " "}, {`\_`, `\_`}} {
		key = append(key[:0], '[')
		for i, c := range tag {
			switch {
			case c != '_':
				key = append(key, c)
			case i == cut:
				key = append(key, form.last...)
			default:
				key = append(key, form.all...)
			}
		}
		r.addKey(append(key, ']'), entry, false)
	}
}

// numberAt is the place of the underscore before the number of a tag.
func numberAt(tag string) int {
	if short := withoutYear(tag); short != "" {
		tag = short
	}
	return strings.LastIndexByte(tag, '_')
}

func appendLower(b []byte, v string) []byte {
	for i := range len(v) {
		b = append(b, lower(v[i]))
	}
	return b
}

func withoutYear(tag string) string {
	if !strings.HasPrefix(tag, "DATE_OF_BIRTH_") || strings.Count(tag, "_") != 4 {
		return ""
	}
	return tag[:strings.LastIndexByte(tag, '_')]
}

// addKey enters a folded key; the first placeholder to claim it keeps it.
func (r *Restorer) addKey(key []byte, entry int, open bool) {
	at := int32(0)
	for _, c := range key {
		at = r.step(at, c)
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
	r.nodes = append(r.nodes, node{c: c, next: r.nodes[at].child})
	r.nodes[at].child = to
	return to
}

func (r *Restorer) child(at int32, c byte) int32 {
	n := r.nodes[at].child
	for n > 0 && r.nodes[n].c != c {
		n = r.nodes[n].next
	}
	return n
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
	for {
		if p = s.next(buf, p); p == len(buf) {
			break
		}
		m, verdict := s.match(buf, p, final)
		switch verdict {
		case wait:
			break scan
		case miss:
			p++
		case hit:
			if from == 0 {
				out.Grow(len(buf) + len(buf)/8)
			}
			out.WriteString(buf[from:p])
			out.WriteString(s.value(m, &out))
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
	if from > 0 {
		out.WriteString(released)
		released = out.String()
	}
	s.tail.add(released)
	return released
}

// next is where a placeholder may begin from p on: at a bracket, or where a word
// begins.
func (s *stream) next(buf string, p int) int {
	for ; p < len(buf); p++ {
		c := buf[p]
		if s.r.root[c] == 0 {
			continue
		}
		before := unsureBefore
		if p > 0 {
			before = wordBefore[buf[p-1]]
		}
		if c == '[' || before == noWordBefore || before == unsureBefore && s.leftBoundary(buf, p) {
			return p
		}
	}
	return p
}

// wordBefore says what the byte before a place tells about it: whether a word
// reaches up to it.
var wordBefore = func() (t [256]boundary) {
	for c := range utf8.RuneSelf {
		switch word := classOf[c]&clWord != 0 || c == '_'; {
		case !word:
			t[c] = noWordBefore
		case strings.IndexByte(escapeLetters, byte(c)) < 0:
			t[c] = surelyWordBefore
		}
	}
	return t
}()

type boundary uint8

const (
	unsureBefore boundary = iota
	noWordBefore
	surelyWordBefore
)

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
	best, open := matched{}, false
	at := s.r.root[buf[p]]
	for i := p + 1; ; i++ {
		if i == len(buf) {
			if !final && s.r.nodes[at].child > 0 {
				return matched{}, wait
			}
			break
		}
		next := s.r.child(at, lower(buf[i]))
		if next == 0 {
			break
		}
		at = next
		if n := &s.r.nodes[at]; n.entry > 0 {
			ends, known := true, true
			if n.open {
				ends, known = wordEnds(buf, i+1, final)
				open = true
			}
			if !known {
				return matched{}, wait
			}
			if ends {
				best = matched{entry: n.entry, end: i + 1}
			}
		}
	}
	switch {
	case best.entry > 0:
		return s.genitive(buf, best, final)
	case open:
		return s.openGenitive(buf, p, final)
	}
	return matched{}, miss
}

// openGenitive accepts PERSON_1s without brackets.
func (s *stream) openGenitive(buf string, p int, final bool) (matched, verdict) {
	at := int32(0)
	for i := p; i < len(buf); i++ {
		if at = s.r.child(at, lower(buf[i])); at == 0 {
			return matched{}, miss
		}
		n := &s.r.nodes[at]
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

// value is what a placeholder becomes after the released text and out.
func (s *stream) value(m matched, out *strings.Builder) string {
	p := &s.r.list[m.entry-1]
	v := p.value
	if p.person && p.last != "" {
		if titled, greeted := afterTitle(s.tail.String() + lastBytes(out.String())); greeted {
			v = p.last
		} else if titled {
			v = p.titled
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
		trimmed := trimBlanks(before)
		if len(trimmed) == len(before) {
			return false, false
		}
		cut := strings.LastIndexFunc(trimmed, func(r rune) bool { return r != '.' && !unicode.IsLetter(r) }) + 1
		var buf [64]byte
		switch word := appendFold(buf[:0], trimmed[cut:]); string(bytes.TrimSuffix(word, []byte("."))) {
		case "herr", "herrn", "frau", "familie", "eheleute", "eheleuten", "ehepaar", "fraulein", "hr", "fr":
			return true, isGreeting(lastField(trimmed[:cut]))
		case "dr", "prof", "professor", "professorin", "med", "jur", "phil", "rer", "nat", "dipl", "ing":
			before = trimmed[:cut]
		default:
			return false, false
		}
	}
}

// trimBlanks takes ordinary and non-breaking blanks off the end.
func trimBlanks(v string) string {
	for {
		t := strings.TrimSuffix(strings.TrimRight(v, " "), "\u00A0")
		if len(t) == len(v) {
			return v
		}
		v = t
	}
}

// lastField is the last word of a text, "" for none.
func lastField(v string) string {
	v = strings.TrimRightFunc(v, unicode.IsSpace)
	return v[strings.LastIndexFunc(v, unicode.IsSpace)+1:]
}

func isGreeting(w string) bool {
	var buf [64]byte
	switch string(appendFold(buf[:0], w)) {
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
