// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// readPlain reads text in UTF-8, UTF-16 or Windows-1252.
func readPlain(data []byte) (Text, error) {
	decoded, err := decodePlain(data)
	if err != nil {
		return Text{}, err
	}
	return Text{Pages: []Page{{Number: 1, Text: decoded}}}, nil
}

func decodePlain(data []byte) (string, error) {
	if decoder := utf16Decoder(data); decoder != nil {
		out, err := decoder.Bytes(data)
		if err != nil {
			return "", fmt.Errorf("decode UTF-16: %w", ErrDamaged)
		}
		return string(out), nil
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(data, 0) >= 0 {
		return "", fmt.Errorf("binary data: %w", ErrUnsupported)
	}
	if utf8.Valid(data) {
		return string(data), nil
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil {
		return "", fmt.Errorf("decode Windows-1252: %w", ErrDamaged)
	}
	return string(out), nil
}

// utf16Decoder finds UTF-16 by its byte order mark or by zero bytes in every
// second place.
func utf16Decoder(data []byte) *encoding.Decoder {
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
	case len(data) < 8 || len(data)%2 != 0:
		return nil
	}
	even, odd := zeroes(data)
	half := min(len(data), 4096) / 2
	switch {
	case odd > half*7/10 && even < half/20:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case even > half*7/10 && odd < half/20:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	}
	return nil
}

func looksLikeUTF16(data []byte) bool { return utf16Decoder(data) != nil }

// zeroes counts zero bytes in even and odd places of the beginning.
func zeroes(data []byte) (even, odd int) {
	for i, b := range data[:min(len(data), 4096)] {
		switch {
		case b != 0:
		case i%2 == 0:
			even++
		default:
			odd++
		}
	}
	return even, odd
}
