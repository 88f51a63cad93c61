// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package services_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"
)

// TestRego runs the tests that stand beside the rules.
func TestRego(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	modules := map[string]*ast.Module{}
	for _, file := range regoFiles(t) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ast.ParseModule(file, string(source))
		if err != nil {
			t.Fatal(err)
		}
		modules[file] = m
	}
	results, err := tester.NewRunner().SetModules(modules).EnableTracing(true).RunTests(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for r := range results {
		n++
		if !r.Pass() {
			t.Errorf("%s.%s: %v", r.Package, r.Name, r.Error)
		}
	}
	if n < 50 {
		t.Errorf("only %d tests ran", n)
	}
}

// TestFormatted: the rules are written as `opa fmt` writes them.
func TestFormatted(t *testing.T) {
	t.Parallel()
	for _, file := range regoFiles(t) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(file, source)
		if err != nil {
			t.Fatal(err)
		}
		if os.Getenv("UPDATE_REGO") != "" {
			if err := os.WriteFile(file, formatted, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if string(source) != string(formatted) {
			t.Errorf("%s is not formatted", file)
		}
	}
}

func regoFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/*.rego")
	if err != nil || len(files) < 14 {
		t.Fatalf("found %v (%v)", files, err)
	}
	slices.Sort(files)
	return files
}
