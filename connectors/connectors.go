// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package connectors reads documents from where they live: document-management
// systems, file shares, object stores. It says what a Source promises; each
// subfolder is one kind of source, connectortest is the suite all of them pass.
// It does not read file formats (see retrieval/extract) and keeps no index.
package connectors

import (
	"context"
	"errors"
	"io"
	"time"
)

// Cursor is an opaque position in the changes of a source, stored per tenant
// and source.
type Cursor []byte

// Access says who may read a document. Not Exact, or an error while finding
// out: no one.
type Access struct {
	Allow []string // principals "user:…", "group:…", "role:…", "public"
	Deny  []string
	Exact bool
}

// Ref names one document of a source.
type Ref struct {
	// ID is stable over renames where the source can do that.
	ID        string
	Path      string
	Title     string
	MediaType string
	// ETag changes whenever the content changes.
	ETag     string
	URL      string
	Modified time.Time
	Size     int64
}

// ChangeKind says what happened to a document.
type ChangeKind int

// Kinds of change.
const (
	Upsert ChangeKind = iota + 1
	Delete
	AccessOnly
)

// Change is one event. Err set: this one document could not be looked at; the
// others go on.
type Change struct {
	Kind   ChangeKind
	Ref    Ref
	Access *Access
	Err    error
}

// Capabilities of a source.
type Capabilities struct {
	Name     string
	HasDelta bool
	HasACL   bool
	// DeltaSeesDeletes: Changes reports deletions; otherwise only Walk shows them.
	DeltaSeesDeletes bool
}

// ErrCursorExpired asks for a full load.
var ErrCursorExpired = errors.New("cursor expired: load everything again")

// ErrNotFound says that the document is gone.
var ErrNotFound = errors.New("document not found")

// Source is a place documents come from. All methods are safe for concurrent use.
type Source interface {
	Info(ctx context.Context) (Capabilities, error)
	// Changes emits what changed since from; nil means everything. The returned
	// cursor is valid only if err is nil.
	Changes(ctx context.Context, from Cursor, emit func(Change) error) (Cursor, error)
	// Walk emits id and access of every document, by the same admission rule as
	// Changes, so that a difference means: deleted.
	Walk(ctx context.Context, emit func(Ref, Access) error) error
	// Open returns the bytes; the caller bounds size and time.
	Open(ctx context.Context, ref Ref) (io.ReadCloser, error)
}
