// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// loginLink leads to the provider of the sign-in; without an address there is none.
type loginLink struct{ Address, Label string }

type loginView struct {
	view
	Login loginLink
	// Ticket waits for the person to say that the sign-in is wanted.
	Ticket string
}

func (u *UI) showLogin(w http.ResponseWriter, r *http.Request) error {
	return u.render(w, r, http.StatusOK, "login.html", loginView{view: u.view(r, "Anmelden"), Login: u.loginLink(r)})
}

// loginLink comes back to the page that was wanted.
func (u *UI) loginLink(r *http.Request) loginLink {
	if u.SignIn == nil {
		return loginLink{}
	}
	link := loginLink{Address: "/login/start", Label: cmp.Or(u.SignIn.Label(), "Behördenkonto")}
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/admin") {
		link.Address += "?" + url.Values{"zurueck": {r.URL.RequestURI()}}.Encode()
	}
	return link
}

// signInStart leads to the provider of the sign-in.
func (u *UI) signInStart(w http.ResponseWriter, r *http.Request) error {
	if u.SignIn == nil {
		return u.notFound(w, r)
	}
	address, err := u.SignIn.Begin(w, r, localPath(r.URL.Query().Get("zurueck")))
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // the configured provider
	return nil
}

// signInFinish is where the provider sends people back to.
func (u *UI) signInFinish(w http.ResponseWriter, r *http.Request) error {
	if u.SignIn == nil {
		return u.notFound(w, r)
	}
	in, err := u.SignIn.Finish(w, r)
	if err != nil {
		u.logSignIn(r, err)
		return err
	}
	if err := u.noteSignIn(r, in.Person, "bei der Anmeldestelle"); err != nil {
		return err
	}
	if err := u.Sessions.BeginSignedIn(w, r, in); err != nil {
		return err
	}
	back := in.Back
	if back == "/" {
		back = u.home(in.Person)
	}
	http.Redirect(w, r, localPath(back), http.StatusSeeOther)
	return nil
}

// noteSignIn writes down who came, before the person sees anything.
func (u *UI) noteSignIn(r *http.Request, p identity.Person, how string) error {
	return u.jot(r.Context(), p, audit.Note{Topic: audit.TopicSignedIn, Text: "Anmeldung an den Seiten " + how + "."})
}

// leftView is the page after signing out here, on the way to signing out at the provider.
type leftView struct {
	view
	Provider string
}

// logout ends the session here and, if the provider offers that, there. The way
// there begins on a page of its own: a form of ours may not lead to another site.
func (u *UI) logout(w http.ResponseWriter, r *http.Request) error {
	hint, err := u.Sessions.SignOut(w, r)
	if err != nil {
		return err
	}
	if u.Launches != nil {
		u.Launches.End(w)
	}
	if u.SignIn != nil && hint != "" {
		if address, ok := u.SignIn.EndSession(r.Context(), hint); ok {
			v := leftView{view: u.view(r, "Abgemeldet"), Provider: address}
			v.SignedIn, v.Here = false, "/"
			return u.render(w, r, http.StatusOK, "left.html", v)
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// logSignIn tells operators why a sign-in failed; the person sees less.
func (u *UI) logSignIn(r *http.Request, err error) {
	u.Logger.LogAttrs(r.Context(), slog.LevelWarn, "sign-in failed", slog.Any("error", err))
}
