// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package edge_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/eval/bench/edge"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Without a gateway between, every fault of the server reaches the client: the
// checks must see it.
func TestChecksSeeTheFaultsThemselves(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(mock.New().Handler())
	t.Cleanup(server.Close)
	results, err := edge.Run(t.Context(), edge.Target{Name: "direkt", URL: server.URL + "/v1", Model: "mock-model", Headers: map[string]string{"Authorization": "Bearer k"}},
		mock.Control{URL: server.URL}, edge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]bool{
		"stream-dies": true, "stream-no-done": true, "stream-no-finish": true, "stream-broken-event": true, "stream-gzip": true,
		"flaky": true, "usage-unasked": true, "headers": true, "request-id": true, "gzip": true,
	}
	for _, r := range results {
		want := edge.Good
		switch {
		case bad[r.Check]:
			want = edge.Bad
		case r.Check == "stream-http2":
			want = edge.Skipped
		}
		if r.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", r.Check, r.Verdict, r.Seen, want)
		}
	}
	if edge.Worst(results) != edge.Bad {
		t.Error("the worst verdict should be bad")
	}
	table := edge.Markdown(results)
	if !strings.Contains(table, "| direkt |") || strings.Count(table, "\n") != len(results)+2 || !strings.Contains(table, "**schlecht:**") {
		t.Errorf("table:\n%s", table)
	}
}

func TestChecksAreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range edge.Checks() {
		if c.ID == "" || c.Title == "" || c.Want == "" || seen[c.ID] {
			t.Errorf("check %+v is not named, or twice", c.ID)
		}
		seen[c.ID] = true
	}
}
