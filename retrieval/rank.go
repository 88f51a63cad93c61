// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// BM25 are the parameters of the ranking of one collection.
type BM25 struct {
	// K1 bounds what repetition counts; default 1.2.
	K1 float64
	// B is how much long texts are held back, 0 to 1; default 0.5, which suits
	// paragraphs of law. 0.75 suits documents of very different length.
	B float64
	// Length is the number of terms that counts as usual; default 600. It is a
	// constant and not the running average, so that weights can be computed when a
	// text comes in, and so that all stores rank alike.
	Length float64
	// Title is how often a term of the header counts; default 3.
	Title float64
}

func (p BM25) withDefaults() BM25 {
	setDefault(&p.K1, 1.2)
	setDefault(&p.B, 0.5)
	setDefault(&p.Length, 600)
	setDefault(&p.Title, 3)
	return p
}

func setDefault(field *float64, value float64) {
	if *field <= 0 {
		*field = value
	}
}

// steps in which weights are stored, in one byte.
const steps = 255

// Weight is one term of a chunk: the part of BM25 that does not depend on the
// query, in steps of (K1+1)/255.
type Weight struct {
	Term Term
	Step uint8
}

// weights computes the terms of a chunk, ordered by term.
func (p BM25) weights(header, text string) []Weight {
	counts := map[Term]float64{}
	length := 0.0
	add := func(s string, factor float64) {
		for term, n := range analyse(s) {
			counts[term] += factor * float64(n)
			length += factor * float64(n)
		}
	}
	add(text, 1)
	add(header, p.Title)
	norm := p.K1 * (1 - p.B + p.B*length/p.Length)
	out := make([]Weight, 0, len(counts))
	for term, tf := range counts {
		step := math.Round(tf / (tf + norm) * steps)
		out = append(out, Weight{term, uint8(max(1, step))})
	}
	slices.SortFunc(out, func(a, b Weight) int { return cmp.Compare(a.Term, b.Term) })
	return out
}

// QueryTerm is one term of a question with the number of times it stands there.
type QueryTerm struct {
	Term  Term
	Count float64
}

// queryTerms are the distinct terms of a question, ordered by term.
func queryTerms(text string) []QueryTerm {
	counts := analyse(text)
	out := make([]QueryTerm, 0, len(counts))
	for term, n := range counts {
		out = append(out, QueryTerm{term, float64(n)})
	}
	slices.SortFunc(out, func(a, b QueryTerm) int { return cmp.Compare(a.Term, b.Term) })
	return out[:min(len(out), maxQueryTerms)]
}

// ScoredTerm is a term of a question with what one step of a chunk's weight is
// worth, and the number of chunks of the tenant that hold it.
type ScoredTerm struct {
	Term      Term
	Score     float64
	Frequency int
}

// Score weighs the terms of a question by how rare they are, rarest first:
// chunks is the number of chunks of the tenant, frequency how many of them hold
// a term. All stores rank by the sum of Score × Step over the common terms,
// among the chunks that hold one of the terms of a Stage.
func Score(terms []QueryTerm, chunks int, frequency func(Term) int) []ScoredTerm {
	out := make([]ScoredTerm, 0, len(terms))
	for _, t := range terms {
		df := frequency(t.Term)
		if df <= 0 {
			continue
		}
		idf := math.Log(1 + (float64(chunks)-float64(df)+0.5)/(float64(df)+0.5))
		out = append(out, ScoredTerm{Term: t.Term, Score: idf * t.Count / steps, Frequency: df})
	}
	slices.SortFunc(out, func(a, b ScoredTerm) int {
		return cmp.Or(cmp.Compare(a.Frequency, b.Frequency), cmp.Compare(a.Term, b.Term))
	})
	return out
}

// Enough readable chunks to rank: a Stage that finds as many is the last one.
const Enough = 500

// The first stage ends where its terms stand in this many chunks, counted once
// for each term. Measured on statutes: from 2,000 on the ten best are those of
// ranking every chunk, 1,500 loses four points of nDCG@10.
const (
	firstStage = 3000
	wider      = 8 // times as many in the next stage
)

// Stages says how many of the terms, rarest first, select chunks: those of the
// first stage, and if the caller may read fewer than Enough of what they select,
// those of the next. The last stage is all terms, so that a caller with few
// readable chunks gets the best of all of them. The work of a stage does not grow
// with the number of chunks, unless all terms of a question are common.
func Stages(terms []ScoredTerm) []int {
	var out []int
	sum, bound := 0, firstStage
	for i, t := range terms {
		sum += t.Frequency
		if sum >= bound || i+1 == len(terms) {
			out = append(out, i+1)
		}
		for sum >= bound {
			bound *= wider
		}
	}
	return out
}

// Scored is a chunk found by one way of searching.
type Scored struct {
	Chunk int64
	Score float64
}

// Fuse joins the lexical and the dense ranking by the weighted sum of their
// scores, each stretched to 0…1 over what was found. dense is the weight of the
// dense side. Without dense results the lexical scores stay as they are.
func Fuse(lexical, similar []Scored, dense float64, limit int) []Scored {
	if len(similar) == 0 || dense <= 0 {
		return lexical[:min(limit, len(lexical))]
	}
	sum := map[int64]float64{}
	order := make([]int64, 0, len(lexical)+len(similar))
	for _, side := range []struct {
		list   []Scored
		weight float64
	}{{lexical, 1 - dense}, {similar, dense}} {
		low, high := bounds(side.list)
		for _, s := range side.list {
			if _, ok := sum[s.Chunk]; !ok {
				order = append(order, s.Chunk)
			}
			sum[s.Chunk] += side.weight * stretch(s.Score, low, high)
		}
	}
	out := make([]Scored, 0, len(order))
	for _, chunk := range order {
		out = append(out, Scored{chunk, sum[chunk]})
	}
	slices.SortStableFunc(out, func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) })
	return out[:min(limit, len(out))]
}

// Join puts the chunks of named sections in front of the ranked ones.
func Join(named, ranked []Scored, limit int) []Scored {
	score := make(map[int64]float64, len(ranked))
	for _, r := range ranked {
		score[r.Chunk] = r.Score
	}
	out := slices.Clone(named[:min(limit, len(named))])
	seen := make(map[int64]bool, len(named))
	for i, n := range out {
		out[i].Score = score[n.Chunk]
		seen[n.Chunk] = true
	}
	for _, r := range ranked {
		if len(out) >= limit {
			break
		}
		if !seen[r.Chunk] {
			out = append(out, r)
		}
	}
	return out
}

func bounds(list []Scored) (low, high float64) {
	if len(list) == 0 {
		return 0, 0
	}
	low, high = list[0].Score, list[0].Score
	for _, s := range list {
		low, high = min(low, s.Score), max(high, s.Score)
	}
	return low, high
}

func stretch(score, low, high float64) float64 {
	if high <= low {
		return 1
	}
	return (score - low) / (high - low)
}

// unit brings a vector to length 1, so that the inner product is the cosine.
func unit(v []float32) ([]float32, error) {
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, errors.New("embedding has no direction")
	}
	length := float32(math.Sqrt(sum))
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = x / length
	}
	return out, nil
}
