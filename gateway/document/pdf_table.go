// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"github.com/ki-schleuse/schleuse/gateway/document/internal/pdf"
)

// cellPad is the blank inside a cell; maxSlices is the height up to which a row of a
// table stays on one page; maxHead is the height up to which its head is repeated.
const (
	cellPad   = 1.2 * mm
	maxSlices = 24
	maxHead   = 60 * mm
)

// tableRow is one set row of a table.
type tableRow struct {
	cells  [][]textLine
	elems  []*pdf.Elem
	slices int
	head   bool
}

// tableSetter sets one table; slice i of the whole table belongs to the row owner[i]
// and is its line offset[i].
type tableSetter struct {
	left   float64
	widths []float64
	rows   []tableRow
	owner  []int
	offset []int
}

func (s *setter) table(b Table) {
	e := s.parent.Add("Table")
	if b.Caption != "" {
		k := look{size: 10, leading: 13, bold: true}
		c := s.add(e.Add("Caption"), s.lines([]Run{{Text: b.Caption}}, k, s.width), k, s.left, 2*mm, 1*mm, true)
		for i := range c.rows {
			c.rows[i].keep = true
		}
	}
	t := &tableSetter{left: s.left, widths: s.columns(b)}
	if len(b.Header) > 0 {
		t.rows = append(t.rows, s.tableRow(e, b.Header, t.widths, true))
	}
	for _, r := range b.Rows {
		t.rows = append(t.rows, s.tableRow(e, r, t.widths, false))
	}
	s.blocks = append(s.blocks, t.block())
}

func (s *setter) tableRow(table *pdf.Elem, cells []string, widths []float64, head bool) tableRow {
	tr := table.Add("TR")
	row := tableRow{head: head, slices: 1}
	k := cellLook
	k.bold = head
	for i, text := range cells {
		lines := s.lines([]Run{{Text: text}}, k, widths[i]-2*cellPad)
		row.cells = append(row.cells, lines)
		row.slices = max(row.slices, len(lines))
		if head {
			row.elems = append(row.elems, tr.Add("TH").Scope("Column"))
			continue
		}
		row.elems = append(row.elems, tr.Add("TD"))
	}
	return row
}

// columns distributes the width by the shares of the table and then moves width to
// columns whose longest word would be cut, from those that have it to spare.
func (s *setter) columns(b Table) []float64 {
	widths := columnWidths(b.Widths, s.width)
	need := make([]float64, len(widths))
	measure := func(cells []string, bold bool) {
		for i, c := range cells {
			need[i] = max(need[i], min(s.longestWord(c, bold)+2*cellPad+0.5, s.width/2))
		}
	}
	measure(b.Header, true)
	for _, r := range b.Rows {
		measure(r, false)
	}
	var lack, spare float64
	for i := range widths {
		lack += max(0, need[i]-widths[i])
		spare += max(0, widths[i]-need[i])
	}
	if lack == 0 || spare == 0 {
		return widths
	}
	share := min(1, lack/spare)
	given := min(1, spare/lack)
	for i := range widths {
		if d := need[i] - widths[i]; d > 0 {
			widths[i] += d * given
		} else {
			widths[i] += d * share
		}
	}
	return widths
}

// longestWord is the width of the widest part that no line break divides.
func (s *setter) longestWord(text string, bold bool) float64 {
	cs := s.clusters([]Run{{Text: text}}, bold)
	markBreaks(cs)
	longest, width := 0.0, 0.0
	for _, c := range cs {
		if c.feed || c.char == ' ' {
			width = 0
			continue
		}
		if width += c.width; width > longest {
			longest = width
		}
		if c.after {
			width = 0
		}
	}
	return longest * cellLook.size / 1000
}

func (t *tableSetter) block() *flowBlock {
	b := &flowBlock{before: 1 * mm, after: 4 * mm, draw: t.draw}
	for i, r := range t.rows {
		for j := range r.slices {
			t.owner, t.offset = append(t.owner, i), append(t.offset, j)
			b.rows = append(b.rows, flowRow{height: t.sliceHeight(i, j), keep: t.keep(i, j)})
		}
	}
	if len(t.rows) > 1 && t.rows[0].head {
		if h := t.rowHeight(0); h <= maxHead {
			b.head, b.drawHead = h, t.drawHead
		}
	}
	return b
}

// keep holds a row together that is not too high, its head with the first row, and
// two lines at the start and end of a row that is divided.
func (t *tableSetter) keep(row, slice int) bool {
	r := t.rows[row]
	if slice == r.slices-1 {
		return r.head && row+1 < len(t.rows)
	}
	return r.slices <= maxSlices || slice == 0 || slice == r.slices-2
}

func (t *tableSetter) sliceHeight(row, slice int) float64 {
	h := cellLook.leading
	if slice == 0 {
		h += cellPad
	}
	if slice == t.rows[row].slices-1 {
		h += cellPad
	}
	return h
}

func (t *tableSetter) rowHeight(row int) float64 {
	return float64(t.rows[row].slices)*cellLook.leading + 2*cellPad
}

// draw sets slices row by row and each row cell by cell, as it is read.
func (t *tableSetter) draw(p *pdf.Page, y float64, from, to int) {
	for from < to {
		row, end := t.owner[from], from
		height := 0.0
		for end < to && t.owner[end] == row {
			height += t.sliceHeight(row, t.offset[end])
			end++
		}
		t.drawRow(p, y, height, row, t.offset[from], t.offset[end-1]+1, func(e *pdf.Elem, draw func()) { p.Marked(e, draw) })
		y += height
		from = end
	}
}

// drawHead repeats the head as an artifact: whoever listens has heard it.
func (t *tableSetter) drawHead(p *pdf.Page, y float64) {
	t.drawRow(p, y, t.rowHeight(0), 0, 0, t.rows[0].slices, func(_ *pdf.Elem, draw func()) { p.Artifact("Pagination", draw) })
}

func (t *tableSetter) drawRow(p *pdf.Page, y, height float64, row, from, to int, mark func(*pdf.Elem, func())) {
	r := t.rows[row]
	width := 0.0
	for _, w := range t.widths {
		width += w
	}
	p.Artifact("Layout", func() { t.ruleRow(p, y, height, width, r, to == r.slices) })
	if from == 0 {
		y += cellPad
	}
	x := t.left
	for i, lines := range r.cells {
		part := lines[min(from, len(lines)):min(to, len(lines))]
		if len(part) > 0 && !blank(part) {
			mark(r.elems[i], func() { drawLines(p, x+cellPad, y, cellLook, part) })
		}
		x += t.widths[i]
	}
}

func blank(lines []textLine) bool {
	for _, l := range lines {
		if len(l.clusters) > 0 {
			return false
		}
	}
	return true
}

// ruleRow draws the ground of a head and the line below a finished row.
func (t *tableSetter) ruleRow(p *pdf.Page, y, height, width float64, r tableRow, finished bool) {
	if r.head {
		p.Colour(0.94, 0.95, 0.96)
		p.Fill(t.left, y, width, height)
	}
	line, grey := 0.5, 0.45
	if r.head {
		line, grey = 1, 0.13
	}
	p.Colour(grey, grey, grey)
	if finished {
		p.Line(t.left, y+height, t.left+width, y+height, line)
	}
	p.Colour(0, 0, 0)
}
