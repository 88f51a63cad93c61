// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// kindView is the kind of the documents of saved filters.
const kindView = "view"

const maxViews = 50

// savedView is a filter with a name, of one person or shared with everybody of
// the tenant who reads the record.
type savedView struct {
	ID   string `json:"-"`
	Name string `json:"name"`
	// Query is the filter as it stands in an address.
	Query  string            `json:"query"`
	Shared bool              `json:"shared"`
	Owner  gateway.Pseudonym `json:"owner"`

	Mine    bool   `json:"-"`
	Current bool   `json:"-"`
	Address string `json:"-"`
	version int64
}

// savedViews are those a person can choose from, by name.
func (u *UI) savedViews(ctx context.Context, p identity.Person, now listFilter) ([]savedView, error) {
	if u.State == nil {
		return nil, nil
	}
	documents, err := u.State.List(ctx, state.Filter{Kind: kindView, Tenant: &p.Tenant})
	if err != nil {
		return nil, fmt.Errorf("list saved filters: %w", err)
	}
	me, current := u.actor(p), now.values("").Encode()
	var out []savedView
	for _, d := range documents {
		v, err := readView(d)
		if err != nil {
			return nil, err
		}
		v.Mine = v.Owner == me
		if !v.Mine && !v.Shared {
			continue
		}
		v.Current, v.Address = v.Query == current, decisionsPath+"?"+v.Query
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b savedView) int {
		return strings.Compare(strings.ToLower(a.Name)+a.ID, strings.ToLower(b.Name)+b.ID)
	})
	return out, nil
}

func readView(d state.Document) (savedView, error) {
	v := savedView{ID: d.ID, version: d.Version}
	if err := json.Unmarshal(d.Body, &v); err != nil {
		return v, fmt.Errorf("read saved filter %s: %w", d.ID, err)
	}
	return v, nil
}

// viewSave keeps the filter of the form under a name.
func (u *UI) viewSave(w http.ResponseWriter, r *http.Request) error {
	if u.State == nil {
		return u.notFound(w, r)
	}
	person := personOf(r)
	f, err := readFilter(r.PostForm)
	if err == nil {
		_, err = u.query(f, person)
	}
	if err != nil {
		return err
	}
	title := strings.Join(strings.Fields(r.PostForm.Get("name")), " ")
	if title == "" || len([]rune(title)) > 60 {
		return invalid("name", "Bitte geben Sie der Ansicht einen Namen von höchstens 60 Zeichen.")
	}
	views, err := u.savedViews(r.Context(), person, f)
	if err != nil {
		return err
	}
	mine := 0
	for _, v := range views {
		if v.Mine {
			mine++
		}
	}
	if mine >= maxViews {
		return &gateway.Error{Op: "save filter", Code: gateway.CodeConflict, Path: "name", Message: "Sie haben schon 50 Ansichten gespeichert. Bitte löschen Sie zuerst eine."}
	}
	body, err := json.Marshal(savedView{Name: title, Query: f.values("").Encode(), Shared: r.PostForm.Get("geteilt") == "1", Owner: u.actor(person)})
	if err != nil {
		return fmt.Errorf("encode saved filter: %w", err)
	}
	if _, err := u.State.Put(r.Context(), state.Document{Kind: kindView, ID: rand.Text(), Tenant: person.Tenant, Body: body}); err != nil {
		return fmt.Errorf("save filter: %w", err)
	}
	http.Redirect(w, r, f.address(""), http.StatusSeeOther) //nolint:gosec // a path of our own
	return nil
}

// viewDelete removes one of the person's own.
func (u *UI) viewDelete(w http.ResponseWriter, r *http.Request) error {
	if u.State == nil {
		return u.notFound(w, r)
	}
	person := personOf(r)
	gone := &gateway.Error{Op: "delete filter", Code: gateway.CodeNotFound, Message: "Diese Ansicht gibt es nicht mehr, oder sie gehört einer anderen Person."}
	d, err := u.State.Get(r.Context(), kindView, r.PathValue("view"))
	if gateway.CodeOf(err) == gateway.CodeNotFound || gateway.CodeOf(err) == gateway.CodeInvalid {
		return gone
	}
	if err != nil {
		return fmt.Errorf("find saved filter: %w", err)
	}
	v, err := readView(d)
	if err != nil {
		return err
	}
	if d.Tenant != person.Tenant || v.Owner != u.actor(person) {
		return gone
	}
	if err := u.State.Delete(r.Context(), kindView, d.ID, d.Version); err != nil {
		return fmt.Errorf("delete filter: %w", err)
	}
	back, err := url.ParseQuery(v.Query)
	if err != nil {
		back = url.Values{}
	}
	http.Redirect(w, r, decisionsPath+"?"+back.Encode(), http.StatusSeeOther)
	return nil
}
