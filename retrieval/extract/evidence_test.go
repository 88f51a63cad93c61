// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// dataFolder finds the shared test data or skips.
func dataFolder(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("SCHLEUSE_DATA")
	if folder == "" {
		_, file, _, _ := runtime.Caller(0)
		folder = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skip("test data not found; set SCHLEUSE_DATA")
	}
	return folder
}

type evidence struct {
	File    string         `json:"file"`
	Type    string         `json:"type"`
	Quality string         `json:"quality"`
	Printed map[string]any `json:"printed"`
	Pages   []struct{ Page int }
	Attach  []struct {
		Name   string `json:"name"`
		SameAs string `json:"same_as"`
	} `json:"attachments"`
}

func evidenceDocs(t testing.TB) (folder string, all []evidence) {
	t.Helper()
	folder = filepath.Join(dataFolder(t), "evidence")
	file, err := os.Open(filepath.Join(folder, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e evidence
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(e.File, "docs/") {
			all = append(all, e)
		}
	}
	return folder, all
}

// squeeze leaves what a comparison of printed values needs: white space carries
// layout only.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// containsWords is true when all words stand in the text: a value may be broken
// over two lines of a table cell.
func containsWords(text, value string) bool {
	for word := range strings.FieldsSeq(value) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// found counts printed values in a text, and names those that are absent.
func found(e evidence, text string, strict bool) (hits int, missing []string) {
	squeezed := squeeze(text)
	for key, value := range e.Printed {
		s, ok := value.(string)
		if !ok || s == "" {
			continue
		}
		if strings.Contains(squeezed, squeeze(s)) || (!strict && containsWords(text, s)) {
			hits++
			continue
		}
		missing = append(missing, key+"="+s)
	}
	return hits, missing
}

func TestEvidenceWithTextLayer(t *testing.T) {
	t.Parallel()
	folder, all := evidenceDocs(t)
	reader := extract.NewReader(extract.Config{})
	total := 0
	for _, e := range all {
		if e.Quality != "digital" {
			continue
		}
		total++
		text := readEvidence(t, reader, folder, e)
		if text.OCR {
			t.Errorf("%s: has a text layer and was recognised from an image", e.File)
		}
		if len(e.Pages) > 0 && len(text.Pages) != len(e.Pages) {
			t.Errorf("%s: %d pages, want %d", e.File, len(text.Pages), len(e.Pages))
		}
		if _, missing := found(e, text.String(), false); len(missing) > 0 {
			t.Errorf("%s: printed values not found: %v", e.File, missing)
		}
		if len(text.Attachments) != len(e.Attach) {
			t.Errorf("%s: %d attachments, want %d", e.File, len(text.Attachments), len(e.Attach))
			continue
		}
		for i, a := range e.Attach {
			if text.Attachments[i].Name != a.Name {
				t.Errorf("%s: attachment %q, want %q", e.File, text.Attachments[i].Name, a.Name)
			}
			checkAttachment(t, reader, folder, a.SameAs, text.Attachments[i])
		}
	}
	if total == 0 {
		t.Fatal("no documents with a text layer in the data")
	}
}

// checkAttachment compares texts: the files differ in ids of their producer.
func checkAttachment(t *testing.T, r *extract.Reader, folder, sameAs string, got extract.Attachment) {
	t.Helper()
	want := readEvidence(t, r, folder, evidence{File: sameAs})
	have, err := r.Read(t.Context(), got.Name, got.Data)
	if err != nil {
		t.Fatalf("attachment %q: %v", got.Name, err)
	}
	if have.String() != want.String() {
		t.Errorf("attachment %q says something else than %s", got.Name, sameAs)
	}
}

func readEvidence(t *testing.T, r *extract.Reader, folder string, e evidence) extract.Text {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, e.File))
	if err != nil {
		t.Fatal(err)
	}
	text, err := r.Read(t.Context(), e.File, data)
	if err != nil {
		t.Errorf("%s (%s): %v", e.File, e.Type, err)
	}
	return text
}

// TestEvidenceRecognised measures text recognition on scans and photos and
// guards the recall that was reached.
func TestEvidenceRecognised(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("text recognition takes about a minute")
	}
	folder, all := evidenceDocs(t)
	reader := extract.NewReader(extract.Config{OCRParallel: 2})
	if !reader.OCR() {
		t.Skip("tesseract not found")
	}
	for quality, floor := range map[string]float64{"scan": 0.95, "photo": 0.80} {
		t.Run(quality, func(t *testing.T) {
			t.Parallel()
			hits, total, files := 0, 0, 0
			for _, e := range all {
				if e.Quality != quality {
					continue
				}
				text := readEvidence(t, reader, folder, e)
				n, missing := found(e, text.String(), true)
				files, hits, total = files+1, hits+n, total+n+len(missing)
				if len(missing) > 0 {
					t.Logf("%s %s: not found %v", e.File, e.Type, missing)
				}
			}
			recall := float64(hits) / float64(max(total, 1))
			t.Logf("%s: %d files, %d of %d printed values found, recall %.3f", quality, files, hits, total, recall)
			if recall < floor {
				t.Errorf("recall %.3f is below %.2f", recall, floor)
			}
		})
	}
}
