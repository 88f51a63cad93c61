// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unquote decodes the content of a valid JSON string.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var b strings.Builder
	b.Grow(len(raw))
	writeUnquoted(&b, raw)
	return b.String()
}

// writeUnquoted writes what unquote returns.
func writeUnquoted(b *strings.Builder, raw []byte) {
	for {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			b.Write(raw)
			return
		}
		b.Write(raw[:at])
		c := raw[at+1]
		raw = raw[at+2:]
		switch c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			var r rune
			r, raw = escapedRune(raw)
			b.WriteRune(r)
		default: // quote, backslash, slash
			b.WriteByte(c)
		}
	}
}

// escapedRune decodes what follows \u; half of a pair alone becomes U+FFFD.
func escapedRune(raw []byte) (rune, []byte) {
	r := hex4(raw)
	raw = raw[4:]
	if !utf16.IsSurrogate(r) {
		return r, raw
	}
	if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
		if whole := utf16.DecodeRune(r, hex4(raw[2:])); whole != utf8.RuneError {
			return whole, raw[6:]
		}
	}
	return utf8.RuneError, raw
}

func hex4(raw []byte) rune {
	n, _ := strconv.ParseUint(string(raw[:4]), 16, 16) // valid JSON: four hex digits
	return rune(n)
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as JSON string content, escaping only what JSON demands.
func appendQuoted(out []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		out = append(out, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, '\\', 'n')
		case '\r':
			out = append(out, '\\', 'r')
		case '\t':
			out = append(out, '\\', 't')
		default:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(out, s[from:]...)
}

func appendQuotedString(out []byte, s string) []byte {
	return append(appendQuoted(append(out, '"'), s), '"')
}
