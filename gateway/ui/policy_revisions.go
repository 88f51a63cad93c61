// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

const (
	revisionsPath = policiesPath + "/revisions"
	// maxRevisions is the number of revisions on the page.
	maxRevisions = 200
)

// revisionsView is what is and was in force.
type revisionsView struct {
	view
	Tabs      []tab
	Revisions []release.Revision
	// Earlier may be brought back.
	Earlier []release.Revision
	Changes bool
	Done    string
}

func (u *UI) revisionList(w http.ResponseWriter, r *http.Request) error {
	revisions, err := u.Policies.Desk.Revisions(r.Context())
	if err != nil {
		return err
	}
	person := personOf(r)
	v := revisionsView{
		view: u.view(r, "Regelstände"), Tabs: u.policyTabs(person, revisionsPath), Revisions: revisions[:min(len(revisions), maxRevisions)],
		Changes: u.mayChange(person), Done: r.URL.Query().Get("ergebnis"),
	}
	v.Path = policiesPath
	v.Earlier = slices.DeleteFunc(slices.Clone(v.Revisions), func(r release.Revision) bool { return !r.Returns })
	return u.render(w, r, http.StatusOK, "policy_revisions.html", v)
}

// rollback puts an earlier revision in force again, as a new one.
func (u *UI) rollback(w http.ResponseWriter, r *http.Request) error {
	reason, err := reasonOf(r)
	if err != nil {
		return err
	}
	if _, err := u.Policies.Desk.Rollback(r.Context(), u.releasePerson(r), r.PostForm.Get("regelstand"), reason); err != nil {
		return err
	}
	http.Redirect(w, r, revisionsPath+"?ergebnis=zurueck", http.StatusSeeOther)
	return nil
}

// maxReason is the length of a justification in the journal.
const maxReason = 500

// reasonOf is the justification of a form; without one nothing is changed.
func reasonOf(r *http.Request) (string, error) {
	reason := strings.TrimSpace(r.PostForm.Get("begruendung"))
	switch {
	case reason == "":
		return "", invalid("begruendung", "Bitte geben Sie eine Begründung an. Sie steht im Journal.")
	case utf8.RuneCountInString(reason) > maxReason:
		return "", invalid("begruendung", "Die Begründung ist zu lang. Möglich sind 500 Zeichen.")
	}
	return reason, nil
}

func (u *UI) releasePerson(r *http.Request) release.Person { return u.Policies.Who(personOf(r)) }

// diffView is what one revision has otherwise than another.
type diffView struct {
	view
	Tabs []tab
	Diff difference
	// From and To are what was chosen, Choices what may be.
	From, To string
	Choices  []release.Revision
}

func (u *UI) policyDiff(w http.ResponseWriter, r *http.Request) error {
	revisions, err := u.Policies.Desk.Revisions(r.Context())
	if err != nil {
		return err
	}
	v := diffView{
		view: u.view(r, "Regelstände vergleichen"), Tabs: u.policyTabs(personOf(r), revisionsPath),
		From: r.URL.Query().Get("a"), To: r.URL.Query().Get("b"), Choices: revisions[:min(len(revisions), maxRevisions)],
	}
	v.Path = policiesPath
	for _, choice := range []string{v.From, v.To} {
		if !slices.ContainsFunc(revisions, func(r release.Revision) bool { return r.Revision == choice }) {
			return &gateway.Error{Op: "compare revisions", Code: gateway.CodeNotFound, Path: "a, b", Message: "Diesen Regelstand gibt es nicht. Bitte wählen Sie zwei aus der Liste."}
		}
	}
	if v.Diff.Difference, err = u.Policies.Desk.Between(r.Context(), v.From, v.To); err != nil {
		return err
	}
	sources, err := u.Policies.Desk.SourcesBetween(r.Context(), v.From, v.To)
	if err != nil {
		return err
	}
	v.Diff.Sources = wholeSources(sources)
	return u.render(w, r, http.StatusOK, "policy_diff.html", v)
}

// difference is what two states do not have in common, with the text of new rules
// where it is at hand.
type difference struct {
	policies.Difference
	Sources map[string][]sourceLine
}

// wholeSources are the texts of rules that only one side has; of the others the
// difference shows the lines.
func wholeSources(sources []policies.RuleSource) map[string][]sourceLine {
	out := map[string][]sourceLine{}
	for _, s := range sources {
		switch s.Kind {
		case policies.SourceAdded:
			out[s.Rule.ID] = sourceLines(s.New, s.Rule.File, nil)
		case policies.SourceRemoved:
			out[s.Rule.ID] = sourceLines(s.Old, s.Rule.File, nil)
		}
	}
	return out
}
