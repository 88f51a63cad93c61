// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package truetype

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Flags of a part of a composed glyph.
const (
	wordArgs  = 0x0001
	hasScale  = 0x0008
	moreParts = 0x0020
	hasXY     = 0x0040
	has2x2    = 0x0080
)

// Subset returns a font file with the given glyphs in the given order; the same
// glyph may stand at several places. Glyph 0 should be the first. Parts of composed
// glyphs are added behind them. The file has the tables a PDF needs.
func (f *Font) Subset(glyphs []uint16) ([]byte, error) {
	s := subsetter{font: f, order: append([]uint16(nil), glyphs...), place: map[uint16]uint16{}}
	for i, g := range s.order {
		if int(g) >= len(f.advances) {
			return nil, fmt.Errorf("subset: glyph %d of %d", g, len(f.advances))
		}
		if _, ok := s.place[g]; !ok {
			s.place[g] = uint16(i)
		}
	}
	for i := 0; i < len(s.order); i++ { // grows while parts are found
		if err := s.copyGlyph(s.order[i]); err != nil {
			return nil, fmt.Errorf("subset: %w", err)
		}
	}
	return s.file(), nil
}

type subsetter struct {
	font  *Font
	order []uint16
	place map[uint16]uint16
	glyf  []byte
	loca  []uint32
}

func (s *subsetter) copyGlyph(g uint16) error {
	s.loca = append(s.loca, uint32(len(s.glyf)))
	outline := append([]byte(nil), s.font.outline(g)...)
	if len(outline) >= 10 && i16(outline, 0) < 0 {
		if err := s.renumber(outline); err != nil {
			return err
		}
	}
	s.glyf = append(s.glyf, outline...)
	for len(s.glyf)%4 != 0 {
		s.glyf = append(s.glyf, 0)
	}
	return nil
}

// renumber lets a composed glyph point at the places of its parts in the subset.
func (s *subsetter) renumber(outline []byte) error {
	for at := 10; ; {
		if at+4 > len(outline) {
			return errShort
		}
		flags, part := u16(outline, at), uint16(u16(outline, at+2))
		if int(part) >= len(s.font.advances) {
			return errors.New("part of a glyph out of range")
		}
		binary.BigEndian.PutUint16(outline[at+2:], s.placeOf(part))
		at += 4 + partLength(flags)
		if flags&moreParts == 0 {
			return nil
		}
	}
}

func partLength(flags int) int {
	n := 2
	if flags&wordArgs != 0 {
		n = 4
	}
	switch {
	case flags&hasScale != 0:
		n += 2
	case flags&hasXY != 0:
		n += 4
	case flags&has2x2 != 0:
		n += 8
	}
	return n
}

func (s *subsetter) placeOf(g uint16) uint16 {
	if at, ok := s.place[g]; ok {
		return at
	}
	at := uint16(len(s.order))
	s.order, s.place[g] = append(s.order, g), at
	return at
}

func (s *subsetter) file() []byte {
	n := len(s.order)
	hmtx := make([]byte, 0, 4*n)
	loca := make([]byte, 0, 4*n+4)
	for i, g := range s.order {
		hmtx = binary.BigEndian.AppendUint16(hmtx, s.font.advances[g])
		hmtx = binary.BigEndian.AppendUint16(hmtx, uint16(s.font.bearings[g]))
		loca = binary.BigEndian.AppendUint32(loca, s.loca[i])
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(s.glyf)))
	head, hhea, maxp := s.own("head"), s.own("hhea"), s.own("maxp")
	binary.BigEndian.PutUint32(head[8:], 0) // the sum of the whole file, set below
	binary.BigEndian.PutUint16(head[50:], 1)
	binary.BigEndian.PutUint16(hhea[34:], uint16(n))
	binary.BigEndian.PutUint16(maxp[4:], uint16(n))
	return assemble([]named{
		{"cvt ", s.own("cvt ")},
		{"fpgm", s.own("fpgm")},
		{"glyf", s.glyf},
		{"head", head},
		{"hhea", hhea},
		{"hmtx", hmtx},
		{"loca", loca},
		{"maxp", maxp},
		{"prep", s.own("prep")},
	})
}

func (s *subsetter) own(tag string) []byte { return append([]byte(nil), s.font.tables[tag]...) }

type named struct {
	tag  string
	data []byte
}

// assemble writes the tables, in the order of their tags, with directory and sums.
func assemble(tables []named) []byte {
	n := len(tables)
	power := bits.Len(uint(n)) - 1
	out := binary.BigEndian.AppendUint32(nil, 0x00010000)
	for _, v := range []int{n, 16 << power, power, 16*n - 16<<power} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	var body []byte
	head := 0
	for _, t := range tables {
		at := 12 + 16*n + len(body)
		if t.tag == "head" {
			head = at
		}
		out = append(out, t.tag...)
		out = binary.BigEndian.AppendUint32(out, sum(t.data))
		out = binary.BigEndian.AppendUint32(out, uint32(at))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t.data)))
		body = append(body, t.data...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out[head+8:], 0xB1B0AFBA-sum(out))
	return out
}

// sum is the check sum of the format: big-endian words, the last filled with zeros.
func sum(b []byte) uint32 {
	var s uint32
	for ; len(b) >= 4; b = b[4:] {
		s += binary.BigEndian.Uint32(b)
	}
	var rest [4]byte
	copy(rest[:], b)
	return s + binary.BigEndian.Uint32(rest[:])
}
