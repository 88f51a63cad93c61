// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// collected is where the generated module stands. A bundle does not bring it.
const collected = "rego/collected.rego"

// collect writes package collected: one line for everything a rule folder
// contributes, so that main.rego finds what the rules said without searching
// the tree of rules for it at every question.
//
//	denied, noted        set of rules, as area/name
//	rejections, obliged  rule → what it rejects, what it obliges to
//
// A dated rule speaks only when it is in force. The module is made from the
// folders, in order; there is nothing in it to edit.
func (b *bundle) collect() (*ast.Module, error) {
	if _, taken := b.modules[collected]; taken {
		return nil, fmt.Errorf("%s is generated, no bundle may bring it", collected)
	}
	return ast.ParseModuleWithOpts(collected, b.collectedSource(), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
}

func (b *bundle) collectedSource() string {
	var said strings.Builder
	said.WriteString("# METADATA\n# scope: package\n# title: Was die Regeln sagen\npackage collected\n\nimport rego.v2\n\n")
	// A set is empty, not undefined, also when no rule contributes to it.
	said.WriteString("denied contains \"\" if false\n\nnoted contains \"\" if false\n\n")
	objects := map[string][]string{}
	for _, r := range b.rules {
		for _, c := range r.consequences {
			if set, one := map[string]string{"deny": "denied", "note": "noted"}[c]; one {
				fmt.Fprintf(&said, "%s contains %q if {\n\t%s\n%s}\n\n", set, r.path, r.document(c), r.whenInForce())
				continue
			}
			objects[c] = append(objects[c], fmt.Sprintf("\t%q: %s,\n", r.path, b.dated(&said, r, c)))
		}
	}
	fmt.Fprintf(&said, "rejections := {\n%s}\n\n", strings.Join(objects["reject"], ""))
	fmt.Fprintf(&said, "obliged := {\n%s}\n", strings.Join(objects["oblige"], ""))
	return said.String()
}

// dated is the set a rule contributes; for a dated rule one that is empty while
// the rule is not in force.
func (b *bundle) dated(out *strings.Builder, r RuleInfo, consequence string) string {
	if r.whenInForce() == "" {
		return r.document(consequence)
	}
	name := consequence + "_" + strings.ReplaceAll(r.path, "/", "_")
	fmt.Fprintf(out, "%s contains one if {\n%s\tsome one in %s\n}\n\n", name, r.whenInForce(), r.document(consequence))
	return name
}

func (r RuleInfo) document(consequence string) string {
	return "data.rules." + strings.ReplaceAll(r.path, "/", ".") + "." + consequence
}

func (r RuleInfo) whenInForce() string {
	if r.ValidFrom == "" && r.ValidTo == "" {
		return ""
	}
	return fmt.Sprintf("\tdata.facts.in_force(data.catalog.dated_rules[%q])\n", r.path)
}

// contributions are the consequences a module defines. reject and oblige must be
// sets ("contains"): a set that is empty is something else than one that is lost.
func contributions(m *ast.Module) ([]string, error) {
	var out []string
	for _, r := range m.Rules {
		name := r.Head.Ref().GroundPrefix().String()
		if !slices.Contains(consequences, name) {
			continue
		}
		if isSet := r.Head.RuleKind() == ast.MultiValue; isSet != (name == "reject" || name == "oblige") {
			return nil, fmt.Errorf("%s: deny and note are conditions (if), reject and oblige are sets (contains … if)", name)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}
