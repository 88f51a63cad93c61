// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load_test

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/load"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

func setup(t *testing.T) (load.Target, mock.Control) {
	t.Helper()
	server := httptest.NewServer(mock.New().Handler())
	t.Cleanup(server.Close)
	return load.Target{Name: "direkt", URL: server.URL + "/v1", Model: "mock-model", PID: os.Getpid()}, mock.Control{URL: server.URL}
}

func TestLoops(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]load.Scenario{
		"closed":     {Prompt: 1000, Workers: 4, Mock: mock.Settings{Tokens: 10}},
		"open":       {Prompt: 1000, Workers: 64, Rate: 50, Mock: mock.Settings{Tokens: 10, Latency: 5 * time.Millisecond}},
		"stream":     {Prompt: 1000, Workers: 4, Stream: true, Mock: mock.Settings{Tokens: 10}},
		"embeddings": {Prompt: 1000, Workers: 2, Embeddings: true, Mock: mock.Settings{Tokens: 10}},
		"personal":   {Prompt: 3000, Personal: true, Workers: 2, Mock: mock.Settings{Tokens: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, control := setup(t)
			s.Name, s.Slice, s.Turns = name, 300*time.Millisecond, 2
			results, err := load.Run(t.Context(), []load.Target{target, target}, s, control)
			if err != nil || len(results) != 2 {
				t.Fatalf("%d results, %v", len(results), err)
			}
			for _, r := range results {
				if r.Requests == 0 || r.Errors > 0 || r.Truncated > 0 || r.P50 <= 0 || r.P99 < r.P50 || r.PerSecond <= 0 || r.RSS <= 0 {
					t.Errorf("result %+v", r)
				}
				if s.Stream && (r.Chunks != 10*r.Requests || r.FirstP50 <= 0) {
					t.Errorf("%d chunks of %d streams, first after %.2f ms", r.Chunks, r.Requests, r.FirstP50)
				}
				if s.Rate > 0 && r.Requests != 30 {
					t.Errorf("%d requests, want 2 × 0.3 s × 50", r.Requests)
				}
			}
			if table := load.Markdown(s, results); strings.Count(table, "| direkt |") != 2 {
				t.Errorf("table:\n%s", table)
			}
		})
	}
}

func TestTruncatedAndFailedAreCounted(t *testing.T) {
	t.Parallel()
	for fault, want := range map[mock.Fault]string{
		mock.FaultNoDone: "[DONE] fehlt: kein Fehlerereignis", mock.FaultErrorEvent: `[DONE] fehlt: Fehlerereignis server_error "mock_mid"`, "503": "HTTP 503",
	} {
		truncated := fault != "503"
		target, control := setup(t)
		results, err := load.Run(t.Context(), []load.Target{target}, load.Scenario{Name: "x", Prompt: 100, Stream: true, Workers: 2, Slice: 100 * time.Millisecond, Turns: 1, Mock: mock.Settings{Tokens: 5, Fault: fault}}, control)
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		if truncated && (r.Truncated == 0 || r.Truncated != r.Requests) || !truncated && (r.Errors == 0 || r.Requests > 0 || len(r.Problems) != 1) {
			t.Errorf("%s: %+v", fault, r)
		}
		for problem, n := range r.Problems {
			if !strings.HasPrefix(problem, want) || n != r.Truncated+r.Errors {
				t.Errorf("%s: %d × %q, want %q", fault, n, problem, want)
			}
		}
		if len(r.Problems) != 1 {
			t.Errorf("%s: %d kinds of problems, want one", fault, len(r.Problems))
		}
	}
}

func TestCountEndsATurn(t *testing.T) {
	t.Parallel()
	target, control := setup(t)
	results, err := load.Run(t.Context(), []load.Target{target}, load.Scenario{Name: "x", Prompt: 100, Workers: 4, Slice: time.Minute, Turns: 1, Count: 37, Mock: mock.Settings{Tokens: 5}}, control)
	if err != nil || results[0].Requests != 37 {
		t.Errorf("%+v, %v; want 37 requests", results, err)
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	plain, people := load.Prompt(30_000, false), load.Prompt(30_000, true)
	if len(plain) < 29_990 || len(people) < 29_990 {
		t.Errorf("%d and %d bytes", len(plain), len(people))
	}
	if strings.Contains(plain, "Zöllner") || !strings.Contains(people, "DE89 3704 0044 0532 0130 00") {
		t.Error("personal data stand in the wrong text")
	}
}

func TestPick(t *testing.T) {
	t.Parallel()
	all := load.Scenarios(time.Second, 1)
	some, err := load.Pick(all, []string{"sat-sse", "sat-1k"})
	if err != nil || len(some) != 2 || some[0].Name != "sat-sse" {
		t.Errorf("%+v, %v", some, err)
	}
	if _, err := load.Pick(all, []string{"keines"}); err == nil {
		t.Error("an unknown scenario was accepted")
	}
}
