// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package compare_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/compare"
	"github.com/ki-schleuse/schleuse/eval/bench/load"
)

func measured(scenario string, ours load.Result) compare.Measured {
	ours.Target = compare.Ours
	return compare.Measured{
		Scenario: load.Scenario{Name: scenario},
		Results:  []load.Result{{Target: compare.Direct, Requests: 9, CPUPerRequest: 50}, {Target: "floor-opa", Requests: 9, CPUPerRequest: 200}, {Target: "floor-durable", Requests: 9, CPUPerRequest: 230}, ours},
	}
}

func TestGoals(t *testing.T) {
	t.Parallel()
	r := compare.Report{
		Ready: 400 * time.Millisecond, IdleRSS: 90e6,
		Scenarios: []compare.Measured{measured("sat-1k", load.Result{Requests: 9, CPUPerRequest: 399})},
		Soak:      &compare.Soak{GrowthPerMinute: 3, GoroutinesBefore: 50, GoroutinesAfter: 51},
	}
	want := map[string]bool{
		"CPU je Anfrage, 1 KB": true, "Speicher im Leerlauf": false, "Start bis bereit": true,
		"Zuwachs des Speichers im Dauerlauf": false, "Zuwachs der Goroutinen im Dauerlauf": true,
	}
	goals := r.Goals()
	if len(goals) != len(want) {
		t.Errorf("%d goals, want those whose scenario ran: %+v", len(goals), goals)
	}
	for _, g := range goals {
		if met, ok := want[g.Name]; !ok || met != g.Met {
			t.Errorf("%s: met %v with %.1f of %.1f, want %v", g.Name, g.Met, g.Reached, g.Limit, met)
		}
	}
	if goals[0].Direct != 50 || goals[0].Floor != 200 || goals[0].Durable != 230 {
		t.Errorf("baselines %+v", goals[0])
	}
	if table := r.Markdown(); !strings.Contains(table, "| CPU je Anfrage, 1 KB | 400 µs | 399 µs | 50 | 200 | 230 | erreicht |") {
		t.Errorf("table:\n%s", table)
	}
	for _, line := range []string{"| CPU per request, 1 KB | 400 µs | 399 µs | 50 | 200 | 230 |", "| memory idle | 60 MB | **90 MB** |  |  |  |"} {
		if table := r.English(); !strings.Contains(table, line) {
			t.Errorf("table without %s:\n%s", line, table)
		}
	}
}

func TestSound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ours load.Result
		soak *compare.Soak
		want bool
	}{
		"fine":           {load.Result{Requests: 9}, nil, true},
		"failed":         {load.Result{Requests: 9, Errors: 1}, nil, false},
		"truncated":      {load.Result{Requests: 9, Truncated: 1}, nil, false},
		"nothing came":   {load.Result{}, nil, false},
		"failed in soak": {load.Result{Requests: 9}, &compare.Soak{Errors: 1}, false},
	} {
		r := compare.Report{Scenarios: []compare.Measured{measured("sat-1k", c.ours)}, Soak: c.soak}
		if r.Sound() != c.want {
			t.Errorf("%s: sound is %v", name, r.Sound())
		}
	}
}
