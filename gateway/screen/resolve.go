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
	slices.SortFunc(cands, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.start, b.start), better(a, b))
	})
	kept := make([]candidate, 0, len(cands))
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

// better orders by evidence, length, position and kind, best first.
func better(a, b candidate) int {
	return cmp.Or(
		-cmp.Compare(a.evidence, b.evidence),
		-cmp.Compare(a.end-a.start, b.end-b.start),
		cmp.Compare(a.start, b.start),
		cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.name, b.name),
	)
}

func resolveCluster(kept, cluster []candidate) []candidate {
	if len(cluster) == 1 {
		return append(kept, cluster[0])
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
