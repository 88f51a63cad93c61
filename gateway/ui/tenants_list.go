// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// tenantListView is the list of tenants with what needs attention.
type tenantListView struct {
	view
	Query  string
	Rows   []tenantRow
	Next   string
	Create bool
	// Lands for the form.
	Lands []option
}

// tenantRow is one line of the list.
type tenantRow struct {
	identity.Tenant
	Keys     int
	Expires  time.Time // of the key that ends next
	Soon     bool
	Requests int64
	Cost     money
	Stored   bool
}

// expiresSoon is when an ending key is pointed out.
const expiresSoon = 30 * 24 * time.Hour

// actor is the person as somebody who sets up tenants: who operates, all of
// them; everybody else the own one.
func actor(p identity.Person) identity.Actor {
	a := identity.Actor{Name: p.Name, Home: p.Home(), User: p.User(), Tenant: p.Tenant, Operator: p.Has(identity.RoleOperator)}
	if a.Operator {
		a.Tenant = ""
	}
	return a
}

// tenantList is GET /admin/tenants.
func (u *UI) tenantList(w http.ResponseWriter, r *http.Request) error {
	by := actor(personOf(r))
	q := r.URL.Query()
	page := u.Register.Tenants.List(by, q.Get("ab"), q.Get("q"), 100)
	v := tenantListView{view: u.view(r, "Mandanten"), Query: q.Get("q"), Create: by.Operator, Lands: landOptions("")}
	usage, err := u.tenantUsage(r, by)
	if err != nil {
		return err
	}
	for _, t := range page.Items {
		v.Rows = append(v.Rows, u.tenantRow(t, usage))
	}
	if page.Next != "" {
		v.Next = "/admin/tenants?" + url.Values{"q": {v.Query}, "ab": {page.Next}}.Encode()
	}
	return u.render(w, r, http.StatusOK, "tenants_list.html", v)
}

// tenantUsage is the usage of the last 30 days by tenant.
func (u *UI) tenantUsage(r *http.Request, by identity.Actor) (map[gateway.TenantID]usageSum, error) {
	out := map[gateway.TenantID]usageSum{}
	if u.Register.Usage == nil {
		return out, nil
	}
	now := u.Now().In(u.zone)
	rows, err := u.Register.Usage.Usage(r.Context(), UsageQuery{From: now.AddDate(0, 0, -29), To: now, Tenant: by.Tenant, By: []UsageGroup{UsageTenant}})
	for _, row := range rows {
		out[row.Tenant] = out[row.Tenant].plus(row)
	}
	return out, err
}

func (u *UI) tenantRow(t identity.Tenant, usage map[gateway.TenantID]usageSum) tenantRow {
	row := tenantRow{Tenant: t, Requests: usage[t.ID].Requests, Cost: usage[t.ID].Cost, Stored: t.Managed == identity.ManagedStore}
	for i := range t.Systems {
		for j := range t.Systems[i].Keys {
			k := &t.Systems[i].Keys[j]
			if k.At(u.Now()) != identity.KeyValid {
				continue
			}
			row.Keys++
			if row.Expires.IsZero() || k.Expires.Before(row.Expires) {
				row.Expires = k.Expires
			}
		}
	}
	row.Soon = !row.Expires.IsZero() && row.Expires.Before(u.Now().Add(expiresSoon))
	return row
}

// lands are the sixteen Länder by their usual short names.
var lands = []option{
	{Value: "BW", Text: "Baden-Württemberg"}, {Value: "BY", Text: "Bayern"}, {Value: "BE", Text: "Berlin"}, {Value: "BB", Text: "Brandenburg"},
	{Value: "HB", Text: "Bremen"}, {Value: "HH", Text: "Hamburg"}, {Value: "HE", Text: "Hessen"}, {Value: "MV", Text: "Mecklenburg-Vorpommern"},
	{Value: "NI", Text: "Niedersachsen"}, {Value: "NW", Text: "Nordrhein-Westfalen"}, {Value: "RP", Text: "Rheinland-Pfalz"}, {Value: "SL", Text: "Saarland"},
	{Value: "SN", Text: "Sachsen"}, {Value: "ST", Text: "Sachsen-Anhalt"}, {Value: "SH", Text: "Schleswig-Holstein"}, {Value: "TH", Text: "Thüringen"},
}

func landOptions(selected string) []option {
	out := slices.Clone(lands)
	for i := range out {
		out[i].Selected = out[i].Value == selected
	}
	return out
}

// tenantCreate is POST /admin/tenants.
func (u *UI) tenantCreate(w http.ResponseWriter, r *http.Request) error {
	by := actor(personOf(r))
	if !by.Operator {
		return &gateway.Error{Op: "create tenant", Code: gateway.CodeDenied, Message: "Mandanten legt nur der Betrieb an."}
	}
	wish := identity.Wish{
		ID: gateway.TenantID(field(r, "kennung")), Name: field(r, "name"), Land: field(r, "land"), ARS: field(r, "ars"), CostCentre: field(r, "kostenstelle"),
	}
	if _, err := u.Register.Tenants.Create(r.Context(), by, wish, ""); err != nil {
		return err
	}
	http.Redirect(w, r, tenantPath(wish.ID), http.StatusSeeOther)
	return nil
}

func field(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

func tenantPath(id gateway.TenantID) string { return "/admin/tenants/" + url.PathEscape(string(id)) }
