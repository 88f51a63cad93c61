// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// DocumentType is a kind of document as documents.yaml describes it: by which
// words it is recognised, what is read from it and what it counts as.
type DocumentType struct {
	ID    string `yaml:"id"`
	Label string `yaml:"label"`
	// Also are further evidence types the document satisfies.
	Also []string `yaml:"also"`
	// Art9: contains special categories (Art. 9 DSGVO) and is a finding when
	// nobody asked for it.
	Art9 bool `yaml:"art9"`
	// Ignore: no evidence for anything, for example a cover letter.
	Ignore bool `yaml:"ignore"`
	// Expires: counts only until the date in the field gueltig_bis.
	Expires bool `yaml:"expires"`
	// Period: counts only while the date in the field bis has not passed.
	Period bool `yaml:"period"`
	// MaxAgeMonths: the month in the field zeitraum, or the date of issue, may
	// lie so many months before the application; 0: no limit.
	MaxAgeMonths int `yaml:"max_age_months"`
	// Textless: has no text by nature (Lichtbild).
	Textless bool `yaml:"textless"`
	// Titles identify the type when they stand as a line of their own or begin one.
	Titles []string `yaml:"titles"`
	// Words speak for the type wherever they stand, Against rule it out.
	Words   []string `yaml:"words"`
	Against []string `yaml:"against"`
	// Failed are phrases that say the test was not passed.
	Failed []string `yaml:"failed"`
	// Needs are fields rules depend on: a document on which they cannot be read
	// has to be looked at by a person.
	Needs  []string    `yaml:"needs"`
	Fields []FieldSpec `yaml:"fields"`
}

// FieldSpec says how one value is found: the first value of the type after one
// of the labels.
type FieldSpec struct {
	Name string `yaml:"name"`
	// Type is name, date, month, money, int, plate or parcel.
	Type  string   `yaml:"type"`
	After []string `yaml:"after"`
}

// documentTypes is the vocabulary of documents.
type documentTypes struct {
	Types  []DocumentType `yaml:"types"`
	byID   map[string]int
	source []byte
}

var (
	typeID    = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	specTypes = map[string]bool{"name": true, "date": true, "month": true, "money": true, "int": true, "plate": true, "parcel": true}
)

func loadDocumentTypes(fsys fs.FS) (*documentTypes, error) {
	source, err := fs.ReadFile(fsys, "documents.yaml")
	if err != nil {
		return nil, fmt.Errorf("read document types: %w", err)
	}
	t := &documentTypes{source: source}
	if err := decodeYAML(source, t); err != nil {
		return nil, fmt.Errorf("parse documents.yaml: %w", err)
	}
	var p problems
	t.byID = p.index("document type", len(t.Types), func(i int) string { return t.Types[i].ID })
	for i, d := range t.Types {
		p.check(typeID.MatchString(d.ID), "document type %q: id", d.ID)
		p.check(d.Label != "", "document type %s has no label", d.ID)
		for _, also := range d.Also {
			_, ok := t.byID[also]
			p.check(ok, "document type %s: also %q is unknown", d.ID, also)
		}
		for _, f := range d.Fields {
			p.check(f.Name != "" && len(f.After) > 0 && specTypes[f.Type], "document type %s: field %q is incomplete", d.ID, f.Name)
		}
		for _, need := range d.Needs {
			p.check(slices.ContainsFunc(d.Fields, func(f FieldSpec) bool { return f.Name == need }), "document type %s: needs unknown field %q", d.ID, need)
		}
		for _, words := range [][]string{d.Titles, d.Words, d.Against, d.Failed} {
			for j := range words {
				p.check(words[j] == fold(words[j]), "document type %s: %q is not in its folded form %q", d.ID, words[j], fold(words[j]))
			}
		}
		t.Types[i] = d
	}
	if len(p) > 0 {
		return nil, fmt.Errorf("documents.yaml: %s", strings.Join(p, "; "))
	}
	return t, nil
}

// unknown lists evidence types of a service that no document type describes.
func (t *documentTypes) unknown(s Service) []string {
	var p problems
	for _, e := range s.Evidence {
		for _, alternative := range e.Accepts {
			for part := range strings.SplitSeq(alternative, "+") {
				_, ok := t.byID[part]
				p.check(ok, "evidence %s accepts unknown document type %q", e.ID, part)
			}
		}
	}
	return p
}

func (t *documentTypes) get(id string) (DocumentType, bool) {
	i, ok := t.byID[id]
	if !ok {
		return DocumentType{}, false
	}
	return t.Types[i], true
}

// labels turns "a+b" into "Label a und Label b".
func (t *documentTypes) labels(alternative string) string {
	var out []string
	for part := range strings.SplitSeq(alternative, "+") {
		d, _ := t.get(part)
		out = append(out, d.Label)
	}
	return strings.Join(out, " und ")
}
