// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// bookField is something that a tenant documents about a use.
type bookField struct {
	Name, Title, Value string
	Long, Date         bool
}

// bookFields are what a tenant can write about an entry, as it is now.
func bookFields(e BookEntry) []bookField {
	return []bookField{
		{Name: "text", Title: "Zweck in eigenen Worten", Value: e.Text, Long: true},
		{Name: "legal_basis", Title: "Rechtsgrundlage", Value: e.LegalBasis},
		{Name: "vvt", Title: "Verarbeitungsverzeichnis", Value: e.VVT},
		{Name: "exemption", Title: "Dokumentation der Ausnahme", Value: e.Exemption},
		{Name: "registration", Title: "Registrierung", Value: e.Registration},
		{Name: "dpia", Title: "Datenschutz-Folgenabschätzung", Value: e.DPIA},
		{Name: "fria", Title: "Grundrechte-Folgenabschätzung", Value: e.FRIA},
		{Name: "oversight", Title: "Aufsicht durch", Value: e.Oversight},
		{Name: "retention", Title: "Aufbewahrung", Value: e.Retention},
		{Name: "valid_from", Title: "Gültig ab", Value: e.ValidFrom, Date: true},
		{Name: "last_review", Title: "Zuletzt geprüft", Value: e.Reviewed, Date: true},
	}
}

// Documented are the fields of an entry for its form. They are German in every
// language: what is sent back is compared with what the register says.
func (v registerView) Documented(e BookEntry) []bookField {
	if i := slices.IndexFunc(v.german.Entries, func(g BookEntry) bool { return g.ID() == e.ID() }); i >= 0 {
		e = v.german.Entries[i]
	}
	return bookFields(e)
}

// editable reports whether the person may document the register here: who sets up
// the tenant, unless it stands in the configuration.
func (u *UI) editable(p identity.Person, id gateway.TenantID) (version int64, ok bool) {
	if u.Register.Tenants == nil || !p.Has(forSetUp...) {
		return 0, false
	}
	t, found := u.Directory.Tenant(id)
	return t.Version, found && t.Managed == identity.ManagedStore && (actor(p).Operator || p.Tenant == id)
}

// registerChange is POST /admin/register: one entry, or what is said of the whole
// register. Only what was changed is written.
func (u *UI) registerChange(w http.ResponseWriter, r *http.Request) error {
	by, id := actor(personOf(r)), gateway.TenantID(field(r, "mandant"))
	t, err := u.Register.Tenants.Show(r.Context(), by, id)
	if err != nil {
		return hideTenant(err)
	}
	book, err := u.Register.Register.Book(r.Context(), id)
	if err != nil {
		return err
	}
	err = u.putSetting(r, by, t, "register", func() (json.RawMessage, error) {
		setting := map[string]any{}
		if raw := t.Settings["register"]; len(raw) > 0 {
			if err := json.Unmarshal(raw, &setting); err != nil {
				return nil, err
			}
		}
		if field(r, "zweck") == "" {
			setting["publish"], setting["office"], setting["contact"] = r.PostForm.Get("veroeffentlichen") == "ja", field(r, "stelle"), field(r, "kontakt")
			return json.Marshal(setting)
		}
		setting["entries"] = changeEntry(setting["entries"], book, r)
		return json.Marshal(setting)
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/admin/register?"+url.Values{"mandant": {string(id)}}.Encode(), http.StatusSeeOther)
	return nil
}

// changeEntry writes what differs from what is shown now, so that nothing that
// comes from a release or from the rules becomes the tenant's own.
func changeEntry(entries any, book Book, r *http.Request) []any {
	list, _ := entries.([]any)
	service, purpose := field(r, "leistung"), field(r, "zweck")
	var entry map[string]any
	for _, e := range list {
		m, _ := e.(map[string]any)
		s, _ := m["service"].(string)
		if m["purpose"] == purpose && s == service {
			entry = m
		}
	}
	if entry == nil {
		entry = map[string]any{"purpose": purpose}
		if service != "" {
			entry["service"] = service
		}
		list = append(list, entry)
	}
	for _, shown := range book.Entries {
		if string(shown.Purpose) != purpose || string(shown.Service) != service {
			continue
		}
		for _, f := range bookFields(shown) {
			if value := strings.ReplaceAll(field(r, f.Name), "\r\n", "\n"); value != f.Value {
				entry[f.Name] = value
			}
		}
		if role := field(r, "role"); role != shown.Role {
			entry["role"] = role
		}
	}
	return list
}

// ID tells the forms of a page apart.
func (e BookEntry) ID() string { return string(e.Purpose) + "-" + string(e.Service) }
