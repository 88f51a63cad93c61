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
	open, rise := false, 0.0
	begin := func() {
		if !open {
			p.content.WriteByte('[')
			open = true
		}
	}
	end := func() {
		if open {
			p.content.WriteString("] TJ\n")
			open = false
		}
	}
	for _, g := range glyphs {
		if g.DY != rise || g.Actual != "" {
			end()
		}
		if g.DY != rise {
			fmt.Fprintf(&p.content, "%s Ts\n", num(g.DY*size/1000))
			rise = g.DY
		}
		if g.Actual != "" {
			fmt.Fprintf(&p.content, "/Span << /ActualText %s >> BDC\n", text(g.Actual))
		}
		begin()
		if g.DX != 0 {
			p.content.WriteString(num(-g.DX))
		}
		fmt.Fprintf(&p.content, "<%04x>", g.ID)
		if after := g.DX - g.Kern; after != 0 {
			p.content.WriteString(num(after))
		}
		if g.Actual != "" {
			end()
			p.content.WriteString("EMC\n")
		}
	}
	end()
	if rise != 0 {
		p.content.WriteString("0 Ts\n")
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
