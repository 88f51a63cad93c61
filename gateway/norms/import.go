// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Section is one § with its text, for the search index.
type Section struct {
	// Law is the abbreviation, Number "§ 60", "Art. 5" or "Anlage 1".
	Law     string `json:"law"`
	Number  string `json:"number"`
	Heading string `json:"heading"`
	// Paragraphs are the labels of its Absätze.
	Paragraphs []string `json:"paragraphs,omitempty"`
	// Text has a blank line between Absätze.
	Text string `json:"text"`
	// Stand is the day of the last change contained, YYYY-MM-DD.
	Stand string `json:"stand,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Limits of an import.
const (
	maxImportFile  = 64 << 20  // one file, unpacked
	maxImportTotal = 512 << 20 // all files of one import
	maxImportFiles = 10_000
	maxSections    = 200_000
)

// Import reads statutes: the official XML of gesetze-im-internet.de (plain or in
// its zip), JSON Lines with one § per line, or a folder with any of these. Next
// to JSON Lines an index.json may name title and Stand. The register holds only
// what was imported; see [Register.Merge]. A file that is damaged or too large
// fails the whole import with a *gateway.Error that names the file.
func Import(ctx context.Context, fsys fs.FS, name string) (*Register, []Section, error) {
	im := importer{fsys: fsys, laws: map[string]*Statute{}}
	files, err := im.list(name)
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := im.file(file); err != nil {
			return nil, nil, importError(file, err)
		}
	}
	if len(im.sections) == 0 {
		return nil, nil, importError(name, errors.New("no sections found"))
	}
	return NewRegister(im.statutes...), im.sections, nil
}

func importError(file string, err error) error {
	return &gateway.Error{
		Op: "import norms", Code: gateway.CodeInvalid, Path: file, Err: err,
		Message: "Die Gesetzesdatei lässt sich nicht einlesen. Erwartet wird die amtliche XML- oder ZIP-Datei von gesetze-im-internet.de oder JSON Lines mit einem Paragrafen je Zeile.",
	}
}

type importer struct {
	fsys     fs.FS
	laws     map[string]*Statute
	statutes []*Statute
	sections []Section
	index    map[string]indexLaw // by file name
	read     int64
}

// list returns the files to import, in order.
func (im *importer) list(name string) ([]string, error) {
	info, err := fs.Stat(im.fsys, name)
	if err != nil {
		return nil, &gateway.Error{Op: "import norms", Code: gateway.CodeNotFound, Path: name, Err: err, Message: "Die Datei oder der Ordner mit den Gesetzen ist nicht vorhanden."}
	}
	if !info.IsDir() {
		im.loadIndex(path.Join(path.Dir(name), "index.json"))
		return []string{name}, nil
	}
	im.loadIndex(path.Join(name, "index.json"))
	entries, err := fs.ReadDir(im.fsys, name)
	if err != nil {
		return nil, importError(name, err)
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() && im.wanted(e.Name()) {
			files = append(files, path.Join(name, e.Name()))
		}
	}
	if len(files) > maxImportFiles {
		return nil, importError(name, errors.New("too many files"))
	}
	sort.Strings(files)
	return files, nil
}

// wanted leaves out files beside the statutes; an index lists its statutes.
func (im *importer) wanted(name string) bool {
	switch path.Ext(name) {
	case ".xml", ".zip":
		return true
	case ".jsonl":
		_, listed := im.index[name]
		return listed || len(im.index) == 0
	}
	return false
}

func (im *importer) file(name string) error {
	f, err := im.fsys.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	data, err := im.bounded(f)
	if err != nil {
		return err
	}
	switch {
	case path.Ext(name) == ".jsonl":
		return im.jsonLines(path.Base(name), data)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return im.zip(data)
	}
	return im.xml(data)
}

func (im *importer) bounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxImportFile+1))
	if err != nil {
		return nil, err
	}
	if im.read += int64(len(data)); len(data) > maxImportFile || im.read > maxImportTotal {
		return nil, errors.New("larger than the limit")
	}
	return data, nil
}

// zip reads the one XML file of an official zip; pictures beside it are ignored.
func (im *importer) zip(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	found := false
	for i, member := range z.File {
		if i > maxImportFiles {
			return errors.New("too many files in the zip")
		}
		if path.Ext(member.Name) != ".xml" {
			continue
		}
		if found {
			return errors.New("more than one XML file in the zip")
		}
		found = true
		if err := im.zipMember(member); err != nil {
			return err
		}
	}
	if !found {
		return errors.New("no XML file in the zip")
	}
	return nil
}

func (im *importer) zipMember(member *zip.File) error {
	r, err := member.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	data, err := im.bounded(r)
	if err != nil {
		return err
	}
	return im.xml(data)
}

// statute returns the statute of an abbreviation, new at its first section.
func (im *importer) statute(jurabk string) *Statute {
	if s, known := im.laws[jurabk]; known {
		return s
	}
	s := &Statute{Abbr: canonicalAbbr(jurabk), Unit: UnitSection, Verified: true, Source: "gesetze-im-internet.de", Entries: map[string]Entry{}}
	if s.Abbr != jurabk {
		s.Aliases = append(s.Aliases, jurabk)
	}
	im.laws[jurabk] = s
	im.statutes = append(im.statutes, s)
	return s
}

// add puts one § into the register and the list of texts.
func (im *importer) add(s *Statute, sec Section, paragraphs []string) error {
	if len(im.sections) >= maxSections {
		return errors.New("too many sections")
	}
	unit, number, ok := splitNumber(sec.Number)
	if !ok {
		return nil // headings of parts and the like
	}
	if unit == UnitArticle && len(s.Entries) == 0 {
		s.Unit = UnitArticle
	}
	labels, repealed := paragraphLabels(paragraphs)
	sec.Law, sec.Paragraphs, sec.Stand = s.Abbr, labels, s.Stand
	gone := strings.Contains(strings.ToLower(sec.Heading), "weggefallen") || strings.HasPrefix(strings.TrimLeft(sec.Text, "(-– "), "weggefallen")
	s.Add(Entry{Number: number, Heading: sec.Heading, Paragraphs: labels, RepealedParagraphs: repealed, Repealed: gone})
	if !gone && strings.TrimSpace(sec.Text) != "" {
		im.sections = append(im.sections, sec)
	}
	return nil
}

// splitNumber reads "§ 60", "Art 5", "Anlage 1", "Anlage".
func splitNumber(enbez string) (unit, number string, ok bool) {
	f := strings.Fields(strings.ReplaceAll(enbez, "\u00a0", " "))
	if len(f) == 0 {
		return "", "", false
	}
	rest := strings.Join(f[1:], " ")
	switch f[0] {
	case "§":
		return UnitSection, rest, rest != ""
	case "Art", "Art.", "Artikel":
		return UnitArticle, rest, rest != ""
	case "Anlage", "Anhang":
		return UnitAnnex, strings.TrimSpace(f[0] + " " + rest), true
	}
	return "", "", false
}

// canonicalAbbr turns "SGB 10" into "SGB X" and "AO 1977" into "AO".
func canonicalAbbr(jurabk string) string {
	f := strings.Fields(jurabk)
	if len(f) == 2 && f[0] == "SGB" {
		if roman, ok := bookNumber(f[1]); ok {
			return "SGB " + roman
		}
	}
	if len(f) == 2 && len(f[1]) == 4 {
		if _, err := strconv.Atoi(f[1]); err == nil {
			return f[0]
		}
	}
	return strings.Join(f, " ")
}

var changeDate = regexp.MustCompile(`\bv\. (\d{1,2})\.(\d{1,2})\.(\d{4})\b`)

// latestChange finds the newest "v. 16.4.2026" in the notes on the Stand. Changes
// that could not be carried out (Sonst) or are not yet fully worked in do not count.
func latestChange(notes []string) string {
	latest := ""
	for _, note := range notes {
		if strings.HasPrefix(note, "Sonst") || strings.Contains(note, "noch nicht") {
			continue
		}
		for _, m := range changeDate.FindAllStringSubmatch(note, -1) {
			day, _ := strconv.Atoi(m[1])
			month, _ := strconv.Atoi(m[2])
			if date := fmt.Sprintf("%s-%02d-%02d", m[3], month, day); date > latest && month >= 1 && month <= 12 && day >= 1 && day <= 31 {
				latest = date
			}
		}
	}
	return latest
}
