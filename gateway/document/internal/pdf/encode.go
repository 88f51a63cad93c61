// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// num writes a number with at most two places.
func num(f float64) string {
	s := strconv.FormatFloat(f, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// text writes a text string as UTF-16, which takes every character.
func text(s string) string { return "<feff" + hexUTF16(s) + ">" }

func hexUTF16(s string) string {
	units := utf16.Encode([]rune(s))
	raw := make([]byte, 0, 2*len(units))
	for _, u := range units {
		raw = append(raw, byte(u>>8), byte(u))
	}
	return hex.EncodeToString(raw)
}

// literal writes an ASCII string; anything else is dropped.
func literal(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`()\`, r) {
			b.WriteRune(r)
		}
	}
	return "(" + b.String() + ")"
}

// name writes a name object.
func name(s string) string {
	var b strings.Builder
	b.WriteByte('/')
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("#/()<>[]{}%", c) >= 0 {
			fmt.Fprintf(&b, "#%02x", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func pdfDate(t time.Time) string { return t.UTC().Format("D:20060102150405") + "Z" }
