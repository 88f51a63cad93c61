// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/norms"
)

func TestImportOfficialXML(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/mustergesetz.xml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"plain.xml": {Data: data},
		"xml.zip":   {Data: zipped(t, map[string]string{"BJNR0.xml": string(data), "bild.gif": "GIF"})},
	}
	for name := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, sections, err := norms.Import(context.Background(), files, name)
			if err != nil {
				t.Fatal(err)
			}
			checkMustergesetz(t, r, sections)
		})
	}
}

func checkMustergesetz(t *testing.T, r *norms.Register, sections []norms.Section) {
	t.Helper()
	s, ok := r.Statute("Mustergesetz")
	if !ok || s.Abbr != "MusterG" || s.Stand != "2026-09-07" {
		t.Fatalf("statute = %+v, want MusterG with Stand 2026-09-07", s)
	}
	if len(sections) != 3 {
		t.Fatalf("%d sections with text, want 3", len(sections))
	}
	if got, want := sections[0].Text, "Dieses Gesetz dient dem Testen & sonst nichts."; got != want {
		t.Errorf("§ 1 is %q, want %q (footnotes left out)", got, want)
	}
	want := "(1) Muster sind\n1. kleine Muster und\n2. große Muster.\n\n(1a) Proben sind keine Muster.\n\n(2) (weggefallen)\n\n(3) Es gilt folgende Tabelle:\nklein | 1 Euro\ngroß | 2 Euro\n\n(4) und (5) (weggefallen)"
	if sections[1].Text != want {
		t.Errorf("§ 2a is\n%q\nwant\n%q", sections[1].Text, want)
	}
	if got := strings.Join(sections[1].Paragraphs, ","); got != "1,1a,3" || sections[1].Heading != "Muster und Proben" {
		t.Errorf("§ 2a has Absätze %s and heading %q", got, sections[1].Heading)
	}
	for text, exists := range map[string]bool{
		"§ 1 MusterG": true, "§ 1 Abs. 1 MusterG": false, "§ 2a Abs. 1a MusterG": true, "§ 2a Abs. 2 MusterG": false,
		"§ 2a Abs. 5 MusterG": false, "§ 3 MusterG": false, "Anlage 1 MusterG": true, "Anlage 2 MusterG": false,
	} {
		if err := r.Lookup(r.Parse(text)[0]); (err == nil) != exists {
			t.Errorf("Lookup(%s) = %v, want exists = %v", text, err, exists)
		}
	}
}

func TestImportJSONLines(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/muster.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	index := `{"laws":[{"file":"muster.jsonl","title":"Musterverordnung","stand":"2021-01-01","standangabe":["NeufNeugefasst v. 1.1.2021","Standzuletzt geändert durch V v. 3.2.2026 I Nr. 9"]}]}`
	files := fstest.MapFS{"law/muster.jsonl": {Data: data}, "law/index.json": {Data: []byte(index)}, "law/fragen.jsonl": {Data: []byte("{}\n")}}
	r, sections, err := norms.Import(context.Background(), files, "law")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.Statute("MusterV")
	if !ok || s.Title != "Musterverordnung" || s.Stand != "2026-02-03" || !s.Entries["2"].Repealed {
		t.Fatalf("statute = %+v", s)
	}
	if len(sections) != 1 || sections[0].Law != "MusterV" || sections[0].URL != "https://example.org/1" || sections[0].Stand != "2026-02-03" {
		t.Errorf("sections = %+v", sections)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	deep := "<dokumente><norm><metadaten><jurabk>X</jurabk></metadaten><textdaten><text><Content>" + strings.Repeat("<P>", 100)
	xml := `<norm><metadaten><jurabk>X</jurabk><enbez>§ 1</enbez></metadaten></norm>`
	files := fstest.MapFS{
		"deep.xml":     {Data: []byte(deep)},
		"cut.xml":      {Data: []byte("<dokumente>" + xml[:40])},
		"other.xml":    {Data: []byte("<html></html>")},
		"entities.xml": {Data: []byte(`<!DOCTYPE dokumente [<!ENTITY a "b">]><dokumente>` + xml + `</dokumente>`)},
		"unknown.xml":  {Data: []byte(`<dokumente>` + strings.Replace(xml, "§ 1", "&boese;", 1) + `</dokumente>`)},
		"two.zip":      {Data: zipped(t, map[string]string{"a.xml": "<dokumente/>", "b.xml": "<dokumente/>"})},
		"none.zip":     {Data: zipped(t, map[string]string{"a.txt": "x"})},
		"cut.zip":      {Data: []byte("PK\x03\x04xxxx")},
		"bad.jsonl":    {Data: []byte("{\"jurabk\":1}\n")},
		"less.jsonl":   {Data: []byte("{\"jurabk\":\"X\"}\n")},
		"empty.jsonl":  {Data: []byte("\n")},
	}
	names := []string{"missing.xml"}
	for name := range files {
		names = append(names, name)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := norms.Import(context.Background(), files, name)
			var known *gateway.Error
			if !errors.As(err, &known) || known.Path != name || known.Message == "" {
				t.Errorf("Import(%s) = %v, want a *gateway.Error naming the file", name, err)
			}
		})
	}
}

func TestImportStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := norms.Import(ctx, os.DirFS("testdata"), "muster.jsonl"); !errors.Is(err, context.Canceled) {
		t.Errorf("Import = %v, want context.Canceled", err)
	}
}

// TestGeneratedTableIsCurrent imports the statutes again and compares.
func TestGeneratedTableIsCurrent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(sharedData(t), "law")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("statutes not found; set SCHLEUSE_DATA")
	}
	r, sections, err := norms.Import(context.Background(), os.DirFS(dir), ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Statutes()) != 23 || len(sections) < 1800 {
		t.Fatalf("%d statutes and %d sections with text, want 23 and more than 1800", len(r.Statutes()), len(sections))
	}
	for _, s := range r.Statutes() {
		embedded, ok := norms.Default().Statute(s.Abbr)
		if !ok || embedded.Stand != s.Stand || len(embedded.Entries) < len(s.Entries) {
			t.Errorf("%s in the register differs from the statutes: run go generate", s.Abbr)
		}
	}
	for _, sec := range sections {
		for _, label := range sec.Paragraphs {
			c := norms.Citation{Unit: "§", Section: strings.TrimPrefix(sec.Number, "§ "), Paragraph: label, Law: sec.Law}
			if strings.HasPrefix(sec.Number, "§") && norms.Default().Lookup(c) != nil {
				t.Errorf("%s is in the statute and not in the register", c)
			}
		}
	}
}

// TestStatutesCiteWhatExists looks up what the statutes cite of each other: the
// parser meets real text, and the register has to know nearly all of it.
func TestStatutesCiteWhatExists(t *testing.T) {
	t.Parallel()
	_, sections, err := norms.Import(context.Background(), os.DirFS(filepath.Join(sharedData(t), "law")), ".")
	if err != nil {
		t.Skip("statutes not found; set SCHLEUSE_DATA")
	}
	r := norms.Default()
	cited, dead, notKnown := 0, []string{}, 0
	for _, sec := range sections {
		for _, c := range r.Parse(sec.Text) {
			if _, known := r.Statute(c.Law); !known {
				continue
			}
			cited++
			var lookup *norms.LookupError
			if errors.As(r.Lookup(c), &lookup) && lookup.Problem != norms.ProblemNotConfirmed {
				dead = append(dead, sec.Law+" "+sec.Number+": "+lookup.Message)
			} else if lookup != nil {
				notKnown++
			}
		}
	}
	t.Logf("%d citations with a registered law, %d not confirmed, dead: %q", cited, notKnown, dead)
	if cited < 500 || len(dead) > 3 {
		t.Errorf("%d citations, %d of them dead: %q", cited, len(dead), dead)
	}
}

func FuzzImportXML(f *testing.F) {
	data, err := os.ReadFile("testdata/mustergesetz.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("<dokumente><norm><metadaten><jurabk>X</jurabk><enbez>§ 1</enbez></metadaten></norm></dokumente>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _, err := norms.Import(context.Background(), fstest.MapFS{"a.xml": {Data: data}}, "a.xml")
		if err == nil && r == nil {
			t.Fatal("neither a register nor an error")
		}
	})
}

func FuzzImportJSONLines(f *testing.F) {
	f.Add([]byte(`{"jurabk":"X 2001","number":"§ 1","heading":"h","text":"(1) a\n\n(2) bis (4) (weggefallen)"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _, err := norms.Import(context.Background(), fstest.MapFS{"a.jsonl": {Data: data}}, "a.jsonl")
		if err == nil && r == nil {
			t.Fatal("neither a register nor an error")
		}
	})
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
