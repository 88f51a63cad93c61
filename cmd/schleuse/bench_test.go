// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/compare"
	"github.com/ki-schleuse/schleuse/eval/bench/edge"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// benchStage starts the mock and this program as a gateway before it.
func benchStage(t *testing.T) *compare.Stage {
	t.Helper()
	c, err := compareConfig(os.Stderr, gatewayOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Env = []string{asProgram + "=1"}
	s, err := compare.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// edgeLong runs the checks that wait for real clocks, two minutes.
const edgeLong = "SCHLEUSE_TEST_EDGE_LONG"

// Every check of the matrix is good at the real program, started as a process of
// its own from a configuration file.
func TestEdgesAreGood(t *testing.T) {
	t.Parallel()
	s := benchStage(t)
	results, err := edge.Run(t.Context(), s.Gateway.Target, s.Control, edge.Options{Long: os.Getenv(edgeLong) != ""})
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	for _, c := range edge.Checks() {
		if !c.Long || os.Getenv(edgeLong) != "" {
			checks++
		}
	}
	if len(results) != checks {
		t.Errorf("%d results of %d checks", len(results), checks)
	}
	for _, r := range results {
		if r.Verdict != edge.Good {
			t.Errorf("%s: %s, want %q, saw %q", r.Check, r.Verdict, r.Want, r.Seen)
		}
	}
}

// A server that breaks streams is found, and the exit code says so.
func TestBenchEdgeOfAnotherGateway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(mock.New().Handler())
	t.Cleanup(server.Close)
	code, out, _ := schleuse(t, "bench", "edge", "--target", "andere="+server.URL+"/v1", "--mock", server.URL, "--only", "stream-no-done,request-fields", "--json")
	var results []edge.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if code != exitFinding || len(results) != 2 || results[0].Verdict != edge.Bad || results[1].Verdict != edge.Good {
		t.Errorf("exit code %d: %+v", code, results)
	}
	code, out, errOut := schleuse(t, "bench", "edge", "--target", "andere="+server.URL+"/v1", "--mock", server.URL, "--only", "request-fields")
	if code != exitFine || !strings.Contains(out, "gut: alle 8") {
		t.Errorf("exit code %d: %s%s", code, out, errOut)
	}
}

func TestBenchLoadOfAnotherGateway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(mock.New().Handler())
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "ziele.json")
	targets := `[{"name":"aus-datei","url":"` + server.URL + `/v1","model":"m","headers":{"Authorization":"Bearer x"}}]`
	if err := os.WriteFile(file, []byte(targets), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := schleuse(t, "bench", "load", "--targets", file, "--mock", server.URL, "--only", "sat-1k,sat-sse", "--turn", "100ms", "--turns", "1")
	if code != exitFine || strings.Count(out, "| aus-datei |") != 2 || strings.Count(out, "| direkt |") != 2 {
		t.Errorf("exit code %d: %s%s", code, out, errOut)
	}
}

func TestBenchUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"target without mock":   {"bench", "edge", "--target", "a=http://127.0.0.1:1/v1"},
		"target without name":   {"bench", "edge", "--target", "http://127.0.0.1:1/v1", "--mock", "http://127.0.0.1:2"},
		"missing file":          {"bench", "load", "--targets", "gibt-es-nicht.json"},
		"unknown scenario":      {"bench", "load", "--only", "keines"},
		"no time":               {"bench", "compare", "--turn", "0s"},
		"mock from outside":     {"bench", "mock", "--listen", "0.0.0.0:0"},
		"unknown floor":         {"bench", "floor", "--mode", "keine"},
		"key not in the shell":  {"bench", "edge", "--key", "${SCHLEUSE_GIBT_ES_NICHT}"},
		"argument nobody knows": {"bench", "edge", "alles"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, _, errOut := schleuse(t, args...); code != exitUsage {
				t.Errorf("exit code %d: %s", code, errOut)
			}
		})
	}
}

// A comparison of a few seconds: every part starts, every goal has a figure, no
// request fails. What the figures are is not for a test on a shared machine.
func TestCompare(t *testing.T) {
	t.Parallel()
	profiles := t.TempDir()
	c, err := compareConfig(&bytes.Buffer{}, gatewayOptions{profiles: profiles})
	if err != nil {
		t.Fatal(err)
	}
	c.Env = []string{asProgram + "=1"}
	c.Turn, c.Turns, c.Only, c.Streams, c.Held, c.Soak = 150*time.Millisecond, 1, []string{"sat-1k-pii", "sat-sse"}, 50, 5, 900*time.Millisecond
	report, err := compare.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Sound() {
		t.Errorf("requests failed: %s", report.Markdown())
	}
	if n := len(report.Goals()); n != 8 {
		t.Errorf("%d goals: %+v", n, report.Goals())
	}
	if report.Soak == nil || report.Soak.GoroutinesBefore == 0 || report.Ready <= 0 || report.IdleRSS == 0 {
		t.Errorf("report %+v, soak %+v", report, report.Soak)
	}
	table := report.Markdown()
	for _, want := range []string{"| floor-raw |", "| floor-rawfd |", "| floor-gin |", "| floor-opa |", "| schleuse |", "| direkt |", "Dauerlauf"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %s:\n%s", want, table)
		}
	}
	raw, err := os.ReadFile(filepath.Join(profiles, "sat-1k-pii.pprof"))
	if err != nil || len(raw) == 0 {
		t.Errorf("profile of %d bytes, %v", len(raw), err)
	}
}

func TestProfilerTakesOneAtATimeAndNoPaths(t *testing.T) {
	t.Parallel()
	p := &profiler{folder: t.TempDir()}
	server := httptest.NewServer(p.handler())
	t.Cleanup(server.Close)
	for _, path := range []string{"/start/..%2Fx", "/start/A", "/start/" + strings.Repeat("a", 41)} {
		r, err := http.Post(server.URL+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", path, r.StatusCode)
		}
	}
	if err := p.stop(); err != nil {
		t.Errorf("stop without a start: %v", err)
	}
}
