// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"fmt"
	"strings"
	"time"
)

// curve is p50 and p95 by day as two lines.
type curve struct {
	Width, Height      int
	Left, Bottom       int
	Half, Ninetieth    string // points of a polyline
	HalfY, NinetiethY  int    // where the lines end, for their labels
	Lines              []timeLine
	First, Last        string
	Dots               []dot
	LabelX, LastX, Mid int
}

type timeLine struct {
	Y    int
	Text string
}

type dot struct{ X, Y int }

const (
	curveWidth  = 560
	curveHeight = 220
	curveLeft   = 44
	curveRight  = 44
	curveTop    = 12
	curveBottom = 190
)

// drawTimes leaves out days without answers: the line goes on from one to the next.
func drawTimes(days []DayTimes, zone *time.Location) curve {
	c := curve{Width: curveWidth, Height: curveHeight, Left: curveLeft, Bottom: curveBottom, LabelX: curveWidth - curveRight + 6, LastX: curveWidth - curveRight}
	var with []DayTimes
	var most time.Duration
	for _, d := range days {
		if d.Count > 0 {
			with = append(with, d)
			most = max(most, d.Ninetieth)
		}
	}
	if len(with) == 0 {
		return c
	}
	top := niceTime(most)
	first, span := days[0].Day, max(days[len(days)-1].Day.Sub(days[0].Day), 24*time.Hour)
	x := func(d DayTimes) int {
		return curveLeft + int(int64(curveWidth-curveLeft-curveRight)*int64(d.Day.Sub(first)/time.Minute)/int64(span/time.Minute))
	}
	y := func(d time.Duration) int {
		return curveBottom - int(int64(curveBottom-curveTop)*int64(d/time.Microsecond)/int64(top/time.Microsecond))
	}
	var half, ninetieth []string
	for _, d := range with {
		half = append(half, fmt.Sprintf("%d,%d", x(d), y(d.Half)))
		ninetieth = append(ninetieth, fmt.Sprintf("%d,%d", x(d), y(d.Ninetieth)))
		c.Dots = append(c.Dots, dot{x(d), y(d.Ninetieth)}, dot{x(d), y(d.Half)})
		c.HalfY, c.NinetiethY, c.LabelX = y(d.Half)+4, y(d.Ninetieth)+4, x(d)+8
	}
	if c.HalfY-c.NinetiethY < 14 { // labels do not lie on one another
		c.NinetiethY = c.HalfY - 14
	}
	c.Half, c.Ninetieth = strings.Join(half, " "), strings.Join(ninetieth, " ")
	for i := range 4 {
		at := top * time.Duration(i) / 3
		c.Lines = append(c.Lines, timeLine{y(at), seconds(at)})
	}
	c.Lines[0].Text = "0"
	c.First, c.Last = days[0].Day.In(zone).Format("2.1."), days[len(days)-1].Day.In(zone).Format("2.1.")
	return c
}

// niceTime is the next 3, 6 or 12 times a power of ten.
func niceTime(d time.Duration) time.Duration {
	for step := int64(100 * time.Microsecond); ; step *= 10 {
		for _, f := range []int64{3, 6, 12} {
			if f*step >= int64(d) {
				return time.Duration(f * step)
			}
		}
	}
}

// budgetLine is a budget with its bar.
type budgetLine struct {
	Budget
	Used, Most money
	Width      int
	Kind       string
}

func lineOf(b Budget) budgetLine {
	kind := "ok"
	switch {
	case b.Percent >= 100:
		kind = "over"
	case b.Percent >= 80:
		kind = "near"
	}
	return budgetLine{Budget: b, Used: money(b.Used), Most: money(b.Most), Width: min(b.Percent, 100) * barWhole / 100, Kind: kind}
}
