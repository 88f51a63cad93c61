// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package state keeps small documents that all replicas share and that change:
// proposals of policies, approvals, legal holds, saved filters. A document is
// changed by who has seen its latest version. It is not the record (nothing is
// proved here; who changes something writes a note into the record) and holds no
// content of cases.
//
// Start at [Store]. The stores are state/sqlite and state/postgres; statetest.Run
// says what one must do.
package state

import (
	"context"
	"encoding/json"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Document is one thing with its version.
type Document struct {
	// Kind and ID name it: 1 to 64 and 1 to 128 of a-z, A-Z, 0-9, '.', '_' and '-'.
	Kind, ID string
	// Tenant it belongs to; empty: the operator's.
	Tenant gateway.TenantID
	// Version counts changes, from 1.
	Version int64
	// Time of the last change; set by the store.
	Time time.Time
	// Body is JSON of at most MaxBody bytes.
	Body json.RawMessage
}

// Bounds of a document and of a page.
const (
	MaxBody  = 4 << 20
	MaxLimit = 500
)

// Filter chooses documents of one kind.
type Filter struct {
	Kind string
	// Tenant, if not nil, restricts to one tenant ("" is the operator).
	Tenant *gateway.TenantID
	// After is the id after which the page begins; ids come in order.
	After string
	// Limit is 1 to MaxLimit; 0 means MaxLimit.
	Limit int
}

// Store keeps documents. It is safe for concurrent use, also by several processes.
type Store interface {
	// Get returns a document; CodeNotFound if there is none.
	Get(ctx context.Context, kind, id string) (Document, error)
	// List returns a page in the order of ids.
	List(ctx context.Context, f Filter) ([]Document, error)
	// Put writes a document durably and returns it with its new version. d.Version
	// is the version that is replaced, 0 for a new one; CodeConflict if another one
	// is stored.
	Put(ctx context.Context, d Document) (Document, error)
	// Delete removes a document of this version; CodeConflict if another one is
	// stored, CodeNotFound if none is.
	Delete(ctx context.Context, kind, id string, version int64) error
}
