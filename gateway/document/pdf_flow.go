// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import "github.com/ki-schleuse/schleuse/gateway/document/internal/pdf"

// flowRow is the smallest thing a page break does not cut: a line of text, a slice
// of a table row.
type flowRow struct {
	height float64
	// keep forbids a page break behind it.
	keep bool
}

// flowBlock is a block set to lines, not yet to pages.
type flowBlock struct {
	// before and after are blank; between two blocks the greater one counts.
	before, after float64
	rows          []flowRow
	// head is the height of what is repeated on top of the next page, drawn by
	// drawHead.
	head     float64
	drawHead func(p *pdf.Page, y float64)
	// draw sets the rows from..to-1 at y. It is called once per page.
	draw func(p *pdf.Page, y float64, from, to int)
}

// place is a part of a block on a page.
type place struct {
	page     int
	y        float64
	block    *flowBlock
	from, to int
	headY    float64
	head     bool
}

// column is where the text of a page stands.
type column struct{ top, bottom float64 }

// flow distributes blocks over pages; columnOf gives the column of the page with
// that index. The number of pages comes back.
func flow(blocks []*flowBlock, columnOf func(page int) column) ([]place, int) {
	f := flower{blocks: blocks, columnOf: columnOf}
	at := cursor{}
	page := 0
	for ; page == 0 || at.block < len(blocks); page++ {
		at = f.fillPage(page, at)
	}
	return f.places, page
}

// cursor is a row of a block.
type cursor struct{ block, row int }

type flower struct {
	blocks   []*flowBlock
	columnOf func(int) column
	places   []place
}

// fillPage sets rows from at on and returns the first one for the next page.
func (f *flower) fillPage(page int, at cursor) cursor {
	col := f.columnOf(page)
	end := f.pageEnd(col, at)
	y := col.top
	for b := at.block; b < len(f.blocks); b++ {
		from, to := 0, len(f.blocks[b].rows)
		if b == at.block {
			from = at.row
		}
		if b == end.block {
			to = end.row
		}
		if b > end.block || from >= to {
			if b >= end.block {
				break
			}
			continue
		}
		y = f.put(page, y, b, from, to, b == at.block)
	}
	return end
}

// put places rows of one block and returns where they end.
func (f *flower) put(page int, y float64, b, from, to int, first bool) float64 {
	block := f.blocks[b]
	p := place{page: page, block: block, from: from, to: to}
	if from == 0 && !first {
		y += f.gap(b)
	}
	if from > 0 && block.head > 0 {
		p.head, p.headY = true, y
		y += block.head
	}
	p.y = y
	for _, r := range block.rows[from:to] {
		y += r.height
	}
	f.places = append(f.places, p)
	return y
}

// gap is the blank between a block and the one before it.
func (f *flower) gap(b int) float64 {
	if b == 0 {
		return 0
	}
	return max(f.blocks[b-1].after, f.blocks[b].before)
}

// pageEnd finds the last allowed break before the column is full; where there is
// none, the page ends with the row that still fits, and has at least one.
func (f *flower) pageEnd(col column, at cursor) cursor {
	y := col.top
	allowed := at
	if at.block < len(f.blocks) && at.row > 0 {
		y += f.blocks[at.block].head
	}
	for b := at.block; b < len(f.blocks); b++ {
		from := 0
		if b == at.block {
			from = at.row
		} else {
			y += f.gap(b)
		}
		for r := from; r < len(f.blocks[b].rows); r++ {
			row := f.blocks[b].rows[r]
			here := cursor{b, r}
			if y+row.height > col.bottom && here != at {
				if allowed != at {
					return allowed
				}
				return here
			}
			y += row.height
			if !row.keep {
				allowed = f.next(here)
			}
		}
	}
	return cursor{len(f.blocks), 0}
}

func (f *flower) next(c cursor) cursor {
	if c.row+1 < len(f.blocks[c.block].rows) {
		return cursor{c.block, c.row + 1}
	}
	return cursor{c.block + 1, 0}
}
