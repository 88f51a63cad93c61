// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"fmt"
	"strconv"
	"strings"
)

// maxParagraphs bounds a range in the table; the longest § of federal law has
// a few dozen Absätze.
const maxParagraphs = 300

// compactLabels writes labels as "1-3,3a,4"; a repealed one has a "~".
func compactLabels(labels, repealed []string) string {
	var parts []string
	for i := 0; i < len(labels); {
		end := i
		for end+1 < len(labels) && follows(labels[end], labels[end+1]) {
			end++
		}
		if end > i {
			parts = append(parts, labels[i]+"-"+labels[end])
		} else {
			parts = append(parts, labels[i])
		}
		i = end + 1
	}
	for _, label := range repealed {
		parts = append(parts, "~"+label)
	}
	return strings.Join(parts, ",")
}

func follows(a, b string) bool {
	x, errA := strconv.Atoi(a)
	y, errB := strconv.Atoi(b)
	return errA == nil && errB == nil && y == x+1
}

// expandLabels reads what compactLabels writes.
func expandLabels(s string) (labels, repealed []string, err error) {
	if s == "" {
		return nil, nil, nil
	}
	for part := range strings.SplitSeq(s, ",") {
		switch {
		case strings.HasPrefix(part, "~"):
			repealed = append(repealed, part[1:])
		case strings.Contains(part, "-"):
			from, to, _ := strings.Cut(part, "-")
			a, errA := strconv.Atoi(from)
			b, errB := strconv.Atoi(to)
			if errA != nil || errB != nil || a < 1 || b < a || b > maxParagraphs {
				return nil, nil, fmt.Errorf("range of Absätze %q", part)
			}
			for n := a; n <= b; n++ {
				labels = append(labels, strconv.Itoa(n))
			}
		case isLabel(part):
			labels = append(labels, part)
		default:
			return nil, nil, fmt.Errorf("label of an Absatz %q", part)
		}
	}
	return labels, repealed, nil
}

// isLabel says whether s is a number with at most two small letters ("4", "1b").
func isLabel(s string) bool {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 || i > 3 || len(s)-i > 2 {
		return false
	}
	for ; i < len(s); i++ {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return true
}

// paragraphLabels reads the Absätze of a § from its paragraphs: those that start
// with "(1)", "(1a)". "(3) und (4) (weggefallen)" and "(2) bis (6) (…)" are
// repealed, as is "(1) (weggefallen)".
func paragraphLabels(paragraphs []string) (labels, repealed []string) {
	for _, p := range paragraphs {
		label, rest, ok := cutLabel(p)
		if !ok {
			continue
		}
		last, tail, several := cutFurtherLabel(rest)
		gone := strings.HasPrefix(strings.ToLower(strings.TrimLeft(tail, " \n([-–")), "weggefallen") || several
		if !gone {
			labels = append(labels, label)
			continue
		}
		repealed = append(repealed, label)
		a, errA := strconv.Atoi(label)
		b, errB := strconv.Atoi(last)
		if several && errA == nil && errB == nil {
			for n := a + 1; n <= b && n-a < maxParagraphs; n++ {
				repealed = append(repealed, strconv.Itoa(n))
			}
		}
	}
	return labels, repealed
}

// cutLabel splits "(1a) Text" into "1a" and " Text".
func cutLabel(p string) (label, rest string, ok bool) {
	p = strings.TrimLeft(p, " \t\n\u00a0")
	if !strings.HasPrefix(p, "(") {
		return "", "", false
	}
	end := strings.IndexByte(p, ')')
	if end < 0 || !isLabel(p[1:end]) {
		return "", "", false
	}
	return p[1:end], p[end+1:], true
}

// cutFurtherLabel reads " und (4) …", " u. (6) …", " bis (5) …", ", (4) …".
func cutFurtherLabel(rest string) (last, tail string, ok bool) {
	tail = rest
	for {
		t := strings.TrimLeft(tail, " \n\u00a0")
		joined := false
		for _, word := range []string{"und", "u.", "bis", ",", "–", "-"} {
			if after, found := strings.CutPrefix(t, word); found {
				if label, next, isOne := cutLabel(after); isOne {
					last, tail, joined, ok = label, next, true, true
				}
				break
			}
		}
		if !joined {
			return last, tail, ok
		}
	}
}
