// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// verified is a record that was verified with a result.
type verified struct {
	Chain

	report audit.VerifyReport
}

func (v verified) Verify(context.Context, ...[]byte) (audit.VerifyReport, error) {
	return v.report, nil
}

// A witness that was silent is named beside the result, and every kind of a problem has
// a word in both languages.
func TestIntegrityNamesSilentWitnessesAndProblems(t *testing.T) {
	t.Parallel()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	u := &UI{locale: l, zone: time.UTC, verified: &verification{}}
	u.Logger, u.Now = slog.New(slog.DiscardHandler), time.Now
	if err := u.readTemplates(); err != nil {
		t.Fatal(err)
	}
	page, err := u.template("integrity_show.html")
	if err != nil {
		t.Fatal(err)
	}
	show := func(report audit.VerifyReport) string {
		t.Helper()
		u.Policies = &PolicyPages{Chain: verified{report: report}}
		var out strings.Builder
		if err := page.ExecuteTemplate(&out, "main", integrityView{Last: u.verifyChain(t.Context())}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	sound := show(audit.VerifyReport{Leaves: 7})
	if strings.Contains(sound, "Zeugen konnten gefragt") || !strings.Contains(sound, "vollständig und unverändert") {
		t.Error("a sound record has a silent witness")
	}
	if silent := show(audit.VerifyReport{Leaves: 7, WitnessError: "witness https://zeuge.example: 502"}); !strings.Contains(silent, "Nicht alle Zeugen konnten gefragt werden") || !strings.Contains(silent, "https://zeuge.example: 502") || !strings.Contains(silent, "vollständig und unverändert") {
		t.Error("the silent witness is not named")
	}
	broken := show(audit.VerifyReport{Leaves: 7, Problems: []audit.Problem{{Kind: audit.ProblemSummary, Seq: 4096, ID: "block", Text: "weicht ab"}, {Kind: audit.ProblemTruncated, Seq: -1, Text: "kürzer"}}})
	for _, want := range []string{"<strong>Zählung weicht ab</strong>, Blatt 4096 (<code>block</code>): <span lang=\"de\">weicht ab</span>", "<strong>Protokoll gekürzt</strong>: "} {
		if !strings.Contains(broken, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, kind := range []audit.ProblemKind{
		audit.ProblemLeaf, audit.ProblemColumn, audit.ProblemNode, audit.ProblemMissing, audit.ProblemTruncated, audit.ProblemUncovered, audit.ProblemCheckpoint,
		audit.ProblemPair, audit.ProblemPending, audit.ProblemProof, audit.ProblemWitness, audit.ProblemSummary, audit.ProblemRemoved,
	} {
		german := word("problem", string(kind))
		if german == string(kind) || l[german] == "" {
			t.Errorf("%s has no word in German and English: %q", kind, german)
		}
	}
}
