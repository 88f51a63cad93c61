// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

const (
	// maxTestTime bounds one run of all tests of the policies.
	maxTestTime = 5 * time.Minute
	// maxTests is the number of results that are kept.
	maxTests = 8
)

// policyTests runs the tests of the policies in the background, one at a time,
// and keeps the results by the digest of what was tested.
type policyTests struct {
	mu      sync.Mutex
	running bool
	results []testState
}

// testState is how far the tests of one state of the policies are.
type testState struct {
	policies.TestReport
	// Digest of what was tested: it hides the report's.
	Digest         string
	Running, Known bool
	// Failed: the tests could not be run to the end.
	Failed bool
	At     time.Time
}

func (t *policyTests) state(digest string) testState {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.results {
		if s.Digest == digest {
			s.Running = t.running
			return s
		}
	}
	return testState{Digest: digest, Running: t.running}
}

// begin reports whether nobody else is testing.
func (t *policyTests) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	began := !t.running
	t.running = true
	return began
}

func (t *policyTests) end(s testState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	t.results = slices.DeleteFunc(t.results, func(old testState) bool { return old.Digest == s.Digest })
	t.results = append(t.results, s)
	t.results = t.results[max(0, len(t.results)-maxTests):]
}

// policyTest starts the tests; the page shows the result when it is there.
func (u *UI) policyTest(w http.ResponseWriter, r *http.Request) error {
	digest := u.Policies.Book.Status().Digest
	if !u.Policies.tests.begin() {
		return &gateway.Error{Op: "test policies", Code: gateway.CodeConflict, Message: "Die Tests laufen schon. Bitte warten Sie, bis das Ergebnis da ist."}
	}
	u.Policies.work.start(maxTestTime, func(ctx context.Context) { u.Policies.tests.end(u.runTests(ctx, digest)) })
	http.Redirect(w, r, policiesPath+"#tests", http.StatusSeeOther)
	return nil
}

func (u *UI) runTests(ctx context.Context, digest string) testState {
	report, err := u.Policies.Book.Test(ctx)
	if err != nil {
		u.Logger.LogAttrs(ctx, slog.LevelError, "policies not tested", slog.Any("error", err))
	}
	return testState{TestReport: report, Digest: digest, Known: err == nil, Failed: err != nil, At: u.Now()}
}
