// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/truetype"
)

// Font is a font of one file. Its glyph ids count characters, not outlines: two
// characters that look alike stay two when text is copied.
type Font struct {
	name, key string
	face      *truetype.Font
	ref       ref
	glyphs    []uint16
	runes     []rune
	ids       map[rune]uint16
}

// Face is the font's file.
func (f *Font) Face() *truetype.Font { return f.face }

// ID is the id under which a character is shown; false when the font lacks it.
func (f *Font) ID(r rune) (uint16, bool) {
	if id, ok := f.ids[r]; ok {
		return id, true
	}
	g, ok := f.face.Glyph(r)
	if !ok {
		return 0, false
	}
	id := uint16(len(f.glyphs))
	f.glyphs, f.runes, f.ids[r] = append(f.glyphs, g), append(f.runes, r), id
	return id, true
}

// Width of a glyph in thousandths of the size.
func (f *Font) Width(g uint16) float64 { return f.scale(f.face.Advance(g)) }

func (f *Font) scale(units int) float64 { return float64(units) * 1000 / float64(f.face.UnitsPerEm) }

func (f *Font) write(b *builder) error {
	data, err := f.face.Subset(f.glyphs)
	if err != nil {
		return fmt.Errorf("embed %s: %w", f.name, err)
	}
	tag := sha256.Sum256(data)
	name := subsetTag(tag[:]) + "+" + f.name
	file := b.stream(fmt.Sprintf("/Length1 %d", len(data)), data, true)
	flags := 4 // symbolic: glyphs are chosen by id, not by an encoding
	if f.face.ItalicAngle != 0 {
		flags |= 64
	}
	box := f.face.Box
	descriptor := b.add(fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags %d /FontBBox [ %s %s %s %s ] /ItalicAngle %s /Ascent %s /Descent %s /CapHeight %s /StemV %d /FontFile2 %s >>",
		name, flags, num(f.scale(box.XMin)), num(f.scale(box.YMin)), num(f.scale(box.XMax)), num(f.scale(box.YMax)),
		num(f.face.ItalicAngle), num(f.scale(f.face.Ascent)), num(f.scale(f.face.Descent)), num(f.scale(f.face.CapHeight)), f.face.Weight/5, file))
	cid := b.add(fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %s /DW 1000 /W [ 0 [ %s] ] /CIDToGIDMap /Identity >>",
		name, descriptor, f.widths()))
	unicode := b.stream("", []byte(f.toUnicode()), true)
	b.set(f.ref, fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [ %s ] /ToUnicode %s >>", name, cid, unicode))
	return nil
}

// subsetTag is the six letters that tell subsets of one font apart.
func subsetTag(sum []byte) string {
	out := make([]byte, 6)
	for i := range out {
		out[i] = 'A' + sum[i]%26
	}
	return string(out)
}

func (f *Font) widths() string {
	var b strings.Builder
	for _, g := range f.glyphs {
		b.WriteString(num(f.Width(g)) + " ")
	}
	return b.String()
}

const cmapHead = `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
`

// toUnicode maps every glyph id but 0 to its character, a hundred at a time.
func (f *Font) toUnicode() string {
	var b strings.Builder
	b.WriteString(cmapHead)
	for from := 1; from < len(f.runes); from += 100 {
		part := f.runes[from:min(from+100, len(f.runes))]
		fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for i, r := range part {
			fmt.Fprintf(&b, "<%04x> <%s>\n", from+i, hexUTF16(string(r)))
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.String()
}
