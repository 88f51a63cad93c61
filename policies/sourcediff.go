// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"fmt"
	"io/fs"
)

// RuleSource is a rule that two bundles do not have alike, with what it is in Rego.
type RuleSource struct {
	// Rule is the new one; the old one, when it was removed.
	Rule RuleInfo `json:"rule"`
	// Kind is added, removed or changed.
	Kind string `json:"kind"`
	// Old and New are the files with their METADATA; empty: the side has none.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Lines are the difference of both, with a few unchanged ones around.
	Lines []Line `json:"lines"`
}

// Kinds of RuleSource.
const (
	SourceAdded   = "added"
	SourceRemoved = "removed"
	SourceChanged = "changed"
)

// SourceDiff compares the rules of two bundles by their Rego source, in the order of
// their ids. Diff says what else differs.
func SourceDiff(a, b fs.FS) ([]RuleSource, error) {
	before, err := readBundle(a)
	if err != nil {
		return nil, fmt.Errorf("read the old policies: %w", err)
	}
	after, err := readBundle(b)
	if err != nil {
		return nil, fmt.Errorf("read the new policies: %w", err)
	}
	old, next := rulesByID(before), rulesByID(after)
	var out []RuleSource
	for _, id := range union(old, next) {
		was, had := old[id]
		is, has := next[id]
		one := RuleSource{Rule: is, Kind: SourceChanged}
		if had {
			one.Old = string(before.sources[was.File])
		}
		if has {
			one.New = string(after.sources[is.File])
		}
		switch {
		case !had:
			one.Kind = SourceAdded
		case !has:
			one.Rule, one.Kind = was, SourceRemoved
		case bytes.Equal(before.sources[was.File], after.sources[is.File]):
			continue
		}
		one.Lines = lineDiff(one.Old, one.New)
		out = append(out, one)
	}
	return out, nil
}
