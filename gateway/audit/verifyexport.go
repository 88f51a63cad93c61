// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of an export that is read from outside.
const (
	maxExportLine = maxBody + 64<<10
	maxTreeSize   = 1 << 48
)

// VerifyExport proves an export without a database. trustedKeys are public
// keys, one a line, from a source the verifier trusts; the keys inside the
// export do not count. What differs is a Problem of the report; an error means
// that the file is no export or cannot be read.
func VerifyExport(r io.ReaderAt, size int64, trustedKeys string) (VerifyReport, error) {
	report := VerifyReport{Problems: []Problem{}}
	keys, origin, err := readKeys(trustedKeys)
	if err != nil {
		return report, err
	}
	report.Origin = origin
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return report, notAnExport("Die Datei ist kein lesbares ZIP-Archiv.", err)
	}
	text, err := readAll(archive, fileCheckpoint, maxCheckpoint)
	if err != nil {
		return report, err
	}
	e := &exportCheck{report: &report, keys: keys, origin: origin, open: map[string]int64{}, last: -1, inOrder: true}
	if len(text) > 0 {
		if e.stated, err = openCheckpoint(text, origin, keys); err != nil {
			report.add(ProblemCheckpoint, -1, "", "Der Prüfpunkt des Auszugs trägt keine gültige Unterschrift eines vertrauten Schlüssels.")
			return report, nil //nolint:nilerr // a finding of the verification
		}
	}
	if e.stated.Size > maxTreeSize {
		return report, notAnExport("Der Prüfpunkt nennt eine unmögliche Größe.", nil)
	}
	report.Size, report.Root = e.stated.Size, e.stated.Root.String()
	if err := eachLine(archive, fileCheckpoints, e.checkpoint); err != nil {
		return report, err
	}
	if err := eachLine(archive, fileEntries, e.learn); err != nil {
		return report, err
	}
	e.removals.sort()
	if err := eachLine(archive, fileEntries, e.entry); err != nil {
		return report, err
	}
	e.removals.judge(&report)
	report.Unfinished = len(e.open)
	report.Complete = report.OK() && e.inOrder && report.Leaves == e.stated.Size
	return report, nil
}

func readKeys(text string) (note.Verifiers, string, error) {
	public := strings.Fields(text)
	if len(public) == 0 {
		return nil, "", &gateway.Error{Op: "verify export", Code: gateway.CodeInvalid, Path: "key", Message: "Zum Prüfen wird der öffentliche Schlüssel des Protokolls gebraucht."}
	}
	first, err := note.NewVerifier(public[0])
	if err != nil {
		return nil, "", &gateway.Error{Op: "verify export", Code: gateway.CodeInvalid, Path: "key", Message: "Der öffentliche Schlüssel ist ungültig.", Err: err}
	}
	keys, err := trusted(first.Name(), public)
	if err != nil {
		return nil, "", &gateway.Error{Op: "verify export", Code: gateway.CodeInvalid, Path: "key", Message: "Die öffentlichen Schlüssel gehören nicht zum selben Protokoll.", Err: err}
	}
	return keys, first.Name(), nil
}

func notAnExport(message string, err error) error {
	return &gateway.Error{Op: "verify export", Code: gateway.CodeInvalid, Message: message, Err: err}
}

// find returns the one file of the name; a second one could hide the first.
func find(archive *zip.Reader, name string) (*zip.File, error) {
	var found *zip.File
	for _, f := range archive.File {
		if f.Name != name {
			continue
		}
		if found != nil {
			return nil, notAnExport(fmt.Sprintf("Die Datei %s ist doppelt vorhanden.", name), nil)
		}
		found = f
	}
	if found == nil {
		return nil, notAnExport(fmt.Sprintf("Die Datei %s fehlt.", name), nil)
	}
	return found, nil
}

func readAll(archive *zip.Reader, name string, limit int64) ([]byte, error) {
	f, err := find(archive, name)
	if err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, notAnExport(fmt.Sprintf("Die Datei %s ist nicht lesbar.", name), err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, notAnExport(fmt.Sprintf("Die Datei %s ist nicht lesbar.", name), err)
	}
	if int64(len(data)) > limit {
		return nil, notAnExport(fmt.Sprintf("Die Datei %s ist zu groß.", name), nil)
	}
	return data, nil
}

func eachLine(archive *zip.Reader, name string, do func(line []byte) error) error {
	f, err := find(archive, name)
	if err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return notAnExport(fmt.Sprintf("Die Datei %s ist nicht lesbar.", name), err)
	}
	defer func() { _ = r.Close() }()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxExportLine)
	for n := 1; lines.Scan(); n++ {
		if err := do(lines.Bytes()); err != nil {
			return notAnExport(fmt.Sprintf("Die Zeile %d der Datei %s ist nicht lesbar.", n, name), err)
		}
	}
	if err := lines.Err(); err != nil {
		return notAnExport(fmt.Sprintf("Die Datei %s ist nicht lesbar.", name), err)
	}
	return nil
}

type exportCheck struct {
	report   *VerifyReport
	keys     note.Verifiers
	origin   string
	stated   statement
	open     map[string]int64
	last     int64
	inOrder  bool
	removals removals
	// checkpoints counts lines, valid or not.
	checkpoints int
}

var (
	errTrailing = errors.New("bytes after the JSON value")
	errForm     = errors.New("line is not in the only form that is allowed")
	errTooMany  = errors.New("more lines than the checkpoint allows")
)

func decodeLine(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if d.More() {
		return errTrailing
	}
	return nil
}

func (e *exportCheck) checkpoint(line []byte) error {
	var c exportedCheckpoint
	if err := decodeLine(line, &c); err != nil {
		return err
	}
	if e.checkpoints++; e.checkpoints > 2*maxExportedCheckpoints {
		return errTooMany
	}
	s, err := openCheckpoint([]byte(c.Checkpoint), e.origin, e.keys)
	if err != nil {
		e.report.add(ProblemCheckpoint, -1, "", "Ein früherer Prüfpunkt trägt keine gültige Unterschrift eines vertrauten Schlüssels.")
		return nil //nolint:nilerr // a finding of the verification
	}
	e.report.Checkpoints++
	if s.Size < 1 || s.Size > e.stated.Size || tlog.CheckTree(c.Proof, e.stated.Size, e.stated.Root, s.Size, s.Root) != nil {
		e.report.add(ProblemCheckpoint, -1, "", "Der frühere Prüfpunkt über %d Blätter ist kein Anfang des Protokolls: Blätter wurden nachträglich geändert.", s.Size)
	}
	return nil
}

// mentions is in the line of every note about removed contents.
var mentions = []byte(`"topic":"` + TopicRetained + `"`)

// learn reads the notes about removed contents before the rest. Whether they are
// in the record is found out with the rest.
func (e *exportCheck) learn(line []byte) error {
	if !bytes.Contains(line, mentions) {
		return nil
	}
	var x exportedLeaf
	if decodeLine(line, &x) == nil && x.Entry != nil {
		_ = e.removals.learn(x.Seq, x.Entry) // what is malformed names nothing
	}
	return nil
}

func (e *exportCheck) entry(line []byte) error {
	var x exportedLeaf
	if err := decodeLine(line, &x); err != nil {
		return err
	}
	if only, err := x.line(); err != nil || !bytes.Equal(only, line) {
		return errForm
	}
	if e.report.Leaves >= e.stated.Size {
		return errTooMany
	}
	e.inOrder = e.inOrder && x.Seq == e.last+1
	e.last = x.Seq
	e.report.Leaves++
	row := Row{Seq: x.Seq}
	hash := tlog.RecordHash(x.Entry)
	if s := x.Removed; s != nil {
		hash, row.Kind, row.ID, row.Tenant, row.Time = *x.Leaf, s.Kind, s.ID, s.Tenant, s.At
	} else {
		leaf, err := parseLeaf(x.Entry)
		if err != nil {
			e.report.add(ProblemLeaf, x.Seq, "", "Der Inhalt ist nicht lesbar.")
			return nil //nolint:nilerr // a finding of the verification
		}
		row.Kind, row.ID = leaf.Kind, leaf.ID
	}
	if x.Seq < 0 || x.Seq >= e.stated.Size || tlog.CheckRecord(x.Proof, e.stated.Size, e.stated.Root, x.Seq, hash) != nil {
		e.report.add(ProblemProof, x.Seq, row.ID, "Der Nachweis führt nicht zum unterschriebenen Prüfpunkt: Inhalt, Nummer oder Nachweis wurden geändert.")
		return nil //nolint:nilerr // a finding of the verification
	}
	e.removal(x, row, hash)
	e.pair(row)
	return nil
}

// removal checks that a content is there unless a note says that it was removed.
func (e *exportCheck) removal(x exportedLeaf, row Row, hash tlog.Hash) {
	switch {
	case x.Removed == nil:
		e.removals.confirm(x.Seq, hash)
		if e.removals.find(x.Seq) != nil {
			e.report.add(ProblemRemoved, x.Seq, row.ID, "Der Inhalt wurde laut Vermerk nach Ablauf der Frist entfernt und ist wieder da.")
		}
	case !e.removals.meet(row):
		e.report.add(ProblemRemoved, x.Seq, row.ID, "Der Inhalt fehlt, und kein Vermerk nennt ihn als nach Ablauf der Frist entfernt.")
	}
}

func (e *exportCheck) pair(leaf Row) {
	seq := leaf.Seq
	switch leaf.Kind {
	case KindOpen:
		if _, twice := e.open[leaf.ID]; twice {
			e.report.add(ProblemPair, seq, leaf.ID, "Der Eintrag ist doppelt enthalten.")
		}
		e.open[leaf.ID] = seq
	case KindClose:
		if _, ok := e.open[leaf.ID]; !ok {
			e.report.add(ProblemPair, seq, leaf.ID, "Zu diesem Abschluss fehlt der Anfang.")
		}
		delete(e.open, leaf.ID)
	case KindNote: // belongs to no story
	}
}
