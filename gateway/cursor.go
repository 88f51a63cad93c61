// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// cursor walks JSON from front to back and checks what it passes: it takes what
// encoding/json.Valid takes and nothing else, but for nesting deeper than
// maxSkipDepth. The first mistake moves it to the end, where every loop stops,
// so that callers look for a mistake once, when they are through.
type cursor struct {
	raw []byte
	at  int
	// mistake is the number of bytes up to and with the first mistake; 0: none.
	mistake int
	// utf8 demands valid UTF-8 in strings, notUTF8 says that this was the mistake.
	utf8, notUTF8 bool
	// escaped says whether the last string held a backslash.
	escaped bool
}

// maxSkipDepth bounds the nesting of values that are only checked.
const maxSkipDepth = 500

// maxOwnDepth bounds the nesting of JSON of our own, which holds values that were
// only checked. It keeps the stack finite, whatever a model's server sends.
const maxOwnDepth = maxSkipDepth + 16

// fail notes the first mistake and moves to the end.
func (c *cursor) fail(at int) {
	if c.mistake == 0 {
		c.mistake = min(at, len(c.raw)-1) + 1
		if len(c.raw) == 0 {
			c.mistake = 1
		}
	}
	c.at = len(c.raw)
}

// peek is the byte at the cursor; 0, which stands nowhere in JSON: the end.
func (c *cursor) peek() byte {
	if c.at < len(c.raw) {
		return c.raw[c.at]
	}
	return 0
}

func (c *cursor) space() {
	for c.at < len(c.raw) {
		switch c.raw[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

// end checks that nothing but space is left.
func (c *cursor) end() {
	if c.space(); c.at < len(c.raw) {
		c.fail(c.at)
	}
}

// open steps into an object or array; false: it is empty.
func (c *cursor) open(end byte) bool {
	c.at++
	if c.space(); c.peek() == end {
		c.at++
		return false
	}
	return true
}

// more moves to the next element of an object or array; false: it has ended.
func (c *cursor) more(end byte) bool {
	c.space()
	switch c.peek() {
	case ',':
		c.at++
		c.space()
		return true
	case end:
		c.at++
	default:
		c.fail(c.at)
	}
	return false
}

// member walks `"key":` and returns the key's span.
func (c *cursor) member() (start, end int) {
	if c.peek() != '"' {
		c.fail(c.at)
		return 0, 0
	}
	start, end = c.str()
	if c.space(); c.peek() != ':' {
		c.fail(c.at)
		return 0, 0
	}
	c.at++
	c.space()
	return start, end
}

// str walks a string and returns its content's span.
func (c *cursor) str() (start, end int) {
	start, c.escaped = c.at+1, false
	high := uint64(0)
	if c.utf8 {
		high = highBits
	}
	for i := start; ; {
		i = plain(c.raw, i, high)
		if i >= len(c.raw) {
			c.fail(i)
			return 0, 0
		}
		n := 0
		switch b := c.raw[i]; {
		case b == '"':
			c.at = i + 1
			return start, i
		case b == '\\':
			c.escaped = true
			n = escapeLen(c.raw[i:])
		case b >= utf8.RuneSelf:
			n = runesLen(c.raw[i:])
			c.notUTF8 = n == 0 && c.mistake == 0
		}
		if n == 0 {
			c.fail(i)
			return 0, 0
		}
		i += n
	}
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plain is the place of the first byte from i on that means something in a
// string: a quote, a backslash, a control character and, if high asks for it, a
// byte of a letter beyond ASCII. It looks at eight bytes at a time.
func plain(raw []byte, i int, high uint64) int {
	for ; i+8 <= len(raw); i += 8 {
		x := binary.LittleEndian.Uint64(raw[i:])
		quote, slash := x^(lowBits*'"'), x^(lowBits*'\\')
		found := ((quote-lowBits)&^quote|(slash-lowBits)&^slash|(x-lowBits*' ')&^x)&highBits | x&high
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(raw); i++ {
		if b := raw[i]; b == '"' || b == '\\' || b < ' ' || b >= utf8.RuneSelf && high != 0 {
			break
		}
	}
	return i
}

// escapeLen is the length of the escape that raw begins with, 0: it is none.
func escapeLen(raw []byte) int {
	if len(raw) < 2 {
		return 0
	}
	switch raw[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(raw) >= 6 && isHex(raw[2]) && isHex(raw[3]) && isHex(raw[4]) && isHex(raw[5]) {
			return 6
		}
	}
	return 0
}

func isHex(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

// runesLen is the length of the letters beyond ASCII that raw begins with, 0:
// the first is not valid.
func runesLen(raw []byte) int {
	i := 0
	for i < len(raw) && raw[i] >= utf8.RuneSelf {
		if i+1 < len(raw) && raw[i] >= 0xC2 && raw[i] <= 0xDF && raw[i+1]&0xC0 == 0x80 {
			i += 2
			continue
		}
		r, n := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return i
}

// literal walks a number, true, false or null.
func (c *cursor) literal() (start, end int) {
	start = c.at
	var n int
	switch c.peek() {
	case 't':
		n = c.word("true")
	case 'f':
		n = c.word("false")
	case 'n':
		n = c.word("null")
	default:
		n = numberLen(c.raw[c.at:])
	}
	if n == 0 {
		c.fail(c.at)
		return 0, 0
	}
	c.at += n
	return start, c.at
}

func (c *cursor) word(w string) int {
	if rest := c.raw[c.at:]; len(rest) >= len(w) && string(rest[:len(w)]) == w {
		return len(w)
	}
	return 0
}

// numberLen is the length of the number that raw begins with, 0: it is none.
func numberLen(raw []byte) int {
	i := 0
	if i < len(raw) && raw[i] == '-' {
		i++
	}
	whole := digits(raw[i:])
	if whole == 0 || whole > 1 && raw[i] == '0' {
		return 0
	}
	i += whole
	if i < len(raw) && raw[i] == '.' {
		n := digits(raw[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(raw) && (raw[i] == 'e' || raw[i] == 'E') {
		i++
		if i < len(raw) && (raw[i] == '+' || raw[i] == '-') {
			i++
		}
		n := digits(raw[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

func digits(raw []byte) int {
	n := 0
	for n < len(raw) && raw[n] >= '0' && raw[n] <= '9' {
		n++
	}
	return n
}

// skip walks a value that holds nothing for us.
func (c *cursor) skip() { c.skipTo(0) }

func (c *cursor) skipTo(depth int) {
	switch c.peek() {
	case '"':
		c.str()
	case '{':
		if depth >= maxSkipDepth {
			c.fail(c.at)
			return
		}
		for ok := c.open('}'); ok; ok = c.more('}') {
			c.member()
			c.skipTo(depth + 1)
		}
	case '[':
		if depth >= maxSkipDepth {
			c.fail(c.at)
			return
		}
		for ok := c.open(']'); ok; ok = c.more(']') {
			c.skipTo(depth + 1)
		}
	default:
		c.literal()
	}
}
