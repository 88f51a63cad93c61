// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Contents keeps what was sealed. What it must do is tested by vaulttest.Run.
type Contents interface {
	// Add is durable when it returns. The same content of the same entry twice is
	// CodeConflict.
	Add(ctx context.Context, i Item) error
	// Items are those that match, the oldest first; without Sealed if that was not asked for.
	Items(ctx context.Context, q Query) ([]Item, error)
	// Expired are up to limit items whose time ended before, after the given one in
	// the order of tenant, entry and kind.
	Expired(ctx context.Context, before time.Time, after Item, limit int) ([]Item, error)
	// Remove deletes items by tenant, entry and kind, so that nothing of them is left
	// in the files of the database, and says how many there were.
	Remove(ctx context.Context, items []Item) (int, error)
	// Uses says whether an item is sealed with the key.
	Uses(ctx context.Context, tenant gateway.TenantID, key string) (bool, error)
}

// Item is one sealed content.
type Item struct {
	Tenant gateway.TenantID
	// Entry is the id of the record; Kind says which side of it.
	Entry string
	Kind  Kind
	// Key is the id of the key it is sealed with.
	Key string
	// Case and User are the pseudonyms of the record; either may be empty.
	Case, User    gateway.Pseudonym
	Made, Expires time.Time
	gateway.Kept
	// Sealed is version, nonce and ciphertext.
	Sealed []byte
}

// Kind says which side of an entry a content is.
type Kind string

// Kinds of content.
const (
	KindRequest Kind = "request"
	KindAnswer  Kind = "answer"
)

// Query chooses items of one tenant by exactly one of the other fields.
type Query struct {
	Tenant gateway.TenantID
	Entry  string
	Case   gateway.Pseudonym
	User   gateway.Pseudonym
	// Sealed asks for the content as well.
	Sealed bool
}

// Keyring keeps wrapped keys, in a database of its own: its backups must not live
// as long as those of the contents.
type Keyring interface {
	// Make returns the current key of the name: the one that is stored, with its
	// end moved to that of k if that is later, or k. A destroyed one is returned as
	// it is. It is durable when it returns.
	Make(ctx context.Context, k Key) (Key, error)
	// Key returns a key by its id; CodeNotFound if there is none.
	Key(ctx context.Context, tenant gateway.TenantID, id string) (Key, error)
	// Destroy overwrites the current keys of the names and leaves tombstones. When
	// it returns, they cannot be found in the files of the database. Names without a
	// key are passed over. It returns how many keys there were.
	Destroy(ctx context.Context, tenant gateway.TenantID, names []string, at time.Time) (int, error)
	// Reopen lets a name have a new key after a tombstone; false: there is none.
	Reopen(ctx context.Context, tenant gateway.TenantID, name string) (bool, error)
	// Erased is when the current key of the name was destroyed; zero: it was not.
	Erased(ctx context.Context, tenant gateway.TenantID, name string) (time.Time, error)
	// Stale are up to limit keys whose end has passed, after the given id.
	Stale(ctx context.Context, before time.Time, after string, limit int) ([]Key, error)
	// Forget deletes a key that no item uses any more, without a tombstone. ErrMoved:
	// its end is no longer that of k.
	Forget(ctx context.Context, k Key) error

	// Begin notes an erasure durably, Jobs lists those that have not ended, End ends one.
	Begin(ctx context.Context, j Job) error
	Jobs(ctx context.Context) ([]Job, error)
	End(ctx context.Context, id string) error
}

// Key is a wrapped key.
type Key struct {
	Tenant gateway.TenantID
	// Name is what it is for: "case/" and a pseudonym, or "entry/" and an id.
	Name string
	// ID tells it from earlier and later keys of the name.
	ID string
	// Until is when no item that is sealed with it is left.
	Made, Until time.Time
	// Destroyed is set on a tombstone; Wrapped is empty then.
	Destroyed time.Time
	Wrapped   []byte
}

// Job is an erasure under way. It holds pseudonyms only.
type Job struct {
	ID     string            `json:"id"`
	Tenant gateway.TenantID  `json:"tenant"`
	Case   gateway.Pseudonym `json:"case,omitempty"`
	User   gateway.Pseudonym `json:"user,omitempty"`
	// Retrievals: the retrieval log is part of it.
	Retrievals bool      `json:"retrievals,omitempty"`
	Made       time.Time `json:"made"`
	// Actor, Role and Reason stand in its notes.
	Actor  gateway.Pseudonym `json:"actor"`
	Role   string            `json:"role"`
	Reason string            `json:"reason"`
}
