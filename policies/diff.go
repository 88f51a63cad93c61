// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Difference is what one bundle has otherwise than another.
type Difference struct { //nolint:recvcheck // it is filled in place and handed out as a value
	// Old and New are the revisions.
	Old string `json:"old"`
	New string `json:"new"`
	// Rules with a METADATA block of their own.
	Added   []RuleInfo   `json:"added,omitempty"`
	Removed []RuleInfo   `json:"removed,omitempty"`
	Changed []RuleChange `json:"changed,omitempty"`
	// Modules are other Rego files: what decides, facts, tests.
	Modules []FileChange `json:"modules,omitempty"`
	// Tables of the catalogue, and manifest.yaml.
	Tables []TableChange `json:"tables,omitempty"`
	// Cases are files of golden cases.
	Cases []FileChange `json:"cases,omitempty"`
}

// Empty says that nothing is different but, perhaps, the revision.
func (d Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.Modules)+len(d.Tables)+len(d.Cases) == 0
}

// RuleChange is a rule that both bundles have.
type RuleChange struct {
	Old RuleInfo `json:"old"`
	New RuleInfo `json:"new"`
	// Metadata are the fields that differ.
	Metadata []FieldChange `json:"metadata,omitempty"`
	// Lines of the Rego file, METADATA included.
	Lines []Line `json:"lines,omitempty"`
}

// FieldChange is one field of a METADATA block.
type FieldChange struct {
	Field string `json:"field"`
	Old   string `json:"old"`
	New   string `json:"new"`
}

// FileChange is a file that differs. Only one side has it when the other lines are missing.
type FileChange struct {
	File  string `json:"file"`
	Lines []Line `json:"lines"`
}

// TableChange is one value of a table.
type TableChange struct {
	Table string `json:"table"`
	// Path within the table, names and indexes joined by dots.
	Path string `json:"path"`
	// Old and New are JSON; nil: not there.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
}

// Diff compares two bundles.
func Diff(a, b fs.FS) (Difference, error) {
	before, err := readBundle(a)
	if err != nil {
		return Difference{}, fmt.Errorf("read the old policies: %w", err)
	}
	after, err := readBundle(b)
	if err != nil {
		return Difference{}, fmt.Errorf("read the new policies: %w", err)
	}
	d := Difference{Old: before.revision, New: after.revision}
	d.rules(before, after)
	d.modules(before, after)
	if err := d.tables(before.catalog, after.catalog); err != nil {
		return Difference{}, err
	}
	if before.coarse != after.coarse {
		d.Tables = append(d.Tables, TableChange{Table: "manifest", Path: "quantities", Old: quantities(before), New: quantities(after)})
	}
	return d, d.cases(a, b)
}

func quantities(b *bundle) json.RawMessage {
	if b.coarse {
		return json.RawMessage(`"presence"`)
	}
	return json.RawMessage(`"exact"`)
}

func (d *Difference) rules(a, b *bundle) {
	old, next := rulesByID(a), rulesByID(b)
	for _, id := range union(old, next) {
		before, had := old[id]
		after, has := next[id]
		switch {
		case !had:
			d.Added = append(d.Added, after)
		case !has:
			d.Removed = append(d.Removed, before)
		case !bytes.Equal(a.sources[before.File], b.sources[after.File]):
			d.Changed = append(d.Changed, RuleChange{
				Old: before, New: after, Metadata: fields(before, after),
				Lines: lineDiff(string(a.sources[before.File]), string(b.sources[after.File])),
			})
		}
	}
}

func rulesByID(b *bundle) map[string]RuleInfo {
	out := make(map[string]RuleInfo, len(b.rules))
	for _, r := range b.rules {
		out[r.ID] = r
	}
	return out
}

// union are the keys of both, in order.
func union[K cmp.Ordered, V, W any](a map[K]V, b map[K]W) []K {
	return slices.Compact(slices.Sorted(func(yield func(K) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
		for k := range b {
			if !yield(k) {
				return
			}
		}
	}))
}

func fields(a, b RuleInfo) []FieldChange {
	var out []FieldChange
	for _, f := range []FieldChange{
		{"title", a.Title, b.Title}, {"title_en", a.EnglishTitle, b.EnglishTitle}, {"legal_basis", a.Basis, b.Basis}, {"severity", a.Severity, b.Severity},
		{"text", a.Text, b.Text}, {"text_en", a.English, b.English},
		{"valid_from", a.ValidFrom, b.ValidFrom}, {"valid_to", a.ValidTo, b.ValidTo},
	} {
		if f.Old != f.New {
			out = append(out, f)
		}
	}
	return out
}

// modules compares the Rego files that are no rule of their own.
func (d *Difference) modules(a, b *bundle) {
	rules := map[string]bool{}
	for _, r := range slices.Concat(a.rules, b.rules) {
		rules[r.File] = true
	}
	for _, name := range union(a.sources, b.sources) {
		if !rules[name] && !bytes.Equal(a.sources[name], b.sources[name]) {
			d.Modules = append(d.Modules, FileChange{File: name, Lines: lineDiff(string(a.sources[name]), string(b.sources[name]))})
		}
	}
}

func (d *Difference) tables(a, b map[string]any) error {
	for _, table := range union(a, b) {
		w := tableWalk{table: table}
		if err := w.compare(nil, a[table], b[table]); err != nil {
			return fmt.Errorf("compare table %s: %w", table, err)
		}
		d.Tables = append(d.Tables, w.changes...)
	}
	return nil
}

type tableWalk struct {
	table   string
	changes []TableChange
}

func (w *tableWalk) compare(path []string, a, b any) error {
	left, isMap := a.(map[string]any)
	right, both := b.(map[string]any)
	if isMap && both {
		for _, key := range union(left, right) {
			if err := w.compare(append(path, key), left[key], right[key]); err != nil {
				return err
			}
		}
		return nil
	}
	list, isList := a.([]any)
	other, both := b.([]any)
	if isList && both {
		for i := range max(len(list), len(other)) {
			if err := w.compare(append(path, strconv.Itoa(i)), at(list, i), at(other, i)); err != nil {
				return err
			}
		}
		return nil
	}
	before, err := asJSON(a)
	if err != nil {
		return err
	}
	after, err := asJSON(b)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		w.changes = append(w.changes, TableChange{Table: w.table, Path: strings.Join(path, "."), Old: before, New: after})
	}
	return nil
}

func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func asJSON(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

// cases compares the golden cases, which do not decide.
func (d *Difference) cases(a, b fs.FS) error {
	before, err := goldenFiles(a)
	if err != nil {
		return err
	}
	after, err := goldenFiles(b)
	if err != nil {
		return err
	}
	for _, name := range union(before, after) {
		if before[name] != after[name] {
			d.Cases = append(d.Cases, FileChange{File: name, Lines: lineDiff(before[name], after[name])})
		}
	}
	return nil
}

func goldenFiles(root fs.FS) (map[string]string, error) {
	names, err := fs.Glob(root, goldenDir+"/*.yaml")
	if err != nil {
		return nil, err
	}
	out := maps.Collect(func(yield func(string, string) bool) {
		for _, name := range names {
			var raw []byte
			if raw, err = fs.ReadFile(root, name); err != nil || !yield(name, string(raw)) {
				return
			}
		}
	})
	return out, err
}
