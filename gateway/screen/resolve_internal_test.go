// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func randomCandidates(r *rand.Rand, n int) []candidate {
	out := make([]candidate, n)
	for i := range out {
		start := r.Int32N(200)
		out[i] = candidate{
			start: start, end: start + 1 + r.Int32N(12), kind: kindID(1 + r.IntN(3)),
			evidence: evidence(1 + r.IntN(5)), known: r.IntN(3) == 0, name: int32(i),
		}
	}
	return out
}

// plainResolve is resolve in the plainest words: the best first, and each after it
// that overlaps none before.
func plainResolve(cands []candidate) []candidate {
	var kept []candidate
	for _, c := range slices.SortedFunc(slices.Values(cands), better) {
		over := -1
		for i, k := range kept {
			if k.start < c.end && c.start < k.end && (over < 0 || k.start < c.start) {
				over = i
			}
		}
		if over >= 0 {
			inherit(&kept[over], c)
			continue
		}
		kept = append(kept, c)
		slices.SortFunc(kept, byPlace)
	}
	return kept
}

func TestResolveKeepsTheBest(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var spare []candidate
	for range 3000 {
		cands := randomCandidates(r, r.IntN(60))
		want := plainResolve(cands)
		if got := resolve(slices.Clone(cands)); !slices.Equal(got, want) {
			t.Fatalf("of %v\nkept %v\nwant %v", cands, got, want)
		}
		// The same found in two goes, of which the second is in order, as a rule.
		late := r.IntN(len(cands) + 1)
		early, more := resolve(slices.Clone(cands[:late])), slices.Clone(cands[late:])
		if r.IntN(4) > 0 {
			slices.SortFunc(more, byPlace)
		}
		both := append(slices.Clone(early), more...)
		want = plainResolve(both)
		var got []candidate
		if got, spare = merge(both, len(early), spare); len(got) != len(both) {
			t.Fatalf("%d of %d are left", len(got), len(both))
		}
		if got = resolve(got); !slices.Equal(got, want) {
			t.Fatalf("of %v and %v\nkept %v\nwant %v", early, more, got, want)
		}
	}
}
