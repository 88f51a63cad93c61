// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package filesystem_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ki-schleuse/schleuse/connectors"
	"github.com/ki-schleuse/schleuse/connectors/connectortest"
	"github.com/ki-schleuse/schleuse/connectors/filesystem"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func source(t *testing.T, root string, allow ...string) *filesystem.Source {
	t.Helper()
	s, err := filesystem.New(filesystem.Config{Name: "akten", Root: root, Allow: allow})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, place)
}

func place(t *testing.T) connectortest.Place {
	t.Helper()
	root := t.TempDir()
	at := func(path string) string { return filepath.Join(root, filepath.FromSlash(path)) }
	p := connectortest.Place{
		Source: source(t, root, "group:leser"),
		Put: func(path, content string) {
			must(t, os.MkdirAll(filepath.Dir(at(path)), 0o700))
			must(t, os.WriteFile(at(path), []byte(content), 0o600))
		},
		Rename: func(from, to string) { must(t, os.Rename(at(from), at(to))) },
		Delete: func(path string) { must(t, os.Remove(at(path))) },
		Grant: func(path string, allow ...string) {
			file := filepath.Join(filepath.Dir(at(path)), ".schleuse-access.yaml")
			text := "allow: ['group:leser']\nfiles:\n  " + filepath.Base(path) + ":\n    allow: ['" + strings.Join(allow, "','") + "']\n"
			if len(allow) == 0 {
				text = "allow: ['group:leser']\nfiles:\n  " + filepath.Base(path) + ": {allow: []}\n"
			}
			must(t, os.WriteFile(file, []byte(text), 0o600))
		},
	}
	if os.Geteuid() != 0 { // root reads everything
		p.Break = func(path string) { must(t, os.Chmod(at(path), 0)) }
		p.BreakWalk = func() {
			must(t, os.Chmod(at("x"), 0))
			t.Cleanup(func() { must(t, os.Chmod(at("x"), 0o700)) })
		}
	}
	return p
}

func listed(t *testing.T, s *filesystem.Source) map[string]connectors.Access {
	t.Helper()
	out := map[string]connectors.Access{}
	must(t, s.Walk(t.Context(), func(r connectors.Ref, a connectors.Access) error {
		out[r.Path] = a
		return nil
	}))
	return out
}

func TestNoEscape(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "geheim.txt")
	must(t, os.WriteFile(outside, []byte("geheim"), 0o600))
	root := t.TempDir()
	must(t, os.Mkdir(filepath.Join(root, "ordner"), 0o700))
	must(t, os.WriteFile(filepath.Join(root, "ordner", "a.txt"), []byte("eins"), 0o600))
	must(t, os.Symlink(outside, filepath.Join(root, "link.txt")))
	must(t, os.Symlink(filepath.Dir(outside), filepath.Join(root, "draussen")))
	must(t, os.Symlink("ordner", filepath.Join(root, "innen")))
	must(t, os.Symlink("ordner/a.txt", filepath.Join(root, "innen.txt")))
	must(t, syscall.Mkfifo(filepath.Join(root, "pipe.txt"), 0o600))
	s := source(t, root, "public")
	if got := listed(t, s); len(got) != 1 {
		t.Errorf("listed %v, want ordner/a.txt alone", got)
	}
	for _, id := range []string{"link.txt", "draussen/geheim.txt", "innen/a.txt", "innen.txt", "pipe.txt", "ordner", "ordner/../ordner/a.txt", outside} {
		if f, err := s.Open(t.Context(), connectors.Ref{ID: id}); !errors.Is(err, connectors.ErrNotFound) {
			t.Errorf("open %s: %v, %v, want %v", id, f, err, connectors.ErrNotFound)
		}
	}
}

func TestAccessFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for path, content := range map[string]string{
		"a.txt":                         "x",
		"ohne/b.txt":                    "x",
		"mit/.schleuse-access.yaml":     "allow: ['group:wohngeld']\ndeny: ['user:eva']\nfiles:\n  d.txt: {allow: ['user:anna']}\n",
		"mit/c.txt":                     "x",
		"mit/d.txt":                     "x",
		"mit/unter/e.txt":               "x",
		"kaputt/.schleuse-access.yaml":  "allow: [group:wohngeld",
		"kaputt/f.txt":                  "x",
		"fremd/.schleuse-access.yaml":   "erlaubt: ['public']",
		"fremd/g.txt":                   "x",
		"falsch/.schleuse-access.yaml":  "allow: ['jeder']",
		"falsch/h.txt":                  "x",
		"leer/.schleuse-access.yaml":    "",
		"leer/i.txt":                    "x",
		".versteckt/j.txt":              "x",
		"~$k.docx":                      "x",
		"falsch/unter/.verborgen/l.txt": "x",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700))
		must(t, os.WriteFile(filepath.Join(root, path), []byte(content), 0o600))
	}
	want := map[string]string{
		"a.txt": "", "ohne/b.txt": "", "mit/c.txt": "group:wohngeld!user:eva", "mit/d.txt": "user:anna",
		"mit/unter/e.txt": "group:wohngeld!user:eva", "kaputt/f.txt": "", "fremd/g.txt": "", "falsch/h.txt": "", "leer/i.txt": "",
	}
	got := listed(t, source(t, root))
	if len(got) != len(want) {
		t.Errorf("listed %d documents, want %d: %v", len(got), len(want), got)
	}
	for path, readers := range want {
		a := got[path]
		have := strings.Join(a.Allow, " ")
		if len(a.Deny) > 0 {
			have += "!" + strings.Join(a.Deny, " ")
		}
		if have != readers {
			t.Errorf("%s: readers %q, want %q", path, have, readers)
		}
	}
	if a := got["kaputt/f.txt"]; a.Exact {
		t.Error("rights from a broken access file are called exact")
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]filesystem.Config{
		"no name":       {Root: t.TempDir()},
		"no folder":     {Name: "x", Root: filepath.Join(t.TempDir(), "nie")},
		"bad principal": {Name: "x", Root: t.TempDir(), Allow: []string{"alle"}},
	} {
		if _, err := filesystem.New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		must(t, os.WriteFile(filepath.Join(root, name), []byte("x"), 0o600))
	}
	s, err := filesystem.New(filesystem.Config{Name: "x", Root: root, MaxFiles: 2})
	must(t, err)
	defer s.Close()
	if _, err := s.Changes(t.Context(), nil, func(connectors.Change) error { return nil }); err == nil {
		t.Error("a folder over the limit gave no error")
	}
}

func TestFolderVanishes(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	root := filepath.Join(parent, "akten")
	must(t, os.Mkdir(root, 0o700))
	must(t, os.WriteFile(filepath.Join(root, "a.txt"), []byte("x"), 0o600))
	s := source(t, root, "public")
	must(t, os.RemoveAll(root))
	err := s.Walk(t.Context(), func(connectors.Ref, connectors.Access) error { return nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v: an unmounted share is not an empty one", err, fs.ErrNotExist)
	}
}
