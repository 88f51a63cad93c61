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
	return slices.Concat(u.ruleRoutes(), u.deskRoutes(), u.chainRoutes())
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

func (u *UI) deskRoutes() []route {
	if u.Policies.Book == nil || u.Policies.Desk == nil {
		return nil
	}
	return []route{
		{"GET /admin/policies/revisions", forPolicyReaders, u.revisionList},
		{"POST /admin/policies/rollback", forPolicy, u.rollback},
		{"GET /admin/policies/diff", forPolicyReaders, u.policyDiff},
		{"GET /admin/policies/impact", forPolicyReaders, u.impactShow},
		{"GET /admin/policies/proposals", forPolicyReaders, u.proposalList},
		{"GET /admin/policies/proposals/new", forPolicy, u.proposeNew},
		{"POST /admin/policies/proposals", forPolicy, u.propose}, // may carry a file
		{"GET /admin/policies/proposals/{id}", forPolicyReaders, u.proposalShow},
		{"GET /admin/policies/proposals/{id}/text", forPolicyReaders, u.proposalText},
		{"GET /admin/policies/proposals/{id}/bundle", forPolicyReaders, u.proposalBundle},
		{"POST /admin/policies/proposals/{id}/impact", forPolicy, u.proposalImpact},
		{"POST /admin/policies/proposals/{id}/sign", forPolicy, u.proposalSign},
		{"POST /admin/policies/proposals/{id}/shadow", forPolicy, u.proposalShadow},
		{"POST /admin/policies/proposals/{id}/shadow/end", forPolicy, u.proposalShadowEnd},
		{"POST /admin/policies/proposals/{id}/activate", forPolicy, u.proposalActivate},
		{"POST /admin/policies/proposals/{id}/withdraw", forPolicy, u.proposalWithdraw},
	}
}

// forProof are those who look after the record; the journal is for auditors only,
// because it shows what the others did.
var forProof = anyOf(forRevision, forOperator)

func (u *UI) chainRoutes() []route {
	if u.Policies.Chain == nil {
		return nil
	}
	return []route{
		{"GET /admin/integrity", forProof, u.integrityShow},
		{"POST /admin/integrity/verify", forProof, u.integrityVerify},
		{"GET /admin/integrity/key", forProof, u.integrityKey},
		{"GET /admin/integrity/checkpoint", forProof, u.integrityCheckpoint},
		{"POST /admin/integrity/export", forRevision, u.integrityExport},
		{"GET /admin/journal", forRevision, u.journalList},
		{"GET /admin/journal.csv", forRevision, ownClick(u.journalCSV)},
	}
}

// tab is one of the pages that belong together.
type tab struct {
	Path, Text string
	Current    bool
}

// policyTabs are the pages of policies that a person may open.
func (u *UI) policyTabs(p identity.Person, current string) []tab {
	return u.tabs(p, current, tab{Path: policiesPath, Text: "Regeln"}, tab{Path: revisionsPath, Text: "Regelstände"},
		tab{Path: proposalsPath, Text: "Entwürfe"}, tab{Path: impactPath, Text: "Auswirkung"})
}

// tabs are those that the person may open; a single one is none.
func (u *UI) tabs(p identity.Person, current string, all ...tab) []tab {
	var out []tab
	for _, t := range all {
		if u.opens(p, "GET "+t.Path) {
			t.Current = t.Path == current
			out = append(out, t)
		}
	}
	if len(out) < 2 {
		return nil
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
