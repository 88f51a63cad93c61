// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"slices"
	"unicode"

	"golang.org/x/text/unicode/bidi"
	"golang.org/x/text/unicode/norm"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/pdf"
	"github.com/ki-schleuse/schleuse/gateway/document/internal/truetype"
)

// cluster is what may not be torn apart: a character with its marks.
type cluster struct {
	glyphs []pdf.Glyph
	font   *pdf.Font
	// width in thousandths of the size.
	width float64
	char  rune
	// after allows a line break behind it.
	after bool
	// feed ends the line.
	feed bool
}

// textLine is one set line; width leaves blanks at its end out.
type textLine struct {
	clusters []cluster
	width    float64
}

// shape turns a text of one font into clusters.
func shape(font *pdf.Font, s string) []cluster {
	out := make([]cluster, 0, len(s))
	for _, r := range s {
		switch {
		case r == '\u200c' || r == '\u200d':
		case r == '\n':
			c := newCluster(font, ' ') // whoever copies or listens needs a blank between the lines
			c.feed = true
			out = append(out, c)
		case unicode.Is(unicode.Mn, r) && len(out) > 0 && addMark(&out[len(out)-1], r):
		default:
			out = append(out, newCluster(font, r))
		}
	}
	kern(out)
	return out
}

func newCluster(font *pdf.Font, r rune) cluster {
	if id, ok := font.ID(r); ok {
		g, _ := font.Face().Glyph(r)
		return cluster{font: font, char: r, width: font.Width(g), glyphs: []pdf.Glyph{{ID: id}}}
	}
	// No glyph: a box is shown, and the character itself is what readers get.
	for _, box := range []rune{'\uFFFD', '□', '?'} {
		if id, ok := font.ID(box); ok {
			g, _ := font.Face().Glyph(box)
			return cluster{font: font, char: r, width: font.Width(g), glyphs: []pdf.Glyph{{ID: id, Actual: string(r)}}}
		}
	}
	return cluster{font: font, char: r}
}

// addMark puts a combining mark above or below the cluster, clear of what stands
// there already.
func addMark(c *cluster, r rune) bool {
	face := c.font.Face()
	g, ok := face.Glyph(r)
	base, hasBase := face.Glyph(c.char)
	if !ok || !hasBase || len(c.glyphs) > 8 {
		return false
	}
	box, drawn := face.GlyphBox(g)
	under, solid := face.GlyphBox(base)
	if !drawn || !solid {
		return false
	}
	id, _ := c.font.ID(r)
	scale := 1000 / float64(face.UnitsPerEm)
	glyph := pdf.Glyph{ID: id, Kern: -c.font.Width(g)}
	glyph.DX = (float64(under.XMin+under.XMax)/2-float64(box.XMin+box.XMax)/2)*scale - c.width
	glyph.DY = markShift(c, face, r, under, box) * scale
	c.glyphs = append(c.glyphs, glyph)
	return true
}

// markShift is how far a mark moves up or down from where the font has it.
func markShift(c *cluster, face *truetype.Font, r rune, base, mark truetype.Box) float64 {
	gap := face.UnitsPerEm / 30
	scale := float64(face.UnitsPerEm) / 1000
	stacked := 0.0
	if last := c.glyphs[len(c.glyphs)-1]; len(c.glyphs) > 1 {
		stacked = last.DY * scale
	}
	switch class := norm.NFD.PropertiesString(string(r)).CCC(); {
	case class >= 228 && class <= 232:
		top := base.YMax
		if len(c.glyphs) > 1 && stacked >= 0 {
			return max(stacked, float64(top+gap-mark.YMin)) + float64(mark.YMax-mark.YMin+gap/2)
		}
		return max(0, float64(top+gap-mark.YMin))
	case class >= 218 && class <= 222:
		return min(0, float64(base.YMin-gap-mark.YMax))
	}
	return 0
}

// kern moves neighbours of one font together as the font says.
func kern(cs []cluster) {
	for i := 1; i < len(cs); i++ {
		a, b := &cs[i-1], &cs[i]
		if len(a.glyphs) != 1 || len(b.glyphs) == 0 || a.font != b.font || a.glyphs[0].Actual != "" {
			continue
		}
		ga, okA := a.font.Face().Glyph(a.char)
		gb, okB := b.font.Face().Glyph(b.char)
		if okA && okB {
			k := float64(a.font.Face().Kern(ga, gb)) * 1000 / float64(a.font.Face().UnitsPerEm)
			a.glyphs[0].Kern, a.width = k, a.width+k
		}
	}
}

// markBreaks finds where a line may end: behind a blank, behind a hyphen or slash
// between letters.
func markBreaks(cs []cluster) {
	for i := range cs {
		switch cs[i].char {
		case ' ':
			cs[i].after = true
		case '-', '/', '\u2010':
			cs[i].after = i > 0 && i+1 < len(cs) && unicode.IsLetter(cs[i-1].char) && unicode.IsLetter(cs[i+1].char)
		}
	}
}

// breakLines sets clusters into lines of at most width thousandths. A word that is
// wider than a line is cut where it must be.
func breakLines(cs []cluster, width float64) []textLine {
	markBreaks(cs)
	var out []textLine
	start, stop, used := 0, 0, 0.0
	for i := 0; i < len(cs); i++ {
		if cs[i].feed {
			out = append(out, newLine(cs[start:i+1]))
			start, stop, used = i+1, i+1, 0
			continue
		}
		if used+cs[i].width > width && cs[i].char != ' ' && i > start {
			if stop <= start {
				stop = i
			}
			out = append(out, newLine(cs[start:stop]))
			start, used = stop, 0
			i, stop = start-1, start
			continue
		}
		used += cs[i].width
		if cs[i].after {
			stop = i + 1
		}
	}
	if start < len(cs) || len(out) == 0 {
		out = append(out, newLine(cs[start:]))
	}
	return out
}

func newLine(cs []cluster) textLine {
	l := textLine{clusters: cs}
	end := len(cs)
	for end > 0 && cs[end-1].char == ' ' {
		end--
	}
	for _, c := range cs[:end] {
		l.width += c.width
	}
	if slices.ContainsFunc(cs, func(c cluster) bool { return rightToLeft(c.char) }) {
		l.clusters = visual(cs)
	}
	return l
}

func rightToLeft(r rune) bool {
	if r < 0x590 {
		return false
	}
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.R || p.Class() == bidi.AL
}

// visual returns the clusters in the order they are seen: stretches of letters that
// run from right to left are turned around, numbers inside them are not.
func visual(cs []cluster) []cluster {
	out := slices.Clone(cs)
	for i := 0; i < len(out); i++ {
		if !rightToLeft(out[i].char) {
			continue
		}
		end := i + 1
		for j := i + 1; j < len(out) && !leftToRight(out[j].char); j++ {
			if rightToLeft(out[j].char) {
				end = j + 1
			}
		}
		slices.Reverse(out[i:end])
		turnNumbers(out[i:end])
		i = end
	}
	return out
}

func leftToRight(r rune) bool {
	p, _ := bidi.LookupRune(r)
	return p.Class() == bidi.L
}

func turnNumbers(cs []cluster) {
	for i := 0; i < len(cs); i++ {
		j := i
		for j < len(cs) && unicode.IsDigit(cs[j].char) {
			j++
		}
		slices.Reverse(cs[i:j])
		i = max(i, j)
	}
}

// drawLine sets one line from x on; y is its base line.
func drawLine(p *pdf.Page, x, y, size float64, l textLine) {
	for from := 0; from < len(l.clusters); {
		font, to, width := l.clusters[from].font, from, 0.0
		var glyphs []pdf.Glyph
		for to < len(l.clusters) && l.clusters[to].font == font {
			glyphs = append(glyphs, l.clusters[to].glyphs...)
			width += l.clusters[to].width
			to++
		}
		p.Text(x, y, size, font, glyphs)
		x += width * size / 1000
		from = to
	}
}
