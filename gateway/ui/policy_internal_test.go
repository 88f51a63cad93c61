// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// Every phrase, title and word of these pages has an English one.
func TestPolicyPhrasesAreTranslated(t *testing.T) {
	t.Parallel()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`\bsay\("([^"]+)"`), regexp.MustCompile(`u\.view\(r, "([^"]+)"`), regexp.MustCompile(`result\{"\w+", "[\w-]+", "([^"]+)"`),
		regexp.MustCompile(`tab\{Path: \w+, Text: "([^"]+)"`), regexp.MustCompile(`\{"([A-ZÄÖÜ][^"]+)", (?:"\w*"|[ci]\.\w+),? `),
	}
	files := 0
	for _, glob := range []string{"policy_*.go", "integrity_*.go", "journal_*.go"} {
		names, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files++
			for _, p := range patterns {
				for _, m := range p.FindAllStringSubmatch(string(raw), -1) {
					if l[m[1]] == "" || strings.Count(m[1], "%") != strings.Count(l[m[1]], "%") {
						t.Errorf("%s: %q is translated as %q", name, m[1], l[m[1]])
					}
				}
			}
		}
	}
	if files < 10 {
		t.Errorf("only %d files were looked at", files)
	}
	for _, topic := range noteTopics() {
		if w := word("topic", topic); w == topic || l[w] == "" {
			t.Errorf("topic %s is %q, in English %q", topic, w, l[w])
		}
	}
}

func TestNorms(t *testing.T) {
	t.Parallel()
	for basis, want := range map[string]string{
		"Art. 9 DSGVO, § 22 Abs. 2 BDSG":                           "BDSG DSGVO",
		"Art. 6 Abs. 2, Art. 26, 27 und 49 Abs. 3 KI-VO":           "KI-VO",
		"Anhang III Nr. 5 Buchst. a KI-VO, §§ 14, 15 SGB I":        "KI-VO|SGB I",
		"§ 35a VwVfG, § 31a SGB X, § 155 Abs. 4 AO, Art. 22 DSGVO": "AO|DSGVO|SGB X|VwVfG",
		"§ 4 SÜG, Verschlusssachenanweisung":                       "SÜG|Verschlusssachenanweisung",
		"Art. 5 Abs. 1 Buchst. c und f, Art. 32 Abs. 1":            "",
		"": "",
	} {
		want := strings.FieldsFunc(strings.ReplaceAll(want, "BDSG DSGVO", "BDSG|DSGVO"), func(r rune) bool { return r == '|' })
		if got := norms(basis); !slices.Equal(got, want) {
			t.Errorf("norms of %q are %q, want %q", basis, got, want)
		}
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from, to, want string
	}{
		"always":          {"", "", "always"},
		"since":           {"2025-02-02", "", "current"},
		"first day":       {"2026-11-22", "", "current"},
		"tomorrow":        {"2026-11-23", "", "future"},
		"last day":        {"", "2026-11-22", "current"},
		"over":            {"2020-01-01", "2026-11-21", "past"},
		"between":         {"2026-01-01", "2026-12-31", "current"},
		"far and bounded": {"2027-01-01", "2028-01-01", "future"},
	} {
		if got := validityOf(policies.RuleInfo{ValidFrom: c.from, ValidTo: c.to}, "2026-11-22"); got.Kind != c.want {
			t.Errorf("%s: %s, want %s", name, got.Kind, c.want)
		}
	}
}

func TestRuleFilter(t *testing.T) {
	t.Parallel()
	rule := policies.RuleInfo{ID: "DSG-004", Title: "Sozialdaten im Auftrag", Basis: "§ 80 Abs. 1 bis 3 SGB X", Text: "Sozialdaten bleiben hier.", English: "Social data stay.", Severity: "narrow", File: "rego/dataprotection/sozialdaten/sozialdaten.rego"}
	always := validity{Kind: "always"}
	for name, c := range map[string]struct {
		filter ruleFilter
		want   bool
	}{
		"nothing":        {ruleFilter{}, true},
		"words":          {ruleFilter{Query: "sozialDATEN"}, true},
		"English":        {ruleFilter{Query: "social data"}, true},
		"other words":    {ruleFilter{Query: "Steuer"}, false},
		"area":           {ruleFilter{Area: "dataprotection"}, true},
		"other area":     {ruleFilter{Area: "aiact"}, false},
		"law":            {ruleFilter{Norm: "SGB X"}, true},
		"part of a law":  {ruleFilter{Norm: "SGB"}, false},
		"severity":       {ruleFilter{Severity: "narrow"}, true},
		"other severity": {ruleFilter{Severity: "block"}, false},
		"in force":       {ruleFilter{Validity: "current"}, true},
		"future":         {ruleFilter{Validity: "future"}, false},
	} {
		if got := c.filter.matches(rule, always); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSourceLines(t *testing.T) {
	t.Parallel()
	lines := sourceLines("a\nb\nc\n", "rego/x/y/y.rego", []string{"rego/x/y/y.rego:2-9", "rego/x/z/z.rego:1-1", "rego/x/y/y.rego:x-y", "broken"})
	if len(lines) != 3 || lines[0].Uncovered || !lines[1].Uncovered || !lines[2].Uncovered || lines[2].Number != 3 {
		t.Errorf("lines are %+v", lines)
	}
}

func TestFieldChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		want     []fieldChange
	}{
		"nothing":     {"", "", nil},
		"fields":      {`{"a":1,"b":"x","c":[1]}`, `{"a":1,"b":"y","d":true}`, []fieldChange{{"b", "x", "y"}, {"c", "[1]", ""}, {"d", "", "true"}}},
		"only new":    {"", `{"revision":"2026-11-22.2"}`, []fieldChange{{"revision", "", "2026-11-22.2"}}},
		"no object":   {`"alt"`, `[1,2]`, []fieldChange{{"", "alt", "[1,2]"}}},
		"same":        {`{"a":1}`, `{"a":1}`, nil},
		"broken JSON": {`{`, `{}`, []fieldChange{{"", "{", "{}"}}},
	} {
		if got := fieldChanges(json.RawMessage(c.old), json.RawMessage(c.new)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// A table program must take no cell for a formula.
func TestCells(t *testing.T) {
	t.Parallel()
	if got := cells("=1+1", "+x", "-2", "@a", "\tx", "gut", ""); !slices.Equal(got, []string{"'=1+1", "'+x", "'-2", "'@a", "'\tx", "gut", ""}) {
		t.Errorf("cells are %q", got)
	}
}

func TestReadCheckpoint(t *testing.T) {
	t.Parallel()
	c := audit.Checkpoint{Size: 7, Note: []byte("ki-schleuse-amt\n7\nqT8=\n\n— ki-schleuse-amt AAAAAQID\n")}
	if got := readCheckpoint(c); got.Root != "qT8=" || got.Signer != "ki-schleuse-amt+00000001" || got.Count() != 7 {
		t.Errorf("the checkpoint is %+v", got)
	}
	for _, broken := range []string{"", "x", "a\nb", "a\nb\nc\n— \n— x\n"} {
		readCheckpoint(audit.Checkpoint{Note: []byte(broken)}) // does not panic
	}
}

// notes is a journal of so many notes of two persons in turn.
type notes struct {
	Chain
	count int
	calls int
}

func (n *notes) Notes(_ context.Context, f audit.NoteFilter) (audit.NotePage, error) {
	n.calls++
	from := int64(n.count)
	if f.Cursor != "" {
		before, err := strconv.ParseInt(f.Cursor, 10, 64)
		if err != nil {
			return audit.NotePage{}, err
		}
		from = before - 1
	}
	var page audit.NotePage
	for seq := from; seq > 0; seq-- {
		if len(page.Notes) == f.Limit {
			page.Next = strconv.FormatInt(seq+1, 10)
			break
		}
		page.Notes = append(page.Notes, audit.NotedAt{Seq: seq, Note: audit.Note{Actor: gateway.Pseudonym([]string{"p-ada", "p-bob"}[seq%2])}})
	}
	return page, nil
}

// The filter by person finds every note of the person once, page by page.
func TestJournalOfOnePerson(t *testing.T) {
	t.Parallel()
	chain := &notes{count: 1201}
	u := &UI{Config: Config{Policies: &PolicyPages{Chain: chain}}}
	seen, f := map[int64]bool{}, audit.NoteFilter{Limit: journalPage}
	for pages := 0; ; pages++ {
		page, err := u.journalNotes(t.Context(), f, "p-bob")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range page.Notes {
			if n.Note.Actor != "p-bob" || seen[n.Seq] {
				t.Fatalf("note %d of %s comes wrongly", n.Seq, n.Note.Actor)
			}
			seen[n.Seq] = true
		}
		if f.Cursor = page.Next; f.Cursor == "" || pages > 50 {
			break
		}
	}
	if len(seen) != 601 {
		t.Errorf("%d notes were found, want 601", len(seen))
	}
}

// Steps under way are known, one of a kind for a proposal, and bounded.
func TestRuns(t *testing.T) {
	t.Parallel()
	var s runs
	if !s.begin(run{ID: "1", Kind: "impact", Proposal: "e-1"}) || s.begin(run{ID: "2", Kind: "impact", Proposal: "e-1"}) || !s.begin(run{ID: "3", Kind: "impact", Proposal: "e-2"}) {
		t.Error("the same comparison runs twice, or another one not at all")
	}
	s.end("1", "", &gateway.Error{Code: gateway.CodeDenied, Message: "Nein."})
	if r, ok := s.impactOf("e-1"); !ok || r.Problem != "Nein." {
		t.Errorf("the failed step is %+v", r)
	}
	if !s.begin(run{ID: "4", Kind: "impact", Proposal: "e-1"}) {
		t.Error("a failed step cannot be repeated")
	}
	s.end("4", "", nil)
	if _, ok := s.impactOf("e-1"); ok {
		t.Error("a step that succeeded is still shown")
	}
	s.end("3", "", errors.New("secret"))
	if r, _ := s.impactOf("e-2"); strings.Contains(r.Problem, "secret") || r.Problem == "" {
		t.Errorf("an unknown error is shown as %q", r.Problem)
	}
	for i := range 3 * maxRuns {
		s.begin(run{ID: "p" + strconv.Itoa(i), Kind: "propose"})
	}
	if len(s.list) > maxRuns || len(s.of("propose")) == 0 {
		t.Errorf("%d steps are kept", len(s.list))
	}
}

// What runs in the background ends when the pages do, and nothing begins afterwards.
func TestBackground(t *testing.T) {
	t.Parallel()
	var b background
	var mu sync.Mutex
	ended := 0
	for range 5 {
		b.start(time.Hour, func(ctx context.Context) {
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			ended++
		})
	}
	if err := b.close(); err != nil || ended != 5 {
		t.Errorf("%d of 5 have ended, %v", ended, err)
	}
	b.start(time.Hour, func(context.Context) { t.Error("something begins after the end") })
	if err := b.close(); err != nil {
		t.Error(err)
	}
}

func TestPolicyTestsKeepResults(t *testing.T) {
	t.Parallel()
	var p policyTests
	if !p.begin() || p.begin() || !p.state("a").Running {
		t.Error("tests run twice, or are not seen to run")
	}
	p.end(testState{Digest: "a", Known: true})
	if s := p.state("a"); !s.Known || s.Running || p.state("b").Known {
		t.Errorf("the result is %+v", s)
	}
	for i := range 3 * maxTests {
		p.end(testState{Digest: strconv.Itoa(i), Known: true})
	}
	if len(p.results) != maxTests {
		t.Errorf("%d results are kept", len(p.results))
	}
}

// What becomes newly allowed stands out, and ids of records are for auditors only.
func TestImpactOf(t *testing.T) {
	t.Parallel()
	u := &UI{Config: Config{Directory: noTenants{}}}
	i := policies.Impact{
		Compared: 10, Same: 7, NewlyAllowed: policies.Change{Count: 3, Samples: []string{"e-1"}},
		ByTenant: map[gateway.TenantID]policies.Tally{"a": {Compared: 5, Same: 5}, "b": {Compared: 5, Same: 2, NewlyAllowed: 3}},
		ByRule:   map[string]policies.RuleTally{"AIA-002": {Removed: 3}},
	}
	v := u.impactOf(i, true)
	if v.Tenants[0].Name != "b" || v.Tenants[0].Differences() != 3 || len(v.Rules) != 1 {
		t.Errorf("the report is %+v", v)
	}
	for _, reads := range []bool{true, false} {
		shown := slices.ContainsFunc(u.impactOf(i, reads).Figures, func(f impactFigure) bool { return len(f.Samples) > 0 })
		if shown != reads {
			t.Errorf("samples are shown to who reads records %v: %v", reads, shown)
		}
	}
}

type noTenants struct{}

func (noTenants) Tenant(gateway.TenantID) (identity.Tenant, bool) { return identity.Tenant{}, false }

func (noTenants) Tenants() []identity.Tenant { return nil }

// The way of a draft: what is done, what comes next.
func TestStages(t *testing.T) {
	t.Parallel()
	checked := release.Report{Checks: []release.Check{{OK: true}, {OK: true}, {OK: true}, {OK: true}, {OK: true}, {OK: true}, {OK: true}}}
	impact := &policies.Impact{}
	for name, c := range map[string]struct {
		proposal release.Proposal
		want     string
	}{
		"failed":    {release.Proposal{Phase: release.PhaseOpen}, "is-wrong is-later is-later is-later is-later"},
		"checked":   {release.Proposal{Phase: release.PhaseOpen, Checks: checked, Missing: []string{"x"}}, "is-done is-now is-later is-later is-later"},
		"compared":  {release.Proposal{Phase: release.PhaseOpen, Checks: checked, Impact: impact, Missing: []string{"x"}}, "is-done is-done is-now is-later is-later"},
		"signed":    {release.Proposal{Phase: release.PhaseOpen, Checks: checked, Impact: impact, Signatures: make([]release.Signature, 2)}, "is-done is-done is-done is-later is-now"},
		"in force":  {release.Proposal{Phase: release.PhaseActive, Checks: checked, Impact: impact, Signatures: make([]release.Signature, 2)}, "is-done is-done is-done is-later is-done"},
		"withdrawn": {release.Proposal{Phase: release.PhaseWithdrawn, Checks: checked}, "is-done is-later is-later is-later is-later"},
	} {
		if !c.proposal.Checks.OK() && name != "failed" {
			t.Fatalf("%s: the checks of the test do not pass", name)
		}
		var got []string
		for _, s := range stages(c.proposal, 2, nil) {
			got = append(got, s.State)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}
