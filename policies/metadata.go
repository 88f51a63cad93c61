// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// RuleInfo describes a rule, as its METADATA block says.
type RuleInfo struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// EnglishTitle is the title in English; empty: the bundle has none.
	EnglishTitle string `json:"title_en,omitempty"`
	// Basis is the legal basis.
	Basis string `json:"basis"`
	// Text is the German sentence shown to people, English the same in English.
	Text    string `json:"text"`
	English string `json:"english"`
	// Severity is block, narrow or info.
	Severity string `json:"severity"`
	// ValidFrom and ValidTo are dates (2026-08-02); empty: no bound.
	ValidFrom string `json:"valid_from,omitempty"`
	ValidTo   string `json:"valid_to,omitempty"`
	File      string `json:"file"`
	Line      int    `json:"line"`

	// path is area/name, the folder under rego.
	path string
	// consequences are the documents the rule contributes to.
	consequences []string
}

// consequences are the documents a rule may contribute to; main.rego collects them.
var consequences = []string{"deny", "reject", "oblige", "note"}

var ruleID = regexp.MustCompile(`^[A-Z]{3,4}-[0-9]{3}$`)

// readRules reads the METADATA of every rule folder and refuses what is not
// complete: a rule nobody can name must not decide.
func (b *bundle) readRules() ([]RuleInfo, error) {
	var rules []RuleInfo
	var errs []error
	seen := map[string]string{}
	for _, name := range sortedKeys(b.modules) {
		folder, isRule := strings.CutPrefix(path.Dir(name), "rego/")
		if !isRule || strings.Count(folder, "/") != 1 {
			continue
		}
		info, err := ruleInfo(b.modules[name], folder)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if other, taken := seen[info.ID]; taken {
			errs = append(errs, fmt.Errorf("%s: rule id %s is used in %s too", name, info.ID, other))
		}
		seen[info.ID] = name
		rules = append(rules, info)
	}
	if len(rules) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("no rule found under rego"))
	}
	slices.SortFunc(rules, func(a, b RuleInfo) int { return strings.Compare(a.ID, b.ID) })
	return rules, errors.Join(errs...)
}

func ruleInfo(m *ast.Module, folder string) (RuleInfo, error) {
	want := "data.rules." + strings.ReplaceAll(folder, "/", ".")
	if got := m.Package.Path.String(); got != want {
		return RuleInfo{}, fmt.Errorf("package is %s, the folder says %s", got, want)
	}
	said, err := contributions(m)
	if err != nil {
		return RuleInfo{}, err
	}
	if len(said) == 0 {
		return RuleInfo{}, fmt.Errorf("none of %s is defined", strings.Join(consequences, ", "))
	}
	a := packageAnnotations(m)
	if a == nil {
		return RuleInfo{}, errors.New("no METADATA block with scope package")
	}
	info := infoOf(a, m)
	info.path, info.consequences = folder, said
	return info, info.validate()
}

// infoOf is what a METADATA block says.
func infoOf(a *ast.Annotations, m *ast.Module) RuleInfo {
	return RuleInfo{
		ID: custom(a, "rule_id"), Title: a.Title, EnglishTitle: custom(a, "title_en"), Basis: custom(a, "legal_basis"), Text: custom(a, "text"),
		English: custom(a, "text_en"), Severity: custom(a, "severity"),
		ValidFrom: custom(a, "valid_from"), ValidTo: custom(a, "valid_to"),
		File: m.Package.Location.File, Line: m.Package.Location.Row,
	}
}

func packageAnnotations(m *ast.Module) *ast.Annotations {
	for _, a := range m.Annotations {
		if a.Scope == "package" {
			return a
		}
	}
	return nil
}

// custom is a text of a METADATA block. What is no text (a date without quotes) is
// not dropped: it must not pass for a field that was left out.
func custom(a *ast.Annotations, key string) string {
	switch v := a.Custom[key].(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	default:
		return fmt.Sprint(v)
	}
}

func (r RuleInfo) validate() error {
	switch {
	case !ruleID.MatchString(r.ID):
		return fmt.Errorf("rule_id %q is not like AIA-001", r.ID)
	case r.Title == "" || r.Basis == "" || r.Text == "" || r.English == "":
		return fmt.Errorf("%s: title, legal_basis, text and text_en must not be empty", r.ID)
	case !slices.Contains([]string{"block", "narrow", "info"}, r.Severity):
		return fmt.Errorf("%s: severity %q is not block, narrow or info", r.ID, r.Severity)
	}
	for _, date := range []string{r.ValidFrom, r.ValidTo} {
		if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
			return fmt.Errorf("%s: %q is not a date like 2026-08-02", r.ID, date)
		}
	}
	return nil
}

// datedRules are the rules that are not always in force, for main.rego.
func (b *bundle) datedRules() map[string]any {
	out := map[string]any{}
	for _, r := range b.rules {
		if r.ValidFrom == "" && r.ValidTo == "" {
			continue
		}
		dates := maps.Clone(always)
		if r.ValidFrom != "" {
			dates["valid_from"] = r.ValidFrom
		}
		if r.ValidTo != "" {
			dates["valid_to"] = r.ValidTo
		}
		out[r.path] = dates
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
