// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/ki-schleuse/schleuse/gateway"
)

// goldenDir holds the golden cases of a bundle: setup.yaml describes tenants,
// services and models, every other file is a list of cases.
const goldenDir = "testdata/decisions"

// TestReport is the outcome of Test.
type TestReport struct {
	Revision string
	Digest   string
	Rules    []RuleInfo
	// RegoPassed counts passed Rego tests, GoldenPassed fulfilled golden cases.
	RegoPassed, GoldenPassed int
	// Failures of lint, Rego tests and golden cases, one sentence each.
	Failures []string
	// Coverage of the rules by the Rego tests, in percent; Uncovered as file:line-line.
	Coverage  float64
	Uncovered []string
	Duration  time.Duration
}

// OK says that nothing failed and that something was tested.
func (r TestReport) OK() bool { return len(r.Failures) == 0 && r.RegoPassed > 0 }

// Test lints a bundle, runs its Rego tests with coverage and its golden cases.
// An error means that the bundle cannot be used at all.
func Test(ctx context.Context, root fs.FS) (TestReport, error) {
	start := time.Now()
	b, err := readBundle(root)
	if err != nil {
		return TestReport{}, fmt.Errorf("read policies: %w", err)
	}
	cases, err := readGolden(root)
	if err != nil {
		return TestReport{}, fmt.Errorf("read golden cases: %w", err)
	}
	e, err := New(ctx, cases.config(root))
	if err != nil {
		return TestReport{}, err
	}
	report := TestReport{Revision: e.Revision(), Digest: e.Digest(), Rules: e.Rules(), Failures: b.lint()}
	if err := b.runRego(ctx, cases.config(root), &report, regoTimeout); err != nil {
		return TestReport{}, fmt.Errorf("run rego tests: %w", err)
	}
	for _, c := range cases.cases {
		if err := e.checkGolden(ctx, c); err != nil {
			report.Failures = append(report.Failures, fmt.Sprintf("golden case %s: %v", c.name(), err))
			continue
		}
		report.GoldenPassed++
	}
	report.Duration = time.Since(start)
	return report, nil
}

// regoTimeout of one Rego test.
const regoTimeout = 10 * time.Second

func (b *bundle) runRego(ctx context.Context, c Config, report *TestReport, limit time.Duration) error {
	modules := maps.Clone(b.modules)
	maps.Copy(modules, b.tests)
	for name, m := range modules {
		modules[name] = m.Copy()
	}
	catalog, err := b.data(c)
	if err != nil {
		return err
	}
	store := inmem.NewFromObject(map[string]any{"catalog": catalog})
	txn, err := store.NewTransaction(ctx)
	if err != nil {
		return err
	}
	defer store.Abort(ctx, txn)
	coverage := cover.New()
	runner := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithStrict(true).WithCapabilities(b.capabilities).WithDefaultRegoVersion(ast.RegoV1)).
		SetStore(store).SetModules(modules).RaiseBuiltinErrors(true).SetCoverageQueryTracer(coverage).
		SetTimeout(limit)
	results, err := runner.RunTests(ctx, txn)
	if err != nil {
		return err
	}
	for r := range results {
		if r.Pass() {
			report.RegoPassed++
			continue
		}
		failure := fmt.Sprintf("rego test %s: %s.%s failed", r.Location, r.Package, r.Name)
		if r.Error != nil {
			failure += ": " + b.sentence(r.Error)
		}
		report.Failures = append(report.Failures, failure)
	}
	written := maps.Clone(b.modules)
	delete(written, collected)
	covered := coverage.Report(written)
	report.Coverage, report.Uncovered = covered.Coverage, uncovered(covered)
	return nil
}

// uncovered lists the lines that no test reached, as file:line-line.
func uncovered(c cover.Report) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		for _, lines := range c.Files[name].NotCovered {
			list = append(list, fmt.Sprintf("%s:%d-%d", name, lines.Start.Row, lines.End.Row))
		}
	}
	return list
}

// golden is the golden corpus of a bundle.
type golden struct {
	setup struct {
		Time     string                       `json:"time"`
		Tenants  map[gateway.TenantID]Tenant  `json:"tenants"`
		Services []gateway.ServiceCard        `json:"services"`
		Models   map[string]gateway.ModelCard `json:"models"`
	}
	cases []goldenCase
}

// goldenCase is one question with what is expected of the decision.
type goldenCase struct {
	Name     string       `json:"name"`
	Question questionFile `json:"question"`
	Want     struct {
		Effect gateway.Effect `json:"effect"`
		Risk   string         `json:"risk"`
		// Rules are all rules that spoke, by id.
		Rules       []string            `json:"rules"`
		Obligations []string            `json:"obligations"`
		Models      []gateway.ModelID   `json:"models"`
		Classes     []gateway.DataClass `json:"data_classes"`
	} `json:"want"`

	file     string
	question gateway.Question
}

func (c goldenCase) name() string { return c.file + "/" + c.Name }

func readGolden(root fs.FS) (golden, error) {
	var g golden
	names, err := fs.Glob(root, goldenDir+"/*.yaml")
	if err != nil || len(names) == 0 {
		return g, err
	}
	if err := readYAMLFile(root, goldenDir+"/setup.yaml", &g.setup); err != nil {
		return g, err
	}
	for _, name := range names {
		if path.Base(name) == "setup.yaml" {
			continue
		}
		if err := g.read(root, name); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *golden) read(root fs.FS, name string) error {
	var file struct {
		Cases []goldenCase `json:"cases"`
	}
	if err := readYAMLFile(root, name, &file); err != nil {
		return err
	}
	for _, c := range file.Cases {
		c.file = strings.TrimSuffix(path.Base(name), ".yaml")
		c.Question.Time = cmp.Or(c.Question.Time, g.setup.Time)
		q, err := c.Question.question(g.setup.Models)
		if err != nil {
			return fmt.Errorf("%s, case %q: %w", name, c.Name, err)
		}
		c.question = q
		g.cases = append(g.cases, c)
	}
	return nil
}

func readYAMLFile(root fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(root, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := decodeYAML(raw, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (g *golden) config(root fs.FS) Config {
	return Config{FS: root, Tenants: g.setup.Tenants, Services: g.setup.Services, Timeout: 5 * time.Second}
}

// checkGolden compares the decision with every expectation that is written down.
func (e *Engine) checkGolden(ctx context.Context, c goldenCase) error {
	d, err := e.Decide(ctx, c.question)
	if err != nil {
		return err
	}
	if d.Effect != c.Want.Effect {
		return fmt.Errorf("effect is %s, want %s (%v)", d.Effect, c.Want.Effect, ruleIDs(d))
	}
	if d.Risk.Class != c.Want.Risk {
		return fmt.Errorf("risk is %s, want %s", d.Risk.Class, c.Want.Risk)
	}
	if err := sameSet("rules", ruleIDs(d), c.Want.Rules); err != nil {
		return err
	}
	if err := sameSet("models", d.Models, c.Want.Models); err != nil {
		return err
	}
	if c.Want.Classes != nil {
		if err := sameSet("data classes", d.DataClasses, c.Want.Classes); err != nil {
			return err
		}
	}
	var obligations []string
	for _, o := range d.Obligations {
		obligations = append(obligations, o.ID)
	}
	return sameSet("obligations", obligations, c.Want.Obligations)
}

func ruleIDs(d gateway.Decision) []string {
	ids := make([]string, len(d.Reasons))
	for i, r := range d.Reasons {
		ids[i] = r.Rule
	}
	return ids
}

func sameSet[S ~string](what string, got, want []S) error {
	a, b := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(a, b) {
		return fmt.Errorf("%s are %v, want %v", what, a, b)
	}
	return nil
}
