// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Vector is an export with what every verifier has to say about it.
type Vector struct {
	Name string
	Zip  []byte
	// Keys are the public keys to trust.
	Keys string
	// Sound: it is unchanged. Otherwise a verifier names a difference or refuses to
	// read it.
	Sound bool
	// Complete and Removed are what a sound one is and lacks.
	Complete bool
	Removed  int64
}

// Vectors makes exports of a log, whole ones, selections and some with removed
// contents, and one for every way to forge them.
func Vectors(t *testing.T, b Backend) []Vector {
	t.Helper()
	a := newAged(t, b)
	for n := range 20 {
		a.entry(t, Record(n, "musterhausen"))
		a.pass(2 * time.Minute) // of each minute the last checkpoint is kept
	}
	for n := range 4 {
		a.entry(t, Record(n, "beispielstadt"))
	}
	everything := audit.Filter{Scope: audit.Scope{All: true}}
	_, foreign := Key(t)
	whole := export(t, a.setup, everything)
	out := []Vector{
		{"everything", whole, a.public, true, true, 0},
		{"everything, with another key of the log", whole, a.public + "\n" + otherKey(t), true, true, 0},
		{"a tenant", export(t, a.setup, audit.Filter{Scope: audit.Scope{Tenant: "beispielstadt"}}), a.public, true, false, 0},
		{"a selection", export(t, a.setup, audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}, Rules: []string{"AIA-005"}}), a.public, true, false, 0},
		{"nothing", export(t, a.setup, audit.Filter{}), a.public, true, false, 0},
		{"under a foreign key", whole, foreign, false, false, 0},
	}
	out = append(out, forgeries(t, unzip(t, whole), a.public)...)

	a.elapse(t, 400)
	a.entry(t, Record(50, "musterhausen"))
	if done := a.retain(t, audit.Retention{Floor: 183, Ceiling: 365, Batch: 7}); done.Entries != 24 {
		t.Fatalf("removed %+v, want 24 entries", done)
	}
	aged := export(t, a.setup, everything)
	out = append(
		out,
		Vector{"everything, with removed contents", aged, a.public, true, true, 48},
		Vector{"a tenant, with removed contents", export(t, a.setup, audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}}), a.public, true, false, 0},
	)
	return append(out, removalForgeries(t, unzip(t, whole), unzip(t, aged), a.public)...)
}

// otherKey is a further key of the same origin.
func otherKey(t *testing.T) string {
	t.Helper()
	_, public := Key(t)
	return public
}

func forgeries(t *testing.T, file map[string]string, public string) []Vector {
	t.Helper()
	lines := strings.SplitAfter(file["entries.jsonl"], "\n")
	var out []Vector
	for _, c := range []struct{ name, file, old, new string }{
		{"a fact", "entries.jsonl", `"body_bytes":1803`, `"body_bytes":1804`},
		{"a number", "entries.jsonl", `{"seq":6,`, `{"seq":7,`},
		{"a proof", "entries.jsonl", `"proof":["`, `"proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","`},
		{"a second entry in a line", "entries.jsonl", `{"seq":6,"entry":`, `{"seq":6,"entry":{},"entry":`},
		{"an unknown member", "entries.jsonl", `{"seq":6,`, `{"seq":6,"x":1,`},
		{"blanks", "entries.jsonl", `{"seq":6,`, `{ "seq":6,`},
		{"a negative number", "entries.jsonl", `{"seq":0,`, `{"seq":-1,`},
		{"a line twice", "entries.jsonl", lines[6], lines[6] + lines[6]},
		{"an end without its beginning", "entries.jsonl", lines[6], ""},
		{"a content that is left out", "entries.jsonl", lines[6], stubLine(t, lines[6])},
		{"the size", "checkpoint.txt", "\n48\n", "\n49\n"},
		{"the signature", "checkpoint.txt", "— ", "— x"},
		{"an earlier checkpoint", "checkpoints.jsonl", `\n`, `\n1`},
		{"a proof of an earlier checkpoint", "checkpoints.jsonl", `"proof":[`, `"proof":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",`},
		{"no line at all but noise", "entries.jsonl", lines[0], "noise\n"},
	} {
		changed := maps.Clone(file)
		changed[c.file] = strings.Replace(file[c.file], c.old, c.new, 1)
		if changed[c.file] == file[c.file] {
			t.Fatalf("%s: nothing to change", c.name)
		}
		out = append(out, Vector{Name: c.name, Zip: zipped(t, changed), Keys: public})
	}
	for _, name := range []string{"entries.jsonl", "checkpoint.txt", "checkpoints.jsonl"} {
		less := maps.Clone(file)
		delete(less, name)
		out = append(out, Vector{Name: name + " missing", Zip: zipped(t, less), Keys: public})
		out = append(out, Vector{Name: name + " twice", Zip: zippedTwice(t, file, name), Keys: public})
	}
	return append(out, Vector{Name: "no zip", Zip: []byte("kein Archiv"), Keys: public})
}

func removalForgeries(t *testing.T, before, file map[string]string, public string) []Vector {
	t.Helper()
	lines := strings.SplitAfter(file["entries.jsonl"], "\n")
	old := strings.SplitAfter(before["entries.jsonl"], "\n")
	note := ""
	for _, line := range lines {
		if strings.Contains(line, `"topic":"retained"`) {
			note = line
			break
		}
	}
	var out []Vector
	for _, c := range []struct{ name, old, new string }{
		{"another id of a removed content", `"id":"musterhausen-000003"`, `"id":"musterhausen-000033"`},
		{"another tenant of a removed content", `"tenant":"musterhausen"`, `"tenant":"anderswo"`},
		{"another time of a removed content", `"at":1`, `"at":2`},
		{"the leaf hash of a removed content", `"leaf":"`, `"leaf":"A`},
		{"a removed line that is gone", lines[3], ""},
		{"a note that is gone", note, ""},
		{"a note that is forged", `"new":{"ranges":[[0,`, `"new":{"ranges":[[1,`},
		{"a content that was removed is back", lines[6], old[6]},
	} {
		changed := maps.Clone(file)
		changed["entries.jsonl"] = strings.Replace(file["entries.jsonl"], c.old, c.new, 1)
		if changed["entries.jsonl"] == file["entries.jsonl"] {
			t.Fatalf("%s: nothing to change", c.name)
		}
		out = append(out, Vector{Name: c.name, Zip: zipped(t, changed), Keys: public})
	}
	return out
}

// stubLine says of a leaf that its content was removed, with the right hash and proof.
func stubLine(t *testing.T, line string) string {
	t.Helper()
	var l struct {
		Seq   json.RawMessage `json:"seq"`
		Entry json.RawMessage `json:"entry"`
		Proof json.RawMessage `json:"proof"`
	}
	var said struct {
		Kind   string `json:"kind"`
		ID     string `json:"id"`
		Tenant string `json:"tenant"`
	}
	if err := json.Unmarshal([]byte(line), &l); err != nil {
		t.Fatalf("read line: %v", err)
	}
	if err := json.Unmarshal(l.Entry, &said); err != nil {
		t.Fatalf("read entry: %v", err)
	}
	stub, err := json.Marshal(map[string]any{"kind": said.Kind, "id": said.ID, "tenant": said.Tenant, "at": 1})
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	// In the order in which it is written: kind, id, tenant, at.
	ordered := `{"kind":"` + said.Kind + `","id":"` + said.ID + `","tenant":"` + said.Tenant + `","at":1}`
	if len(ordered) != len(stub) {
		t.Fatalf("%s is not %s", ordered, stub)
	}
	return `{"seq":` + string(l.Seq) + `,"removed":` + ordered + `,"leaf":"` + tlog.RecordHash(l.Entry).String() + `","proof":` + string(l.Proof) + "}\n"
}

// zippedTwice puts a second file of a name behind the first.
func zippedTwice(t *testing.T, files map[string]string, name string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	add := func(name, text string) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatalf("create %s: %v", name, err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatalf("write %s: %v", name, err)
		}
	}
	for n, text := range files {
		add(n, text)
	}
	add(name, "")
	if err := w.Close(); err != nil {
		t.Fatalf("close zip: %v", err)
	}
	return out.Bytes()
}

// vectors are judged by VerifyExport; cmd/auditverify judges the same ones.
func vectors(t *testing.T, b Backend) {
	for _, v := range Vectors(t, b) {
		report, err := audit.VerifyExport(bytes.NewReader(v.Zip), int64(len(v.Zip)), v.Keys)
		if sound := err == nil && report.OK(); sound != v.Sound {
			t.Errorf("%s: sound %v (%v, %v), want %v", v.Name, sound, report.Problems, err, v.Sound)
		}
		if v.Sound && (report.Complete != v.Complete || report.Removed != v.Removed) {
			t.Errorf("%s: complete %v, %d removed; want %v, %d", v.Name, report.Complete, report.Removed, v.Complete, v.Removed)
		}
	}
}
