// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// tenantView is one tenant: what it is, what it may, what it has.
type tenantView struct {
	view
	Tenant  identity.Tenant
	Row     tenantRow
	Systems []procedureView
	Limits  []limitView
	Own     []limitField
	Release []ReleaseLine
	Origins string
	Letter  []letterField
	Lands   []option
	Duties  dutiesView
	// Operates: the person may change everything, others what is theirs. Fixed: the tenant
	// stands in the configuration and is changed there.
	Operates, Fixed bool
	Purposes        []option
	Channels        []option
	// Issued is a key that was just made: it is shown this once.
	Issued *identity.IssuedKey
	// Request makes it safe to send the form of a key twice.
	Request string
}

// procedureView is a Fachverfahren with its keys, the valid ones first.
type procedureView struct {
	identity.System
	Keys []keyView
}

// keyView is a key as it is shown.
type keyView struct {
	identity.Key
	Valid, Soon bool
	Word        string
}

// limitView is a limit with what is used of it.
type limitView struct {
	LimitLine
	Amount, Rest string
}

// tenantShow is GET /admin/tenants/{id}.
func (u *UI) tenantShow(w http.ResponseWriter, r *http.Request) error {
	return u.showTenant(w, r, nil)
}

func (u *UI) showTenant(w http.ResponseWriter, r *http.Request, issued *identity.IssuedKey) error {
	by, id := actor(personOf(r)), gateway.TenantID(r.PathValue("id"))
	desk := u.Register.Tenants
	t, err := desk.Show(r.Context(), by, id)
	if err != nil {
		return hideTenant(err)
	}
	usage, err := u.tenantUsage(r, by)
	if err != nil {
		return err
	}
	v := tenantView{
		view: u.view(r, cmp.Or(t.Name, string(t.ID))), Tenant: t, Row: u.tenantRow(t, usage), Release: desk.Releases(id), Operates: by.Operator,
		Fixed: t.Managed != identity.ManagedStore, Lands: landOptions(t.Land), Issued: issued, Request: rand.Text(),
		Origins: strings.Join(desk.Origins(id), "\n"), Own: limitFields(t.Settings, by.Operator), Letter: letterFields(t.Settings["authority"]),
	}
	v.Path, v.Here = "/admin/tenants", tenantPath(id)
	v.Duties = dutiesView{desk.Duties(r.Context(), id), u.findingsAbout(r, id)}
	purposes, err := desk.Purposes(r.Context(), u.language(r))
	if err != nil {
		return err
	}
	for _, p := range purposes {
		v.Purposes = append(v.Purposes, option{Value: string(p.ID), Text: p.Title})
	}
	for _, s := range t.Systems {
		v.Systems = append(v.Systems, u.procedure(s))
	}
	limits, err := desk.Limits(r.Context(), id)
	if err != nil {
		return err
	}
	for _, l := range limits {
		v.Limits = append(v.Limits, viewOf(l))
	}
	return u.render(w, r, http.StatusOK, "tenants_show.html", v)
}

// hideTenant does not tell whether another tenant exists.
func hideTenant(err error) error {
	if gateway.CodeOf(err) == gateway.CodeDenied {
		return &gateway.Error{Op: "open tenant", Code: gateway.CodeNotFound, Message: "Diesen Mandanten gibt es nicht."}
	}
	return err
}

func (u *UI) procedure(s identity.System) procedureView {
	v := procedureView{System: s}
	for _, k := range s.Keys {
		state := k.At(u.Now())
		v.Keys = append(v.Keys, keyView{
			Key: k, Valid: state == identity.KeyValid, Soon: state == identity.KeyValid && k.Expires.Before(u.Now().Add(expiresSoon)),
			Word: map[identity.KeyState]string{identity.KeyValid: "gültig", identity.KeyExpired: "abgelaufen", identity.KeyRevoked: "gesperrt"}[state],
		})
	}
	slices.SortStableFunc(v.Keys, func(a, b keyView) int {
		if a.Valid != b.Valid {
			return map[bool]int{true: -1, false: 1}[a.Valid]
		}
		return b.Expires.Compare(a.Expires)
	})
	return v
}

// Purpose names of a key, in German.
func (k keyView) Aims() []gateway.Purpose { return k.Purposes }

// Used is the day of the last use as Germans write it.
func (k keyView) Used() string {
	if k.LastUsed == "" {
		return "nie"
	}
	return day(k.LastUsed)
}

func viewOf(l LimitLine) limitView {
	v := limitView{LimitLine: l, Amount: number(l.Most), Rest: number(l.Left)}
	if l.Budget {
		v.Amount, v.Rest = money(l.Most).String(), money(l.Left).String()
	}
	return v
}
