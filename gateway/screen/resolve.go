// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"cmp"
	"slices"
)

// resolve keeps the best of overlapping candidates: better evidence first, then
// the longer, then the earlier. The result is ordered and never overlaps.
func resolve(cands []candidate) []candidate {
	sortByPlace(cands)
	// A cluster of n candidates keeps at most n, and each is read before it can be
	// overwritten: the result takes the place of what was read.
	kept := cands[:0]
	for from := 0; from < len(cands); {
		to, end := from+1, cands[from].end
		for to < len(cands) && cands[to].start < end {
			end = max(end, cands[to].end)
			to++
		}
		kept = resolveCluster(kept, cands[from:to])
		from = to
	}
	return kept
}

// merge puts what was found later, from index late on, among what was found before.
// Each of the two is usually in order; spare is memory to work in.
func merge(cands []candidate, late int, spare []candidate) (merged, left []candidate) {
	old, fresh := cands[:late], cands[late:]
	merged = slices.Grow(spare[:0], len(cands))
	for len(old) > 0 && len(fresh) > 0 {
		if placedBefore(&fresh[0], &old[0]) {
			merged, fresh = append(merged, fresh[0]), fresh[1:]
		} else {
			merged, old = append(merged, old[0]), old[1:]
		}
	}
	return append(append(merged, old...), fresh...), cands
}

// sortByPlace orders by position, the better first. Recognisers work from left
// to right, so little is out of order; the work for what is more is bounded.
func sortByPlace(cands []candidate) {
	moves := 16 * len(cands)
	for i := 1; i < len(cands); i++ {
		c := cands[i]
		j := i
		for ; j > 0 && placedBefore(&c, &cands[j-1]); j-- {
			cands[j] = cands[j-1]
		}
		cands[j] = c
		if moves -= i - j; moves < 0 {
			slices.SortFunc(cands, byPlace)
			return
		}
	}
}

func placedBefore(a, b *candidate) bool {
	return a.start < b.start || a.start == b.start && better(*a, *b) < 0
}

func byPlace(a, b candidate) int {
	if a.start != b.start {
		return cmp.Compare(a.start, b.start)
	}
	return better(a, b)
}

// better orders by evidence, length, position and kind, best first.
func better(a, b candidate) int {
	switch {
	case a.evidence != b.evidence:
		return cmp.Compare(b.evidence, a.evidence)
	case a.end-a.start != b.end-b.start:
		return cmp.Compare(b.end-b.start, a.end-a.start)
	case a.start != b.start:
		return cmp.Compare(a.start, b.start)
	case a.kind != b.kind:
		return cmp.Compare(a.kind, b.kind)
	}
	return cmp.Compare(a.name, b.name)
}

func resolveCluster(kept, cluster []candidate) []candidate {
	switch len(cluster) {
	case 1:
		return append(kept, cluster[0])
	case 2: // they overlap
		winner, loser := cluster[0], cluster[1]
		if better(winner, loser) > 0 {
			winner, loser = loser, winner
		}
		inherit(&winner, loser)
		return append(kept, winner)
	}
	slices.SortFunc(cluster, better)
	from := len(kept)
	for _, c := range cluster {
		own := kept[from:]
		i, _ := slices.BinarySearchFunc(own, c, func(a, b candidate) int { return cmp.Compare(a.start, b.start) })
		if i > 0 && own[i-1].end > c.start {
			inherit(&own[i-1], c)
			continue
		}
		if i < len(own) && own[i].start < c.end {
			inherit(&own[i], c)
			continue
		}
		kept = slices.Insert(kept, from+i, c)
	}
	return kept
}

// inherit lets a winner take over that the case knows the very same place.
func inherit(winner *candidate, loser candidate) {
	if loser.known && loser.start == winner.start && loser.end == winner.end {
		winner.known = true
	}
}
