// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// runs are steps of the release that take longer than a page may: checks of a
// draft, a comparison with the history. They are kept in memory, bounded.
type runs struct {
	mu   sync.Mutex
	list []run
}

// run is one such step.
type run struct {
	ID string
	// Kind is propose or impact, Proposal the one it concerns or led to.
	Kind, Proposal string
	Start          time.Time
	Done           bool
	// Problem is what a person may know of an error, in German.
	Problem string
}

const (
	maxRuns = 40
	// maxRunTime bounds a step, patience how long a page waits for its end.
	maxRunTime = 20 * time.Minute
	patience   = 2 * time.Second
)

func newRunID() string {
	var b [10]byte
	rand.Read(b[:])
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// begin remembers a step; false: the same is under way already.
func (s *runs) begin(r run) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Proposal != "" && slices.ContainsFunc(s.list, func(o run) bool { return !o.Done && o.Kind == r.Kind && o.Proposal == r.Proposal }) {
		return false
	}
	s.list = slices.DeleteFunc(s.list, func(o run) bool { return r.Proposal != "" && o.Kind == r.Kind && o.Proposal == r.Proposal })
	s.list = append(s.list, r)
	s.list = s.list[max(0, len(s.list)-maxRuns):]
	return true
}

// end says how a step ended.
func (s *runs) end(id, proposal string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if r := &s.list[i]; r.ID == id {
			r.Done, r.Problem = true, problemOf(err)
			if proposal != "" {
				r.Proposal = proposal
			}
		}
	}
}

// of are the steps of a kind that are under way or failed, the newest first.
func (s *runs) of(kind string) []run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []run
	for _, r := range slices.Backward(s.list) {
		if r.Kind == kind && (!r.Done || r.Problem != "") {
			out = append(out, r)
		}
	}
	return out
}

// impactOf is the comparison of a proposal that is under way or failed.
func (s *runs) impactOf(proposal string) (run, bool) {
	for _, r := range s.of("impact") {
		if r.Proposal == proposal {
			return r, true
		}
	}
	return run{}, false
}

// problemOf is what a person may know.
func problemOf(err error) string {
	var known *gateway.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known) && known.Message != "":
		return known.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "Der Schritt dauerte zu lange und wurde abgebrochen."
	default:
		return "Ein Fehler ist aufgetreten. Er wurde im Betriebsprotokoll vermerkt."
	}
}

// runStep starts a step and waits a moment for it; true: it has ended.
func (u *UI) runStep(r run, step func(context.Context) (proposal string, err error)) (ended bool) {
	done := make(chan struct{})
	u.Policies.work.start(maxRunTime, func(ctx context.Context) {
		defer close(done)
		proposal, err := step(ctx)
		u.Policies.runs.end(r.ID, proposal, err)
	})
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}
