// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const (
	themeCookie    = "schleuse_darstellung"
	languageCookie = "schleuse_sprache"
	yearSeconds    = 365 * 24 * 60 * 60
)

// start leads to the first page a person may open.
func (u *UI) start(w http.ResponseWriter, r *http.Request) error {
	person, err := u.Sessions.Person(r)
	if gateway.CodeOf(err) == gateway.CodeUnauthenticated {
		return u.showLogin(w, r)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, u.home(person), http.StatusSeeOther)
	return nil
}

func (u *UI) home(p identity.Person) string {
	if p.Has(forOffice...) || u.Panel == nil {
		return "/admin"
	}
	return checkPath
}

// login takes a one-time ticket out of an address. It swaps it at once only when
// the browser says that the person opened the address by hand or from our own
// page. Everybody else is asked first: another site could sign a browser in as
// somebody it likes, and programs that look at links would use tickets up.
func (u *UI) login(w http.ResponseWriter, r *http.Request) error {
	ticket := r.URL.Query().Get("t")
	switch {
	case ticket == "":
		return u.showLogin(w, r)
	case fetchedAhead(r):
		return notAhead()
	case ownNavigation(r):
		return u.swap(w, r, ticket)
	}
	v := loginView{view: u.view(r, "Anmelden"), Ticket: ticket}
	v.Here = "/login"
	return u.render(w, r, http.StatusOK, "login.html", v)
}

// loginSwap is the answer to that question.
func (u *UI) loginSwap(w http.ResponseWriter, r *http.Request) error {
	ticket := r.PostForm.Get("t")
	if ticket == "" {
		return u.showLogin(w, r)
	}
	return u.swap(w, r, ticket)
}

// swap swaps a one-time ticket for a session.
func (u *UI) swap(w http.ResponseWriter, r *http.Request, ticket string) error {
	person, err := u.Sessions.Take(r.Context(), ticket)
	if gateway.CodeOf(err) == gateway.CodeUnauthenticated {
		if p, unknown := u.Sessions.Person(r); unknown == nil { // the link was opened again
			http.Redirect(w, r, u.home(p), http.StatusSeeOther)
			return nil
		}
	}
	if err != nil {
		return err
	}
	if err := u.noteSignIn(r, person, "mit einem Anmeldelink"); err != nil {
		return err
	}
	if err := u.Sessions.Begin(w, r, person, ""); err != nil {
		return err
	}
	http.Redirect(w, r, u.home(person), http.StatusSeeOther)
	return nil
}

// appearance keeps language and theme in cookies, so that the server renders
// them and nothing flashes.
func (u *UI) appearance(w http.ResponseWriter, r *http.Request) error {
	if v := r.FormValue("sprache"); v == "de" || v == "en" {
		setCookie(w, languageCookie, v)
	}
	if v := r.FormValue("darstellung"); v == "light" || v == "dark" {
		setCookie(w, themeCookie, v)
	}
	http.Redirect(w, r, localPath(r.FormValue("zurueck")), http.StatusSeeOther) //nolint:gosec // localPath keeps it on this server
	return nil
}

// localPath keeps a redirect on this server. Browsers drop tabs and ends of lines
// from addresses: of "/\t/host" they make "//host".
func localPath(p string) string {
	if !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") || strings.ContainsRune(p, '\\') || strings.ContainsFunc(p, unicode.IsControl) {
		return "/"
	}
	return p
}

func setCookie(w http.ResponseWriter, name, value string) {
	//nolint:gosec // language and theme are no secret; the demonstration runs without TLS
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: yearSeconds, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func cookieValue(r *http.Request, name string, allowed ...string) string {
	c, err := r.Cookie(name)
	if err != nil || !slices.Contains(allowed, c.Value) {
		return ""
	}
	return c.Value
}

// language is the cookie's, else German unless the browser asks for English first.
func (u *UI) language(r *http.Request) string {
	if l := cookieValue(r, languageCookie, "de", "en"); l != "" {
		return l
	}
	if strings.HasPrefix(r.Header.Get("Accept-Language"), "en") {
		return "en"
	}
	return "de"
}
