// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class is what a byte, or all bytes of a token together, can be.
type class uint8

const (
	clLower class = 1 << iota
	clUpper
	clDigit
	clHigh  // part of a letter outside ASCII
	clLead2 // starts a two-byte separator (NBSP, §, «, soft hyphen)
	clLead3 // starts a three-byte separator („ “ – … ZWSP, BOM)
	clLead4 // starts a four-byte symbol (emoji)
	clMark  // '@' or '<': an anchor

	clWord = clLower | clUpper | clDigit | clHigh
)

// classOf is the class of each byte; zero is a plain separator.
var classOf = func() (t [256]class) {
	for c := 'a'; c <= 'z'; c++ {
		t[c] = clLower
		t[c-'a'+'A'] = clUpper
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = clDigit
	}
	for c := 0x80; c < 0x100; c++ {
		t[c] = clHigh
	}
	t[0xC2], t[0xE2], t[0xEF] = clLead2, clLead3, clLead3
	for c := 0xF0; c < 0x100; c++ {
		t[c] = clLead4
	}
	t['@'], t['<'] = clMark, clMark
	return t
}()

// token is a run of letters and digits.
type token struct {
	start, end int32
	class      class
	capital    bool    // starts with a capital letter
	after      gapKind // what stands between this token and the next
	head       uint16  // of the first three letters, for stems; 0 for none
	roles      role
	hash       uint64 // of the folded token
}

func (t *token) len() int       { return int(t.end - t.start) }
func (t *token) digits() bool   { return t.class == clDigit }
func (t *token) hasDigit() bool { return t.class&clDigit != 0 }

// letters says that the token has letters only.
func (t *token) letters() bool { return t.class&clDigit == 0 }

// gapKind names the usual gaps between two tokens.
type gapKind uint8

const (
	gapOther  gapKind = iota
	gapBlank          // see isBlank
	gapHyphen         // "-"
	gapSlash          // "/"
	gapPoint          // "."
	gapEdge           // the end of the text
)

func gapKindOf(gap string) gapKind {
	if len(gap) == 1 {
		switch gap[0] {
		case ' ', '\t':
			return gapBlank
		case '-':
			return gapHyphen
		case '/':
			return gapSlash
		case '.':
			return gapPoint
		}
		return gapOther
	}
	if isBlank(gap) {
		return gapBlank
	}
	return gapOther
}

// tokenise cuts the text into tokens and notes the anchors of e-mail addresses
// and machine-readable lines. It is the only loop over all bytes.
func (s *scan) tokenise() {
	text := s.text
	toks, starts := s.toks[:0], s.starts[:0]
	for i := 0; i < len(text); {
		cl := classOf[text[i]]
		if cl&clWord == 0 && (text[i] != '\\' || !escapedLetter(text, i)) {
			if cl == 0 && text[i] != '\\' {
				i++
				continue
			}
			i += s.separator(i, cl)
			continue
		}
		end, seen := wordEnd(text, i)
		t := token{start: int32(i), end: int32(end), class: seen, after: gapEdge}
		s.describe(&t)
		if n := len(toks); n > 0 {
			toks[n-1].after = gapKindOf(text[toks[n-1].end:i])
		}
		if t.roles&(triggerMask|personRoles) != 0 || seen&clDigit != 0 || t.class == clUpper || t.head != 0 && s.stems.maybe(t.head) || s.table.maybe(t.hash) {
			starts = append(starts, int32(len(toks)))
		}
		toks = append(toks, t)
		i = end
	}
	s.toks, s.starts = toks, starts
}

// wordEnd reads on to the end of the word at i and collects the classes of its
// bytes. Invisible characters inside a word and escaped letters belong to it.
func wordEnd(text string, i int) (end int, seen class) {
	for {
		for i < len(text) {
			cl := classOf[text[i]]
			if cl&clWord == 0 {
				break
			}
			seen |= cl
			i++
		}
		if i == len(text) {
			return i, seen
		}
		w := 0
		switch c := text[i]; {
		case c == '\\' && escapedLetter(text, i):
			w = escapeWidth
		case c >= utf8.RuneSelf:
			w = joiner(text, i)
		}
		if w == 0 {
			return i, seen
		}
		seen |= clHigh
		i += w
	}
}

// describe sets what follows from the bytes of the token.
func (s *scan) describe(t *token) {
	v := s.text[t.start:t.end]
	first := classOf[v[0]]
	t.capital = first == clUpper
	if t.class&clHigh == 0 {
		t.hash = hashFolded(v)
		if t.letters() {
			t.roles = s.lex.lookup(t.hash)
			if len(v) >= 3 {
				t.head = stemHead(v[0], v[1], v[2])
			}
		}
		return
	}
	s.buf = appendFold(s.buf[:0], v)
	t.hash = hashFolded(s.buf)
	if first&clWord == clHigh || first == 0 {
		r, _ := decodeRune(v)
		t.capital = unicode.IsUpper(r)
	}
	t.class = highClass(v, t.class)
	if !t.letters() {
		return
	}
	t.roles = s.lex.lookup(t.hash)
	// The letters themselves: any of them may be escaped.
	if b := s.buf; len(v) >= 3 && len(b) >= 3 {
		t.head = stemHead(b[0], b[1], b[2])
	}
}

// highClass adds the case of letters outside ASCII to the class.
func highClass(v string, cl class) class {
	if cl&clLower != 0 {
		return cl
	}
	for _, r := range v {
		if r >= utf8.RuneSelf && unicode.IsLower(r) && r != 'ß' {
			return cl | clLower
		}
	}
	return cl
}

// separator notes anchors and returns the width of the separator at i.
func (s *scan) separator(i int, cl class) int {
	switch cl {
	case 0:
		if s.text[i] == '\\' {
			return s.escape(i)
		}
		return 1
	case clLead2:
		return min(2, len(s.text)-i)
	case clLead3:
		return min(3, len(s.text)-i)
	case clLead4:
		return min(4, len(s.text)-i)
	default: // one byte, and perhaps an anchor
	}
	if s.text[i] == '@' {
		s.ats = append(s.ats, int32(i))
	} else if i+1 < len(s.text) && s.text[i+1] == '<' {
		s.fillers = append(s.fillers, int32(i))
	}
	return 1
}

// escape is the width of the backslash at i and of what it escapes, which is no
// letter: the n of \n belongs to no word. JSON source also stands inside other
// texts; there only the escapes count that come before words.
func (s *scan) escape(i int) int {
	if i+1 == len(s.text) {
		return 1
	}
	switch s.text[i+1] {
	case 'u':
		if s.json {
			return min(escapeWidth, len(s.text)-i)
		}
		if _, ok := escapedUnit(s.text, i); ok {
			return escapeWidth
		}
		return 1
	case 'n', 'r', 't':
		return 2
	}
	if s.json {
		return 2
	}
	return 1
}

// joiner returns the width of an invisible character inside a word at i (soft
// hyphen, zero-width space or joiner), or 0.
func joiner(text string, i int) int {
	rest := text[i:]
	var w int
	switch {
	case strings.HasPrefix(rest, "\u00AD"):
		w = 2
	case strings.HasPrefix(rest, "\u200B"), strings.HasPrefix(rest, "\u200C"), strings.HasPrefix(rest, "\u200D"):
		w = 3
	default:
		return 0
	}
	if len(rest) > w && classOf[rest[w]]&clWord != 0 {
		return w
	}
	return 0
}

// fold lowers, removes accents and writes ß as ss. "Müller" and "MULLER" fold
// to the same; "Mueller" does not, see spellings.
func fold(s string) string {
	var buf [64]byte
	return string(appendFold(buf[:0], s))
}

func appendFold(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && c != '\\' {
			if 'A' <= c && c <= 'Z' {
				c |= 0x20
			}
			b = append(b, c)
			i++
			continue
		}
		if c == latinLead && i+1 < len(s) && s[i+1]&0xC0 == 0x80 {
			if f := latinFold[s[i+1]&0x3F]; len(f) == 1 {
				b = append(b, f[0])
			} else {
				b = append(b, f...)
			}
			i += 2
			continue
		}
		r, w := decodeRune(s[i:])
		b = foldRune(b, r)
		i += w
	}
	return b
}

// latinLead starts the letters U+00C0 to U+00FF: ä, ö, ü, ß, é and the like.
const latinLead = 0xC3

// latinFold holds what these letters fold to.
var latinFold = func() (t [64]string) {
	for i := range t {
		t[i] = string(foldRune(nil, rune(0xC0+i)))
	}
	return t
}()

// escapeWidth is the width of \u00fc in JSON source.
const escapeWidth = 6

// escapedLetter says that a letter outside ASCII stands at i, escaped as in JSON
// source.
func escapedLetter(text string, i int) bool {
	r, ok := escapedUnit(text, i)
	return ok && r >= 0xC0 && unicode.IsLetter(r)
}

// escapedUnit reads \u00fc at i.
func escapedUnit(text string, i int) (rune, bool) {
	if text[i] != '\\' || i+escapeWidth > len(text) || text[i+1] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(text[i+2:i+escapeWidth], 16, 16)
	return rune(r), err == nil
}

// unescapeLetters writes escaped letters as themselves and leaves the rest.
func unescapeLetters(v string) string {
	b := make([]byte, 0, len(v))
	for i := 0; i < len(v); {
		if !escapedLetter(v, i) {
			b = append(b, v[i])
			i++
			continue
		}
		r, w := decodeRune(v[i:])
		b = utf8.AppendRune(b, r)
		i += w
	}
	return string(b)
}

// decodeRune reads a rune or an escaped letter.
func decodeRune(s string) (rune, int) {
	if escapedLetter(s, 0) {
		r, _ := strconv.ParseUint(s[2:escapeWidth], 16, 16)
		return rune(r), escapeWidth
	}
	return utf8.DecodeRuneInString(s)
}

// looksLikeJSON says that a text is probably JSON source, such as the arguments
// of a tool call.
func looksLikeJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && (text[0] == '{' || text[0] == '[')
}

func foldRune(b []byte, r rune) []byte {
	switch {
	case r == 'ä' || r == 'Ä':
		return append(b, 'a')
	case r == 'ö' || r == 'Ö':
		return append(b, 'o')
	case r == 'ü' || r == 'Ü':
		return append(b, 'u')
	case r == 'ß' || r == 'ẞ':
		return append(b, 's', 's')
	case r == 'ı' || r == 'İ':
		return append(b, 'i')
	case r == 'ł' || r == 'Ł':
		return append(b, 'l')
	case r == 'ø' || r == 'Ø':
		return append(b, 'o')
	case r == 'đ' || r == 'Đ' || r == 'ð':
		return append(b, 'd')
	case r == 'æ' || r == 'Æ':
		return append(b, 'a', 'e')
	case r == 'œ' || r == 'Œ':
		return append(b, 'o', 'e')
	case r == 'þ' || r == 'Þ':
		return append(b, 't', 'h')
	case r == 0xAD || r >= 0x200B && r <= 0x200D || unicode.Is(unicode.Mn, r):
		return b
	}
	if d := norm.NFD.PropertiesString(string(r)).Decomposition(); len(d) > 0 && d[0] < utf8.RuneSelf {
		return append(b, d[0]|0x20)
	}
	return utf8.AppendRune(b, unicode.ToLower(r))
}

// appendLong folds a word and writes its umlauts as ae, oe, ue.
func appendLong(b []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		letter, w := umlaut(s[i:])
		if w == 0 {
			i++
			continue
		}
		b = append(appendFold(b, s[from:i]), letter, 'e')
		i += w
		from = i
	}
	return appendFold(b, s[from:])
}

// umlaut returns the vowel of the umlaut s begins with and its width, composed
// or with a combining diaeresis.
func umlaut(s string) (letter byte, width int) {
	if len(s) >= 3 && s[1] == 0xCC && s[2] == 0x88 {
		switch c := s[0] | 0x20; c {
		case 'a', 'o', 'u':
			return c, 3
		}
	}
	if len(s) < 2 || s[0] != latinLead {
		return 0, 0
	}
	switch s[1] &^ 0x20 { // capitals differ by one bit
	case 0x84:
		return 'a', 2
	case 0x96:
		return 'o', 2
	case 0x9C:
		return 'u', 2
	}
	return 0, 0
}

// appendShort writes ae, oe, ue of a folded word as a, o, u.
func appendShort(b, folded []byte) []byte {
	for i := 0; i < len(folded); i++ {
		b = append(b, folded[i])
		switch folded[i] {
		case 'a', 'o', 'u':
			if i+1 < len(folded) && folded[i+1] == 'e' {
				i++
			}
		}
	}
	return b
}

// spellings returns the folded forms under which a word may be written:
// "Müller" as muller and mueller, "Mueller" as mueller and muller.
func spellings(word string) []string {
	forms := []string{fold(word)}
	var buf [64]byte
	if long := string(appendLong(buf[:0], word)); long != forms[0] {
		return append(forms, long)
	}
	if short := string(appendShort(buf[:0], []byte(forms[0]))); short != forms[0] {
		forms = append(forms, short)
	}
	return forms
}
