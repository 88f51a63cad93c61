// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// ruleView explains one rule: what it says, on which law it rests, how it is
// written and tested.
type ruleView struct {
	view
	Tabs   []tab
	Rule   RuleDetail
	Area   string
	Effect result
	Valid  validity
	Test   testState
	Lines  []sourceLine
	// Uncovered is the number of lines that no test reaches; FailedTests by name.
	Uncovered   int
	FailedTests map[string]bool
	Fired       int
	Counted     bool
	Days        int
	// Decisions is the list of decisions in which the rule spoke, for those who may see it.
	Decisions string
	Changes   bool
}

// sourceLine is a line of Rego with its number.
type sourceLine struct {
	Number int
	Text   string
	// Uncovered: no test reaches it.
	Uncovered bool
}

func (u *UI) ruleShow(w http.ResponseWriter, r *http.Request) error {
	detail, err := u.Policies.Book.Rule(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	person := personOf(r)
	v := ruleView{
		view: u.view(r, detail.Title), Tabs: u.policyTabs(person, policiesPath), Rule: detail, Area: areaOf(detail.RuleInfo), Effect: severityResult(detail.Severity),
		Valid: validityOf(detail.RuleInfo, u.Now().In(u.zone).Format(time.DateOnly)), Test: u.Policies.tests.state(u.Policies.Book.Status().Digest),
		Days: firedDays, Changes: u.mayChange(person),
	}
	v.Path = policiesPath
	v.Lines = sourceLines(detail.Source, detail.File, v.Test.Uncovered)
	for _, l := range v.Lines {
		if l.Uncovered {
			v.Uncovered++
		}
	}
	v.FailedTests = failedTests(detail, v.Test.Failures)
	fired, counted := u.fired(r.Context(), person)
	v.Fired, v.Counted = fired[detail.ID], counted
	if person.Has(identity.RoleRevision) {
		v.Decisions = "/admin/decisions?" + url.Values{"q": {detail.ID}, "zeitraum": {"30d"}}.Encode()
	}
	return u.render(w, r, http.StatusOK, "policy_rule.html", v)
}

// sourceLines numbers the lines and marks those in uncovered (file:line-line).
func sourceLines(source, file string, uncovered []string) []sourceLine {
	var out []sourceLine
	for i, text := range strings.Split(strings.TrimSuffix(source, "\n"), "\n") {
		out = append(out, sourceLine{Number: i + 1, Text: text})
	}
	for _, place := range uncovered {
		name, lines, _ := strings.Cut(place, ":")
		from, to, _ := strings.Cut(lines, "-")
		first, errFirst := strconv.Atoi(from)
		last, errLast := strconv.Atoi(to)
		if name != file || errFirst != nil || errLast != nil {
			continue
		}
		for n := max(first, 1); n <= min(last, len(out)); n++ {
			out[n-1].Uncovered = true
		}
	}
	return out
}

// failedTests are the tests of the rule that a failure names.
func failedTests(d RuleDetail, failures []string) map[string]bool {
	out := map[string]bool{}
	for _, f := range failures {
		if i := slices.IndexFunc(d.Tests, func(t string) bool { return strings.Contains(f, d.TestFile) && strings.HasSuffix(f, "."+t+" failed") }); i >= 0 {
			out[d.Tests[i]] = true
		}
	}
	return out
}
