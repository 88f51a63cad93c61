// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

// exported writes a few entries and exports them.
func exported(t testing.TB) (file []byte, public string) {
	t.Helper()
	ctx := context.Background()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "record.db"))
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	defer func() { _ = store.Close() }()
	private, public := audittest.Key(t)
	log, err := audit.New(ctx, audit.Config{Store: store, Key: private})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	defer func() { _ = log.Shutdown(ctx) }()
	for n := range 4 {
		if err := log.Open(ctx, audittest.Record(n, "musterhausen")); err != nil {
			t.Fatalf("open: %v", err)
		}
	}
	var out bytes.Buffer
	if err := log.Export(ctx, &out, audit.Filter{Scope: audit.Scope{All: true}}); err != nil {
		t.Fatalf("export: %v", err)
	}
	return out.Bytes(), public
}

func FuzzVerifyExport(f *testing.F) {
	file, public := exported(f)
	f.Add(file)
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := audit.VerifyExport(bytes.NewReader(data), int64(len(data)), public)
		if err == nil && report.OK() && report.Leaves > report.Size {
			t.Errorf("%d leaves of a tree of %d are called proved", report.Leaves, report.Size)
		}
		if err != nil && gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("a broken file gives %v, want invalid", err)
		}
	})
}

// FuzzVerifyExportLine changes the lines inside a well-formed export.
func FuzzVerifyExportLine(f *testing.F) {
	file, public := exported(f)
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		f.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, part := range archive.File {
		r, err := part.Open()
		if err != nil {
			f.Fatal(err)
		}
		if parts[part.Name], err = io.ReadAll(r); err != nil {
			f.Fatal(err)
		}
	}
	sound := parts["entries.jsonl"]
	f.Add(sound)
	f.Add([]byte(`{"seq":0,"entry":{},"proof":[]}`))
	f.Add(bytes.Replace(sound, []byte(`"entry":`), []byte(`"entry":{},"entry":`), 1))
	f.Add([]byte(`{"seq":-1,"entry":null,"proof":null}`))
	f.Fuzz(func(t *testing.T, entries []byte) {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for _, name := range []string{"checkpoint.txt", "checkpoints.jsonl", "entries.jsonl"} {
			part, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			text := parts[name]
			if name == "entries.jsonl" {
				text = entries
			}
			if _, err := part.Write(text); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		report, err := audit.VerifyExport(bytes.NewReader(out.Bytes()), int64(out.Len()), public)
		if err != nil || !report.OK() {
			return
		}
		for line := range bytes.Lines(entries) {
			line = bytes.TrimRight(line, "\r\n")
			_, entry, _ := bytes.Cut(line, []byte(`,"entry"`))
			entry, _, _ = bytes.Cut(entry, []byte(`,"proof"`))
			if !bytes.Contains(sound, entry) {
				t.Errorf("a line that was never written is called proved: %s", line)
			}
		}
	})
}

func TestVerifyExportNeedsATrustedKey(t *testing.T) {
	t.Parallel()
	file, _ := exported(t)
	for _, key := range []string{"", "unsinn"} {
		if _, err := audit.VerifyExport(bytes.NewReader(file), int64(len(file)), key); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("key %q gives %v, want invalid", key, err)
		}
	}
}
