// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

var (
	expression = regexp.MustCompile(`(?m)^\s*"?expr"?: .*$|^          (sum|/).*$`)
	metricName = regexp.MustCompile(`\b(schleuse|gen_ai|go|process)_[a-z_]+`)
)

// Whatever the dashboard and the alerts ask for is there after traffic of all
// kinds: a renamed metric would otherwise be an alert that never comes.
func TestDashboardAndAlertsFindTheirMetrics(t *testing.T) {
	t.Parallel()
	w := newCanaryTown(t, "")
	w.askEverything(t)
	w.records(t)
	if report, err := w.verify(t.Context()); err != nil || !report.OK() {
		t.Fatalf("verify: %+v, %v", report, err)
	}
	shown := w.metrics(t)
	for file, atLeast := range map[string]int{"../../deploy/grafana/ki-schleuse.json": 12, "../../deploy/prometheus/alerts.yaml": 10} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, line := range expression.FindAll(raw, -1) {
			for _, name := range metricName.FindAll(line, -1) {
				names = append(names, string(name))
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) < atLeast {
			t.Errorf("%s: only %d names found: %v", file, len(names), names)
		}
		for _, name := range names {
			if bytes.Contains(shown, []byte(name+`="`)) {
				continue // a label
			}
			if !regexp.MustCompile(`(?m)^` + name + `(\{[^\n]*\})? [0-9]`).Match(shown) {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
	}
	for _, want := range []string{
		`schleuse_endpoint_requests_total{endpoint="anbieter",model="modell"} `, `schleuse_endpoint_open{endpoint="mcp:fach",model="werkzeug/fach/wiederholen"} 0`,
		`schleuse_budget_used_ratio{name="",period="month",scope="all"} `, `schleuse_limit_refusals_total{kind="requests_per_minute"} 0`, `schleuse_limit_store_down 0`,
		`schleuse_policy_info{digest="` + w.engine.Digest() + `",revision="` + w.engine.Revision() + `"} 1`, `schleuse_record_reachable 1`,
	} {
		if !bytes.Contains(shown, []byte(want)) {
			t.Errorf("missing: %s", want)
		}
	}
	if regexp.MustCompile(`(?m)^schleuse_record_entries 0$`).Match(shown) {
		t.Error("the record seems to be empty")
	}
}

// Each alert names a section of the handbook that is there.
func TestAlertsNameTheirRunbooks(t *testing.T) {
	t.Parallel()
	alerts, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	handbook, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`runbook: "docs/operations.md, Abschnitt (.*)"`).FindAllSubmatch(alerts, -1)
	if n := bytes.Count(alerts, []byte("- alert: ")); len(found) < n-1 { // a budget needs none
		t.Errorf("%d alerts, %d with a runbook", n, len(found))
	}
	for _, one := range found {
		if !bytes.Contains(handbook, append([]byte("\n### "), append(one[1], '\n')...)) {
			t.Errorf("docs/operations.md has no section %q", one[1])
		}
	}
}

// How verification and removal went is shown, the latter with when it last succeeded.
func TestMetricsOfTheRecord(t *testing.T) {
	t.Parallel()
	w := newCanaryTown(t, "")
	if shown := w.metrics(t); bytes.Contains(shown, []byte("\nschleuse_record_verified ")) || !bytes.Contains(shown, []byte("\nschleuse_record_retention_postponed 0\n")) {
		t.Error("a verification is shown before the first one, or a removal is late")
	}
	w.verified.Store(&verdict{ok: false, at: time.Unix(1_800_000_000, 0)})
	w.noteRetained(audit.Retained{}, nil)
	w.noteRetained(audit.Retained{Postponed: true}, nil)
	at := w.retained.Load().at
	shown := w.metrics(t)
	for _, want := range []string{"\nschleuse_record_verified 0\n", "\nschleuse_record_verified_timestamp_seconds 1.8e+09\n", "\nschleuse_record_retention_postponed 1\n"} {
		if !bytes.Contains(shown, []byte(want)) {
			t.Errorf("missing: %s", want)
		}
	}
	if !at.After(w.started) {
		t.Errorf("the removal before is forgotten: %s", at)
	}
	w.noteRetained(audit.Retained{}, errors.New("away"))
	if got := w.retained.Load(); !got.late || !got.at.Equal(at) {
		t.Errorf("after a failure: %+v", got)
	}
}

// After a reload the metrics are those of the new catalogue.
func TestReloadReplacesTheCollector(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	r.next.Store(r.withModel("anders"))
	if err := r.service.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := (&canaryTown{town: &town{parts: r.service.current.Load().parts}}).metrics(t)
	if !bytes.Contains(shown, []byte(`schleuse_endpoint_open{endpoint="anbieter",model="anders"} 0`)) || bytes.Contains(shown, []byte(`model="modell"} `)) {
		t.Errorf("metrics after a reload:\n%s", regexp.MustCompile(`(?m)^schleuse_endpoint.*$`).FindAll(shown, -1))
	}
}
