// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// registerView is the KI-Verzeichnis of a tenant.
type registerView struct {
	view
	Book    Book
	Tenants []option
	Counts  registerCounts
	// Public leaves out what is internal.
	Public bool
	JSON   string
	Link   string
	// Edit: the person may document the uses, from this version of the tenant on.
	Edit    bool
	Version int64
	// german is the register as its forms have it, in whatever language it is shown.
	german Book
}

// registerCounts are the figures at the top.
type registerCounts struct{ All, High, Gaps, Due, Refused int }

// registerShow is GET /admin/register.
func (u *UI) registerShow(w http.ResponseWriter, r *http.Request) error {
	book, err := u.book(r)
	if err != nil {
		return err
	}
	shown, err := u.inLanguage(r.Context(), u.language(r), book)
	if err != nil {
		return err
	}
	v := registerView{view: u.view(r, "KI-Verzeichnis"), Book: shown, Counts: countBook(book), german: book}
	v.JSON = "/admin/register.json?" + url.Values{"mandant": {string(book.Tenant)}}.Encode()
	if book.Publish {
		v.Link = publicPath(book.Tenant)
	}
	v.Version, v.Edit = u.editable(personOf(r), book.Tenant)
	if seesAll(personOf(r)) {
		for _, t := range u.allTenants() {
			v.Tenants = append(v.Tenants, option{string(t.ID), cmp.Or(t.Name, string(t.ID)), t.ID == book.Tenant})
		}
	}
	return u.render(w, r, http.StatusOK, "register_show.html", v)
}

// book is the register that the person asked for: the own one, or any for those
// who see all tenants.
func (u *UI) book(r *http.Request) (Book, error) {
	p, id := personOf(r), gateway.TenantID(r.URL.Query().Get("mandant"))
	if !seesAll(p) || id == "" {
		if id != "" && id != p.Tenant {
			return Book{}, noBook()
		}
		id = p.Tenant
	}
	if id == "" {
		for _, t := range u.allTenants() {
			id = t.ID
			break
		}
	}
	return u.Register.Register.Book(r.Context(), id)
}

// allTenants are the tenants in the order of the directory, where it lists them.
func (u *UI) allTenants() []identity.Tenant {
	if d, ok := u.Directory.(interface{ Tenants() []identity.Tenant }); ok {
		return d.Tenants()
	}
	return nil
}

func noBook() error {
	return &gateway.Error{Op: "open register", Code: gateway.CodeNotFound, Message: "Dieses Verzeichnis gibt es nicht, oder es ist nicht veröffentlicht."}
}

func countBook(b Book) registerCounts {
	c := registerCounts{All: len(b.Entries)}
	for _, e := range b.Entries {
		if e.Class == "high_risk" {
			c.High++
		}
		if len(e.Refused) > 0 {
			c.Refused++
		}
		if len(e.Gaps) > 0 {
			c.Gaps++
		}
		for _, g := range e.Gaps {
			if g.Due {
				c.Due++
			}
		}
	}
	return c
}

func publicPath(id gateway.TenantID) string { return "/verzeichnis/" + url.PathEscape(string(id)) }

// registerPublic is GET /verzeichnis/{tenant}, open to everybody. It is the same
// for everyone, also for those who are signed in, so that it can be cached.
func (u *UI) registerPublic(w http.ResponseWriter, r *http.Request) error {
	book, err := u.Register.Register.Published(r.Context(), gateway.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	if book, err = u.inLanguage(r.Context(), u.language(r), book); err != nil {
		return err
	}
	v := registerView{view: u.view(r, "KI-Verzeichnis"), Book: book, Counts: countBook(book), Public: true, JSON: publicPath(book.Tenant) + "/verzeichnis.json"}
	v.SignedIn, v.Person, v.Menu = false, identity.Person{}, nil
	cacheable(w.Header())
	return u.render(w, r, http.StatusOK, "register_show.html", v)
}

// cacheable: language and theme come from cookies and headers, nothing else does.
func cacheable(h http.Header) {
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Language, Cookie")
}

// registerPublicJSON is GET /verzeichnis/{tenant}/verzeichnis.json.
func (u *UI) registerPublicJSON(w http.ResponseWriter, r *http.Request) error {
	book, err := u.Register.Register.Published(r.Context(), gateway.TenantID(r.PathValue("tenant")))
	if err != nil {
		return err
	}
	cacheable(w.Header())
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return sendJSON(w, publish(book))
}

// registerJSON is GET /admin/register.json, with what is internal.
func (u *UI) registerJSON(w http.ResponseWriter, r *http.Request) error {
	book, err := u.book(r)
	if err != nil {
		return err
	}
	err = u.Register.Note(r.Context(), PageNote{
		Person: personOf(r), Tenant: book.Tenant, Topic: "exported", Object: "register", Text: "Das KI-Verzeichnis wurde mit internen Angaben ausgegeben.",
	})
	if err != nil {
		return err
	}
	out := publish(book)
	for i, e := range book.Entries {
		out.Entries[i].Internal = internalOf(e)
	}
	w.Header().Set("Content-Disposition", `attachment; filename="ki-verzeichnis-`+string(book.Tenant)+`.json"`)
	return sendJSON(w, out)
}

func sendJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// The JSON of the register, described in docs/register.md. Names and meanings of
// its fields stay as they are; new ones may come.
type (
	publishedBook struct {
		Schema   string           `json:"schema"`
		Tenant   gateway.TenantID `json:"tenant"`
		Name     string           `json:"name"`
		Office   string           `json:"office,omitempty"`
		Contact  string           `json:"contact,omitempty"`
		Date     string           `json:"date"`
		Policies string           `json:"policies"`
		Entries  []publishedEntry `json:"entries"`
	}
	publishedEntry struct {
		Service      gateway.ServiceID   `json:"service,omitempty"`
		ServiceTitle string              `json:"service_title,omitempty"`
		Purpose      gateway.Purpose     `json:"purpose"`
		PurposeTitle string              `json:"purpose_title"`
		Text         string              `json:"text,omitempty"`
		Role         string              `json:"role"`
		AnnexIII     string              `json:"annex_iii,omitempty"`
		Class        string              `json:"class"`
		ClassTitle   string              `json:"class_title"`
		Basis        string              `json:"basis"`
		Reasoning    string              `json:"reasoning,omitempty"`
		Permitted    bool                `json:"permitted"`
		LegalBasis   string              `json:"legal_basis,omitempty"`
		Registration string              `json:"registration,omitempty"`
		DataClasses  []gateway.DataClass `json:"data_classes"`
		Models       []publishedModel    `json:"models"`
		Measures     []string            `json:"measures"`
		Retention    string              `json:"retention,omitempty"`
		ValidFrom    string              `json:"valid_from,omitempty"`
		LastReview   string              `json:"last_review,omitempty"`
		Internal     *internalEntry      `json:"internal,omitempty"`
	}
	publishedModel struct {
		ID       gateway.ModelID   `json:"id"`
		Place    gateway.Residency `json:"place"`
		Operator string            `json:"operator,omitempty"`
		Country  string            `json:"country,omitempty"`
	}
	internalEntry struct {
		Systems   []string `json:"systems"`
		Requests  int64    `json:"requests_last_year"`
		Exemption string   `json:"exemption,omitempty"`
		DPIA      string   `json:"dpia,omitempty"`
		FRIA      string   `json:"fria,omitempty"`
		VVT       string   `json:"vvt,omitempty"`
		Oversight string   `json:"oversight,omitempty"`
		Contracts []string `json:"contracts"`
		Gaps      []gapOut `json:"gaps"`
	}
	gapOut struct {
		Title string `json:"title"`
		Norm  string `json:"norm"`
		Since string `json:"since,omitempty"`
		Due   bool   `json:"due"`
	}
)

// registerSchema names the JSON and its version.
const registerSchema = "ki-schleuse/ki-verzeichnis/1"

func publish(b Book) publishedBook {
	out := publishedBook{
		Schema: registerSchema, Tenant: b.Tenant, Name: b.Name, Office: b.Office, Contact: b.Contact,
		Date: b.Date.Format(time.DateOnly), Policies: b.Revision, Entries: make([]publishedEntry, 0, len(b.Entries)),
	}
	for _, e := range b.Entries {
		p := publishedEntry{
			Service: e.Service, ServiceTitle: e.ServiceTitle, Purpose: e.Purpose, PurposeTitle: e.PurposeTitle, Text: e.Text, Role: e.Role,
			AnnexIII: e.AnnexIII, Class: e.Class, ClassTitle: e.ClassTitle, Basis: e.Basis, Reasoning: e.Reasoning, Permitted: len(e.Refused) == 0,
			LegalBasis: e.LegalBasis, Registration: e.Registration, DataClasses: orEmpty(e.DataClasses), Models: []publishedModel{}, Measures: orEmpty(e.Duties),
			Retention: e.Retention, ValidFrom: e.ValidFrom, LastReview: e.Reviewed,
		}
		for _, m := range e.Models {
			p.Models = append(p.Models, publishedModel{m.ID, m.Place, m.Operator, m.Country})
		}
		out.Entries = append(out.Entries, p)
	}
	return out
}

func internalOf(e BookEntry) *internalEntry {
	out := &internalEntry{
		Systems: orEmpty(e.Systems), Requests: e.Requests, Exemption: e.Exemption, DPIA: e.DPIA, FRIA: e.FRIA, VVT: e.VVT, Oversight: e.Oversight,
		Contracts: []string{}, Gaps: []gapOut{},
	}
	for _, m := range e.Models {
		out.Contracts = append(out.Contracts, string(m.ID)+": "+cmp.Or(m.Contract, "kein Vertrag"))
	}
	for _, g := range e.Gaps {
		out.Gaps = append(out.Gaps, gapOut(g))
	}
	return out
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
