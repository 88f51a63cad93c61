// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// firedDays is the time over which the pages count how often a rule spoke.
const firedDays = 30

// policyListView is all rules in force, by area.
type policyListView struct {
	view
	Tabs   []tab
	State  release.Status
	Test   testState
	Filter ruleFilter
	Areas  []ruleArea
	// AllAreas and Norms are the choices of the filter.
	AllAreas, Norms []string
	Shown, All      int
	// Counted: the column of the last days is filled; Opens: the person may look at the decisions.
	Counted, Opens bool
	Days           int
	// May change the rules.
	Changes bool
}

// ruleFilter is the query of the page, as it stands in the address.
type ruleFilter struct{ Query, Area, Norm, Severity, Validity string }

// ruleArea is the rules of one folder.
type ruleArea struct {
	Name  string
	Rules []ruleLine
}

type ruleLine struct {
	policies.RuleInfo
	Area   string
	Effect result
	Valid  validity
	Fired  int
}

// validity says when a rule counts.
type validity struct {
	// Kind is always, current, future or past.
	Kind     string
	From, To string
}

func (u *UI) policyList(w http.ResponseWriter, r *http.Request) error {
	f := readRuleFilter(r.URL.Query())
	if err := f.check(); err != nil {
		return err
	}
	person, state, rules := personOf(r), u.Policies.Book.Status(), u.Policies.Book.Rules()
	v := policyListView{
		view: u.view(r, "Richtlinien"), Tabs: u.policyTabs(person, policiesPath), State: state, Filter: f, All: len(rules), Days: firedDays,
		Test: u.Policies.tests.state(state.Digest), Changes: u.mayChange(person), Opens: person.Has(identity.RoleRevision),
	}
	fired, counted := u.fired(r.Context(), person)
	v.Counted = counted
	today := u.Now().In(u.zone).Format(time.DateOnly)
	for _, rule := range rules {
		v.AllAreas, v.Norms = append(v.AllAreas, areaOf(rule)), append(v.Norms, norms(rule.Basis)...)
		valid := validityOf(rule, today)
		if !f.matches(rule, valid) {
			continue
		}
		v.Shown++
		v.Areas = addLine(v.Areas, ruleLine{RuleInfo: rule, Area: areaOf(rule), Effect: severityResult(rule.Severity), Valid: valid, Fired: fired[rule.ID]})
	}
	slices.SortFunc(v.Areas, func(a, b ruleArea) int { return cmp.Compare(areaRank(a.Name), areaRank(b.Name)) })
	v.AllAreas, v.Norms = distinct(v.AllAreas), distinct(v.Norms)
	return u.render(w, r, http.StatusOK, "policy_list.html", v)
}

func addLine(areas []ruleArea, line ruleLine) []ruleArea {
	i := slices.IndexFunc(areas, func(a ruleArea) bool { return a.Name == line.Area })
	if i < 0 {
		return append(areas, ruleArea{line.Area, []ruleLine{line}})
	}
	areas[i].Rules = append(areas[i].Rules, line)
	return areas
}

func distinct(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}

// fired counts what the person may know of. Without it the page is still useful.
func (u *UI) fired(ctx context.Context, p identity.Person) (map[string]int, bool) {
	if u.Policies.Fired == nil {
		return nil, false
	}
	counts, err := u.Policies.Fired(ctx, scope(p), u.Now().AddDate(0, 0, -firedDays))
	if err != nil {
		u.Logger.LogAttrs(ctx, slog.LevelError, "rules not counted", slog.Any("error", err))
		return nil, false
	}
	return counts, true
}

func readRuleFilter(q url.Values) ruleFilter {
	return ruleFilter{
		Query: strings.TrimSpace(q.Get("q")), Area: q.Get("bereich"), Norm: q.Get("norm"), Severity: q.Get("wirkung"), Validity: q.Get("geltung"),
	}
}

func (f ruleFilter) check() error {
	if !slices.Contains([]string{"", "block", "narrow", "info"}, f.Severity) {
		return invalid("wirkung", "Diese Wirkung gibt es nicht. Möglich sind block, narrow und info.")
	}
	if !slices.Contains([]string{"", "current", "future", "past"}, f.Validity) {
		return invalid("geltung", "Diese Geltung gibt es nicht. Möglich sind current, future und past.")
	}
	return nil
}

func (f ruleFilter) matches(r policies.RuleInfo, v validity) bool {
	text := strings.ToLower(strings.Join([]string{r.ID, r.Title, r.EnglishTitle, r.Basis, r.Text, r.English}, "\n"))
	switch {
	case f.Area != "" && f.Area != areaOf(r),
		f.Norm != "" && !slices.Contains(norms(r.Basis), f.Norm),
		f.Severity != "" && f.Severity != r.Severity,
		f.Validity != "" && f.Validity != v.Kind && (f.Validity != "current" || v.Kind != "always"):
		return false
	}
	return strings.Contains(text, strings.ToLower(f.Query))
}

// validityOf says whether a rule counts today; dates without a time compare as words.
func validityOf(r policies.RuleInfo, today string) validity {
	v := validity{Kind: "current", From: r.ValidFrom, To: r.ValidTo}
	switch {
	case v.From == "" && v.To == "":
		v.Kind = "always"
	case v.From > today:
		v.Kind = "future"
	case v.To != "" && v.To < today:
		v.Kind = "past"
	}
	return v
}

// severityResult is what a rule does, as a badge.
func severityResult(severity string) result {
	switch severity {
	case "block":
		return result{"danger", "danger", "Lehnt ab"}
	case "narrow":
		return result{"info", "info", "Schränkt ein"}
	default:
		return result{"success", "success", "Hält fest"}
	}
}

// law is the name at the end of a citation.
var law = regexp.MustCompile(`(?:SGB [IVX]+|[A-ZÄÖÜ][\p{L}-]+)$`)

// norms are the laws that a legal basis names: „Art. 9 DSGVO, § 22 Abs. 2 BDSG“
// names DSGVO and BDSG.
func norms(basis string) []string {
	var out []string
	for part := range strings.SplitSeq(basis, ",") {
		if name := law.FindString(strings.TrimSpace(part)); name != "" {
			out = append(out, name)
		}
	}
	return distinct(out)
}

// areaOf is the folder of a rule under rego.
func areaOf(r policies.RuleInfo) string {
	area, _, _ := strings.Cut(strings.TrimPrefix(r.File, "rego/"), "/")
	return area
}

// areaRank puts the areas in the order in which a request meets them; others follow.
func areaRank(area string) string {
	if i := slices.Index([]string{"kernel", "tenant", "aiact", "dataprotection", "procedure", "routing"}, area); i >= 0 {
		return string(rune('0' + i))
	}
	return area
}
