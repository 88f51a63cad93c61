// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package vault keeps the content of requests where an obligation demands it,
// encrypted under a key of the case, and answers what a person may ask of the
// gateway: what it holds (Art. 15 DSGVO) and that it be erased (Art. 17 DSGVO). To
// destroy the key is the erasure: no copy of the contents, and not the master
// secret either, brings it back. Keys live in a database of their own, so that
// their backups need not live as long. It is not the record, which holds no
// content and stays, and no archive of files of a case.
//
// Start at [Vault.Keep]; then [Vault.Show], [Vault.Access], [Vault.Erase] and
// [Vault.Sweep]. The stores are vault/sqlite and vault/postgres; vaulttest.Run says
// what they must do.
package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Config holds the parts of a Vault. All but Retrievals, State, Now, NewID and
// Logger are required.
type Config struct {
	Contents Contents
	Keys     Keyring
	// Master is the secret from which the key of every tenant is derived, at least
	// 32 bytes. It is kept outside of both databases.
	Master []byte
	// Pseudonymise is a keyed digest under a key of the tenant, the same that the
	// record uses.
	Pseudonymise func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym
	// Record writes notes and reads entries.
	Record Record
	// Retrievals is the retrieval log; nil: there is none.
	Retrievals Retrievals
	// State keeps legal holds; nil: there are none, and none can be placed.
	State state.Store
	// Now and NewID default to the clock and to time-ordered random ids.
	Now   func() time.Time
	NewID func(time.Time) string
	// Logger gets failures without content; default: discard.
	Logger *slog.Logger
	// MaxRequest and MaxAnswer bound what is kept of one entry, default 4 MiB. A
	// larger request is refused, of a larger answer the beginning is kept.
	MaxRequest, MaxAnswer int
	// SpoolFolder is where answers wait while they come, each under a key that is
	// nowhere but in memory; default: the system's folder for such files.
	SpoolFolder string
	// RecordFloor is how long entries of the record stay at least, default 183 days.
	RecordFloor time.Duration
}

// Record is what the vault needs of the record.
type Record interface {
	Note(ctx context.Context, n audit.Note) error
	Each(ctx context.Context, f audit.Filter, do func(audit.Item) error) error
}

// Retrievals is what the vault needs of the retrieval log.
type Retrievals interface {
	List(ctx context.Context, f accesslog.Filter) ([]accesslog.Retrieval, error)
	Remove(ctx context.Context, tenant gateway.TenantID, file gateway.Pseudonym) (int, error)
	Ceiling() time.Duration
}

// Vault keeps contents. It is safe for concurrent use.
type Vault struct{ config Config }

var _ gateway.Keeper = (*Vault)(nil)

const (
	defaultMax  = 4 << 20
	recordFloor = 183 * 24 * time.Hour // six months, Art. 26 Abs. 6 KI-VO
	minMaster   = 32
)

// New checks the configuration and finishes erasures that a crash interrupted. One
// that cannot be finished now is tried again by Sweep.
func New(ctx context.Context, c Config) (*Vault, error) {
	if c.Contents == nil || c.Keys == nil || c.Pseudonymise == nil || c.Record == nil {
		return nil, errors.New("vault: Contents, Keys, Pseudonymise and Record are required")
	}
	if len(c.Master) < minMaster {
		return nil, fmt.Errorf("vault: the master secret has %d bytes, needs at least %d", len(c.Master), minMaster)
	}
	c.MaxRequest, c.MaxAnswer = cmp.Or(c.MaxRequest, defaultMax), cmp.Or(c.MaxAnswer, defaultMax)
	c.RecordFloor = cmp.Or(c.RecordFloor, recordFloor)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = gateway.NewID
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Vault{c}
	if err := v.finish(ctx, 0); err != nil {
		return nil, fmt.Errorf("find interrupted erasures: %w", err)
	}
	return v, nil
}

// Keep seals a content under the key of its case, or of its entry if there is no
// case, and returns when it is durable.
func (v *Vault) Keep(ctx context.Context, c gateway.Content) error {
	if c.Tenant == "" || c.ID == "" || c.Days < 1 || c.Days > gateway.MaxKeepDays {
		return errors.New("keep content: tenant, id and days are required")
	}
	kind, most := KindRequest, v.config.MaxRequest
	if c.Answer {
		kind, most = KindAnswer, v.config.MaxAnswer+overhead
	}
	if len(c.Body) > most {
		return &gateway.Error{Op: "keep content", Code: gateway.CodeTooLarge, Message: fmt.Sprintf("Er ist größer als %d KiB.", most>>10)}
	}
	now := v.config.Now().UTC()
	item := Item{
		Tenant: c.Tenant, Entry: c.ID, Kind: kind, Case: c.Case, User: c.User, Kept: c.Kept,
		Made: now, Expires: c.Time.UTC().AddDate(0, 0, c.Days),
	}
	key, id, err := v.keyFor(ctx, item)
	if err != nil {
		return err
	}
	item.Key = id
	if item.Sealed, err = seal(key, c.Body, item.additional()); err != nil {
		return err
	}
	return v.config.Contents.Add(ctx, item)
}

// overhead is room for the JSON around the texts of an answer.
const overhead = 1 << 20

// Drop takes back what was kept of an entry.
func (v *Vault) Drop(ctx context.Context, tenant gateway.TenantID, id string) error {
	items, err := v.config.Contents.Items(ctx, Query{Tenant: tenant, Entry: id})
	if err != nil || len(items) == 0 {
		return err
	}
	_, err = v.config.Contents.Remove(ctx, items)
	return err
}

// Spool holds an answer while it comes.
func (v *Vault) Spool() gateway.Spool {
	return &spool{most: v.config.MaxAnswer, folder: v.config.SpoolFolder}
}

// keyName is what the key of an item is for.
func (i Item) keyName() string {
	if i.Case != "" {
		return caseKey(i.Case)
	}
	return "entry/" + i.Entry
}

func caseKey(file gateway.Pseudonym) string { return "case/" + string(file) }

// slack is how much longer than its items a key lives, so that its end is not
// moved with every item.
const slack = 48 * time.Hour

// keyFor is the key of an item, made if there is none.
func (v *Vault) keyFor(ctx context.Context, i Item) (key []byte, id string, err error) {
	k := Key{
		Tenant: i.Tenant, Name: i.keyName(), ID: newKeyID(), Made: i.Made,
		Until: i.Expires.Truncate(24 * time.Hour).Add(slack),
	}
	fresh, err := v.wrap(&k)
	if err != nil {
		return nil, "", err
	}
	have, err := v.config.Keys.Make(ctx, k)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("make key: %w", err)
	case !have.Destroyed.IsZero():
		return nil, "", erased("Die Inhalte dieses Falls wurden gelöscht, ihr Schlüssel vernichtet. Neue Inhalte werden erst aufbewahrt, wenn die Mandantenadministration den Fall dafür wieder öffnet.")
	case have.ID == k.ID:
		return fresh, k.ID, nil
	}
	key, err = v.unwrap(have)
	return key, have.ID, err
}

// erased says that a key was destroyed.
func erased(message string) error {
	return &gateway.Error{Op: "find key", Code: gateway.CodeConflict, Message: message}
}
