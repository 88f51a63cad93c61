// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// launch swaps a ticket of a Fachverfahren for a session of the panel and leads
// to its page, which shows nothing but the panel, in a frame or by itself.
func (u *UI) launch(w http.ResponseWriter, r *http.Request) error {
	if u.Launches == nil {
		return u.notFound(w, r)
	}
	launch, err := u.Launches.Redeem(w, r, r.URL.Query().Get("t"))
	if err != nil {
		return err
	}
	page := map[string]string{identity.PageCheck: checkPath, identity.PageDraft: "/panel/draft"}[launch.Page]
	http.Redirect(w, r, keepFrame(true, page), http.StatusSeeOther)
	return nil
}

// person is who may see a page: on those of the panel whoever a Fachverfahren
// sent here, everywhere else only who signed in.
func (u *UI) person(r *http.Request) (identity.Person, bool) {
	if p, ok := r.Context().Value(personKey{}).(identity.Person); ok {
		return p, true
	}
	if u.Launches != nil && isPanel(r.URL.Path) {
		if launch, ok := u.Launches.Of(r); ok {
			return launch.Person(), true
		}
	}
	p, err := u.Sessions.Person(r)
	return p, err == nil
}

// enter is person for a page that is shown: a launched session is renewed, and
// the page may stand in the frame it was launched for and in no other.
func (u *UI) enter(w http.ResponseWriter, r *http.Request) (identity.Person, error) {
	if u.Launches == nil || !isPanel(r.URL.Path) {
		return u.Sessions.Person(r)
	}
	launch, ok := u.Launches.Launch(w, r)
	if !ok {
		return u.Sessions.Person(r)
	}
	ancestors := "'none'"
	if launch.Origin != "" {
		ancestors = launch.Origin
	}
	frameIn(w.Header(), ancestors)
	return launch.Person(), nil
}

// ownForm: the cookie of a launched panel goes along from frames of other sites,
// so that a form must come from our own page and from one of this session. A form
// with files is read later, see ownUpload.
func (u *UI) ownForm(r *http.Request) error {
	launch := personOf(r).Launch
	if launch == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		return notOwn()
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") && r.URL.Path == checkPath {
		return nil
	}
	return u.ownToken(r, launch)
}

func (u *UI) ownToken(r *http.Request, launch *identity.Launch) error {
	if !u.Launches.CheckForm(launch, r.PostForm.Get("formular")) {
		return notOwn()
	}
	return nil
}

func notOwn() error {
	return &gateway.Error{Op: "read form", Code: gateway.CodeDenied, Message: "Dieses Formular gehört nicht zu dem Vorgang, der gerade offen ist. Bitte öffnen Sie die Seite im Fachverfahren noch einmal."}
}

// ownUpload keeps a launched panel to its case and service.
func (u *UI) ownUpload(r *http.Request, launch *identity.Launch, in *completeness.Input) error {
	if launch == nil {
		return nil
	}
	if err := u.ownToken(r, launch); err != nil {
		return err
	}
	if in.Case == "" {
		in.Case = launch.Case
	}
	if !launch.Concerns(in.Case) || launch.Service != "" && in.Service != launch.Service {
		return &gateway.Error{Op: "check case", Code: gateway.CodeDenied, Message: "Diese Sitzung gilt nur für den Vorgang und die Leistung, mit denen das Fachverfahren sie geöffnet hat."}
	}
	return nil
}

// cases and services are those that a person may choose from.
func (u *UI) cases(r *http.Request) []Case {
	launch := personOf(r).Launch
	return slices.DeleteFunc(slices.Clone(u.Panel.Cases), func(c Case) bool {
		return !launch.Concerns(c.Input.Case) || launch != nil && launch.Service != "" && c.Input.Service != launch.Service
	})
}

func (u *UI) services(r *http.Request) []completeness.Service {
	launch := personOf(r).Launch
	return slices.DeleteFunc(slices.Clone(u.Panel.Catalog.Services()), func(s completeness.Service) bool {
		return launch != nil && launch.Service != "" && s.ID != launch.Service
	})
}
