// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
	"github.com/ki-schleuse/schleuse/retrieval/sqlite"
)

// moody is an embedder that can fail.
type moody struct {
	hashed
	err    error
	vector []float32
}

func (m *moody) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	if m.err != nil {
		return nil, m.err
	}
	if m.vector != nil {
		return [][]float32{m.vector}, nil
	}
	return m.hashed.Embed(ctx, texts)
}

func page(id, text string) retrieval.Document {
	return retrieval.Document{Tenant: tenant, Source: "recht", ID: id, Principals: []gateway.Principal{"public"}, Pages: []extract.Page{{Number: 1, Text: text}}}
}

func TestEmbedderFails(t *testing.T) {
	t.Parallel()
	m := &moody{}
	x := index(t, retrieval.Config{Embedder: m}, []retrieval.Document{page("1", "Vermerk zur Bauakte")})
	query := gateway.Query{Tenant: tenant, Sources: []string{"recht"}, Text: "Bauakte"}
	m.err = errors.New("out of order")
	found, err := x.Retrieve(t.Context(), query)
	if err != nil || len(found) != 1 {
		t.Errorf("%d passages, error %v: a question is answered by words alone", len(found), err)
	}
	if err := x.Put(t.Context(), page("2", "Vermerk")); !errors.Is(err, m.err) {
		t.Errorf("put: error %v, want %v: no document without its vectors", err, m.err)
	}
	m.err = nil
	for _, bad := range [][]float32{{1, 2}, make([]float32, 384)} {
		m.vector = bad
		if err := x.Put(t.Context(), page("2", "Vermerk")); err == nil {
			t.Errorf("a vector of %d numbers without direction or of the wrong size was taken", len(bad))
		}
	}
}

func TestRetrieveRefuses(t *testing.T) {
	t.Parallel()
	x := index(t, retrieval.Config{}, []retrieval.Document{page("1", "Vermerk zur Bauakte")})
	for name, test := range map[string]struct {
		query gateway.Query
		code  gateway.Code
	}{
		"no tenant":       {gateway.Query{Sources: []string{"recht"}, Text: "x"}, gateway.CodeInvalid},
		"too many wanted": {gateway.Query{Tenant: tenant, Sources: []string{"recht"}, Text: "x", Limit: 51}, gateway.CodeInvalid},
		"negative":        {gateway.Query{Tenant: tenant, Sources: []string{"recht"}, Text: "x", Limit: -1}, gateway.CodeInvalid},
		"too many groups": {gateway.Query{Tenant: tenant, Principals: make([]gateway.Principal, 5001), Sources: []string{"recht"}, Text: "x"}, gateway.CodeTooLarge},
	} {
		if _, err := x.Retrieve(t.Context(), test.query); gateway.CodeOf(err) != test.code {
			t.Errorf("%s: error %v, want code %s", name, err, test.code)
		}
	}
	for name, d := range map[string]retrieval.Document{"no tenant": {Source: "a", ID: "b"}, "no source": {Tenant: "a", ID: "b"}, "no id": {Tenant: "a", Source: "b"}} {
		if err := x.Put(t.Context(), d); err == nil {
			t.Errorf("document with %s was taken", name)
		}
	}
	if _, err := retrieval.New(retrieval.Config{}); err == nil {
		t.Error("an index without a store was made")
	}
}

func ExampleIndex() {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, "") // in memory; otherwise the path of a file
	if err != nil {
		panic(err)
	}
	defer store.Close()
	x, err := retrieval.New(retrieval.Config{Store: store})
	if err != nil {
		panic(err)
	}
	err = x.Put(ctx, retrieval.Document{
		Tenant: "musterstadt", Source: "dienstanweisungen", ID: "da-7", Title: "Dienstanweisung Wohngeld",
		Principals: []gateway.Principal{"group:wohngeld"},
		Pages:      []extract.Page{{Number: 1, Text: "Fehlende Unterlagen werden mit einer Frist von zwei Wochen angefordert."}},
	})
	if err != nil {
		panic(err)
	}
	found, err := x.Retrieve(ctx, gateway.Query{
		Tenant: "musterstadt", Principals: []gateway.Principal{"group:wohngeld"},
		Sources: []string{"dienstanweisungen"}, Text: "Welche Frist gilt für fehlende Unterlagen?",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(found[0].Citation.Title, "Seite", found[0].Citation.Page)
	// Output: Dienstanweisung Wohngeld Seite 1
}
