// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// route is a page or a form: who may use it and what it does.
type route struct {
	// pattern is method and path for http.ServeMux.
	pattern string
	// roles of which a person needs one; none: everybody.
	roles  []string
	handle handler
}

// Who may open what. Tests of the rights are made from these lists.
var (
	forRevision = []string{identity.RoleRevision}
	forPolicy   = []string{identity.RolePolicy}
	forOperator = []string{identity.RoleOperator}
	forTenant   = []string{identity.RoleTenant}
	forCase     = []string{identity.RoleCase}
	// forOffice are all who have something to do outside the panel.
	forOffice = anyOf(forRevision, forPolicy, forOperator, forTenant)
)

// anyOf lets everybody in whom one of the lists lets in.
func anyOf(lists ...[]string) []string { return slices.Concat(lists...) }

// routes is every page, area by area.
func (u *UI) routes() []route {
	return slices.Concat(u.commonRoutes(), u.decisionRoutes(), u.approvalRoutes(), u.policyRoutes(), u.registerRoutes(), u.panelRoutes())
}

func (u *UI) commonRoutes() []route {
	return []route{
		{"GET /{$}", nil, u.start},
		{"GET /login", nil, u.login},
		{"POST /login", nil, u.loginSwap},
		{"GET /login/start", nil, u.signInStart},
		{"GET /login/callback", nil, u.signInFinish},
		{"POST /logout", nil, u.logout},
		{"GET /sitzungen", anyOf(forOffice, forCase), u.sessionList},
		{"POST /sitzungen", anyOf(forOffice, forCase), u.sessionEnd},
		{"POST /darstellung", nil, u.appearance},
	}
}

// decisionRoutes is what traces decisions.
func (u *UI) decisionRoutes() []route {
	return []route{
		{"GET /admin", forOffice, u.adminStart},
		{"GET /admin/decisions", forRevision, u.decisionList},
		{"POST /admin/decisions/case", forRevision, u.decisionCase},
		{"POST /admin/decisions/export", forRevision, u.decisionExport},
		{"POST /admin/decisions/views", forRevision, u.viewSave},
		{"POST /admin/decisions/views/{view}/delete", forRevision, u.viewDelete},
		{"GET /admin/decisions/{id}", forRevision, u.decisionShow},
		{"POST /admin/decisions/{id}/open", forRevision, u.decisionOpen},
		{"POST /admin/decisions/{id}/content", forRevision, u.decisionContent},
		{"POST /admin/decisions/{id}/verify", forRevision, u.decisionVerify},
		{"POST /admin/decisions/{id}/replay", forRevision, u.decisionReplay},
		{"POST /admin/decisions/{id}/evidence", forRevision, u.decisionEvidence},
	}
}

// approvalRoutes is where people release results, and where others see what waits.
func (u *UI) approvalRoutes() []route {
	if u.Approvals == nil {
		return nil
	}
	return []route{
		{"GET /admin/approvals", anyOf(forRevision, forPolicy, forTenant), u.approvalList},
		{"GET /panel/approvals", forCase, u.approvalPanel},
		{"POST /panel/approvals/{id}", forCase, u.approvalSay},
	}
}

func (u *UI) panelRoutes() []route {
	if u.Panel == nil {
		return nil
	}
	return []route{
		{"GET /panel/check", forCase, u.checkNew},
		{"POST /panel/check", forCase, u.checkRun}, // the only one with files
		{"GET /panel/check/{id}", forCase, u.checkShow},
		{"POST /panel/draft", forCase, u.draftNew},
		{"GET /panel/draft", forCase, u.draftStart},
		{"GET /panel/draft/{id}", forCase, u.draftShow},
		{"POST /panel/draft/{id}", forCase, u.draftChange},
		{"GET /panel/draft/{id}/{file}", forCase, u.draftDownload},
		{"GET /panel/launch", nil, u.launch},
	}
}

// menuGroup is a part of the menu at the side.
type menuGroup struct {
	Title string
	Items []menuItem
}

type menuItem struct{ Path, Icon, Text string }

// menus is the whole menu; a person sees what the routes let the person open.
var menus = []menuGroup{
	{"Nachvollziehen", []menuItem{
		{"/admin", "home", "Übersicht"},
		{"/admin/decisions", "checklist", "Entscheidungen"},
		{"/admin/approvals", "account-circle", "Freigaben"},
		{"/admin/integrity", "chain", "Protokollnachweis"},
		{"/admin/usage", "bars", "Verbrauch und Kosten"},
	}},
	{"Steuern", []menuItem{
		{"/admin/policies", "scales", "Richtlinien"},
		{"/admin/classify", "layers", "Einordnung"},
		{"/admin/register", "register", "KI-Verzeichnis"},
		{"/admin/models", "chip", "Modelle"},
		{"/admin/tenants", "town-hall", "Mandanten"},
		{"/admin/persons", "person-search", "Auskunft und Löschung"},
	}},
	{"Betrieb", []menuItem{
		{"/admin/system", "gear", "System"},
	}},
	{"Fachverfahren", []menuItem{
		{"/panel/check", "draft", "Vollständigkeit"},
		{"/panel/draft", "mail", "Schreiben"},
		{"/panel/approvals", "check", "Ergebnisse freigeben"},
	}},
}

func (u *UI) menu(p identity.Person) []menuGroup {
	open := map[string]bool{}
	for _, r := range u.routes() {
		if path, ok := strings.CutPrefix(r.pattern, "GET "); ok && (len(r.roles) == 0 || p.Has(r.roles...)) {
			open[path] = true
		}
	}
	var out []menuGroup
	for _, g := range menus {
		items := slices.DeleteFunc(slices.Clone(g.Items), func(i menuItem) bool { return !open[i.Path] })
		if len(items) > 0 {
			out = append(out, menuGroup{g.Title, items})
		}
	}
	return out
}
