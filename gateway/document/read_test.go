// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// checkFormat reads a written letter again and fails where its format is broken.
func checkFormat(t testing.TB, format string, data []byte) {
	t.Helper()
	switch format {
	case "odt", "docx":
		for name, part := range unzip(t, data) {
			if !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".rels") || strings.HasPrefix(name, "Attachments/") {
				continue
			}
			if _, err := xmlText(part, nil); err != nil {
				t.Errorf("%s is not well-formed: %v", name, err)
			}
		}
	case "pdf":
		for _, fault := range checkPDF(data) {
			t.Error(fault)
		}
	default:
		if _, err := html.Parse(bytes.NewReader(data)); err != nil {
			t.Errorf("html: %v", err)
		}
		if bytes.Contains(data, []byte("<script")) {
			t.Error("html: a script got in")
		}
	}
}

func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("open package: %v", err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatalf("open %s: %v", f.Name, err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("read %s: %v", f.Name, err)
		}
		out[f.Name] = body
	}
	return out
}

// xmlText is the text of an XML part, one line per element of the given local names.
func xmlText(data []byte, lines map[string]bool) (string, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var b strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("read xml: %w", err)
		}
		switch e := token.(type) {
		case xml.CharData:
			b.Write(e)
		case xml.StartElement:
			switch e.Name.Local {
			case "tab", "br", "line-break":
				b.WriteByte(' ')
			}
		case xml.EndElement:
			if lines[e.Name.Local] {
				b.WriteByte('\n')
			}
		}
	}
}

// htmlText is the text of a page, one line per block.
func htmlText(t *testing.T, data []byte) string {
	t.Helper()
	z := html.NewTokenizer(bytes.NewReader(data))
	var b strings.Builder
	skip := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			if !skip {
				b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			skip = string(name) == "style" || string(name) == "title"
			if string(name) == "br" {
				b.WriteByte(' ')
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			skip = false
			switch string(name) {
			case "p", "dt", "dd", "h1", "h2", "h3", "h4", "td", "th", "caption":
				b.WriteByte('\n')
			}
		default: // comments and the like hold no text
		}
	}
}

// words are the words of a text without the labels of lists, which formats show in
// different ways.
func words(s string) []string {
	var out []string
	for w := range strings.FieldsSeq(s) {
		if w == "•" || strings.HasSuffix(w, ".") && strings.Trim(w, "0123456789.") == "" {
			continue
		}
		out = append(out, w)
	}
	return out
}

// tidy writes one line per block with single blanks.
func tidy(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(s, "\n") {
		if w := strings.Join(strings.Fields(line), " "); w != "" {
			b.WriteString(w + "\n")
		}
	}
	return b.String()
}
