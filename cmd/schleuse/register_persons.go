// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"cmp"
	"context"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// personDesk answers persons' requests through the vault, which notes what it
// does and refuses whom it has to.
type personDesk struct{ p *parts }

var _ ui.PersonDesk = personDesk{}

// subjectOf is whom a page asks about; a person of the sign-in is written as the
// issuer's address, a blank and the subject.
func subjectOf(s ui.PersonSubject) vault.Subject {
	return vault.Subject{Tenant: s.Tenant, Case: s.Case, User: identity.ParseUser(s.User)}
}

func vaultActor(p identity.Person) vault.Actor {
	return vault.Actor{Tenant: p.Tenant, Name: p.User(), Roles: p.Roles, Operator: p.Operator}
}

func (d personDesk) Access(ctx context.Context, by identity.Person, s ui.PersonSubject) (ui.Disclosure, error) {
	found, err := d.p.vault.Access(ctx, vaultActor(by), subjectOf(s))
	if err != nil {
		return ui.Disclosure{}, err
	}
	profile, err := d.p.profile(ctx, s.Tenant)
	if err != nil && gateway.CodeOf(err) != gateway.CodeInvalid { // without a letterhead the letter names the gaps
		return ui.Disclosure{}, err
	}
	out := ui.Disclosure{
		Made: found.Made, Entries: found.Total, Contents: len(found.Contents), Retrievals: len(found.Retrievals), Letter: addressed(found.Letter(), profile),
	}
	for _, st := range found.Statements {
		out.Statements = append(out.Statements, ui.PersonStatement(st))
	}
	var raw bytes.Buffer
	if err := found.WriteJSON(&raw); err != nil {
		return ui.Disclosure{}, err
	}
	out.JSON = raw.Bytes()
	return out, nil
}

func (d personDesk) Preview(ctx context.Context, by identity.Person, s ui.PersonSubject) (ui.Erasure, error) {
	e, err := d.p.vault.Preview(ctx, vaultActor(by), subjectOf(s))
	return erasureOf(e), err
}

func (d personDesk) Erase(ctx context.Context, by identity.Person, s ui.PersonSubject, reason string) (ui.Erasure, error) {
	e, err := d.p.vault.Erase(ctx, vaultActor(by), subjectOf(s), reason)
	return erasureOf(e), err
}

func erasureOf(e vault.Erasure) ui.Erasure {
	out := ui.Erasure{Made: e.Made, Keys: e.Keys, Contents: e.Contents, Retrievals: e.Retrievals}
	for _, s := range e.Stays {
		out.Stays = append(out.Stays, ui.StayLine{What: s.What, Why: s.Why, Count: s.Count, Until: s.Until})
	}
	return out
}

func (d personDesk) Holds(ctx context.Context, by identity.Person, tenant gateway.TenantID) ([]ui.HoldLine, error) {
	holds, err := d.p.vault.ListHolds(ctx, vaultActor(by), tenant)
	if err != nil {
		return nil, err
	}
	out := make([]ui.HoldLine, 0, len(holds))
	for _, h := range holds {
		out = append(out, ui.HoldLine{ID: h.ID, Reason: h.Reason, About: shortened(cmp.Or(h.Entry, string(cmp.Or(h.Case, h.User)))), From: h.From})
	}
	return out, nil
}

// shortened pseudonyms are enough to tell lines apart.
func shortened(s string) string {
	if len(s) > 16 {
		return s[:16] + "…"
	}
	return s
}

func (d personDesk) PlaceHold(ctx context.Context, by identity.Person, s ui.PersonSubject, reason string) error {
	_, err := d.p.vault.PlaceHold(ctx, vaultActor(by), subjectOf(s), "", reason)
	return err
}

func (d personDesk) LiftHold(ctx context.Context, by identity.Person, tenant gateway.TenantID, id, reason string) error {
	return d.p.vault.LiftHold(ctx, vaultActor(by), tenant, id, reason)
}
