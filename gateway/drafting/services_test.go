// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/norms"
	"github.com/ki-schleuse/schleuse/policies/services"
)

func catalog(t *testing.T) *completeness.Catalog {
	t.Helper()
	c, err := completeness.LoadCatalog(context.Background(), services.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// everything is a report in which all that can be asked is asked.
func everything(s completeness.Service) *completeness.Report {
	r := &completeness.Report{ID: "c_alles", Service: s.ID, Status: completeness.StatusIncomplete}
	for _, f := range s.Fields {
		r.Findings = append(r.Findings, completeness.Finding{Requirement: f.ID, Code: "missing_field", Severity: completeness.SeverityAsk, Label: f.Label, Question: f.Question, Basis: f.Basis, Origin: f.Origin})
	}
	for _, e := range s.Evidence {
		r.Findings = append(r.Findings, completeness.Finding{Requirement: e.ID, Code: "missing_evidence", Severity: completeness.SeverityAsk, Label: e.Label, Question: e.Question, Basis: e.Basis, Origin: e.Origin, ByAuthority: e.ByAuthority})
	}
	for _, rule := range s.Rules {
		r.Findings = append(r.Findings, completeness.Finding{Requirement: rule.ID, Code: "rule", Severity: rule.Severity, Message: rule.Message, Question: rule.Question, Basis: rule.Basis, Origin: rule.Origin})
	}
	return r
}

// TestEveryServiceGivesAReleasableLetter asks for everything each service knows:
// every citation in the definitions has to stand in the register.
func TestEveryServiceGivesAReleasableLetter(t *testing.T) {
	t.Parallel()
	for _, s := range catalog(t).Services() {
		t.Run(string(s.ID), func(t *testing.T) {
			t.Parallel()
			in := housing()
			in.Service, in.Report = ServiceOf(s), everything(s)
			d := draft(t, setup(t, nil), in)
			if !d.Releasable {
				t.Errorf("cannot be released:\n%s", strings.Join(reds(d), "\n"))
			}
			for _, basis := range s.Nachforderung.Basis {
				for _, c := range norms.ParseCitations(basis) {
					if err := norms.Default().Lookup(c); err != nil {
						t.Errorf("nachforderung.basis: %v", err)
					}
				}
			}
			yellow := 0
			for _, c := range d.Checks {
				if c.Level == LevelYellow {
					yellow++
				}
			}
			t.Logf("%s (%s): %d norms cited, %d to be confirmed by a person, period %d days", s.ID, in.Service.Regime, len(d.Citations), yellow, d.Deadline.Days)
		})
	}
}

// TestSampleApplications checks the sample applications and writes a letter for
// each in which something is asked.
func TestSampleApplications(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join(sharedData(t), "applications.jsonl"))
	if err != nil {
		t.Skip("sample applications not found; set SCHLEUSE_DATA")
	}
	c := catalog(t)
	checker, err := completeness.New(completeness.Config{Catalog: c, Unrecorded: true})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[gateway.ServiceID]completeness.Service{}
	for _, s := range c.Services() {
		byID[s.ID] = s
	}
	b := setup(t, nil)
	letters := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parsed, err := completeness.ParseInput(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		report, err := checker.Check(context.Background(), gateway.Caller{}, parsed)
		if err != nil {
			t.Fatal(err)
		}
		in := housing()
		in.Service, in.Report = ServiceOf(byID[report.Service]), &report
		d, err := b.drafter.Draft(context.Background(), gateway.Caller{}, in)
		if gateway.CodeOf(err) == gateway.CodeInvalid {
			continue // nothing to ask for
		}
		if err != nil {
			t.Fatal(err)
		}
		if letters++; !d.Releasable {
			t.Errorf("%s: %q", report.Service, reds(d))
		}
		for _, f := range report.Findings {
			if f.Severity == completeness.SeverityAsk && !strings.Contains(text(d), f.Question) && !f.ByAuthority {
				t.Errorf("%s: the letter does not ask %q", report.Service, f.Question)
			}
		}
	}
	if letters < 15 {
		t.Errorf("only %d letters", letters)
	}
	t.Logf("%d letters", letters)
}

// sharedData is the folder with test data outside of the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("SCHLEUSE_DATA"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
}
