// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Justification says why somebody opens a content.
type Justification struct {
	// Reason is a sentence, Case the file number under which the look is justified
	// (not that of the content). Both are required; the file number goes into the
	// record as a pseudonym.
	Reason, Case string
}

// Opened is the content of one entry in plain text.
type Opened struct {
	Entry   string    `json:"entry"`
	Expires time.Time `json:"expires"`
	Request *Part     `json:"request,omitempty"`
	Answer  *Part     `json:"answer,omitempty"`
}

// Part is one side of an entry.
type Part struct {
	Body []byte `json:"body"`
	gateway.Kept
}

// Has says whether there is content to an entry, and until when, without opening it.
func (v *Vault) Has(ctx context.Context, tenant gateway.TenantID, entry string) (until time.Time, ok bool, err error) {
	items, err := v.readable(ctx, Query{Tenant: tenant, Entry: entry})
	for _, i := range items {
		if i.Expires.After(until) {
			until = i.Expires
		}
	}
	return until, len(items) > 0, err
}

// Show opens the content of an entry for the revision of its tenant. The look
// stands in the record before anything is read.
func (v *Vault) Show(ctx context.Context, by Actor, tenant gateway.TenantID, entry string, why Justification) (Opened, error) {
	const op = "show content"
	if !slices.Contains(by.Roles, roleRevision) || by.Tenant == "" || by.Tenant != tenant {
		return Opened{}, denied(op, "Inhalte öffnet nur die Revision des eigenen Mandanten.")
	}
	reason, err := reasonOf(why.Reason)
	if err != nil {
		return Opened{}, err
	}
	file := strings.TrimSpace(why.Case)
	if file == "" || len(file) > maxSubject || !utf8.ValidString(file) {
		return Opened{}, invalid("case", "Bitte geben Sie das Aktenzeichen an, zu dem die Einsicht gehört.")
	}
	if _, ok, err := v.Has(ctx, tenant, entry); err != nil {
		return Opened{}, err
	} else if !ok {
		return Opened{}, notFound(op)
	}
	err = v.note(ctx, tenant, by, roleRevision, audit.Note{
		Topic: audit.TopicRecordOpened, Object: entry, Reason: reason, Case: v.config.Pseudonymise(tenant, "case", file),
		Text: "Der aufbewahrte Inhalt eines Eintrags wurde geöffnet.",
	})
	if err != nil {
		return Opened{}, err
	}
	items, err := v.readable(ctx, Query{Tenant: tenant, Entry: entry, Sealed: true})
	if err != nil {
		return Opened{}, err
	}
	return v.opened(ctx, entry, items)
}

func notFound(op string) error {
	return &gateway.Error{Op: op, Code: gateway.CodeNotFound, Message: "Zu diesem Eintrag ist kein Inhalt aufbewahrt."}
}

// opened decrypts the items of one entry.
func (v *Vault) opened(ctx context.Context, entry string, items []Item) (Opened, error) {
	if len(items) == 0 {
		return Opened{}, notFound("show content")
	}
	out := Opened{Entry: entry}
	for _, i := range items {
		body, err := v.read(ctx, i)
		if err != nil {
			return Opened{}, err
		}
		part := &Part{Body: body, Kept: i.Kept}
		if out.Expires = i.Expires; i.Kind == KindRequest {
			out.Request = part
		} else {
			out.Answer = part
		}
	}
	return out, nil
}

// read decrypts one item.
func (v *Vault) read(ctx context.Context, i Item) ([]byte, error) {
	k, err := v.config.Keys.Key(ctx, i.Tenant, i.Key)
	if err != nil {
		return nil, fmt.Errorf("find key of %s: %w", i.Entry, err)
	}
	if !k.Destroyed.IsZero() {
		return nil, erased("Der Inhalt wurde gelöscht: sein Schlüssel ist vernichtet.")
	}
	key, err := v.unwrap(k)
	if err != nil {
		return nil, unreadable(i, err)
	}
	body, err := open(key, i.Sealed, i.additional())
	if err != nil {
		return nil, unreadable(i, err)
	}
	return body, nil
}

func unreadable(i Item, err error) error {
	return &gateway.Error{
		Op: "open content", Code: gateway.CodeInternal, RequestID: i.Entry, Err: err,
		Message: "Der aufbewahrte Inhalt lässt sich nicht öffnen: Er ist beschädigt oder gehört nicht zu diesem Eintrag.",
	}
}

// readable are the items whose time has not ended, or that a hold keeps.
func (v *Vault) readable(ctx context.Context, q Query) ([]Item, error) {
	if q.Tenant == "" || q.Entry == "" && q.Case == "" && q.User == "" {
		return nil, invalid("tenant", "Es fehlt, wessen Inhalte gemeint sind.")
	}
	items, err := v.config.Contents.Items(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	now := v.config.Now()
	if !slices.ContainsFunc(items, func(i Item) bool { return !now.Before(i.Expires) }) {
		return items, nil
	}
	holds, err := v.holdsOf(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(items, func(i Item) bool { return !now.Before(i.Expires) && !held(holds, i) }), nil
}

// note writes into the record who does something before it is done.
func (v *Vault) note(ctx context.Context, tenant gateway.TenantID, by Actor, role string, n audit.Note) error {
	now := v.config.Now().UTC()
	n.ID, n.Time, n.Tenant = v.config.NewID(now), now, tenant
	n.Actor, n.Role, n.Reason = v.actor(by), by.role(role), cmp.Or(n.Reason, by.Reason)
	if err := v.config.Record.Note(ctx, n); err != nil {
		return fmt.Errorf("write note %s: %w", n.Topic, err)
	}
	return nil
}
