// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/viterin/vek/vek32"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// key names a document of the tenant.
type key struct{ source, id string }

// memory is the inverted index of one tenant. Chunks have slots; a slot is
// never used twice, dead ones go when the index is loaded again.
type memory struct {
	ids      []int64 // slot to row
	postings map[retrieval.Term]*posting
	norms    map[string][]uint32
	docs     map[key]*document
	live     *roaring.Bitmap
	sources  map[string]*roaring.Bitmap
	allow    map[gateway.Principal]*roaring.Bitmap
	deny     map[gateway.Principal]*roaring.Bitmap
	embedder string
	dim      int
	vectored *roaring.Bitmap // slots with a vector
	vectors  []float32       // dim per slot
}

// posting is where one term stands, slots ascending. df counts live slots.
type posting struct {
	slots []uint32
	steps []uint8
	df    int
}

type document struct {
	parent string
	access retrieval.Access
	slots  []uint32
}

func newMemory() *memory {
	return &memory{
		postings: map[retrieval.Term]*posting{}, norms: map[string][]uint32{}, docs: map[key]*document{},
		live: roaring.New(), sources: map[string]*roaring.Bitmap{}, vectored: roaring.New(),
		allow: map[gateway.Principal]*roaring.Bitmap{}, deny: map[gateway.Principal]*roaring.Bitmap{},
	}
}

// wasteful says that there are more slots than that and more than half are dead.
func (m *memory) wasteful(slots int) bool {
	live := int(m.live.GetCardinality())
	return len(m.ids) > slots && len(m.ids) > 2*live
}

// accepts refuses vectors of another embedder.
func (m *memory) accepts(e retrieval.Entry) error {
	for _, c := range e.Chunks {
		if c.Vector == nil || m.vectored.IsEmpty() {
			continue
		}
		if c.Embedder != m.embedder || len(c.Vector) != m.dim {
			return retrieval.ErrEmbedder
		}
	}
	return nil
}

func (m *memory) add(k key, parent string, a retrieval.Access, ids []int64, chunks []retrieval.Chunk) {
	d := &document{parent: parent, access: a}
	m.docs[k] = d
	for i, c := range chunks {
		slot := uint32(len(m.ids))
		m.ids = append(m.ids, ids[i])
		d.slots = append(d.slots, slot)
		for _, w := range c.Weights {
			m.post(w, slot)
		}
		if c.Norm != "" {
			m.norms[c.Norm] = append(m.norms[c.Norm], slot)
		}
		m.addVector(slot, c)
	}
	m.live.AddMany(d.slots)
	bitmap(m.sources, k.source).AddMany(d.slots)
	m.grant(d)
}

func (m *memory) post(w retrieval.Weight, slot uint32) {
	p, ok := m.postings[w.Term]
	if !ok {
		p = &posting{}
		m.postings[w.Term] = p
	}
	p.slots = append(p.slots, slot)
	p.steps = append(p.steps, w.Step)
	p.df++
}

func (m *memory) addVector(slot uint32, c retrieval.Chunk) {
	if c.Vector == nil {
		return
	}
	if m.vectored.IsEmpty() {
		m.embedder, m.dim, m.vectors = c.Embedder, len(c.Vector), nil
	}
	end := (int(slot) + 1) * m.dim
	if missing := end - len(m.vectors); missing > 0 {
		m.vectors = append(m.vectors, make([]float32, missing)...)
	}
	copy(m.vectors[end-m.dim:end], c.Vector)
	m.vectored.Add(slot)
}

func bitmap[K comparable](of map[K]*roaring.Bitmap, k K) *roaring.Bitmap {
	b, ok := of[k]
	if !ok {
		b = roaring.New()
		of[k] = b
	}
	return b
}

func (m *memory) grant(d *document) {
	for _, p := range d.access.Allow {
		bitmap(m.allow, p).AddMany(d.slots)
	}
	for _, p := range d.access.Deny {
		bitmap(m.deny, p).AddMany(d.slots)
	}
}

func (m *memory) revoke(d *document) {
	slots := roaring.BitmapOf(d.slots...)
	for _, p := range d.access.Allow {
		bitmap(m.allow, p).AndNot(slots)
	}
	for _, p := range d.access.Deny {
		bitmap(m.deny, p).AndNot(slots)
	}
}

func (m *memory) setAccess(source, id string, a retrieval.Access) {
	for k, d := range m.docs {
		if k.source != source || (k.id != id && d.parent != id) {
			continue
		}
		m.revoke(d)
		d.access = a
		m.grant(d)
	}
}

func (m *memory) remove(gone []removed) {
	for _, r := range gone {
		for _, w := range r.weights {
			if p := m.postings[w.Term]; p != nil {
				if p.df--; p.df <= 0 {
					delete(m.postings, w.Term)
				}
			}
		}
		d, ok := m.docs[r.document]
		if !ok {
			continue
		}
		m.revoke(d)
		slots := roaring.BitmapOf(d.slots...)
		m.live.AndNot(slots)
		m.vectored.AndNot(slots)
		bitmap(m.sources, r.document.source).AndNot(slots)
		delete(m.docs, r.document)
	}
}

// allowed are the slots the question may see. It is computed before anything
// is ranked.
func (m *memory) allowed(s retrieval.Search) *roaring.Bitmap {
	out := union(m.allow, s.Principals)
	out.AndNot(union(m.deny, s.Principals))
	out.And(m.live)
	if s.Sources != nil {
		out.And(union(m.sources, s.Sources))
	}
	return out
}

func union[K comparable](of map[K]*roaring.Bitmap, keys []K) *roaring.Bitmap {
	out := roaring.New()
	for _, k := range keys {
		if b, ok := of[k]; ok {
			out.Or(b)
		}
	}
	return out
}

// search returns rows in the order of rank and those whose section was named.
func (m *memory) search(s retrieval.Search) (ranked, named []retrieval.Scored, err error) {
	if s.Vector != nil && !m.vectored.IsEmpty() && (s.Embedder != m.embedder || len(s.Vector) != m.dim) {
		return nil, nil, retrieval.ErrEmbedder
	}
	allowed := m.allowed(s)
	if allowed.IsEmpty() {
		return nil, nil, nil
	}
	lexical := m.lexical(s, allowed)
	ranked = retrieval.Fuse(lexical, m.similar(s, allowed), s.Dense, s.Limit)
	for _, n := range s.Norms {
		for _, slot := range m.norms[n] {
			if allowed.Contains(slot) && len(named) < s.Candidates() {
				named = append(named, retrieval.Scored{Chunk: m.ids[slot]})
			}
		}
	}
	return ranked, named, nil
}

// lexical adds up the weights of the common terms.
func (m *memory) lexical(s retrieval.Search, allowed *roaring.Bitmap) []retrieval.Scored {
	terms := retrieval.Score(s.Terms, int(m.live.GetCardinality()), func(t retrieval.Term) int {
		if p := m.postings[t]; p != nil {
			return p.df
		}
		return 0
	})
	open := make([]bool, len(m.ids))
	for it := allowed.Iterator(); it.HasNext(); {
		open[it.Next()] = true
	}
	sums := make([]float32, len(m.ids))
	var touched []uint32
	selecting := 0
	for _, stage := range retrieval.Stages(terms) {
		for _, t := range terms[selecting:stage] {
			touched = m.touch(t, open, sums, touched)
		}
		selecting = stage
		if len(touched) >= retrieval.Enough {
			break
		}
	}
	for _, t := range terms[selecting:] {
		p, score := m.postings[t.Term], float32(t.Score)
		for i, slot := range p.slots {
			if sums[slot] > 0 {
				sums[slot] += score * float32(p.steps[i])
			}
		}
	}
	return m.best(touched, func(slot uint32) float32 { return sums[slot] }, s.Candidates())
}

// touch adds the weights of a term that selects slots, and the slots that are new.
func (m *memory) touch(t retrieval.ScoredTerm, open []bool, sums []float32, touched []uint32) []uint32 {
	p, score := m.postings[t.Term], float32(t.Score)
	for i, slot := range p.slots {
		if !open[slot] {
			continue
		}
		if sums[slot] == 0 {
			touched = append(touched, slot)
		}
		sums[slot] += score * float32(p.steps[i])
	}
	return touched
}

// similar compares with every vector that may be seen: exact, also when few are.
func (m *memory) similar(s retrieval.Search, allowed *roaring.Bitmap) []retrieval.Scored {
	if s.Vector == nil || s.Dense <= 0 || m.vectored.IsEmpty() {
		return nil
	}
	slots := roaring.And(allowed, m.vectored).ToArray()
	scores := make([]float32, len(m.ids))
	for _, slot := range slots {
		scores[slot] = vek32.Dot(s.Vector, m.vectors[int(slot)*m.dim:(int(slot)+1)*m.dim])
	}
	return m.best(slots, func(slot uint32) float32 { return scores[slot] }, s.Candidates())
}

// best returns the n best slots; equal scores in the order of rows.
func (m *memory) best(slots []uint32, score func(uint32) float32, n int) []retrieval.Scored {
	better := func(a, b uint32) int {
		if c := cmp.Compare(score(b), score(a)); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	}
	top := make([]uint32, 0, n+1)
	for _, slot := range slots {
		if len(top) == n && better(slot, top[n-1]) > 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(top, slot, better)
		top = slices.Insert(top, at, slot)
		top = top[:min(len(top), n)]
	}
	out := make([]retrieval.Scored, len(top))
	for i, slot := range top {
		out[i] = retrieval.Scored{Chunk: m.ids[slot], Score: float64(score(slot))}
	}
	return out
}

// encodeWeights writes terms as differences, so that most take two bytes.
func encodeWeights(weights []retrieval.Weight) []byte {
	out := make([]byte, 0, 5*len(weights))
	before := retrieval.Term(0)
	for _, w := range weights {
		out = binary.AppendUvarint(out, uint64(w.Term-before))
		out = append(out, w.Step)
		before = w.Term
	}
	return out
}

func decodeWeights(b []byte) []retrieval.Weight {
	var out []retrieval.Weight
	term := retrieval.Term(0)
	for len(b) > 0 {
		delta, n := binary.Uvarint(b)
		if n <= 0 || len(b) < n+1 {
			return out
		}
		term += retrieval.Term(delta)
		out = append(out, retrieval.Weight{Term: term, Step: b[n]})
		b = b[n+1:]
	}
	return out
}

func encodeVector(v []float32) []byte {
	if v == nil {
		return nil
	}
	out := make([]byte, 0, 4*len(v))
	for _, x := range v {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(x))
	}
	return out
}

func decodeVector(b []byte) []float32 {
	if len(b) == 0 {
		return nil
	}
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}
