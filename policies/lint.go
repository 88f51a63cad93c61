// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
)

const maxLine = 160

// lint says what is wrong with the form of a bundle. What would make a rule
// undecidable (no id, wrong package) is already an error of readBundle.
func (b *bundle) lint() []string {
	var out []string
	for _, name := range sortedKeys(b.sources) {
		for _, problem := range b.lintFile(name, b.sources[name]) {
			out = append(out, name+": "+problem)
		}
	}
	for _, r := range b.rules {
		test := strings.TrimSuffix(r.File, ".rego") + "_test.rego"
		if _, ok := b.tests[test]; !ok {
			out = append(out, fmt.Sprintf("%s: %s has no test file %s", r.File, r.ID, path.Base(test)))
		}
	}
	return out
}

func (b *bundle) lintFile(name string, source []byte) []string {
	var out []string
	formatted, err := format.Source(name, source)
	switch {
	case err != nil:
		out = append(out, err.Error())
	case !bytes.Equal(formatted, source):
		out = append(out, "not formatted (opa fmt)")
	}
	if !bytes.Contains(source, []byte("\nimport rego.v2\n")) {
		out = append(out, "does not import rego.v2")
	}
	for i, line := range strings.Split(string(source), "\n") {
		if len(line) > maxLine {
			out = append(out, fmt.Sprintf("line %d is longer than %d characters", i+1, maxLine))
		}
	}
	module, ok := b.modules[name]
	if !ok {
		return out
	}
	if packageAnnotations(module) == nil {
		out = append(out, "no METADATA block with scope package")
	}
	ast.WalkRules(module, func(r *ast.Rule) bool {
		if strings.HasPrefix(r.Head.Name.String(), "test_") {
			out = append(out, fmt.Sprintf("test %s outside a test file", r.Head.Name))
		}
		return false
	})
	return out
}
