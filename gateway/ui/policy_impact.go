// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

const impactPath = policiesPath + "/impact"

// impactView is what a proposal would have said to recorded requests.
type impactView struct {
	policies.Impact
	Figures []impactFigure
	Tenants []impactRow
	Service []impactRow
	Rules   []ruleShift
	// Reads: the person may open records; others see counts.
	Reads bool
}

// impactFigure is one of the counts, with ids of records for those who may read them.
type impactFigure struct {
	Text    string
	Class   string
	Count   int
	Samples []string
}

type impactRow struct {
	Name string
	policies.Tally
}

// ruleShift is a rule that speaks newly or no longer.
type ruleShift struct {
	ID string
	policies.RuleTally
}

// maxImpactRows bounds the tables of a report; the rest is in the figures.
const maxImpactRows = 30

func (u *UI) impactOf(i policies.Impact, reads bool) *impactView {
	v := &impactView{Impact: i, Reads: reads}
	for _, f := range []struct {
		text, class string
		change      policies.Change
	}{
		{"Neu abgelehnt", "denied", i.NewlyDenied}, {"Neu zugelassen", "release", i.NewlyAllowed},
		{"Andere Auflagen", "duties", i.ChangedObligations}, {"Andere Modelle", "duties", i.ChangedModels},
		{"Andere Begründung", "", i.ChangedReasons}, {"Nicht vergleichbar", "", i.NotComparable}, {"Fehler", "denied", i.Errors},
	} {
		figure := impactFigure{Text: f.text, Class: f.class, Count: f.change.Count}
		if figure.Count == 0 {
			figure.Class = ""
		}
		if reads {
			figure.Samples = f.change.Samples
		}
		v.Figures = append(v.Figures, figure)
	}
	v.Tenants = impactRows(i.ByTenant, u.tenantName)
	v.Service = impactRows(i.ByService, func(s gateway.ServiceID) string { return string(s) })
	for _, id := range slices.Sorted(maps.Keys(i.ByRule)) {
		v.Rules = append(v.Rules, ruleShift{id, i.ByRule[id]})
	}
	v.Rules = v.Rules[:min(len(v.Rules), maxImpactRows)]
	return v
}

// impactRows are the parts of a report, those with most differences first.
func impactRows[K ~string](by map[K]policies.Tally, name func(K) string) []impactRow {
	rows := make([]impactRow, 0, len(by))
	for _, k := range slices.Sorted(maps.Keys(by)) {
		rows = append(rows, impactRow{name(k), by[k]})
	}
	slices.SortStableFunc(rows, func(a, b impactRow) int { return cmp.Compare(b.Compared-b.Same, a.Compared-a.Same) })
	return rows[:min(len(rows), maxImpactRows)]
}

// Differences of a row.
func (r impactRow) Differences() int { return r.Compared - r.Same }

// impactPageView lets a person choose a proposal and a time.
type impactPageView struct {
	view
	Tabs      []tab
	Proposals []release.Proposal
	// Proposal that was chosen; nil: none.
	Proposal *release.Proposal
	Impact   *impactView
	Run      *run
	Days     []int
	Changes  bool
}

func (u *UI) impactShow(w http.ResponseWriter, r *http.Request) error {
	all, err := u.Policies.Desk.Proposals(r.Context())
	if err != nil {
		return err
	}
	person := personOf(r)
	v := impactPageView{view: u.view(r, "Auswirkung"), Tabs: u.policyTabs(person, impactPath), Days: impactDays, Changes: u.mayChange(person)}
	v.Path = policiesPath
	v.Proposals = all[:min(len(all), maxRevisions)]
	wanted := r.URL.Query().Get("entwurf")
	for i := range v.Proposals {
		if p := &v.Proposals[i]; p.ID == wanted || wanted == "" && v.Proposal == nil && p.Impact != nil {
			v.Proposal = p
		}
	}
	if v.Proposal == nil && wanted != "" {
		return &gateway.Error{Op: "show impact", Code: gateway.CodeNotFound, Path: "entwurf", Message: "Diesen Entwurf gibt es nicht."}
	}
	if v.Proposal != nil {
		if v.Proposal.Impact != nil {
			v.Impact = u.impactOf(*v.Proposal.Impact, mayRead(person))
		}
		if x, ok := u.Policies.runs.impactOf(v.Proposal.ID); ok {
			v.Run = &x
		}
	}
	return u.render(w, r, http.StatusOK, "policy_impact.html", v)
}
