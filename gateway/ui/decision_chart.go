// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// chart is the volume by hour, day or month as a drawing of rectangles. Each bar
// leads to its own time.
type chart struct {
	Bars          []bar
	Width, Height int
	Lines         []gridLine
	Bottom        int
}

type bar struct {
	X, Width int
	// Parts lie on one another, the first one at the bottom.
	Parts                            []barPart
	Allowed, Duties, Release, Denied int
	// Label stands below, When in the table of values.
	Label, When string
	// Address is the list of this time alone.
	Address string
	TextX   int
}

// barPart is one colour of a bar.
type barPart struct {
	Class     string
	Y, Height int
}

// Any says that there is something in this time.
func (b *bar) Any() bool { return len(b.Parts) > 0 }

// stack lays the parts on one another.
func (b *bar) stack(scale int) {
	y := chartHeight
	for _, p := range []struct {
		class string
		n     int
	}{{"allowed", b.Allowed}, {"duties", b.Duties}, {"release", b.Release}, {"denied", b.Denied}} {
		if p.n == 0 {
			continue
		}
		height := barHeight(p.n, scale)
		y -= height
		b.Parts = append(b.Parts, barPart{p.class, y, height})
	}
}

type gridLine struct {
	Y     int
	Label int
}

const (
	chartWidth  = 1044
	chartHeight = 96
	chartLeft   = 36
)

// volume draws the bars of a filter.
func (u *UI) volume(bars []audit.Bar, f listFilter) chart {
	c := chart{Width: chartWidth, Height: chartHeight + 22, Bottom: chartHeight + 16}
	if len(bars) == 0 {
		return c
	}
	top := 0
	for _, b := range bars {
		top = max(top, b.Allowed+b.Denied)
	}
	scale := niceTop(top)
	step := (chartWidth - chartLeft) / len(bars)
	every := max(1, (36+step-1)/step) // a label needs 36 units
	for i, b := range bars {
		one := bar{X: chartLeft + i*step, Width: max(1, step-max(1, min(10, step/4))), Allowed: b.Allowed - b.Duties - b.Release, Duties: b.Duties, Release: b.Release, Denied: b.Denied}
		one.stack(scale)
		one.TextX = one.X + one.Width/2
		label, when := u.barText(b)
		one.When = when
		if i%every == 0 {
			one.Label = label
		}
		narrow := f
		narrow.Period, narrow.cursor = "", ""
		narrow.From, narrow.To = b.Start.UTC().Format(time.RFC3339), b.End.UTC().Format(time.RFC3339)
		one.Address = narrow.address("")
		c.Bars = append(c.Bars, one)
	}
	c.Lines = []gridLine{{Y: 4, Label: scale}, {Y: 4 + (chartHeight-4)/2, Label: scale / 2}, {Y: chartHeight, Label: 0}}
	return c
}

// barText names an hour, a day or a month.
func (u *UI) barText(b audit.Bar) (label, when string) {
	start := b.Start.In(u.zone)
	switch width := b.End.Sub(b.Start); {
	case width > 5*24*time.Hour:
		return start.Format("01/06"), start.Format("01.2006")
	case width > 5*time.Hour:
		return start.Format("02.01."), start.Format("02.01.2006")
	default:
		return start.Format("15"), start.Format("02.01.2006, 15:04")
	}
}

// barHeight gives every count at least a visible line.
func barHeight(n, scale int) int {
	if n == 0 {
		return 0
	}
	return max(2, n*(chartHeight-4)/scale)
}

// niceTop is the next even round number: 2, 4, 10, 20, 40, 100 …
func niceTop(n int) int {
	for step := 1; ; step *= 10 {
		for _, f := range []int{2, 4, 10} {
			if top := f * step; n <= top {
				return top
			}
		}
	}
}
