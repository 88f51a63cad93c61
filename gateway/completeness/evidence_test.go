// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// The texts of the invented evidence files as the product's reader gives them
// are kept in testdata, so that this test needs neither the files nor OCR. With
// SCHLEUSE_TEST_OCR=1 the files of SCHLEUSE_DATA are read anew.

// gold is one line of evidence/index.jsonl.
type gold struct {
	File      string         `json:"file"`
	Type      string         `json:"type"`
	Person    string         `json:"person"`
	Fields    map[string]any `json:"fields"`
	Documents []struct {
		Type  string `json:"type"`
		Pages [2]int `json:"pages"`
	} `json:"documents"`
}

// bundle is a bundle.json.
type bundle struct {
	ID        string            `json:"id"`
	Service   gateway.ServiceID `json:"service"`
	Params    json.RawMessage   `json:"params"`
	App       json.RawMessage   `json:"application"`
	Documents []struct {
		File   string `json:"file"`
		Format string `json:"format"`
	} `json:"documents"`
	Expected struct {
		MissingFields    []string `json:"missing_fields"`
		MissingEvidence  []string `json:"missing_evidence"`
		Findings         []string `json:"findings"`
		Complete         bool     `json:"complete"`
		DocumentFindings []struct {
			File string `json:"file"`
			Code string `json:"code"`
		} `json:"document_findings"`
	} `json:"expected"`
}

// stored reads files by their path below evidence/: the content of a document
// is its path.
type stored struct {
	texts map[string]extract.Text
	fresh bool
	files completeness.Reader
	dir   string
}

func (s stored) Read(ctx context.Context, name string, data []byte) (extract.Text, error) {
	if s.fresh {
		content, err := os.ReadFile(filepath.Join(s.dir, string(data)))
		if err != nil {
			return s.files.Read(ctx, name, data) // an attachment: its own content
		}
		return s.files.Read(ctx, name, content)
	}
	t, ok := s.texts[string(data)]
	if !ok {
		return extract.Text{}, errors.Join(extract.ErrUnreadable, fmt.Errorf("no text of %s", data))
	}
	return t, nil
}

func storedReader(t *testing.T) stored {
	t.Helper()
	s := stored{texts: map[string]extract.Text{}, dir: filepath.Join(dataDir(), "evidence")}
	if os.Getenv("SCHLEUSE_TEST_OCR") != "" && dataDir() != "" {
		s.fresh, s.files = true, extract.NewReader(extract.Config{})
		return s
	}
	lines(t, "testdata/evidence/texts.jsonl", func(raw []byte) {
		var l struct {
			File      string   `json:"file"`
			MediaType string   `json:"media_type"`
			OCR       bool     `json:"ocr"`
			Pages     []string `json:"pages"`
		}
		if err := json.Unmarshal(raw, &l); err != nil {
			t.Fatal(err)
		}
		text := extract.Text{MediaType: l.MediaType, OCR: l.OCR}
		for i, p := range l.Pages {
			text.Pages = append(text.Pages, extract.Page{Number: i + 1, Text: p})
		}
		if len(l.Pages) > 0 {
			s.texts[l.File] = text
		}
	})
	return s
}

func lines(t *testing.T, file string, each func([]byte)) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		each(s.Bytes())
	}
	if s.Err() != nil {
		t.Fatal(s.Err())
	}
}

// TestBundles checks whole case folders whose documents carry no type.
func TestBundles(t *testing.T) {
	t.Parallel()
	c := newChecker(t, completeness.Config{Reader: storedReader(t)})
	lines(t, "testdata/evidence/bundles.jsonl", func(raw []byte) {
		var b bundle
		if err := json.Unmarshal(raw, &b); err != nil {
			t.Fatal(err)
		}
		t.Run(b.ID, func(t *testing.T) { checkBundle(t, c, b) })
	})
}

func checkBundle(t *testing.T, c *completeness.Checker, b bundle) {
	t.Helper()
	in := completeness.Input{Service: b.Service, Application: b.App, Case: b.ID}
	if err := json.Unmarshal(b.Params, &in.Params); err != nil {
		t.Fatal(err)
	}
	for _, d := range b.Documents {
		in.Documents = append(in.Documents, completeness.InputDocument{Name: d.File, Format: d.Format, Content: []byte("bundles/" + b.ID + "/" + d.File)})
	}
	r, err := c.Check(context.Background(), gateway.Caller{}, in)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "missing_fields", r.MissingFields, b.Expected.MissingFields)
	same(t, "missing_evidence", r.MissingEvidence, b.Expected.MissingEvidence)
	same(t, "findings of rules", ruleFindings(r), b.Expected.Findings)
	if r.Complete != b.Expected.Complete {
		t.Errorf("complete = %v (%s), expected %v", r.Complete, r.Status, b.Expected.Complete)
	}
	var got, want []string
	for _, f := range r.Findings {
		if slices.Contains([]string{"wrong_person", "wrong_period", "expired", "not_passed", "multi_document", "art9_unrequested"}, f.Code) {
			got = append(got, f.Evidence[0].Document+" "+f.Code)
		}
	}
	for _, d := range b.Expected.DocumentFindings {
		want = append(want, d.File+" "+d.Code)
	}
	same(t, "findings on documents", got, want)
	if t.Failed() {
		for _, d := range r.Documents {
			t.Logf("%s: %s, %s, usable %v %s %v", d.Name, d.Type, d.Person, d.Usable, d.Problem, d.Fields)
		}
		for _, f := range r.Findings {
			t.Logf("%s %s %s", f.Requirement, f.Code, f.Message)
		}
	}
}

// TestClassifier reports how well types, persons and fields are found, and
// guards a floor.
func TestClassifier(t *testing.T) {
	t.Parallel()
	c := newChecker(t, completeness.Config{Reader: storedReader(t)})
	hits, of := map[string]int{}, map[string]int{}
	guessed := map[string]int{}
	persons, namedPersons, fields, goldFields, unreadable := 0, 0, 0, 0, 0
	lines(t, "testdata/evidence/index.jsonl", func(raw []byte) {
		var g gold
		if err := json.Unmarshal(raw, &g); err != nil {
			t.Fatal(err)
		}
		docs := classify(t, c, g.File)
		if docs == nil {
			unreadable++
			t.Logf("%s (%s): not readable", g.File, g.Type)
			return
		}
		want, got := g.types(), typesOf(docs)
		for i, w := range want {
			of[w]++
			guess := ""
			if i < len(got) {
				guess = got[i]
			}
			guessed[guess]++
			if guess == w {
				hits[w]++
				continue
			}
			t.Logf("%s: taken for %q, is %q", g.File, guess, w)
		}
		if g.Person != "" && len(docs) > 0 && docs[0].Person != "" {
			namedPersons++
			if sameName(g.Person, docs[0].Person) {
				persons++
			} else {
				t.Logf("%s: person %q, is %q", g.File, docs[0].Person, g.Person)
			}
		}
		if len(docs) == 1 {
			for name, printed := range docs[0].Fields {
				if want, ok := g.Fields[name]; ok {
					goldFields++
					if sameValue(printed, want) {
						fields++
					} else {
						t.Logf("%s: %s = %q, is %v", g.File, name, printed, want)
					}
				}
			}
		}
	})
	f1 := macroF1(hits, of, guessed)
	total, right := 0, 0
	for k, n := range of {
		total, right = total+n, right+hits[k]
	}
	t.Logf("types: macro-F1 %.3f over %d types, accuracy %d/%d; not readable: %d files", f1, len(of), right, total, unreadable)
	t.Logf("persons read without knowing the case: %d of %d right; fields: %d of %d right", persons, namedPersons, fields, goldFields)
	if f1 < 0.95 {
		t.Errorf("macro-F1 = %.3f, expected at least 0.95", f1)
	}
}

// classify checks a file alone; nil when it cannot be read.
func classify(t *testing.T, c *completeness.Checker, file string) []completeness.Document {
	t.Helper()
	in := completeness.Input{Service: "hundesteuer-anmeldung", Application: []byte(`{}`)}
	in.Documents = []completeness.InputDocument{{Name: filepath.Base(file), Content: []byte(file)}}
	r, err := c.Check(context.Background(), gateway.Caller{}, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(codes(r, "unreadable")) > 0 && len(r.Documents) == 1 && r.Documents[0].Type == "" {
		return nil
	}
	return r.Documents
}

// types are the types in a file, one per run of pages.
func (g gold) types() []string {
	if len(g.Documents) == 0 {
		return []string{g.Type}
	}
	var out []string
	for _, d := range g.Documents {
		out = append(out, d.Type)
	}
	return out
}

// typesOf are the types found, in the words of the gold labels: several pay
// slips in one file are verdienstabrechnungen_12m there.
func typesOf(docs []completeness.Document) []string {
	var out []string
	for _, d := range docs {
		if d.Type == "email" {
			return []string{"email"}
		}
		out = append(out, d.Type)
	}
	if len(out) > 1 && !slices.ContainsFunc(out, func(s string) bool { return s != "lohnabrechnung" }) {
		return []string{"verdienstabrechnungen_12m"}
	}
	return out
}

func macroF1(hits, of, guessed map[string]int) float64 {
	sum := 0.0
	for _, k := range slices.Sorted(maps.Keys(of)) {
		if hits[k] == 0 {
			continue
		}
		precision, recall := float64(hits[k])/float64(guessed[k]), float64(hits[k])/float64(of[k])
		sum += 2 * precision * recall / (precision + recall)
	}
	return sum / float64(len(of))
}

func sameName(a, b string) bool {
	words := func(s string) []string {
		return slices.Sorted(slices.Values(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == ',' })))
	}
	return slices.Equal(words(a), words(b))
}

func sameValue(got string, want any) bool {
	switch w := want.(type) {
	case float64:
		var g float64
		_, err := fmt.Sscanf(got, "%g", &g)
		return err == nil && cmp.Compare(g, w) == 0
	case string:
		return got == w || sameName(got, w)
	}
	return got == fmt.Sprint(want)
}
