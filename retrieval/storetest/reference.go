// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package storetest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// vocabulary for invented texts: frequent words first.
var vocabulary = strings.Fields(`der die und Antrag Bescheid Wohngeld Frist Unterlagen Amt Gebühr Akte Miete Wohnung
	Mietbescheinigung Einkommen Rente Haushalt Kind Nachweis Widerspruch Anhörung Erlaubnis Gewerbe Anzeige Hund Steuer
	Haftpflicht Fahrerlaubnis Sehtest Lichtbild Bauantrag Lageplan Statik Entwässerung Stellplatz Parkausweis Meldebescheinigung
	Personalausweis Reisepass Vollmacht Betreuung Pflegegrad Schwerbehinderung Ausbildung Immatrikulation Unterhalt`)

// invented makes a text; the same random source makes the same text.
func invented(r *rand.Rand, words int) string {
	out := make([]string, words)
	for i := range out {
		n := int(math.Floor(math.Pow(r.Float64(), 2) * float64(len(vocabulary))))
		out[i] = vocabulary[n]
	}
	return strings.Join(out, " ")
}

// model is the reference: every chunk in a list, everything by plain loops.
type model struct {
	entries map[retrieval.Key]retrieval.Entry
}

type modelHit struct {
	id    string
	score float64
}

// search ranks the chunks of a tenant that one of the principals may read.
func (m model) search(t testing.TB, e *embedder, tenant gateway.TenantID, question string, who []gateway.Principal, dense float64) []modelHit {
	q := questionOf(t, e, question)
	all, readable := 0, []retrieval.Entry{}
	df := map[retrieval.Term]int{}
	for k, d := range m.entries {
		if k.Tenant != tenant {
			continue
		}
		all += len(d.Chunks)
		for _, c := range d.Chunks {
			for _, w := range c.Weights {
				df[w.Term]++
			}
		}
		if may(d.Access, who) {
			readable = append(readable, d)
		}
	}
	terms := retrieval.Score(q.Terms, all, func(t retrieval.Term) int { return df[t] })
	var lexical []modelHit
	for _, stage := range retrieval.Stages(terms) {
		lexical = rank(readable, func(c retrieval.Chunk) (float64, bool) { return bm25(c, terms, stage) })
		if len(lexical) >= retrieval.Enough {
			break
		}
	}
	if e == nil {
		return lexical
	}
	similar := rank(readable, func(c retrieval.Chunk) (float64, bool) { return dot(c.Vector, q.Vector), true })
	return blend(lexical, similar, dense, 150)
}

func may(a retrieval.Access, who []gateway.Principal) bool {
	has := func(list []gateway.Principal) bool {
		return slices.ContainsFunc(list, func(p gateway.Principal) bool { return p == "public" || slices.Contains(who, p) })
	}
	return has(a.Allow) && !has(a.Deny)
}

// bm25 adds up the weights; a chunk that holds none of the first terms, those of
// the stage, is not selected.
func bm25(c retrieval.Chunk, terms []retrieval.ScoredTerm, stage int) (sum float64, selected bool) {
	for i, t := range terms {
		for _, w := range c.Weights {
			if w.Term == t.Term {
				sum += t.Score * float64(w.Step)
				selected = selected || i < stage
			}
		}
	}
	return sum, selected
}

func dot(a, b []float32) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func rank(entries []retrieval.Entry, score func(retrieval.Chunk) (float64, bool)) []modelHit {
	var out []modelHit
	for _, e := range entries {
		for _, c := range e.Chunks {
			if s, ok := score(c); ok {
				out = append(out, modelHit{e.ID, s})
			}
		}
	}
	slices.SortFunc(out, func(a, b modelHit) int { return cmp.Compare(b.score, a.score) })
	return out
}

// blend is the weighted sum of stretched scores, once more by hand.
func blend(lexical, similar []modelHit, dense float64, candidates int) []modelHit {
	sum := map[string]float64{}
	for _, side := range []struct {
		hits   []modelHit
		weight float64
	}{{lexical, 1 - dense}, {similar, dense}} {
		hits := side.hits[:min(candidates, len(side.hits))]
		for _, h := range hits {
			low, high := hits[len(hits)-1].score, hits[0].score
			share := 1.0
			if high > low {
				share = (h.score - low) / (high - low)
			}
			sum[h.id] += side.weight * share
		}
	}
	var out []modelHit
	for id, s := range sum {
		out = append(out, modelHit{id, s})
	}
	slices.SortFunc(out, func(a, b modelHit) int { return cmp.Compare(b.score, a.score) })
	return out
}

// questionOf asks an Index over a listening store how it would put the question.
func questionOf(t testing.TB, e *embedder, text string) retrieval.Search {
	t.Helper()
	s := &asked{}
	c := retrieval.Config{Store: s}
	if e != nil {
		c.Embedder = *e
	}
	_, err := index(t, c).Retrieve(t.Context(), gateway.Query{Tenant: "x", Sources: []string{"*"}, Text: text})
	must(t, err)
	return s.search
}

// fill puts invented documents of one chunk each into a store and the model.
func fill(t *testing.T, s retrieval.Store, e *embedder, n int, readers func(i int) []gateway.Principal) model {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	l := &listener{Store: s}
	c := retrieval.Config{Store: l}
	if e != nil {
		c.Embedder = *e
	}
	x := index(t, c)
	for i := range n {
		must(t, x.Put(t.Context(), doc(a, fmt.Sprintf("%05d", i), invented(r, 10+r.IntN(60)), readers(i)...)))
	}
	m := model{map[retrieval.Key]retrieval.Entry{}}
	for _, e := range l.entries {
		m.entries[e.Key] = e
	}
	return m
}

func everyone(int) []gateway.Principal { return []gateway.Principal{"public"} }

// ranking compares scores place by place: equal scores may change places.
func ranking(t *testing.T, s retrieval.Store) {
	e := &embedder{"e"}
	m := fill(t, s, e, 300, everyone)
	for _, config := range []struct {
		name     string
		embedder *embedder
	}{{"lexical", nil}, {"hybrid", e}} {
		c := retrieval.Config{Store: s}
		if config.embedder != nil {
			c.Embedder = *config.embedder
		}
		x := index(t, c)
		r := rand.New(rand.NewPCG(1, 2))
		for range 25 {
			question := invented(r, 2+r.IntN(6))
			expected := m.search(t, config.embedder, a, question, nil, 0.3)
			compare(t, config.name+" "+question, ask(t, x, a, question), expected)
		}
	}
	for i := range 100 { // rarity of terms follows deletions
		k := retrieval.Key{Tenant: a, Source: source, ID: fmt.Sprintf("%05d", i)}
		must(t, s.Delete(t.Context(), k))
		delete(m.entries, k)
	}
	x := index(t, retrieval.Config{Store: s})
	compare(t, "after deletions", ask(t, x, a, "Mietbescheinigung für den Bauantrag"), m.search(t, nil, a, "Mietbescheinigung für den Bauantrag", nil, 0))
}

func compare(t *testing.T, what string, found []gateway.Passage, expected []modelHit) {
	t.Helper()
	if len(found) != min(50, len(expected)) {
		t.Fatalf("%s: %d passages, want %d", what, len(found), min(50, len(expected)))
	}
	scores := map[string]float64{}
	for _, h := range expected {
		scores[h.id] = h.score
	}
	for i, p := range found {
		if math.Abs(p.Score-expected[i].score) > 5e-3 || math.Abs(p.Score-scores[p.Citation.Document]) > 5e-3 {
			t.Fatalf("%s: place %d is %s with %.4f, want %s with %.4f", what, i, p.Citation.Document, p.Score, expected[i].id, expected[i].score)
		}
	}
}

// onePercent: a caller who may read one row in a hundred finds all of the ten
// best of them, by words and by vectors alone.
func onePercent(t *testing.T, s retrieval.Store) {
	e := &embedder{"e"}
	m := fill(t, s, e, 1500, func(i int) []gateway.Principal {
		if i%100 == 17 {
			return []gateway.Principal{"group:akte"}
		}
		return []gateway.Principal{"group:rest"}
	})
	who := []gateway.Principal{"group:akte"}
	r := rand.New(rand.NewPCG(3, 4))
	for _, dense := range []float64{0.3, 1} {
		x := index(t, retrieval.Config{Store: s, Embedder: *e, Dense: dense})
		for range 10 {
			question := invented(r, 4)
			expected := m.search(t, e, a, question, who, dense)
			found := ask(t, x, a, question, who...)
			hits := 0
			for _, p := range found[:min(10, len(found))] {
				if p.Score >= expected[9].score-5e-3 {
					hits++
				}
			}
			if hits != 10 {
				t.Errorf("%d of the ten best found with weight %g, want all", hits, dense)
			}
			compare(t, fmt.Sprint("1 % of the rows, weight ", dense), found, expected)
		}
	}
}

// tenants: after any sequence of changes in two tenants with the same names, a
// search sees nothing of the other, and only what the caller may read.
func tenants(t *testing.T, s retrieval.Store) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		e := embedder{"e"}
		x := index(t, retrieval.Config{Store: s, Embedder: e})
		owners := []gateway.TenantID{a, b, "a", "%", "adorf' OR '1'='1"}
		readers := map[retrieval.Key][]gateway.Principal{}
		choices := [][]gateway.Principal{nil, {"public"}, {"group:eins"}, {"group:zwei"}, {"group:eins", "group:zwei"}}
		for range 120 {
			k := retrieval.Key{Tenant: owners[r.IntN(len(owners))], Source: source, ID: fmt.Sprint(r.IntN(8))}
			access := choices[r.IntN(len(choices))]
			switch r.IntN(5) {
			case 0:
				must(t, s.Delete(t.Context(), k))
				delete(readers, k)
			case 1:
				must(t, s.SetAccess(t.Context(), k, retrieval.Access{Allow: access}))
				if _, ok := readers[k]; ok {
					readers[k] = access
				}
			default:
				d := doc(k.Tenant, k.ID, "Kennwort"+fmt.Sprintf("%x", string(k.Tenant))+" "+invented(r, 20), access...)
				must(t, x.Put(t.Context(), d))
				readers[k] = access
			}
		}
		for _, tenant := range owners {
			for _, who := range choices {
				checkFence(t, x, tenant, who, readers)
			}
			must(t, s.Clear(t.Context(), tenant))
			for k := range readers {
				if k.Tenant == tenant {
					delete(readers, k)
				}
			}
		}
	}
}

func checkFence(t *testing.T, x *retrieval.Index, tenant gateway.TenantID, who []gateway.Principal, readers map[retrieval.Key][]gateway.Principal) {
	t.Helper()
	mark := "Kennwort" + fmt.Sprintf("%x", string(tenant))
	expected := []string{}
	for k, access := range readers {
		if k.Tenant == tenant && may(retrieval.Access{Allow: access}, who) {
			expected = append(expected, k.ID)
		}
	}
	slices.Sort(expected)
	found := ask(t, x, tenant, mark+" Antrag Bescheid Wohngeld", who...)
	for _, p := range found {
		if !strings.HasPrefix(p.Text, mark+" ") {
			t.Fatalf("tenant %s was shown a row of another tenant", tenant)
		}
	}
	want(t, fmt.Sprintf("tenant %s as %v", tenant, who), found, strings.Join(expected, " "))
}

// Recall fills a store with n documents, of which a caller may read one in
// every, and returns which share of the ten best by vector that exact finds one
// finds as well. Both stores hold the same data.
func Recall(t *testing.T, one, exact retrieval.Store, n, every int) float64 {
	e := &embedder{"e"}
	fill(t, one, e, n, func(i int) []gateway.Principal {
		if i%every == 0 {
			return []gateway.Principal{"group:akte"}
		}
		return []gateway.Principal{"group:rest"}
	})
	r := rand.New(rand.NewPCG(5, 6))
	hits, total := 0, 0
	config := retrieval.Config{Embedder: *e, Dense: 1}
	for range 20 {
		question := invented(r, 20)
		config.Store = exact
		expected := ask(t, index(t, config), a, question, "group:akte")
		config.Store = one
		found := ask(t, index(t, config), a, question, "group:akte")
		for _, p := range expected[:10] {
			total++
			if slices.ContainsFunc(found[:min(10, len(found))], func(f gateway.Passage) bool { return f.ID == p.ID }) {
				hits++
			}
		}
	}
	return float64(hits) / float64(total)
}
