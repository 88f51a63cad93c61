// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package edge checks how a gateway behaves where users of gateways complain
// most: streams that break, errors inside streams, callers who leave, refusals of
// the model server, fields and headers the gateway does not know, long answers,
// bad input. Every check says what good is, and gives a verdict. The gateway is
// seen from outside only, so it may be any; behind it must stand a mock server.
// Start at [Run]; the list of checks is [Checks].
package edge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Target is a gateway under test.
type Target struct {
	Name string `json:"name"`
	// URL ends with /v1.
	URL   string `json:"url"`
	Model string `json:"model"`
	// Embeddings and Rerank name models for those routes; empty: Model.
	Embeddings string `json:"embeddings,omitempty"`
	Rerank     string `json:"rerank,omitempty"`
	// HTTP2 names a model that the gateway reaches through TLS and HTTP/2; empty: not checked.
	HTTP2   string            `json:"http2,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Verdict of a check.
type Verdict string

// Verdicts.
const (
	Good    Verdict = "good"
	Bad     Verdict = "bad"
	Skipped Verdict = "skipped" // the target has not said what the check needs
)

// Result of one check.
type Result struct {
	Target  string  `json:"target"`
	Check   string  `json:"check"`
	Title   string  `json:"title"`
	Want    string  `json:"want"`
	Verdict Verdict `json:"verdict"`
	// Seen is what happened, in words.
	Seen string `json:"seen"`
}

// Check is one situation.
type Check struct {
	// ID names it for programs, Title for people, Want what is good.
	ID, Title, Want string
	// Long checks wait for real clocks.
	Long bool

	settings mock.Settings
	run      func(context.Context, *bench) outcome
}

type outcome struct {
	verdict Verdict
	seen    string
}

func verdict(good bool, format string, args ...any) outcome {
	v := Bad
	if good {
		v = Good
	}
	return outcome{v, clean(fmt.Sprintf(format, args...))}
}

func failed(err error) outcome { return outcome{Bad, clean("Fehler: " + err.Error())} }

const maxSeen = 160

// clean makes what came from outside fit into a cell of a table.
func clean(s string) string {
	s = strings.NewReplacer("\n", " ", "\r", " ", "|", "/").Replace(s)
	if len(s) > maxSeen {
		s = strings.ToValidUTF8(s[:maxSeen], "")
	}
	return s
}

// bench is a target with the server behind it.
type bench struct {
	Target
	control  mock.Control
	settings mock.Settings
}

// Options of a run.
type Options struct {
	// Long runs the slow checks too, about two minutes more.
	Long bool
	// Only names checks; empty: all.
	Only []string
	// Progress is told each result as it comes.
	Progress func(Result)
}

// Run checks one target. The error says that the bench itself does not work,
// never that a verdict is bad.
func Run(ctx context.Context, t Target, control mock.Control, o Options) ([]Result, error) {
	var out []Result
	for _, c := range Checks() {
		if c.Long && !o.Long || len(o.Only) > 0 && !slices.Contains(o.Only, c.ID) {
			continue
		}
		r, err := c.on(ctx, t, control)
		if err != nil {
			return out, err
		}
		out = append(out, r)
		if o.Progress != nil {
			o.Progress(r)
		}
	}
	return out, nil
}

// on runs the check and afterwards waits until the target answers again: a
// gateway may keep away from a server for a while that has just failed.
func (c Check) on(ctx context.Context, t Target, control mock.Control) (Result, error) {
	b := &bench{Target: t, control: control, settings: c.settings}
	if err := control.Set(ctx, c.settings); err != nil {
		return Result{}, err
	}
	got := c.run(ctx, b)
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if err := b.recover(ctx); err != nil {
		return Result{}, err
	}
	return Result{Target: t.Name, Check: c.ID, Title: c.Title, Want: c.Want, Verdict: got.verdict, Seen: got.seen}, nil
}

// recoverTime is more than a breaker stays open.
const recoverTime = 40 * time.Second

func (b *bench) recover(ctx context.Context) error {
	if err := b.control.Set(ctx, quiet(1)); err != nil {
		return err
	}
	for end := time.Now().Add(recoverTime); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, 100*time.Millisecond) {
		if a := b.ask(ctx, chatPath, b.chat(false, ""), nil, 5*time.Second); a.err == nil && a.status == 200 {
			return nil
		}
	}
	return ctx.Err() // the checks that follow will say what is wrong
}

// Worst is Bad when one result is.
func Worst(results []Result) Verdict {
	for _, r := range results {
		if r.Verdict == Bad {
			return Bad
		}
	}
	return Good
}

// Markdown is the matrix: a row for each check, a column for each target.
func Markdown(results []Result) string {
	var targets, checks []string
	cells := map[[2]string]Result{}
	for _, r := range results {
		if !slices.Contains(targets, r.Target) {
			targets = append(targets, r.Target)
		}
		if !slices.Contains(checks, r.Check) {
			checks = append(checks, r.Check)
		}
		cells[[2]string{r.Check, r.Target}] = r
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| Prüfung | gut ist | %s |\n|---|---|%s\n", strings.Join(targets, " | "), strings.Repeat("---|", len(targets)))
	for _, c := range checks {
		row := cells[[2]string{c, targets[0]}]
		for _, t := range targets {
			if r, ok := cells[[2]string{c, t}]; ok {
				row = r
			}
		}
		fmt.Fprintf(&b, "| %s | %s |", row.Title, row.Want)
		for _, t := range targets {
			r := cells[[2]string{c, t}]
			fmt.Fprintf(&b, " %s %s |", mark(r.Verdict), r.Seen)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func mark(v Verdict) string {
	switch v {
	case Good:
		return "gut:"
	case Bad:
		return "**schlecht:**"
	case Skipped:
		return "nicht geprüft:"
	}
	return ""
}
