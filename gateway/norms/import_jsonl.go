// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// jsonSection is one line: a § of a statute.
type jsonSection struct {
	Jurabk  string `json:"jurabk"`
	Abbr    string `json:"abbr"`
	Number  string `json:"number"`
	Heading string `json:"heading"`
	Text    string `json:"text"`
	URL     string `json:"url"`
}

// indexLaw is what an index.json beside the lines says about a statute.
type indexLaw struct {
	File        string   `json:"file"`
	Title       string   `json:"title"`
	Stand       string   `json:"stand"`
	Standangabe []string `json:"standangabe"`
}

// maxJSONLine bounds one §; the longest of federal law has about 100 KB.
const maxJSONLine = 8 << 20

// loadIndex reads an index.json if there is a usable one.
func (im *importer) loadIndex(name string) {
	data, err := fs.ReadFile(im.fsys, name)
	if err != nil || len(data) > maxJSONLine {
		return
	}
	var index struct {
		Laws []indexLaw `json:"laws"`
	}
	if json.Unmarshal(data, &index) != nil {
		return
	}
	im.index = map[string]indexLaw{}
	for _, law := range index.Laws {
		im.index[law.File] = law
	}
}

func (im *importer) jsonLines(file string, data []byte) error {
	for n, line := range bytes.Split(data, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if len(line) > maxJSONLine {
			return fmt.Errorf("line %d is longer than the limit", n+1)
		}
		var in jsonSection
		if err := json.Unmarshal(line, &in); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
		if in.Jurabk == "" || in.Number == "" {
			return fmt.Errorf("line %d: %w", n+1, errors.New("jurabk or number is missing"))
		}
		s := im.statute(in.Jurabk)
		im.describe(s, file, in)
		text := cutMarkdownHeading(in.Text)
		sec := Section{Number: in.Number, Heading: in.Heading, Text: text, URL: in.URL}
		if err := im.add(s, sec, splitParagraphs(text)); err != nil {
			return err
		}
	}
	return nil
}

// describe fills what the lines do not say from the index.
func (im *importer) describe(s *Statute, file string, in jsonSection) {
	if in.Abbr != "" && in.Abbr != s.Abbr && !slices.Contains(s.Aliases, in.Abbr) {
		s.Aliases = append(s.Aliases, in.Abbr)
	}
	law, ok := im.index[file]
	if !ok || s.Title != "" {
		return
	}
	s.Title = law.Title
	if s.Stand = latestChange(law.Standangabe); s.Stand == "" {
		s.Stand = law.Stand
	}
}

// cutMarkdownHeading removes a line "# § 9 (weggefallen)" that a converter left.
func cutMarkdownHeading(text string) string {
	line, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(line, "# ") {
		return text
	}
	if rest = strings.TrimSpace(rest); rest != "" {
		return rest
	}
	if i := strings.Index(line, "("); i >= 0 {
		return line[i:]
	}
	return ""
}

func splitParagraphs(text string) []string {
	var list []string
	for p := range strings.SplitSeq(text, "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}
