// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// Bounds of what the index takes.
const (
	maxQuery      = 8 << 10 // bytes of a question; the rest is not looked at
	maxQueryTerms = 2000
	maxChunks     = 20_000 // of one document
	maxPrincipals = 5000
	defaultLimit  = 8
	maxLimit      = 50
	embedBatch    = 32
)

// AllSources in a query stands for all sources of the tenant.
const AllSources = "*"

// public may be read by everyone who may search.
const public gateway.Principal = "public"

// Embedder turns texts into vectors. ID names model and version: vectors of
// different ids are never mixed.
type Embedder interface {
	ID() string
	Dim() int
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Config of an Index.
type Config struct {
	Store Store
	// Embedder; nil: the lexical index works alone.
	Embedder Embedder
	// Dense is the weight of the vectors, 0 to 1; default 0.3.
	Dense float64
	// Ranking of sources that differ from Default, by name of the source.
	Ranking map[string]BM25
	Default BM25
	// Shared is a tenant whose documents all tenants may search, for example
	// statutes; their rights count as well. Empty: none.
	Shared gateway.TenantID
	// Reader of files; nil: extract.NewReader with its defaults.
	Reader *extract.Reader
	// Log is told when the embedder fails and a question is answered without it;
	// nil: nobody.
	Log *slog.Logger
}

// Index holds the documents of all tenants and finds passages.
type Index struct {
	config Config
}

var _ gateway.Retriever = (*Index)(nil)

// New returns an Index over a store.
func New(c Config) (*Index, error) {
	if c.Store == nil {
		return nil, errors.New("retrieval: no store")
	}
	if c.Dense < 0 || c.Dense > 1 {
		return nil, fmt.Errorf("retrieval: weight of vectors %g is outside 0 to 1", c.Dense)
	}
	if c.Embedder != nil && (c.Embedder.ID() == "" || c.Embedder.Dim() <= 0) {
		return nil, errors.New("retrieval: embedder without id or dimension")
	}
	setDefault(&c.Dense, 0.3)
	c.Default = c.Default.withDefaults()
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Reader == nil {
		c.Reader = extract.NewReader(extract.Config{})
	}
	return &Index{config: c}, nil
}

// Document is what goes into the index: Sections for statutes, Pages otherwise.
type Document struct {
	Tenant    gateway.TenantID
	Source    string
	ID        string
	Title     string
	Version   string
	MediaType string
	// Principals who may read it, Denied who may not although they could; no
	// principals: no one.
	Principals, Denied []gateway.Principal
	Class              []gateway.DataClass
	URL                string
	// Statute is the abbreviation, for example "BMG"; Stand its version.
	Statute, Stand string
	Sections       []Section
	Pages          []extract.Page
	// parent is the document this one was attached to.
	parent string
}

// Section is one § of a statute: Number "§ 17".
type Section struct {
	Number, Heading, Text string
	URL                   string
}

// Put adds or replaces a document.
func (x *Index) Put(ctx context.Context, d Document) error {
	if d.Tenant == "" || d.Source == "" || d.ID == "" {
		return errors.New("put document: tenant, source or id is missing")
	}
	if len(d.Principals)+len(d.Denied) > maxPrincipals {
		return fmt.Errorf("put document: more than %d principals", maxPrincipals)
	}
	if err := d.check(); err != nil {
		return fmt.Errorf("put document: %w", err)
	}
	chunks, err := x.chunks(ctx, d)
	if err != nil {
		return fmt.Errorf("put document: %w", err)
	}
	return x.config.Store.Put(ctx, Entry{
		Key: Key{d.Tenant, d.Source, d.ID}, Parent: d.parent, Title: d.Title, Version: d.Version,
		Access: Access{d.Principals, d.Denied}, Class: d.Class, Chunks: chunks,
	})
}

// check refuses what not every store can hold.
func (d Document) check() error {
	texts := []string{string(d.Tenant), d.Source, d.ID, d.Title, d.Version, d.URL, d.Statute, d.Stand}
	for _, s := range d.Sections {
		texts = append(texts, s.Number, s.Heading, s.Text, s.URL)
	}
	for _, p := range d.Pages {
		texts = append(texts, p.Text)
	}
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return errors.New("text is not valid UTF-8 or holds a zero character")
		}
	}
	return nil
}

// Delete removes a document.
func (x *Index) Delete(ctx context.Context, tenant gateway.TenantID, source, id string) error {
	return x.config.Store.Delete(ctx, Key{tenant, source, id})
}

func (x *Index) ranking(source string) BM25 {
	if r, ok := x.config.Ranking[source]; ok {
		return r.withDefaults()
	}
	return x.config.Default
}

func (x *Index) chunks(ctx context.Context, d Document) ([]Chunk, error) {
	pieces := d.pieces()
	if len(pieces) > maxChunks {
		return nil, fmt.Errorf("more than %d chunks", maxChunks)
	}
	ranking := x.ranking(d.Source)
	out := make([]Chunk, len(pieces))
	for i, p := range pieces {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = Chunk{Text: p.text, Citation: p.citation, Norm: p.norm, Weights: ranking.weights(p.header, p.text)}
	}
	if x.config.Embedder == nil {
		return out, nil
	}
	return out, x.embed(ctx, pieces, out)
}

// embed fills in the vectors, batch by batch.
func (x *Index) embed(ctx context.Context, pieces []piece, out []Chunk) error {
	for from := 0; from < len(pieces); from += embedBatch {
		batch := pieces[from:min(from+embedBatch, len(pieces))]
		texts := make([]string, len(batch))
		for i, p := range batch {
			texts[i] = strings.TrimSpace(p.header + "\n" + p.text)
		}
		vectors, err := x.vectors(ctx, texts)
		if err != nil {
			return err
		}
		for i, v := range vectors {
			out[from+i].Vector, out[from+i].Embedder = v, x.config.Embedder.ID()
		}
	}
	return nil
}

func (x *Index) vectors(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := x.config.Embedder.Embed(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("embed: %w", err)
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("embed: %d vectors for %d texts", len(vectors), len(texts))
	}
	for i, v := range vectors {
		if len(v) != x.config.Embedder.Dim() {
			return nil, fmt.Errorf("embed: vector of %d dimensions, want %d", len(v), x.config.Embedder.Dim())
		}
		if vectors[i], err = unit(v); err != nil {
			return nil, fmt.Errorf("embed: %w", err)
		}
	}
	return vectors, nil
}

// Retrieve finds the passages that answer a question and that one of the
// principals may read. Sections the question names come first. No sources: no
// passages; AllSources: all.
func (x *Index) Retrieve(ctx context.Context, q gateway.Query) ([]gateway.Passage, error) {
	if q.Tenant == "" {
		return nil, &gateway.Error{Op: "retrieve", Code: gateway.CodeInvalid, Message: "Der Suche fehlt der Mandant."}
	}
	if q.Limit < 0 || q.Limit > maxLimit {
		return nil, &gateway.Error{
			Op: "retrieve", Code: gateway.CodeInvalid, Path: "limit",
			Message: fmt.Sprintf("Es sind 1 bis %d Fundstellen möglich.", maxLimit),
		}
	}
	if len(q.Principals) > maxPrincipals {
		return nil, &gateway.Error{Op: "retrieve", Code: gateway.CodeTooLarge, Message: "Der Aufrufer hat zu viele Gruppen."}
	}
	if len(q.Sources) == 0 || strings.TrimSpace(q.Text) == "" {
		return nil, nil
	}
	s, err := x.search(ctx, q)
	if err != nil {
		return nil, err
	}
	hits, err := x.config.Store.Search(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	if x.config.Shared != "" && x.config.Shared != q.Tenant {
		s.Tenant = x.config.Shared
		shared, err := x.config.Store.Search(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("search shared documents: %w", err)
		}
		hits = append(hits, shared...)
	}
	return passages(hits, namedSections(cut(q.Text, maxQuery)), s.Limit), nil
}

func (x *Index) search(ctx context.Context, q gateway.Query) (Search, error) {
	text := cut(q.Text, maxQuery)
	s := Search{
		Tenant: q.Tenant, Principals: readers(q.Principals), Sources: q.Sources,
		Terms: queryTerms(text), Dense: x.config.Dense, Limit: cmp.Or(q.Limit, defaultLimit),
	}
	if slices.Contains(q.Sources, AllSources) {
		s.Sources = nil
	}
	for _, n := range namedSections(text) {
		s.Norms = append(s.Norms, n.norm)
	}
	if x.config.Embedder == nil {
		return s, nil
	}
	vectors, err := x.vectors(ctx, []string{text})
	if ctx.Err() != nil {
		return Search{}, fmt.Errorf("retrieve: %w", ctx.Err())
	}
	if err != nil { // words alone are better than no answer
		x.config.Log.WarnContext(ctx, "question not embedded, searching by words alone", slog.Any("error", err))
		return s, nil
	}
	s.Vector, s.Embedder = vectors[0], x.config.Embedder.ID()
	return s, nil
}

// readers adds "public": what is public may be read by every caller.
func readers(principals []gateway.Principal) []gateway.Principal {
	if slices.Contains(principals, public) {
		return principals
	}
	return append(slices.Clone(principals), public)
}

// passages orders hits: the Absatz that was named, then its section, then by score.
func passages(hits []Hit, asked []named, limit int) []gateway.Passage {
	rank := func(h Hit) int {
		if !h.Named {
			return 2
		}
		for _, n := range asked {
			if n.norm == h.Norm && n.paragraph != "" && strings.Contains(h.Citation.Section, "Abs. "+n.paragraph+" ") {
				return 0
			}
		}
		return 1
	}
	slices.SortStableFunc(hits, func(a, b Hit) int {
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		return cmp.Compare(b.Score, a.Score)
	})
	out := make([]gateway.Passage, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, gateway.Passage{ID: passageID(h), Text: h.Text, Score: h.Score, Citation: h.Citation, Class: h.Class})
	}
	return out
}

// passageID is the same for the same passage of the same version.
func passageID(h Hit) string {
	return Hash(string(h.Key.Tenant) + "\x00" + h.Key.Source + "\x00" + h.Key.ID + "\x00" + h.Citation.Section + "\x00" + h.Citation.SHA256)[:16]
}
