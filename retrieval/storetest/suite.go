// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package storetest is the suite every retrieval.Store passes. It compares what
// a store finds with a reference that computes everything by plain loops. Start
// with Run.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// Dim is the number of dimensions of the vectors of the suite.
const Dim = 48

const (
	a      gateway.TenantID = "adorf"
	b      gateway.TenantID = "bstadt"
	source                  = "akten"
)

// Run checks a store. open returns a fresh one that takes vectors of Dim
// dimensions.
func Run(t *testing.T, open func(t *testing.T) retrieval.Store) {
	for name, check := range map[string]func(*testing.T, retrieval.Store){
		"put, replace, delete":              lifecycle,
		"rights":                            rights,
		"rights change":                     rightsChange,
		"sources":                           sources,
		"attached documents":                attached,
		"named sections come first":         namedFirst,
		"list, state, clear":                listing,
		"embedders are not mixed":           embedders,
		"never a row of another tenant":     tenants,
		"ranking equals the reference":      ranking,
		"one percent of the rows, all hits": onePercent,
		"concurrent use":                    concurrent,
		"odd texts and names":               odd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

// embedder hashes words into a vector: no meaning, but the same for the same text.
type embedder struct{ id string }

func (e embedder) ID() string { return e.id }
func (e embedder) Dim() int   { return Dim }

func (e embedder) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		out[i] = make([]float32, Dim)
		for word := range strings.FieldsSeq(text) {
			h := fnv.New64a()
			h.Write([]byte(word))
			r := rand.New(rand.NewPCG(h.Sum64(), 1))
			for d := range out[i] {
				out[i][d] += float32(r.NormFloat64())
			}
		}
	}
	return out, nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func index(t testing.TB, c retrieval.Config) *retrieval.Index {
	t.Helper()
	x, err := retrieval.New(c)
	must(t, err)
	return x
}

func doc(tenant gateway.TenantID, id, text string, readers ...gateway.Principal) retrieval.Document {
	return retrieval.Document{
		Tenant: tenant, Source: source, ID: id, Title: id, Version: retrieval.Hash(text)[:8],
		Principals: readers, Class: []gateway.DataClass{gateway.DataInternal}, Pages: []extract.Page{{Number: 1, Text: text}},
	}
}

func ask(t testing.TB, x *retrieval.Index, tenant gateway.TenantID, text string, who ...gateway.Principal) []gateway.Passage {
	t.Helper()
	found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: tenant, Principals: who, Sources: []string{retrieval.AllSources}, Text: text, Limit: 50})
	must(t, err)
	return found
}

// documents of passages, sorted.
func documents(found []gateway.Passage) string {
	var out []string
	for _, p := range found {
		out = append(out, p.Citation.Document)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func want(t testing.TB, what string, found []gateway.Passage, expected string) {
	t.Helper()
	if got := documents(found); got != expected {
		t.Errorf("%s: found %q, want %q", what, got, expected)
	}
}

func lifecycle(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s})
	want(t, "empty store", ask(t, x, a, "Hundesteuer", "public"), "")
	must(t, x.Put(t.Context(), doc(a, "1", "Die Hundesteuer beträgt 120 Euro im Jahr.", "public")))
	must(t, x.Put(t.Context(), doc(a, "2", "Der Bewohnerparkausweis kostet 30 Euro.", "public")))
	found := ask(t, x, a, "Was kostet die Hundesteuer?", "public")
	if len(found) == 0 || found[0].Citation.Document != "1" {
		t.Fatalf("found %v, want document 1 first", found)
	}
	p := found[0]
	if p.Text != "Die Hundesteuer beträgt 120 Euro im Jahr." || p.Citation.SHA256 != retrieval.Hash(p.Text) || p.Citation.Page != 1 ||
		p.Citation.Source != source || p.Score <= 0 || !slices.Equal(p.Class, []gateway.DataClass{gateway.DataInternal}) {
		t.Errorf("passage %+v is not what was put in", p)
	}
	must(t, x.Put(t.Context(), doc(a, "1", "Die Zweitwohnungsteuer beträgt zehn Prozent.", "public")))
	want(t, "old text", ask(t, x, a, "Hundesteuer beträgt 120", "public"), "1")
	for _, p := range ask(t, x, a, "Hundesteuer", "public") {
		if strings.Contains(p.Text, "Hundesteuer") {
			t.Error("a replaced text is still found")
		}
	}
	must(t, x.Delete(t.Context(), a, source, "1"))
	must(t, x.Delete(t.Context(), a, source, "1"))
	want(t, "deleted", ask(t, x, a, "Zweitwohnungsteuer Prozent Bewohnerparkausweis", "public"), "2")
	want(t, "the other", ask(t, x, a, "Bewohnerparkausweis", "public"), "2")
}

func rights(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s, Embedder: embedder{"e"}})
	text := "Vermerk zur Bauakte"
	must(t, x.Put(t.Context(), doc(a, "alle", text, "public")))
	must(t, x.Put(t.Context(), doc(a, "bau", text, "group:bau")))
	must(t, x.Put(t.Context(), doc(a, "anna", text, "user:anna", "group:leitung")))
	must(t, x.Put(t.Context(), doc(a, "niemand", text)))
	denied := doc(a, "ohne-eva", text, "group:bau")
	denied.Denied = []gateway.Principal{"user:eva"}
	must(t, x.Put(t.Context(), denied))
	for who, expected := range map[string]string{
		"":                                "alle",
		"public":                          "alle",
		"group:bau":                       "alle bau ohne-eva",
		"group:bau user:eva":              "alle bau",
		"user:eva":                        "alle",
		"user:anna":                       "alle anna",
		"group:leitung group:bau":         "alle anna bau ohne-eva",
		"group:ba":                        "alle",
		"*":                               "alle",
		"' OR 1=1 --":                     "alle",
		"group:bau' OR '1'='1":            "alle",
		"{group:bau}":                     "alle",
		"user:ANNA":                       "alle",
		"user:anna user:anna group:bau  ": "alle anna bau ohne-eva",
	} {
		var principals []gateway.Principal
		for p := range strings.FieldsSeq(who) {
			principals = append(principals, gateway.Principal(p))
		}
		want(t, fmt.Sprintf("as %q", who), ask(t, x, a, text, principals...), expected)
	}
}

func rightsChange(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s, Embedder: embedder{"e"}})
	must(t, x.Put(t.Context(), doc(a, "1", "Vermerk zur Bauakte", "group:bau")))
	k := retrieval.Key{Tenant: a, Source: source, ID: "1"}
	steps := []struct {
		access   retrieval.Access
		expected string
	}{
		{retrieval.Access{Allow: []gateway.Principal{"group:amt"}}, ""},
		{retrieval.Access{Allow: []gateway.Principal{"group:amt", "group:bau"}}, "1"},
		{retrieval.Access{Allow: []gateway.Principal{"group:bau"}, Deny: []gateway.Principal{"group:bau"}}, ""},
		{retrieval.Access{Allow: []gateway.Principal{"group:bau"}}, "1"},
		{retrieval.Access{}, ""},
	}
	for i, step := range steps {
		must(t, s.SetAccess(t.Context(), k, step.access))
		want(t, fmt.Sprintf("step %d", i), ask(t, x, a, "Bauakte", "group:bau"), step.expected)
	}
	must(t, s.SetAccess(t.Context(), retrieval.Key{Tenant: b, Source: source, ID: "1"}, retrieval.Access{Allow: []gateway.Principal{"public"}}))
	want(t, "after a change at another tenant", ask(t, x, a, "Bauakte", "group:bau"), "")
}

func sources(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s})
	for _, name := range []string{"akten", "recht", "dienst"} {
		d := doc(a, name+"-1", "Vermerk zur Bauakte", "public")
		d.Source = name
		must(t, x.Put(t.Context(), d))
	}
	for names, expected := range map[string]string{"akten": "akten-1", "akten,recht": "akten-1 recht-1", "*": "akten-1 dienst-1 recht-1", "nie": "", "": ""} {
		q := gateway.Query{Tenant: a, Text: "Bauakte"}
		if names != "" {
			q.Sources = strings.Split(names, ",")
		}
		found, err := x.Retrieve(t.Context(), q)
		must(t, err)
		want(t, "sources "+names, found, expected)
	}
}

func attached(t *testing.T, s retrieval.Store) {
	put := func(id, parent string) {
		must(t, s.Put(t.Context(), entry(t, a, id, parent, "Vermerk zur Bauakte", "group:bau")))
	}
	x := index(t, retrieval.Config{Store: s})
	put("mail", "")
	put("mail#1", "mail")
	put("mail#2", "mail")
	put("andere", "")
	want(t, "all", ask(t, x, a, "Bauakte", "group:bau"), "andere mail mail#1 mail#2")
	must(t, s.SetAccess(t.Context(), retrieval.Key{Tenant: a, Source: source, ID: "mail"}, retrieval.Access{Allow: []gateway.Principal{"group:amt"}}))
	want(t, "rights of the mail hold for what is attached", ask(t, x, a, "Bauakte", "group:bau"), "andere")
	put("mail", "")
	want(t, "replaced with what was attached", ask(t, x, a, "Bauakte", "group:bau", "group:amt"), "andere mail")
	put("mail#1", "mail")
	must(t, s.Delete(t.Context(), retrieval.Key{Tenant: a, Source: source, ID: "mail"}))
	want(t, "deleted with what was attached", ask(t, x, a, "Bauakte", "group:bau"), "andere")
}

// entry makes what a Store takes, through an Index over a store that only listens.
func entry(t testing.TB, tenant gateway.TenantID, id, parent, text string, readers ...gateway.Principal) retrieval.Entry {
	t.Helper()
	l := &listener{}
	must(t, index(t, retrieval.Config{Store: l}).Put(t.Context(), doc(tenant, id, text, readers...)))
	e := l.entries[0]
	e.Parent = parent
	return e
}

// listener is a Store that remembers what it was given.
type listener struct {
	retrieval.Store
	entries []retrieval.Entry
}

func (l *listener) Put(ctx context.Context, e retrieval.Entry) error {
	l.entries = append(l.entries, e)
	if l.Store == nil {
		return nil
	}
	return l.Store.Put(ctx, e)
}

func namedFirst(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s, Shared: "bund"})
	law := retrieval.Document{
		Tenant: "bund", Source: "recht", ID: "BMG", Title: "Bundesmeldegesetz", Statute: "BMG", Stand: "2026-01-01", Principals: []gateway.Principal{"public"},
		Sections: []retrieval.Section{
			{Number: "§ 17", Heading: "Anmeldung, Abmeldung", Text: "(1) Wer eine Wohnung bezieht, hat sich innerhalb von zwei Wochen anzumelden.\n\n(2) " + strings.Repeat("Wer auszieht, meldet sich ab. ", 80)},
			{Number: "§ 19", Heading: "Mitwirkung des Wohnungsgebers", Text: "Der Wohnungsgeber bestätigt den Einzug. Die Bestätigung ist vorzulegen."},
		},
	}
	must(t, x.Put(t.Context(), law))
	must(t, x.Put(t.Context(), doc(a, "1", "Wer nach § 17 anmeldet, legt die Bestätigung des Wohnungsgebers vor.", "public")))
	for question, expected := range map[string]string{
		"Was steht in § 19 BMG zur Anmeldung?": "§ 19 BMG",
		"§ 17 Abs. 2 BMG":                      "§ 17 Abs. 2 BMG",
		"BMG § 17":                             "§ 17 Abs. 1 BMG",
	} {
		found := ask(t, x, a, question)
		if len(found) < 2 || found[0].Citation.Section != expected || found[0].Citation.Stand != "2026-01-01" {
			t.Errorf("%s: found %+v, want %s first", question, found, expected)
		}
	}
	must(t, s.SetAccess(t.Context(), retrieval.Key{Tenant: "bund", Source: "recht", ID: "BMG"}, retrieval.Access{Allow: []gateway.Principal{"group:recht"}}))
	want(t, "naming a section gives no right to it", ask(t, x, a, "§ 19 BMG Bestätigung"), "1")
}

func listing(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s})
	must(t, x.Put(t.Context(), doc(a, "2", "zwei Vermerke", "group:bau")))
	must(t, x.Put(t.Context(), doc(a, "1", "ein Vermerk", "public")))
	must(t, x.Put(t.Context(), doc(b, "3", "drei Vermerke", "public")))
	must(t, s.Put(t.Context(), entry(t, a, "2#1", "2", "Anlage", "group:bau")))
	must(t, s.SetState(t.Context(), a, source, []byte("eins")))
	must(t, s.SetState(t.Context(), a, source, []byte("zwei")))
	check := func(tenant gateway.TenantID, documents, state string) {
		t.Helper()
		var got []string
		must(t, s.Documents(t.Context(), tenant, source, func(d retrieval.Stored) error {
			got = append(got, fmt.Sprintf("%s%s%d", d.ID, d.Access.Allow, len(d.Version)))
			return nil
		}))
		if strings.Join(got, " ") != documents {
			t.Errorf("documents of %s: %v, want %s", tenant, got, documents)
		}
		have, err := s.State(t.Context(), tenant, source)
		must(t, err)
		if string(have) != state {
			t.Errorf("state of %s: %q, want %q", tenant, have, state)
		}
	}
	check(a, "1[public]8 2[group:bau]8", "zwei")
	check(b, "3[public]8", "")
	stop := errors.New("stop")
	if err := s.Documents(t.Context(), a, source, func(retrieval.Stored) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v, want that of emit", err)
	}
	must(t, s.Clear(t.Context(), a))
	check(a, "", "")
	check(b, "3[public]8", "")
	want(t, "cleared", ask(t, x, a, "Vermerk", "public", "group:bau"), "")
}

func embedders(t *testing.T, s retrieval.Store) {
	one, two := index(t, retrieval.Config{Store: s, Embedder: embedder{"eins"}}), index(t, retrieval.Config{Store: s, Embedder: embedder{"zwei"}})
	none := index(t, retrieval.Config{Store: s})
	must(t, one.Put(t.Context(), doc(a, "1", "Vermerk zur Bauakte", "public")))
	if err := two.Put(t.Context(), doc(a, "2", "Vermerk zur Bauakte", "public")); !errors.Is(err, retrieval.ErrEmbedder) {
		t.Errorf("put: error %v, want %v", err, retrieval.ErrEmbedder)
	}
	_, err := two.Retrieve(t.Context(), gateway.Query{Tenant: a, Sources: []string{"*"}, Text: "Bauakte"})
	if !errors.Is(err, retrieval.ErrEmbedder) {
		t.Errorf("search: error %v, want %v", err, retrieval.ErrEmbedder)
	}
	want(t, "without embedder", ask(t, none, a, "Bauakte"), "1")
	must(t, two.Put(t.Context(), doc(b, "1", "Vermerk zur Bauakte", "public")))
	must(t, s.Clear(t.Context(), a))
	must(t, two.Put(t.Context(), doc(a, "2", "Vermerk zur Bauakte", "public")))
	want(t, "after clearing", ask(t, two, a, "Bauakte"), "2")
}

func concurrent(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s})
	must(t, x.Put(t.Context(), doc(a, "fest", "Vermerk zur Bauakte", "public")))
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 10 {
				id := fmt.Sprint("w", worker, "-", i%3)
				if err := x.Put(t.Context(), doc(a, id, "Vermerk Nummer "+id, "public")); err != nil {
					t.Errorf("put: %v", err)
				}
				found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: a, Sources: []string{"*"}, Text: "Bauakte", Limit: 50})
				if err != nil || !strings.Contains(documents(found), "fest") {
					t.Errorf("found %q, error %v, want document fest", documents(found), err)
				}
			}
		})
	}
	group.Wait()
	if n := len(ask(t, x, a, "Vermerk")); n != 13 {
		t.Errorf("%d passages in the end, want 13", n)
	}
}

func odd(t *testing.T, s retrieval.Store) {
	x := index(t, retrieval.Config{Store: s})
	texts := []string{"Geburtstagsgru\u0308ße an die Bürgermeisterin", "' OR 1=1; DROP TABLE retrieval_chunk; --", "日本語の文書 und deutscher Text", "a & b | c ! d <-> e:*", strings.Repeat("Bauakte ", 5000)}
	for i, text := range texts {
		must(t, x.Put(t.Context(), doc(a, fmt.Sprint("d'", i, "\""), text, "public")))
	}
	must(t, x.Put(t.Context(), doc(a, "leer", " ", "public")))
	for i, question := range []string{"Geburtstagsgrüße", "DROP TABLE", "日本語の文書", "& | ! <-> e:*", "Bauakten"} {
		found := ask(t, x, a, question)
		if len(found) == 0 || found[0].Citation.Document != fmt.Sprint("d'", i, "\"") {
			t.Errorf("%s: found %q, want d'%d\" first", question, documents(found), i)
		}
	}
	for _, text := range []string{"\xff\xfe", "null\x00zeichen"} {
		if err := x.Put(t.Context(), doc(a, "kaputt", text, "public")); err == nil {
			t.Errorf("text %q was taken", text)
		}
	}
	ask(t, x, a, "\xff\xfe\x00 kaputt")
	ask(t, x, a, strings.Repeat("sehr lange Frage ", 10_000))
	ask(t, x, a, "?!")
}

// asked is a Store that remembers the question.
type asked struct {
	retrieval.Store
	search retrieval.Search
}

func (s *asked) Search(_ context.Context, q retrieval.Search) ([]retrieval.Hit, error) {
	s.search = q
	return nil, nil
}
