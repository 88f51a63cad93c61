// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const sessionsPath = "/sitzungen"

// sessionsView is where a person is signed in, and what the session may.
type sessionsView struct {
	view
	Sessions []identity.OpenSession
	// Others: there are sessions beside the own one. Ended: one has just been ended.
	Others, Ended bool
}

// sessionList is GET /sitzungen.
func (u *UI) sessionList(w http.ResponseWriter, r *http.Request) error {
	v := sessionsView{view: u.view(r, "Ihre Sitzungen"), Ended: r.URL.Query().Get("beendet") != ""}
	var err error
	if v.Sessions, err = u.Sessions.List(r); err != nil {
		return err
	}
	v.Others = len(v.Sessions) > 1
	return u.render(w, r, http.StatusOK, "session_list.html", v)
}

// sessionEnd is POST /sitzungen: one other session, or all others. The own one ends
// by signing out.
func (u *UI) sessionEnd(w http.ResponseWriter, r *http.Request) error {
	id := r.PostForm.Get("sitzung")
	if id == "" && r.PostForm.Get("alle") == "" {
		return invalid("sitzung", "Bitte wählen Sie die Sitzung, die enden soll.")
	}
	if _, err := u.Sessions.EndOthers(r, id); err != nil {
		return err
	}
	http.Redirect(w, r, sessionsPath+"?beendet=ja", http.StatusSeeOther)
	return nil
}
