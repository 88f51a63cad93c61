// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"context"
	"errors"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Store keeps documents, their chunks and who may read them, and searches. All
// stores pass retrieval/storetest and rank alike. Every method is bound to one
// tenant; none ever returns a row of another. Safe for concurrent use.
type Store interface {
	// Put replaces a document, its chunks and what was attached to it, in one step.
	Put(ctx context.Context, d Entry) error
	// Delete removes a document and what was attached to it. One that is not
	// there is no error.
	Delete(ctx context.Context, k Key) error
	// SetAccess changes who may read a document and what is attached to it.
	SetAccess(ctx context.Context, k Key, a Access) error
	// Documents lists the documents of a source, without those attached to others.
	Documents(ctx context.Context, tenant gateway.TenantID, source string, emit func(Stored) error) error
	// Search finds chunks. Which rows may be read is determined before ranking.
	Search(ctx context.Context, s Search) ([]Hit, error)
	// Clear removes everything of a tenant.
	Clear(ctx context.Context, tenant gateway.TenantID) error
	// State returns what was kept about a source by SetState; nil if nothing.
	State(ctx context.Context, tenant gateway.TenantID, source string) ([]byte, error)
	SetState(ctx context.Context, tenant gateway.TenantID, source string, state []byte) error
}

// ErrEmbedder says that vectors of different embedders would be mixed.
var ErrEmbedder = errors.New("vectors of another embedder are stored: index the tenant again")

// Key names a document.
type Key struct {
	Tenant gateway.TenantID
	Source string
	ID     string
}

// Access says who may read. No one in Allow: no one.
type Access struct {
	Allow, Deny []gateway.Principal
}

// Entry is a document as a Store keeps it.
type Entry struct {
	Key
	// Parent is the document this one was attached to; empty: none.
	Parent string
	Title  string
	// Version is the etag; Fingerprint changes with whatever else is kept.
	Version string
	Access  Access
	Class   []gateway.DataClass
	Chunks  []Chunk
}

// Chunk is one passage of a document.
type Chunk struct {
	Text     string
	Citation gateway.Citation
	// Norm is the key of the section, for example "bmg§17"; empty: none.
	Norm    string
	Weights []Weight
	// Vector of length 1, made by Embedder; both empty: none.
	Vector   []float32
	Embedder string
}

// Stored is what a Store knows about a document.
type Stored struct {
	ID, Version string
	Access      Access
}

// Search is a question to a Store.
type Search struct {
	Tenant     gateway.TenantID
	Principals []gateway.Principal
	// Sources to look in; nil: all of the tenant.
	Sources []string
	Terms   []QueryTerm
	// Norms are sections named in the question; their chunks come first.
	Norms []string
	// Vector of the question, made by Embedder; nil: none.
	Vector   []float32
	Embedder string
	// Dense is the weight of the vectors, 0 to 1.
	Dense float64
	Limit int
}

// Candidates is how many chunks each way of searching hands to Fuse.
func (s Search) Candidates() int { return max(50, 3*s.Limit) }

// Hit is a chunk that was found. Named: the question names its section.
type Hit struct {
	Key      Key
	Text     string
	Citation gateway.Citation
	Class    []gateway.DataClass
	Norm     string
	Score    float64
	Named    bool
}
