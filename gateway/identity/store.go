// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Store keeps tenants for one or many processes. Both implementations pass
// identitytest.
type Store interface {
	// Revision is the number of changes so far.
	Revision(ctx context.Context) (int64, error)
	// Changed returns the rows written after a revision, and the revision they
	// are valid for, as of one moment.
	Changed(ctx context.Context, after int64) ([]Row, int64, error)
	// Update hands what is kept to build, in one transaction that no other change
	// interrupts, writes what build returns and counts one revision. When there
	// is nothing to write or build fails, nothing is changed; errors of build are
	// returned as they are.
	Update(ctx context.Context, l Lookup, build func(Current) (Write, error)) error
	// Used notes the days (since 1970) on which keys were used; earlier days
	// than those known change nothing.
	Used(ctx context.Context, days map[string]int64) error
	// LastUsed returns the known days of some keys.
	LastUsed(ctx context.Context, keys []string) (map[string]int64, error)
}

// Row is a tenant as it is kept.
type Row struct {
	ID      gateway.TenantID
	Version int64
	// Body is the whole tenant; nil: it was deleted.
	Body []byte
}

// Lookup says what an update needs to know.
type Lookup struct {
	Tenants []gateway.TenantID
	// Request is the digest of an idempotency key; empty: none.
	Request string
}

// Current is what is kept of that.
type Current struct {
	Rows map[gateway.TenantID]Row
	// Answer to an earlier request of the same digest; nil: none.
	Answer []byte
}

// Write is what an update changes.
type Write struct {
	Rows []Row
	// Answer is kept under Request at the second At; nil: nothing is kept.
	Request string
	Answer  []byte
	At      int64
	// Forget answers that are older than this second.
	Forget int64
}

// document is the body of a row. The hashes stand beside the tenant, so that no
// form of a tenant that can be shown holds them.
type document struct {
	Tenant Tenant            `json:"tenant"`
	Hashes map[string]string `json:"hashes"`
}

func encodeTenant(t Tenant) ([]byte, error) {
	t = t.clone()
	d := document{Hashes: map[string]string{}}
	for i := range t.Systems {
		for j := range t.Systems[i].Keys {
			k := &t.Systems[i].Keys[j]
			d.Hashes[k.ID] = k.Hash
			k.State, k.LastUsed = "", ""
		}
	}
	t.Managed, t.Version = "", 0
	d.Tenant = t
	raw, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode tenant %s: %w", t.ID, err)
	}
	return raw, nil
}

func decodeTenant(r Row) (Tenant, error) {
	var d document
	if err := json.Unmarshal(r.Body, &d); err != nil {
		return Tenant{}, fmt.Errorf("decode tenant %s: %w", r.ID, err)
	}
	t := d.Tenant
	if t.ID != r.ID {
		return Tenant{}, fmt.Errorf("decode tenant %s: the row holds another one", r.ID)
	}
	t.Managed, t.Version = ManagedStore, r.Version
	for i := range t.Systems {
		for j := range t.Systems[i].Keys {
			k := &t.Systems[i].Keys[j]
			k.Hash = d.Hashes[k.ID]
		}
	}
	return t, nil
}
