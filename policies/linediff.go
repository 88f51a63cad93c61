// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"slices"
	"strings"
)

// Line is a line of a difference: " " in both, "-" only in the old one, "+" only
// in the new one. Old and New are line numbers from 1, 0 where there is none. An
// Op of "…" stands for lines that are left out.
type Line struct {
	Op   string `json:"op"`
	Old  int    `json:"old,omitempty"`
	New  int    `json:"new,omitempty"`
	Text string `json:"text"`
}

// around is how many unchanged lines are shown beside a change, maxCells bounds
// the table of the comparison.
const (
	around   = 3
	maxCells = 4_000_000
)

// lineDiff compares two texts by lines.
func lineDiff(a, b string) []Line {
	return shorten(allLines(splitLines(a), splitLines(b)))
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// allLines sets the common beginning and end aside and aligns the middle by its
// longest common part.
func allLines(a, b []string) []Line {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out []Line
	for i := range start {
		out = append(out, Line{" ", i + 1, i + 1, a[i]})
	}
	out = append(out, middle(a[start:len(a)-end], b[start:len(b)-end], start)...)
	for i := range end {
		x, y := len(a)-end+i, len(b)-end+i
		out = append(out, Line{" ", x + 1, y + 1, a[x]})
	}
	return out
}

func middle(a, b []string, offset int) []Line {
	if len(a)*len(b) > maxCells {
		return replaced(a, b, offset)
	}
	// common[i][j] is the length of the longest common part of a[i:] and b[j:].
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i, line := range slices.Backward(a) {
		for j, other := range slices.Backward(b) {
			if line == other {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []Line
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{" ", offset + i + 1, offset + j + 1, a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, Line{"-", offset + i + 1, 0, a[i]})
			i++
		default:
			out = append(out, Line{"+", 0, offset + j + 1, b[j]})
			j++
		}
	}
	return out
}

// replaced shows all lines as changed: there are too many to align them.
func replaced(a, b []string, offset int) []Line {
	out := make([]Line, 0, len(a)+len(b))
	for i, text := range a {
		out = append(out, Line{"-", offset + i + 1, 0, text})
	}
	for i, text := range b {
		out = append(out, Line{"+", 0, offset + i + 1, text})
	}
	return out
}

// shorten leaves out what is unchanged and not near a change.
func shorten(lines []Line) []Line {
	near := make([]bool, len(lines))
	for i, l := range lines {
		if l.Op == " " {
			continue
		}
		for j := max(0, i-around); j <= min(len(lines)-1, i+around); j++ {
			near[j] = true
		}
	}
	var out []Line
	for i, l := range lines {
		switch {
		case near[i]:
			out = append(out, l)
		case len(out) > 0 && out[len(out)-1].Op != "…":
			out = append(out, Line{Op: "…"})
		}
	}
	if n := len(out); n > 0 && out[n-1].Op == "…" {
		out = out[:n-1]
	}
	return out
}
