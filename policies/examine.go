// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"
)

// The steps of an examination, in order.
const (
	StepFormat   = "format"   // the files can be read
	StepCompile  = "compile"  // strictly, with no other functions than ours
	StepLint     = "lint"     // form, METADATA, a test for each rule
	StepCanary   = "canary"   // questions whose answer is known
	StepGolden   = "golden"   // the golden cases of the bundle
	StepRego     = "rego"     // its Rego tests
	StepMutation = "mutation" // damaged golden cases open nothing
)

// Steps are all of them.
func Steps() []string {
	return []string{StepFormat, StepCompile, StepLint, StepCanary, StepGolden, StepRego, StepMutation}
}

// Examination is what is found in a bundle that nobody trusts yet.
type Examination struct {
	Revision string
	Rules    []RuleInfo
	// Results of the steps that were made; a bundle that cannot be used ends them.
	Results  []StepResult
	Coverage float64
}

// OK says that all steps were made and found nothing.
func (e Examination) OK() bool {
	for _, r := range e.Results {
		if len(r.Findings) > 0 {
			return false
		}
	}
	return len(e.Results) == len(Steps())
}

// StepResult is one step: how much was looked at, and what is wrong.
type StepResult struct {
	Step     string
	Count    int
	Findings []string
}

// ExamineOptions bound an examination.
type ExamineOptions struct {
	// Timeout of one evaluation; 0 means 2 s. What ends hostile rules is the number of
	// steps (plan.MaxSteps), on a busy machine as on an idle one; the clock is for what
	// OPA evaluates by itself.
	Timeout time.Duration
	// Memory the process may grow by meanwhile; 0 means 256 MiB.
	Memory uint64
	// Mutations to try; 0 means 600.
	Mutations int
}

// maxFindings of one step are told; after maxFailedCases no more golden cases are
// tried. Mutations end after their time: those of a slow draft would take hours.
const (
	maxFindings    = 50
	maxFailedCases = 20
	mutationTime   = 30 * time.Second
)

// Examine makes every automatic check of a bundle. Its rules are taken for code of
// strangers: they call our functions only, each evaluation has a deadline, and the
// whole a bound of memory. An error means that the examination itself failed or was
// ended by ctx.
func Examine(ctx context.Context, root fs.FS, o ExamineOptions) (Examination, error) {
	if o.Timeout <= 0 {
		o.Timeout = examineTimeout
	}
	if o.Mutations <= 0 {
		o.Mutations = 600
	}
	ctx, done := withinMemory(ctx, o.Memory)
	defer done()
	x := examiner{options: o, root: root}
	for _, step := range []func(context.Context) error{x.format, x.compile, x.lint, x.canary, x.golden, x.rego, x.mutation} {
		if err := step(ctx); err != nil && !errors.Is(err, errUnusable) {
			return x.out, err
		} else if err != nil {
			break
		}
		if err := context.Cause(ctx); err != nil {
			x.found(err.Error())
			return x.out, nil
		}
	}
	return x.out, nil
}

// examineTimeout leaves honest rules time on a machine that does other things.
const examineTimeout = 2 * time.Second

// errUnusable ends an examination: the findings say why.
var errUnusable = errors.New("unusable")

type examiner struct {
	options  ExamineOptions
	root     fs.FS
	bundle   *bundle
	cases    golden
	snapshot *snapshot
	out      Examination
}

func (x *examiner) step(step string, count int, findings ...string) {
	if len(findings) > maxFindings {
		findings = append(findings[:maxFindings:maxFindings], fmt.Sprintf("and %d more", len(findings)-maxFindings))
	}
	x.out.Results = append(x.out.Results, StepResult{Step: step, Count: count, Findings: findings})
}

// found adds a finding to the last step.
func (x *examiner) found(finding string) {
	if n := len(x.out.Results); n > 0 {
		x.out.Results[n-1].Findings = append(x.out.Results[n-1].Findings, finding)
	}
}

// unusable is the last step.
func (x *examiner) unusable(step string, err error) error {
	text := err.Error()
	if x.bundle != nil {
		text = x.bundle.sentence(err)
	}
	x.step(step, 0, text)
	return errUnusable
}

func (x *examiner) format(context.Context) (err error) {
	if x.bundle, err = parseBundle(x.root); err != nil {
		return x.unusable(StepFormat, err)
	}
	if x.cases, err = readGolden(x.root); err != nil {
		return x.unusable(StepFormat, err)
	}
	x.out.Revision = x.bundle.revision
	x.step(StepFormat, len(x.bundle.sources)+len(x.bundle.catalog))
	return nil
}

func (x *examiner) compile(ctx context.Context) (err error) {
	if err := x.bundle.check(); err != nil {
		return x.unusable(StepCompile, err)
	}
	c := x.cases.config(x.root)
	c.Timeout, c.Now = x.options.Timeout, time.Now
	if x.snapshot, err = x.bundle.snapshot(ctx, c); err != nil {
		return x.unusable(StepCompile, err)
	}
	x.out.Rules = x.bundle.rules
	x.step(StepCompile, len(x.bundle.rules))
	return nil
}

func (x *examiner) lint(context.Context) error {
	x.step(StepLint, len(x.bundle.sources), x.bundle.lint()...)
	return nil
}

func (x *examiner) canary(ctx context.Context) error {
	if err := twice(func() error { return x.bundle.canaries(ctx, nil, x.options.Timeout) }); err != nil {
		return x.unusable(StepCanary, err)
	}
	x.step(StepCanary, len(canaryQuestions))
	return nil
}

func (x *examiner) golden(ctx context.Context) error {
	c := x.cases.config(x.root)
	refused := &overreach{}
	c.Timeout, c.Logger = x.options.Timeout, slog.New(refused)
	e, err := x.bundle.engine(ctx, c)
	if err != nil {
		return x.unusable(StepGolden, err)
	}
	var findings []string
	for _, one := range x.cases.cases {
		if len(findings) == maxFailedCases {
			findings = append(findings, "the other cases were not tried")
			break
		}
		_ = refused.take() // of a case that passed when it was asked again
		if err := twice(func() error { return e.checkGolden(ctx, one) }); err != nil {
			findings = append(findings, fmt.Sprintf("%s: %s", one.name(), x.bundle.sentence(cmp.Or(refused.take(), err))))
		}
	}
	if len(x.cases.cases) == 0 {
		findings = append(findings, "there is no golden case")
	}
	x.step(StepGolden, len(x.cases.cases), findings...)
	return nil
}

// twice asks again before it believes a failure: the machine may be very busy.
func twice(try func() error) error {
	if err := try(); err != nil {
		return try()
	}
	return nil
}

func (x *examiner) rego(ctx context.Context) error {
	var report TestReport
	err := x.bundle.runRego(ctx, x.cases.config(x.root), &report, 10*x.options.Timeout)
	if err != nil {
		return x.unusable(StepRego, err)
	}
	if report.RegoPassed == 0 && len(report.Failures) == 0 {
		report.Failures = append(report.Failures, "there is no Rego test")
	}
	x.out.Coverage = report.Coverage
	x.step(StepRego, report.RegoPassed, report.Failures...)
	return nil
}

func (x *examiner) mutation(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, mutationTime)
	defer cancel()
	tried, openings, err := x.snapshot.mutations(within, x.cases.cases, x.options.Mutations, x.options.Timeout)
	if err != nil && ctx.Err() == nil {
		openings = append(openings, err.Error())
	}
	x.step(StepMutation, tried, openings...)
	return nil
}
