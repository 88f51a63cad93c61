// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"database/sql"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver

	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

// TestImports: nothing of the gateway is in the verifier, and little else.
func TestImports(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 4 {
		t.Fatalf("files = %v, %v", files, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !strings.HasPrefix(path, "golang.org/x/mod/sumdb/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

func backend() audittest.Backend {
	return audittest.Backend{
		New: func(t testing.TB) audittest.Database {
			t.Helper()
			path := filepath.Join(t.TempDir(), "record.db")
			return audittest.Database{Address: path, Exec: func(t testing.TB, text string, args ...any) {
				t.Helper()
				db, err := sql.Open("sqlite", "file:"+path)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = db.Close() }()
				if _, err := db.Exec(text, args...); err != nil {
					t.Fatal(err)
				}
			}}
		},
		Attach: func(t testing.TB, path string) audittest.Store {
			t.Helper()
			store, err := sqlite.Open(context.Background(), path)
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}

// TestVectors judges the exports that the gateway's own verification judges.
func TestVectors(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for n, v := range audittest.Vectors(t, backend()) {
		path, keys := filepath.Join(folder, strconv.Itoa(n)+".zip"), filepath.Join(folder, strconv.Itoa(n)+".pub")
		if err := os.WriteFile(path, v.Zip, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(keys, []byte(v.Keys), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		code := run([]string{"--public-key", keys, path}, &out, &errOut)
		if sound := code == exitSound; sound != v.Sound {
			t.Errorf("%s: exit %d, want sound %v\n%s%s", v.Name, code, v.Sound, &out, &errOut)
		}
		if code != exitSound && code != exitDiffers && code != exitUsage || code == exitDiffers && !strings.Contains(out.String(), "WEICHT AB") {
			t.Errorf("%s: exit %d with %q", v.Name, code, &out)
		}
		if v.Sound && strings.Contains(out.String(), "vollständig") != v.Complete {
			t.Errorf("%s: complete is %v, it says\n%s", v.Name, v.Complete, &out)
		}
		if v.Sound && !strings.Contains(out.String(), "entfernt  "+strconv.FormatInt(v.Removed, 10)+" ") {
			t.Errorf("%s: %d contents were removed, it says\n%s", v.Name, v.Removed, &out)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "leer.zip")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, key := audittest.Key(t)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nothing":          {nil, exitUsage, "Aufruf"},
		"help":             {[]string{"-h"}, exitSound, "Aufruf"},
		"no key":           {[]string{empty}, exitUsage, "Aufruf"},
		"a key of nothing": {[]string{"--public-key", "gibt-es-nicht", empty}, exitUsage, "Schlüssel"},
		"a broken key":     {[]string{"--public-key", "a+b+c", empty}, exitUsage, "ungültig"},
		"an empty file":    {[]string{"--public-key", key, empty}, exitUsage, "ZIP"},
		"no file":          {[]string{"--public-key", key, empty + "x"}, exitUsage, "öffnen"},
	} {
		var out, errOut bytes.Buffer
		if code := run(c.args, &out, &errOut); code != c.code || !strings.Contains(out.String()+errOut.String(), c.says) {
			t.Errorf("%s: exit %d, %q; want %d and %q", name, code, out.String()+errOut.String(), c.code, c.says)
		}
	}
}

// FuzzVerify: whatever stands in a file, the verifier ends without a panic.
func FuzzVerify(f *testing.F) {
	_, key := audittest.Key(f)
	f.Add([]byte(`{"seq":0,"entry":{"kind":"open"},"proof":[]}`))
	f.Add([]byte(`{"seq":0,"removed":{"kind":"open","id":"a","tenant":"b","at":1},"leaf":"x","proof":["x"]}`))
	f.Add([]byte(`{"checkpoint":"x","proof":[]}`))
	f.Add([]byte(`{"seq":9,"entry":{"kind":"note","note":{"topic":"retained","new":{"ranges":[[0,3]],"rows":4}}},"proof":[]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		origin, keys, err := verifiers([]string{key})
		if err != nil {
			t.Fatal(err)
		}
		c := &check{result: &result{origin: origin}, keys: keys, tree: tree{size: 10}, begun: map[string]bool{}}
		_ = c.learn(line)
		c.removals.sort()
		_ = c.leaf(line)
		_ = c.checkpoint(line)
		c.removals.judge(c.result)
		_, _ = verify(bytes.NewReader(line), int64(len(line)), []string{key})
	})
}
