// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "math/bits"

const (
	hashOffset uint64 = 14695981039346656037
	hashFactor uint64 = 0x9E3779B97F4A7C15
	eightLower uint64 = 0x2020202020202020
)

// hashFolded hashes a folded word, eight bytes at a time. Bit 0x20 is set in
// every byte, so a word of ASCII letters hashes as if it were folded already.
func hashFolded[T string | []byte](s T) uint64 {
	h := hashOffset + uint64(len(s))*hashFactor
	for len(s) >= 8 {
		h = mix(h, (four(s)|four(s[4:])<<32)|eightLower)
		s = s[8:]
	}
	switch n := len(s); {
	case n >= 4:
		h = mix(h, (four(s)|four(s[n-4:])<<32)|eightLower)
	case n > 0: // the bytes overlap or repeat, which does no harm
		h = mix(h, (uint64(s[0])|uint64(s[n/2])<<8|uint64(s[n-1])<<16)|eightLower)
	}
	return h
}

func four[T string | []byte](s T) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

func mix(h, w uint64) uint64 {
	hi, lo := bits.Mul64(h^w, hashFactor)
	return hi ^ lo
}
