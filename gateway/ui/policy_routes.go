// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"slices"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// forPolicyReaders may see the policies and what becomes of them.
var forPolicyReaders = anyOf(forPolicy, forRevision)

const policiesPath = "/admin/policies"

// policyRoutes is what rules: policies, their release, the proof of the record.
func (u *UI) policyRoutes() []route {
	if u.Policies == nil {
		return nil
	}
	return slices.Concat(u.ruleRoutes())
}

func (u *UI) ruleRoutes() []route {
	if u.Policies.Book == nil {
		return nil
	}
	return []route{
		{"GET /admin/policies", forPolicyReaders, u.policyList},
		{"POST /admin/policies/test", forPolicyReaders, u.policyTest},
		{"GET /admin/policies/rules/{id}", forPolicyReaders, u.ruleShow},
	}
}

// tab is one of the pages that belong together.
type tab struct {
	Path, Text string
	Current    bool
}

// policyTabs are the pages of policies that a person may open.
func (u *UI) policyTabs(p identity.Person, current string) []tab {
	var out []tab
	for _, t := range []tab{{Path: policiesPath, Text: "Regeln"}} {
		if u.opens(p, "GET "+t.Path) {
			t.Current = t.Path == current
			out = append(out, t)
		}
	}
	return out
}

// opens says whether a route exists and the person may use it.
func (u *UI) opens(p identity.Person, pattern string) bool {
	return slices.ContainsFunc(u.routes(), func(r route) bool { return r.pattern == pattern && (len(r.roles) == 0 || p.Has(r.roles...)) })
}

// mayChange: the person has the role, and there is a desk for changes.
func (u *UI) mayChange(p identity.Person) bool {
	return u.Policies.Desk != nil && p.Has(forPolicy...)
}
