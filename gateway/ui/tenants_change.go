// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// tenantChange is POST /admin/tenants/{id}: one part of the tenant. Who may
// change what is decided by identity, which also writes it into the record
// before it is made; the form only asks.
func (u *UI) tenantChange(w http.ResponseWriter, r *http.Request) error {
	by, id := actor(personOf(r)), gateway.TenantID(r.PathValue("id"))
	t, err := u.Register.Tenants.Show(r.Context(), by, id)
	if err != nil {
		return hideTenant(err)
	}
	switch action := field(r, "aktion"); action {
	case "sperren", "freischalten":
		_, err = u.Register.Tenants.SetActive(r.Context(), by, t.ID, action == "freischalten")
	case "stammdaten":
		err = u.putTenant(r, by, t, func(w *identity.Wish) error {
			w.Name, w.Land, w.ARS, w.CostCentre = field(r, "name"), field(r, "land"), field(r, "ars"), field(r, "kostenstelle")
			return nil
		})
	case "verfahren":
		err = u.putTenant(r, by, t, func(w *identity.Wish) error {
			w.Systems = append(w.Systems, identity.SystemWish{
				ID: gateway.SystemID(field(r, "kennung")), Name: field(r, "name"), Channel: gateway.Channel(field(r, "kanal")), CostCentre: field(r, "kostenstelle"),
			})
			return nil
		})
	case "grenzen":
		err = u.putSetting(r, by, t, limitSetting(by.Operator), func() (json.RawMessage, error) { return readLimits(r, t.Settings[limitSetting(by.Operator)]) })
	case "pflichten":
		var known []GuidePurpose
		if known, err = u.Register.Tenants.Purposes(r.Context(), "de"); err == nil {
			duties := u.Register.Tenants.Duties(r.Context(), id)
			err = u.putSetting(r, by, t, "duties", func() (json.RawMessage, error) { return readDuties(r, duties, known) })
		}
	case "herkunft":
		err = u.putSetting(r, by, t, "origins", func() (json.RawMessage, error) { return readOrigins(r) })
	case "briefkopf":
		err = u.putSetting(r, by, t, "authority", func() (json.RawMessage, error) { return readLetter(r, t.Settings["authority"]) })
	default:
		err = invalid("aktion", "Diese Änderung gibt es nicht.")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, tenantPath(id), http.StatusSeeOther) //nolint:gosec // a path of our own, the id is escaped
	return nil
}

// putTenant changes a tenant from the version that the form was made of.
func (u *UI) putTenant(r *http.Request, by identity.Actor, t identity.Tenant, change func(*identity.Wish) error) error {
	wish := wishOf(t)
	version, err := strconv.ParseInt(field(r, "version"), 10, 64)
	if err != nil || version < 1 {
		return invalid("version", "Dem Formular fehlt, von welchem Stand es ausgeht. Bitte öffnen Sie die Seite neu.")
	}
	wish.Version = version
	if err := change(&wish); err != nil {
		return err
	}
	_, err = u.Register.Tenants.Put(r.Context(), by, wish)
	return err
}

func (u *UI) putSetting(r *http.Request, by identity.Actor, t identity.Tenant, setting string, read func() (json.RawMessage, error)) error {
	return u.putTenant(r, by, t, func(w *identity.Wish) error {
		value, err := read()
		if err != nil {
			return err
		}
		w.Settings = maps.Clone(w.Settings)
		if w.Settings == nil {
			w.Settings = identity.Settings{}
		}
		w.Settings[setting] = value
		if value == nil {
			delete(w.Settings, setting)
		}
		return nil
	})
}

// wishOf is a tenant as it is, so that a form changes its own part only. Keys
// and certificates that a wish does not name stay.
func wishOf(t identity.Tenant) identity.Wish {
	active := t.Active
	w := identity.Wish{ID: t.ID, Name: t.Name, Land: t.Land, ARS: t.ARS, Active: &active, CostCentre: t.CostCentre, Settings: t.Settings, Version: t.Version}
	for _, s := range t.Systems {
		w.Systems = append(w.Systems, identity.SystemWish{ID: s.ID, Name: s.Name, Channel: s.Channel, CostCentre: s.CostCentre})
	}
	return w
}

// keyChange is POST /admin/tenants/{id}/systems/{system}/keys: a new key, or a
// key replaced or revoked. The text of a key is shown in this answer and never again.
func (u *UI) keyChange(w http.ResponseWriter, r *http.Request) error {
	by := actor(personOf(r))
	at := identity.Place{Tenant: gateway.TenantID(r.PathValue("id")), System: gateway.SystemID(r.PathValue("system"))}
	if _, err := u.Register.Tenants.Show(r.Context(), by, at.Tenant); err != nil {
		return hideTenant(err)
	}
	var out identity.Outcome
	var err error
	switch field(r, "aktion") {
	case "neu":
		out, err = u.keyCreate(r, by, at)
	case "ersetzen":
		out, err = u.keyRotate(r, by, at)
	case "sperren":
		_, err = u.Register.Tenants.RevokeKey(r.Context(), by, at, field(r, "schluessel"))
	default:
		err = invalid("aktion", "Diese Änderung gibt es nicht.")
	}
	if err != nil {
		return err
	}
	if len(out.Keys) == 0 {
		http.Redirect(w, r, tenantPath(at.Tenant), http.StatusSeeOther)
		return nil
	}
	return u.showTenant(w, r, &out.Keys[0])
}

func (u *UI) keyCreate(r *http.Request, by identity.Actor, at identity.Place) (identity.Outcome, error) {
	days, err := strconv.Atoi(cmp.Or(field(r, "tage"), "180"))
	if err != nil {
		return identity.Outcome{}, invalid("tage", "Die Gültigkeit ist eine Zahl von Tagen, höchstens 400.")
	}
	wish := identity.KeyWish{Label: field(r, "bezeichnung"), Days: days, Roles: r.PostForm["rolle"]}
	for _, p := range r.PostForm["zweck"] {
		wish.Purposes = append(wish.Purposes, gateway.Purpose(p))
	}
	if len(wish.Purposes) == 0 {
		return identity.Outcome{}, invalid("zweck", "Ein Schlüssel braucht mindestens einen Zweck.")
	}
	wish.DefaultPurpose = wish.Purposes[0]
	for _, line := range lines(field(r, "leser")) {
		wish.Principals = append(wish.Principals, gateway.Principal(line))
	}
	return u.Register.Tenants.CreateKey(r.Context(), by, at, wish, field(r, "anfrage"))
}

func (u *UI) keyRotate(r *http.Request, by identity.Actor, at identity.Place) (identity.Outcome, error) {
	days, err := strconv.Atoi(cmp.Or(field(r, "tage"), "7"))
	if err != nil || days < 1 {
		return identity.Outcome{}, invalid("tage", "Die Überlappung ist eine Zahl von Tagen, 1 bis 90.")
	}
	return u.Register.Tenants.RotateKey(r.Context(), by, at, field(r, "schluessel"), time.Duration(days)*24*time.Hour, field(r, "anfrage"))
}

func lines(text string) []string {
	out := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' })
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}
