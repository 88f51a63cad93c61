// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/policies/services"
)

// application is one line of applications.jsonl.
type application struct {
	ID       string
	raw      json.RawMessage
	Expected struct {
		MissingFields   []string `json:"missing_fields"`
		MissingEvidence []string `json:"missing_evidence"`
		Findings        []string `json:"findings"`
		Complete        bool     `json:"complete"`
	} `json:"expected"`
}

func TestApplications(t *testing.T) {
	t.Parallel()
	c := setup(t)
	apps := readApplications(t, "../../policies/services/testdata/applications.jsonl")
	if dir := dataDir(); dir != "" {
		apps = append(apps, readApplications(t, filepath.Join(dir, "applications.jsonl"))...)
	}
	for _, a := range apps {
		t.Run(a.ID, func(t *testing.T) {
			t.Parallel()
			r := check(t, c, a.raw)
			same(t, "missing_fields", r.MissingFields, a.Expected.MissingFields)
			same(t, "missing_evidence", r.MissingEvidence, a.Expected.MissingEvidence)
			same(t, "findings of rules", ruleFindings(r), a.Expected.Findings)
			if r.Complete != a.Expected.Complete || r.Complete != (r.Status == completeness.StatusComplete) {
				t.Errorf("complete = %v with status %s, expected %v", r.Complete, r.Status, a.Expected.Complete)
			}
			if len(r.InvalidFields) > 0 || len(codes(r, "unknown_field")) > 0 {
				t.Errorf("invalid %v, unknown %v; expected none", r.InvalidFields, codes(r, "unknown_field"))
			}
		})
	}
}

// TestFindingsAreExplained: every finding says what is the case and on which
// basis, and every one for the applicant asks a question.
func TestFindingsAreExplained(t *testing.T) {
	t.Parallel()
	c := setup(t)
	for _, a := range readApplications(t, "../../policies/services/testdata/applications.jsonl") {
		r := check(t, c, a.raw)
		again := check(t, c, a.raw)
		for i, f := range r.Findings {
			if f.Message == "" || f.Origin == "" || f.ID != again.Findings[i].ID {
				t.Errorf("%s: finding %s has no message or origin, or its id changes", a.ID, f.Requirement)
			}
			if f.Severity == completeness.SeverityAsk && f.Question == "" {
				t.Errorf("%s: finding %s asks nothing", a.ID, f.Requirement)
			}
			if len(f.Basis) == 0 && f.Origin == "law" {
				t.Errorf("%s: finding %s names no norm", a.ID, f.Requirement)
			}
		}
		if r.ID != again.ID || !strings.HasPrefix(r.ID, "chk_") || len(r.RulesSHA256) != 64 {
			t.Errorf("%s: report id %s, then %s", a.ID, r.ID, again.ID)
		}
	}
}

func setup(t testing.TB) *completeness.Checker {
	t.Helper()
	return newChecker(t, completeness.Config{})
}

func newChecker(t testing.TB, config completeness.Config) *completeness.Checker {
	t.Helper()
	catalog, err := completeness.LoadCatalog(context.Background(), services.FS)
	if err != nil {
		t.Fatalf("load catalog: %v", err)
	}
	config.Catalog, config.Unrecorded = catalog, config.Permit == nil
	config.Now = func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }
	c, err := completeness.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t testing.TB, c *completeness.Checker, raw []byte) completeness.Report {
	t.Helper()
	in, err := completeness.ParseInput(raw)
	if err != nil {
		t.Fatalf("parse input: %v", err)
	}
	r, err := c.Check(context.Background(), gateway.Caller{}, in)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	return r
}

func readApplications(t testing.TB, file string) []application {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []application
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a application
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		a.raw = slices.Clone(lines.Bytes())
		out = append(out, a)
	}
	if len(out) == 0 || lines.Err() != nil {
		t.Fatalf("%s: no applications (%v)", file, lines.Err())
	}
	return out
}

// dataDir is the folder of the shared test data, or "" where it is absent.
func dataDir() string {
	dir := os.Getenv("SCHLEUSE_DATA")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "../../../shared/data")
	}
	if _, err := os.Stat(filepath.Join(dir, "applications.jsonl")); err != nil {
		return ""
	}
	return dir
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, expected %v", what, got, want)
	}
}

func ruleFindings(r completeness.Report) []string { return codes(r, "rule") }

func codes(r completeness.Report, code string) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Code == code {
			out = append(out, f.Requirement)
		}
	}
	return out
}
