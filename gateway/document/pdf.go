// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"fmt"
	"io"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/pdf"
)

// WritePDF writes the letter as tagged PDF with the marks of PDF/UA-1 and PDF/A-2a,
// or PDF/A-3a when it carries an attachment.
func WritePDF(w io.Writer, l Letter) error {
	l, err := prepare(l)
	if err != nil {
		return err
	}
	f, err := loadFaces()
	if err != nil {
		return err
	}
	file := pdf.New()
	file.Title, file.Author, file.Lang, file.Created = l.Title, l.Author, l.Lang, l.Created
	if a := l.Attachment; a != nil {
		file.Attachment = &pdf.Attachment{Name: a.Name, MediaType: a.MediaType, Description: a.Description, Data: a.Data}
	}
	s := &sheetSetter{letter: l, file: file, setter: setter{
		regular: file.AddFont("LiberationSans", f.regular),
		bold:    file.AddFont("LiberationSans-Bold", f.bold),
		italic:  file.AddFont("LiberationSans-Italic", f.italic),
		left:    sheet.left * mm, width: (sheet.width - sheet.left - sheet.right) * mm,
		parent: file.Root(),
	}}
	s.set()
	return file.Write(w)
}

// sheetSetter sets the whole letter: the fixed places of DIN 5008, then the text.
type sheetSetter struct {
	setter
	letter Letter
	file   *pdf.File
	// fixed draws what has its place on the first page.
	fixed []func(p *pdf.Page)
	foot  []*pdf.Elem
}

// set goes through the letter in reading order: the structure grows in the order the
// elements are added, the pages are drawn afterwards.
func (s *sheetSetter) set() {
	s.letterhead()
	s.draftNotice()
	s.address()
	bottomOfInfo := s.info()
	s.subject(s.letter.Subject)
	for _, b := range s.letter.Body {
		s.block(b)
	}
	for range s.letter.Footer {
		s.foot = append(s.foot, s.parent.Add("P"))
	}
	first := column{top: max(sheet.subjectTop*mm, bottomOfInfo+8.46*mm), bottom: s.footTop() - 9*mm}
	next := column{top: 26 * mm, bottom: first.bottom}
	places, total := flow(s.blocks, func(page int) column {
		if page == 0 {
			return first
		}
		return next
	})
	s.draw(places, total)
}

func (s *sheetSetter) draw(places []place, total int) {
	for i := range total {
		p := s.file.AddPage(sheet.width*mm, sheet.height*mm)
		s.watermark(p)
		if i == 0 {
			s.marks(p)
			for _, draw := range s.fixed {
				draw(p)
			}
		} else {
			p.Artifact("Pagination", func() { s.running(p) })
		}
		for len(places) > 0 && places[0].page == i {
			drawPlace(p, places[0])
			places = places[1:]
		}
		s.footer(p, i, total)
	}
}

func drawPlace(p *pdf.Page, at place) {
	if at.head {
		at.block.drawHead(p, at.headY)
	}
	at.block.draw(p, at.y, at.from, at.to)
}

// boxLine is a line of a fixed box with its own look and element.
type boxLine struct {
	text string
	look look
	elem *pdf.Elem
}

// fit sets lines into a box, smaller when they are too many or too long for it, and
// returns them with their height.
func (s *setter) fit(in []boxLine, width, height float64) (set [][]textLine, looks []look, total float64) {
	for scale := 1.0; ; scale *= 0.94 {
		set, looks, total = nil, nil, 0
		for _, l := range in {
			k := look{size: l.look.size * scale, leading: l.look.leading * scale, bold: l.look.bold}
			lines := s.lines([]Run{{Text: l.text}}, k, width)
			set, looks = append(set, lines), append(looks, k)
			total += float64(len(lines)) * k.leading
		}
		if total <= height+0.01 || scale < 0.3 {
			return set, looks, total
		}
	}
}

// box draws fitted lines into the first page; bottom lets them stand on its ground.
func (s *sheetSetter) box(in []boxLine, x, y, width, height float64, bottom bool) {
	set, looks, total := s.fit(in, width, height)
	if bottom {
		y += height - total
	}
	s.fixed = append(s.fixed, func(p *pdf.Page) {
		at := y
		for i, lines := range set {
			p.Marked(in[i].elem, func() { drawLines(p, x, at, looks[i], lines) })
			at += float64(len(lines)) * looks[i].leading
		}
	})
}

func (s *sheetSetter) letterhead() {
	var in []boxLine
	add := func(text string, k look) {
		if text != "" {
			in = append(in, boxLine{text, k, s.parent.Add("P")})
		}
	}
	add(s.letter.Letterhead.Authority, look{size: 15, leading: 19, bold: true})
	add(s.letter.Letterhead.Department, look{size: 10, leading: 13.5, bold: true})
	for _, line := range s.letter.Letterhead.Lines {
		add(line, look{size: 9, leading: 11.5})
	}
	s.box(in, s.left, sheet.headTop*mm, s.width, (sheet.addressTop-sheet.headTop-4)*mm, false)
}

func (s *sheetSetter) draftNotice() {
	if !s.letter.Draft {
		return
	}
	e, k := s.parent.Add("P"), look{size: 10, leading: 13, bold: true}
	line := s.lines([]Run{{Text: DraftNotice}}, k, s.width)[0]
	width := line.width * k.size / 1000
	x, y := sheet.infoLeft*mm+2*mm, 37.5*mm
	s.fixed = append(s.fixed, func(p *pdf.Page) {
		p.Artifact("Layout", func() {
			p.Colour(0.63, 0.06, 0.06)
			for _, at := range []float64{y - 1.2*mm, y + k.leading + 1.2*mm} {
				p.Line(x-2*mm, at, x+width+2*mm, at, 1)
			}
			for _, at := range []float64{x - 2*mm, x + width + 2*mm} {
				p.Line(at, y-1.2*mm-0.5, at, y+k.leading+1.2*mm+0.5, 1)
			}
		})
		p.Marked(e, func() { drawLines(p, x, y, k, []textLine{line}) })
		p.Artifact("Layout", func() { p.Colour(0, 0, 0) })
	})
}

func (s *sheetSetter) address() {
	x, width := (sheet.addressLeft+5)*mm, (sheet.addressWidth-5)*mm
	if s.letter.ReturnLine != "" {
		k := look{size: 8, leading: 9.5}
		for k.size > 6 && len(s.lines([]Run{{Text: s.letter.ReturnLine}}, k, width)) > 1 {
			k.size -= 0.25
		}
		in := []boxLine{{s.letter.ReturnLine, k, s.parent.Add("P")}}
		s.box(in, x, sheet.addressTop*mm, width, (sheet.recipientTop-sheet.addressTop-1)*mm, true)
	}
	var in []boxLine
	for _, line := range s.letter.Recipient {
		in = append(in, boxLine{line, look{size: 11, leading: 4.55 * mm}, s.parent.Add("P")})
	}
	s.box(in, x, sheet.recipientTop*mm, width, 27.3*mm, false)
}

// info sets the reference block as a table whose labels head the rows, and returns
// where it ends.
func (s *sheetSetter) info() float64 {
	y := sheet.infoTop * mm
	if len(s.letter.Info) == 0 {
		return y
	}
	k := look{size: 9, leading: 12}
	x, label1, value1 := sheet.infoLeft*mm, 31*mm, 44*mm
	table := s.parent.Add("Table")
	for _, pair := range s.letter.Info {
		tr := table.Add("TR")
		th, td := tr.Add("TH").Scope("Row"), tr.Add("TD")
		left := s.lines([]Run{{Text: label(pair.Label)}}, k, label1-2*mm)
		right := s.lines([]Run{{Text: pair.Value}}, k, value1)
		at := y
		s.fixed = append(s.fixed, func(p *pdf.Page) {
			p.Marked(th, func() { drawLines(p, x, at, k, left) })
			p.Marked(td, func() { drawLines(p, x+label1, at, k, right) })
		})
		y += float64(max(len(left), len(right))) * k.leading
	}
	return y
}

// marks draws fold and hole marks.
func (s *sheetSetter) marks(p *pdf.Page) {
	p.Artifact("Layout", func() {
		p.Colour(0.4, 0.4, 0.4)
		for _, m := range sheet.marks {
			p.Line(5*mm, m.y*mm, (5+m.length)*mm, m.y*mm, 0.35)
		}
		p.Colour(0, 0, 0)
	})
}

func (s *sheetSetter) watermark(p *pdf.Page) {
	if !s.letter.Draft {
		return
	}
	line := s.lines([]Run{{Text: "ENTWURF", Strong: true}}, look{size: 100}, 10*s.width)[0]
	var glyphs []pdf.Glyph
	for _, c := range line.clusters {
		glyphs = append(glyphs, c.glyphs...)
	}
	p.Artifact("Background", func() {
		p.Colour(0.93, 0.93, 0.93)
		p.Slanted(48*mm, 222*mm, 100, 50, s.bold, glyphs)
		p.Colour(0, 0, 0)
	})
}

// running is the head of the following pages.
func (s *sheetSetter) running(p *pdf.Page) {
	runs := []Run{{Text: s.letter.Running}}
	if s.letter.Draft {
		runs = []Run{{Text: DraftNotice, Strong: true}, {Text: " · " + s.letter.Running}}
	}
	k := look{size: 9, leading: 12}
	lines := s.lines(runs, k, s.width)
	p.Colour(0.2, 0.2, 0.2)
	drawLines(p, s.left, 12*mm, k, lines[:1])
	p.Colour(0.45, 0.45, 0.45)
	p.Line(s.left, 17.5*mm, s.left+s.width, 17.5*mm, 0.5)
	p.Colour(0, 0, 0)
}

const footLeading = 3.6 * mm

// footTop is where the lines at the foot of the page begin.
func (s *sheetSetter) footTop() float64 {
	return (sheet.height-10)*mm - float64(len(s.letter.Footer))*footLeading
}

// footer sets page number and footer lines. The lines are content on the first page
// and artifacts on the others, where they say nothing new.
func (s *sheetSetter) footer(p *pdf.Page, page, total int) {
	top := s.footTop()
	k := look{size: 9, leading: 12}
	number := s.lines([]Run{{Text: fmt.Sprintf("Seite%s%d von%s%d", bound, page+1, bound, total)}}, k, s.width)
	p.Artifact("Pagination", func() {
		drawLines(p, s.left+s.width-number[0].width*k.size/1000, top-6.5*mm, k, number[:1])
		if len(s.letter.Footer) > 0 {
			p.Colour(0.45, 0.45, 0.45)
			p.Line(s.left, top-1.2*mm, s.left+s.width, top-1.2*mm, 0.5)
		}
		p.Colour(0.2, 0.2, 0.2)
	})
	for i, line := range s.letter.Footer {
		set, looks, _ := s.fit([]boxLine{{line, look{size: 8, leading: footLeading}, nil}}, s.width, footLeading)
		draw := func() { drawLines(p, s.left, top+float64(i)*footLeading, looks[0], set[0]) }
		if page == 0 {
			p.Marked(s.foot[i], draw)
			continue
		}
		p.Artifact("Pagination", draw)
	}
	p.Artifact("Pagination", func() { p.Colour(0, 0, 0) })
}
