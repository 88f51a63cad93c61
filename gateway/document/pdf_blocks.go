// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"strconv"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/pdf"
)

// mm is one millimetre in points.
const mm = 72 / 25.4

// look is how a text is set, in points.
type look struct {
	size, leading float64
	bold          bool
}

var (
	bodyLook    = look{size: 11, leading: 15}
	subjectLook = look{size: 12, leading: 16, bold: true}
	cellLook    = look{size: 10, leading: 13}
)

// setter turns blocks into lines of the text column.
type setter struct {
	regular, bold, italic *pdf.Font
	left, width           float64
	blocks                []*flowBlock
	parent                *pdf.Elem
}

// clusters shapes runs of a paragraph.
func (s *setter) clusters(runs []Run, bold bool) []cluster {
	var out []cluster
	for _, r := range runs {
		font := s.regular
		switch {
		case r.Strong || bold:
			font = s.bold
		case r.Emph:
			font = s.italic
		}
		out = append(out, shape(font, r.Text)...)
	}
	return out
}

// lines sets runs into lines of a width in points.
func (s *setter) lines(runs []Run, k look, width float64) []textLine {
	return breakLines(s.clusters(runs, k.bold), width*1000/k.size)
}

// baseline is the distance from the top of a line to its base line.
func (k look) baseline() float64 { return (k.leading-1.117*k.size)/2 + 0.905*k.size }

// textRows are the lines of a paragraph; no page ends behind the first or starts
// with the last one.
func textRows(n int, k look, keepNext bool) []flowRow {
	rows := make([]flowRow, n)
	for i := range rows {
		rows[i] = flowRow{height: k.leading, keep: n > 1 && (i == 0 || i == n-2)}
	}
	rows[n-1].keep = keepNext
	return rows
}

// add appends a block of text lines that belong to one element.
func (s *setter) add(e *pdf.Elem, lines []textLine, k look, x, before, after float64, keepNext bool) *flowBlock {
	b := &flowBlock{before: before, after: after, rows: textRows(len(lines), k, keepNext)}
	b.draw = func(p *pdf.Page, y float64, from, to int) {
		p.Marked(e, func() { drawLines(p, x, y, k, lines[from:to]) })
	}
	s.blocks = append(s.blocks, b)
	return b
}

func drawLines(p *pdf.Page, x, y float64, k look, lines []textLine) {
	for _, l := range lines {
		drawLine(p, x, y+k.baseline(), k.size, l)
		y += k.leading
	}
}

func (s *setter) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		s.add(s.parent.Add("P"), s.lines(b.Runs, bodyLook, s.width), bodyLook, s.left, 0, 3*mm, b.KeepWithNext)
	case Heading:
		s.heading(b)
	case List:
		s.list(b)
	case Table:
		s.table(b)
	}
}

func (s *setter) subject(text string) {
	if text != "" {
		lines := s.lines([]Run{{Text: text}}, subjectLook, s.width)
		s.add(s.parent.Add("H1"), lines, subjectLook, s.left, 0, 7*mm, true)
	}
}

func (s *setter) heading(b Heading) {
	k := look{size: 11, leading: 15, bold: true}
	if b.Level <= 2 {
		k.size, k.leading = 12, 16
	}
	block := s.add(s.parent.Add("H"+strconv.Itoa(b.Level)), s.lines([]Run{{Text: b.Text}}, k, s.width), k, s.left, 5.5*mm, 1.6*mm, true)
	for i := range block.rows {
		block.rows[i].keep = true
	}
}

// list sets the label beside the first paragraph of each item.
func (s *setter) list(b List) {
	kind, indent := "Disc", 6.0*mm
	if b.Ordered {
		kind, indent = "Decimal", 8*mm
		if len(b.Items) > 99 {
			indent = 11 * mm
		}
	}
	l := s.parent.Add("L").Numbering(kind)
	for i, item := range b.Items {
		label := "•"
		if b.Ordered {
			label = strconv.Itoa(i+1) + "."
		}
		s.item(l.Add("LI"), label, item, indent)
	}
	if len(s.blocks) > 0 {
		s.blocks[len(s.blocks)-1].after = 3 * mm
	}
}

func (s *setter) item(li *pdf.Elem, label string, item []Paragraph, indent float64) {
	lbl, body := li.Add("Lbl"), li.Add("LBody")
	for i, par := range item {
		lines := s.lines(par.Runs, bodyLook, s.width-indent)
		b := s.add(body.Add("P"), lines, bodyLook, s.left+indent, 0, 1.5*mm, par.KeepWithNext)
		if i > 0 {
			continue
		}
		mark, text := s.lines([]Run{{Text: label}}, bodyLook, indent), b.draw
		b.draw = func(p *pdf.Page, y float64, from, to int) {
			if from == 0 {
				p.Marked(lbl, func() { drawLines(p, s.left, y, bodyLook, mark) })
			}
			text(p, y, from, to)
		}
	}
}
