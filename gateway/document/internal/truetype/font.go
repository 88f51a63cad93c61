// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package truetype reads a TrueType font as far as setting a letter needs it:
// glyphs of characters, widths, outlines' boxes, kerning; and cuts subsets for
// embedding. It shapes no text and knows no OpenType features.
//
// Start at [Parse], then [Font.Glyph] and [Font.Subset].
package truetype

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errShort says that a table ends before its content does.
var errShort = errors.New("font file is cut off")

// Font is a parsed font; safe for concurrent reading.
type Font struct {
	// UnitsPerEm is the size of the design grid.
	UnitsPerEm int
	// Ascent, Descent, CapHeight in design units; Descent is negative.
	Ascent, Descent, CapHeight, XHeight int
	// Box of all glyphs.
	Box Box
	// ItalicAngle in degrees, negative when leaning right.
	ItalicAngle float64
	// Bold is the weight of the font as declared.
	Weight int

	tables   map[string][]byte
	glyphs   map[rune]uint16
	advances []uint16
	bearings []int16
	loca     []uint32
	kern     map[uint32]int16
}

// Box is a rectangle in design units.
type Box struct{ XMin, YMin, XMax, YMax int }

// Parse reads a font with quadratic outlines.
func Parse(data []byte) (*Font, error) {
	f := &Font{tables: map[string][]byte{}, glyphs: map[rune]uint16{}, kern: map[uint32]int16{}}
	for _, step := range []func() error{
		func() error { return f.readDirectory(data) }, f.readHead, f.readMetrics, f.readLoca, f.readCmap, f.readKern,
	} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("parse font: %w", err)
		}
	}
	return f, nil
}

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
func i16(b []byte, at int) int { return int(int16(binary.BigEndian.Uint16(b[at:]))) }
func u32(b []byte, at int) int { return int(binary.BigEndian.Uint32(b[at:])) }

func (f *Font) readDirectory(data []byte) error {
	if len(data) < 12 || u32(data, 0) != 0x00010000 {
		return errors.New("not a TrueType font")
	}
	n := u16(data, 4)
	if len(data) < 12+16*n {
		return errShort
	}
	for i := range n {
		e := data[12+16*i:]
		offset, length := u32(e, 8), u32(e, 12)
		if offset+length > len(data) {
			return errShort
		}
		f.tables[string(e[:4])] = data[offset : offset+length : offset+length]
	}
	return nil
}

// table returns a table of at least n bytes.
func (f *Font) table(tag string, n int) ([]byte, error) {
	t := f.tables[tag]
	if len(t) < n {
		return nil, fmt.Errorf("table %s: %w", tag, errShort)
	}
	return t, nil
}

func (f *Font) readHead() error {
	head, err := f.table("head", 54)
	if err != nil {
		return err
	}
	f.UnitsPerEm = u16(head, 18)
	if f.UnitsPerEm < 16 {
		return errors.New("units per em out of range")
	}
	f.Box = Box{i16(head, 36), i16(head, 38), i16(head, 40), i16(head, 42)}
	os2, err := f.table("OS/2", 96)
	if err != nil {
		return err
	}
	f.Weight, f.XHeight, f.CapHeight = u16(os2, 4), i16(os2, 86), i16(os2, 88)
	post, err := f.table("post", 32)
	if err != nil {
		return err
	}
	f.ItalicAngle = float64(int32(u32(post, 4))) / 65536
	return nil
}

func (f *Font) readMetrics() error {
	hhea, err := f.table("hhea", 36)
	if err != nil {
		return err
	}
	f.Ascent, f.Descent = i16(hhea, 4), i16(hhea, 6)
	maxp, err := f.table("maxp", 6)
	if err != nil {
		return err
	}
	glyphs, long := u16(maxp, 4), u16(hhea, 34)
	if long < 1 || long > glyphs {
		return errors.New("number of metrics out of range")
	}
	hmtx, err := f.table("hmtx", 4*long+2*(glyphs-long))
	if err != nil {
		return err
	}
	f.advances, f.bearings = make([]uint16, glyphs), make([]int16, glyphs)
	for i := range glyphs {
		if i < long {
			f.advances[i], f.bearings[i] = uint16(u16(hmtx, 4*i)), int16(i16(hmtx, 4*i+2))
			continue
		}
		f.advances[i], f.bearings[i] = f.advances[long-1], int16(i16(hmtx, 4*long+2*(i-long)))
	}
	return nil
}

func (f *Font) readLoca() error {
	n := len(f.advances) + 1
	size := 2
	if u16(f.tables["head"], 50) == 1 {
		size = 4
	}
	loca, err := f.table("loca", n*size)
	if err != nil {
		return err
	}
	glyf := len(f.tables["glyf"])
	f.loca = make([]uint32, n)
	for i := range n {
		at := 2 * u16(loca, i*size)
		if size == 4 {
			at = u32(loca, i*size)
		}
		if at > glyf || i > 0 && at < int(f.loca[i-1]) {
			return errors.New("glyph offsets out of order")
		}
		f.loca[i] = uint32(at)
	}
	return nil
}

// readCmap reads the Unicode map of the basic plane (format 4).
func (f *Font) readCmap() error {
	cmap, err := f.table("cmap", 4)
	if err != nil {
		return err
	}
	for i := range u16(cmap, 2) {
		if len(cmap) < 12+8*i {
			return errShort
		}
		e := cmap[4+8*i:]
		offset := u32(e, 4)
		if u16(e, 0) == 3 && u16(e, 2) == 1 && offset+14 <= len(cmap) && u16(cmap, offset) == 4 {
			return f.readSegments(cmap[offset:])
		}
	}
	return errors.New("no Unicode map")
}

func (f *Font) readSegments(t []byte) error {
	n := u16(t, 6) / 2
	if len(t) < 16+8*n {
		return errShort
	}
	for i := range n {
		end, start := u16(t, 14+2*i), u16(t, 16+2*n+2*i)
		delta, offset := u16(t, 16+4*n+2*i), u16(t, 16+6*n+2*i)
		for c := start; c <= end && c < 0xFFFF; c++ {
			g := c
			if offset != 0 {
				at := 16 + 6*n + 2*i + offset + 2*(c-start)
				if at+2 > len(t) {
					return errShort
				}
				if g = u16(t, at); g == 0 {
					continue
				}
			}
			if g = (g + delta) & 0xFFFF; g != 0 && g < len(f.advances) {
				f.glyphs[rune(c)] = uint16(g)
			}
		}
	}
	return nil
}

// readKern reads pair kerning (format 0); a font may have none.
func (f *Font) readKern() error {
	t := f.tables["kern"]
	if len(t) < 18 || u16(t, 0) != 0 || u16(t, 8)>>8 != 0 {
		return nil
	}
	n := u16(t, 10)
	if len(t) < 18+6*n {
		return errShort
	}
	for i := range n {
		f.kern[uint32(u32(t, 18+6*i))] = int16(i16(t, 22+6*i))
	}
	return nil
}

// Glyph is the glyph of a character; false when the font has none.
func (f *Font) Glyph(r rune) (uint16, bool) {
	g, ok := f.glyphs[r]
	return g, ok
}

// Advance is the width of a glyph in design units.
func (f *Font) Advance(g uint16) int { return int(f.advances[g]) }

// Kern is the correction between two glyphs in design units.
func (f *Font) Kern(a, b uint16) int { return int(f.kern[uint32(a)<<16|uint32(b)]) }

// GlyphBox is the box of an outline; false for a glyph without one, as the blank.
func (f *Font) GlyphBox(g uint16) (Box, bool) {
	d := f.outline(g)
	if len(d) < 10 {
		return Box{}, false
	}
	return Box{i16(d, 2), i16(d, 4), i16(d, 6), i16(d, 8)}, true
}

func (f *Font) outline(g uint16) []byte {
	if int(g)+1 >= len(f.loca) {
		return nil
	}
	return f.tables["glyf"][f.loca[g]:f.loca[g+1]]
}
