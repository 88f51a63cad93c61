// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"fmt"
	"math"
)

// Page is one page. Coordinates are points from the upper left corner, as people
// measure a sheet; y of a text is its base line.
type Page struct {
	width, height float64
	index, marks  int
	content       bytes.Buffer
}

// Glyph is one glyph of a line.
type Glyph struct {
	// ID is what [Font.ID] returned.
	ID uint16
	// DX and DY move this glyph alone, in thousandths of the size.
	DX, DY float64
	// Kern is added to the advance, in thousandths of the size.
	Kern float64
	// Actual is what the glyph stands for when its character has none, else "".
	Actual string
}

// Marked draws content that belongs to an element.
func (p *Page) Marked(e *Elem, draw func()) {
	fmt.Fprintf(&p.content, "/%s << /MCID %d >> BDC\n", e.tag, p.marks)
	e.kids = append(e.kids, kid{page: p.index, id: p.marks})
	p.marks++
	draw()
	p.content.WriteString("EMC\n")
}

// Artifact draws what a reader of the text does not need: lines, repeated heads,
// page numbers. The kind is Pagination, Layout or Background.
func (p *Page) Artifact(kind string, draw func()) {
	fmt.Fprintf(&p.content, "/Artifact << /Type /%s >> BDC\n", kind)
	draw()
	p.content.WriteString("EMC\n")
}

// Text draws glyphs of one font from a point on.
func (p *Page) Text(x, y, size float64, font *Font, glyphs []Glyph) {
	fmt.Fprintf(&p.content, "BT /%s %s Tf 1 0 0 1 %s %s Tm\n", font.key, num(size), num(x), num(p.height-y))
	p.show(glyphs, size)
	p.content.WriteString("ET\n")
}

// Slanted draws glyphs rising at an angle in degrees around their start.
func (p *Page) Slanted(x, y, size, angle float64, font *Font, glyphs []Glyph) {
	sin, cos := math.Sincos(angle * math.Pi / 180)
	fmt.Fprintf(&p.content, "BT /%s %s Tf %.4f %.4f %.4f %.4f %s %s Tm\n", font.key, num(size), cos, sin, -sin, cos, num(x), num(p.height-y))
	p.show(glyphs, size)
	p.content.WriteString("ET\n")
}

// show writes the glyphs as arrays of hexadecimal strings and corrections. The rise
// of a mark is in points, all else in thousandths of the size.
func (p *Page) show(glyphs []Glyph, size float64) {
	a := array{out: &p.content}
	rise := 0.0
	for _, g := range glyphs {
		if g.DY != rise || g.Actual != "" {
			a.end()
		}
		if g.DY != rise {
			fmt.Fprintf(&p.content, "%s Ts\n", num(g.DY*size/1000))
			rise = g.DY
		}
		if g.Actual != "" {
			fmt.Fprintf(&p.content, "/Span << /ActualText %s >> BDC\n", text(g.Actual))
		}
		a.move(-g.DX)
		a.glyph(g.ID)
		a.move(g.DX - g.Kern)
		if g.Actual != "" {
			a.end()
			p.content.WriteString("EMC\n")
		}
	}
	a.end()
	if rise != 0 {
		p.content.WriteString("0 Ts\n")
	}
}

// array writes the operand of TJ: strings of glyphs with moves between them.
type array struct {
	out          *bytes.Buffer
	open, string bool
}

func (a *array) glyph(id uint16) {
	if !a.open {
		a.out.WriteByte('[')
		a.open = true
	}
	if !a.string {
		a.out.WriteByte('<')
		a.string = true
	}
	const digits = "0123456789abcdef"
	for shift := 12; shift >= 0; shift -= 4 {
		a.out.WriteByte(digits[id>>shift&15])
	}
}

// move shifts what follows to the left, in thousandths of the size.
func (a *array) move(by float64) {
	if by == 0 {
		return
	}
	if !a.open {
		a.out.WriteByte('[')
		a.open = true
	}
	a.endString()
	a.out.WriteString(num(by))
}

func (a *array) endString() {
	if a.string {
		a.out.WriteByte('>')
		a.string = false
	}
}

func (a *array) end() {
	a.endString()
	if a.open {
		a.out.WriteString("] TJ\n")
		a.open = false
	}
}

// Line draws a line of the given width.
func (p *Page) Line(x1, y1, x2, y2, width float64) {
	fmt.Fprintf(&p.content, "%s w %s %s m %s %s l S\n", num(width), num(x1), num(p.height-y1), num(x2), num(p.height-y2))
}

// Fill fills a rectangle.
func (p *Page) Fill(x, y, width, height float64) {
	fmt.Fprintf(&p.content, "%s %s %s %s re f\n", num(x), num(p.height-y-height), num(width), num(height))
}

// Colour sets the colour of what follows, each part from 0 to 1.
func (p *Page) Colour(r, g, b float64) {
	fmt.Fprintf(&p.content, "%.3g %.3g %.3g rg %.3g %.3g %.3g RG\n", r, g, b, r, g, b)
}
