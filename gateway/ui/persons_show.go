// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/ki-schleuse/schleuse/gateway"
)

// personsView is where requests of persons are answered, and holds are kept.
// File numbers come in forms, never in addresses.
type personsView struct {
	view
	Tenants []option
	Tenant  gateway.TenantID
	Holds   []HoldLine
}

// accessView is a disclosure before it is handed out.
type accessView struct {
	view
	Subject PersonSubject
	Found   Disclosure
}

// eraseView asks before an erasure, and reports it afterwards.
type eraseView struct {
	view
	Subject PersonSubject
	Erasure Erasure
	Done    bool
	Reason  string
	// Held: a legal hold refuses it.
	Held string
}

// personDesk is GET /admin/persons.
func (u *UI) personDesk(w http.ResponseWriter, r *http.Request) error {
	id, err := u.personTenant(r, r.URL.Query().Get("mandant"))
	if err != nil {
		return err
	}
	v := personsView{view: u.view(r, "Auskunft und Löschung"), Tenant: id}
	if personOf(r).Operator {
		for _, t := range u.allTenants() {
			v.Tenants = append(v.Tenants, option{string(t.ID), cmp.Or(t.Name, string(t.ID)), t.ID == id})
		}
	}
	if id != "" {
		if v.Holds, err = u.Register.Persons.Holds(r.Context(), personOf(r), id); err != nil {
			return err
		}
	}
	return u.render(w, r, http.StatusOK, "persons_desk.html", v)
}

// personTenant is the own tenant; only persons of the operator choose one.
func (u *UI) personTenant(r *http.Request, wanted string) (gateway.TenantID, error) {
	p := personOf(r)
	if p.Operator {
		id := gateway.TenantID(wanted)
		if id == "" {
			return p.Tenant, nil
		}
		if _, ok := u.Directory.Tenant(id); !ok {
			return "", &gateway.Error{Op: "open requests", Code: gateway.CodeNotFound, Message: "Diesen Mandanten gibt es nicht."}
		}
		return id, nil
	}
	if wanted != "" && gateway.TenantID(wanted) != p.Tenant {
		return "", &gateway.Error{Op: "open requests", Code: gateway.CodeNotFound, Message: "Diesen Mandanten gibt es nicht."}
	}
	return p.Tenant, nil
}

func (u *UI) subject(r *http.Request) (PersonSubject, error) {
	id, err := u.personTenant(r, field(r, "mandant"))
	if err != nil {
		return PersonSubject{}, err
	}
	s := PersonSubject{Tenant: id, Case: field(r, "aktenzeichen"), User: field(r, "kennung")}
	if s.Case == "" && s.User == "" {
		return s, invalid("aktenzeichen", "Bitte geben Sie ein Aktenzeichen oder eine Benutzerkennung an.")
	}
	return s, nil
}

// personAccess is POST /admin/persons/access: the disclosure on the page, or as a
// file. Each one is put together anew and noted; none is kept.
func (u *UI) personAccess(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	found, err := u.Register.Persons.Access(r.Context(), personOf(r), s)
	if err != nil {
		return err
	}
	form := field(r, "format")
	if form == "json" {
		return download(w, found.JSON, "application/json; charset=utf-8", "auskunft.json")
	}
	if writer, ok := writers[form]; ok {
		var out bytes.Buffer
		if err := writer.write(&out, found.Letter); err != nil {
			return fmt.Errorf("write disclosure: %w", err)
		}
		return download(w, out.Bytes(), writer.mediaType, "auskunft."+form)
	}
	v := accessView{view: u.view(r, "Auskunft"), Subject: s, Found: found}
	v.Path, v.Here = "/admin/persons", "/admin/persons"
	return u.render(w, r, http.StatusOK, "persons_access.html", v)
}

// Forms are the formats of the disclosure.
func (accessView) Forms() []option {
	return []option{{Value: "pdf", Text: "PDF", Selected: true}, {Value: "odt", Text: "ODT"}, {Value: "docx", Text: "DOCX"}, {Value: "json", Text: "JSON"}}
}

// personErase is POST /admin/persons/erase. The first time it says what would be
// erased and what stays; with the confirmation and a reason it is done.
func (u *UI) personErase(w http.ResponseWriter, r *http.Request) error {
	s, err := u.subject(r)
	if err != nil {
		return err
	}
	v := eraseView{view: u.view(r, "Löschung"), Subject: s, Reason: field(r, "begruendung")}
	v.Path, v.Here = "/admin/persons", "/admin/persons"
	if field(r, "bestaetigt") == "ja" {
		v.Done = true
		v.Erasure, err = u.Register.Persons.Erase(r.Context(), personOf(r), s, v.Reason)
	} else {
		v.Erasure, err = u.Register.Persons.Preview(r.Context(), personOf(r), s)
	}
	if gateway.CodeOf(err) == gateway.CodeConflict {
		v.Held, v.Done, err = messageOf(err), false, nil
	}
	if err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "persons_erase.html", v)
}

// messageOf is what an error says to people.
func messageOf(err error) string {
	if known, ok := errors.AsType[*gateway.Error](err); ok {
		return known.Message
	}
	return ""
}

// personHold is POST /admin/persons/holds: a hold is placed or lifted.
func (u *UI) personHold(w http.ResponseWriter, r *http.Request) error {
	desk, reason := u.Register.Persons, field(r, "begruendung")
	id, err := u.personTenant(r, field(r, "mandant"))
	if err != nil {
		return err
	}
	switch field(r, "aktion") {
	case "setzen":
		s, problem := u.subject(r)
		if problem != nil {
			return problem
		}
		err = desk.PlaceHold(r.Context(), personOf(r), s, reason)
	case "aufheben":
		err = desk.LiftHold(r.Context(), personOf(r), id, field(r, "sperre"), reason)
	default:
		err = invalid("aktion", "Diese Änderung gibt es nicht.")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/persons?"+url.Values{"mandant": {string(id)}}.Encode(), http.StatusSeeOther)
	return nil
}

// About says whom it is about.
func (s PersonSubject) About() string { return cmp.Or(s.Case, s.User) }

// Nothing reports whether there is nothing to erase.
func (e Erasure) Nothing() bool { return e.Keys+e.Contents+e.Retrievals == 0 }
