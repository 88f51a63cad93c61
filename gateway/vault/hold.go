// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// HoldKind is the kind of document in which a legal hold is kept.
const HoldKind = "hold"

// Hold keeps everything of a case, of a user, of one entry or, when none of them
// is named, of the tenant: nothing of it is erased and nothing ends, because a
// court or an authority may need it.
type Hold struct {
	ID     string            `json:"id"`
	Tenant gateway.TenantID  `json:"tenant"`
	Case   gateway.Pseudonym `json:"case,omitempty"`
	User   gateway.Pseudonym `json:"user,omitempty"`
	Entry  string            `json:"entry,omitempty"`
	Reason string            `json:"reason"`
	By     gateway.Pseudonym `json:"by"`
	From   time.Time         `json:"from"`
}

// covers says whether the hold keeps what belongs to these.
func (h Hold) covers(entry string, file, person gateway.Pseudonym) bool {
	switch {
	case h.Entry != "":
		return h.Entry == entry
	case h.Case != "":
		return h.Case == file
	case h.User != "":
		return h.User == person
	}
	return true
}

func held(holds []Hold, i Item) bool {
	return slices.ContainsFunc(holds, func(h Hold) bool { return h.covers(i.Entry, i.Case, i.User) })
}

// PlaceHold places a hold on a subject, or on one entry; with neither on the whole
// tenant. It returns the hold with its id.
func (v *Vault) PlaceHold(ctx context.Context, by Actor, s Subject, entry, reason string) (Hold, error) {
	const op = "place hold"
	if err := by.may(op, s.Tenant); err != nil {
		return Hold{}, err
	}
	if v.config.State == nil {
		return Hold{}, errors.New("place hold: there is no store for holds")
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return Hold{}, err
	}
	now := v.config.Now().UTC()
	h := Hold{ID: "h" + strings.ToLower(strings.TrimPrefix(v.config.NewID(now), "e")), Tenant: s.Tenant, Entry: strings.TrimSpace(entry), Reason: reason, From: now}
	if s.Case != "" || s.User != "" {
		sub, err := v.find(s)
		if err != nil {
			return Hold{}, err
		}
		h.Case, h.User = sub.file, sub.person
	}
	if s.Tenant == "" || h.Entry != "" && (s.Case != "" || s.User != "") || len(h.Entry) > maxSubject {
		return Hold{}, invalid("entry", "Bitte geben Sie ein Aktenzeichen, eine Benutzerkennung oder einen Eintrag an.")
	}
	h.By = v.actor(by)
	body, err := json.Marshal(h)
	if err != nil {
		return Hold{}, fmt.Errorf("write hold: %w", err)
	}
	err = v.note(ctx, s.Tenant, by, roleTenant, audit.Note{
		Topic: audit.TopicHoldPlaced, Object: h.ID, Case: h.Case, Reason: reason, New: body,
		Text: "Eine Sperre gegen Löschung wurde gesetzt.",
	})
	if err != nil {
		return Hold{}, err
	}
	if _, err := v.config.State.Put(ctx, state.Document{Kind: HoldKind, ID: h.ID, Tenant: s.Tenant, Body: body}); err != nil {
		return Hold{}, fmt.Errorf("place hold: %w", err)
	}
	return h, nil
}

// LiftHold lifts a hold of a tenant.
func (v *Vault) LiftHold(ctx context.Context, by Actor, tenant gateway.TenantID, id, reason string) error {
	const op = "lift hold"
	if err := by.may(op, tenant); err != nil {
		return err
	}
	if v.config.State == nil {
		return errors.New("lift hold: there is no store for holds")
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	d, err := v.config.State.Get(ctx, HoldKind, id)
	if gateway.CodeOf(err) == gateway.CodeNotFound || err == nil && d.Tenant != tenant {
		return &gateway.Error{Op: op, Code: gateway.CodeNotFound, Message: "Diese Sperre gibt es bei diesem Mandanten nicht."}
	}
	if err != nil {
		return fmt.Errorf("lift hold: %w", err)
	}
	err = v.note(ctx, tenant, by, roleTenant, audit.Note{
		Topic: audit.TopicHoldLifted, Object: id, Reason: reason, Old: d.Body, Text: "Eine Sperre gegen Löschung wurde aufgehoben.",
	})
	if err != nil {
		return err
	}
	if err := v.config.State.Delete(ctx, HoldKind, id, d.Version); err != nil {
		return fmt.Errorf("lift hold: %w", err)
	}
	return nil
}

// ListHolds lists the holds of a tenant, the oldest first.
func (v *Vault) ListHolds(ctx context.Context, by Actor, tenant gateway.TenantID) ([]Hold, error) {
	if !slices.Contains(by.Roles, roleRevision) || by.Tenant != tenant {
		if err := by.may("list holds", tenant); err != nil {
			return nil, err
		}
	}
	return v.holdsOf(ctx, tenant)
}

// holdsOf reads the holds of a tenant.
func (v *Vault) holdsOf(ctx context.Context, tenant gateway.TenantID) (holds []Hold, err error) {
	if v.config.State == nil {
		return nil, nil
	}
	for f := (state.Filter{Kind: HoldKind, Tenant: &tenant}); ; {
		page, err := v.config.State.List(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("list holds: %w", err)
		}
		for _, d := range page {
			var h Hold
			if err := json.Unmarshal(d.Body, &h); err != nil {
				return nil, fmt.Errorf("read hold %s: %w", d.ID, err) // rather nothing ends than what is held
			}
			h.ID, h.Tenant = d.ID, d.Tenant
			holds = append(holds, h)
		}
		if len(page) < state.MaxLimit {
			return holds, nil
		}
		f.After = page[len(page)-1].ID
	}
}
