// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/policies"
)

func TestPackedIsTheSame(t *testing.T) {
	t.Parallel()
	files := shipped(t)
	raw, err := files.Pack()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Unpack(raw)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != files.Digest() || len(again) != len(files) {
		t.Error("packing and unpacking changed the bundle")
	}
	if second, err := again.Pack(); err != nil || !bytes.Equal(second, raw) {
		t.Errorf("the same files are packed otherwise (%v)", err)
	}
	if err := fstest.TestFS(files.FS(), "manifest.yaml", "rego/main.rego"); err != nil {
		t.Error(err)
	}
	// The golden cases decide the same through a packed bundle.
	a, err := policies.Test(t.Context(), policies.Library())
	if err != nil {
		t.Fatal(err)
	}
	b, err := policies.Test(t.Context(), again.FS())
	if err != nil {
		t.Fatal(err)
	}
	if !b.OK() || a.GoldenPassed != b.GoldenPassed || a.RegoPassed != b.RegoPassed || a.Digest != b.Digest {
		t.Errorf("packed: %d cases, %d tests, %v; shipped: %d, %d", b.GoldenPassed, b.RegoPassed, b.Failures, a.GoldenPassed, a.RegoPassed)
	}
}

// zipOf writes an archive as it comes.
func zipOf(t testing.TB, entries ...zip.FileHeader) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		content := e.Comment
		e.Comment = ""
		f, err := w.CreateHeader(&e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func entry(name, content string) zip.FileHeader {
	return zip.FileHeader{Name: name, Comment: content, Method: zip.Deflate}
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	link := entry("rego/main.rego", "/etc/passwd")
	link.SetMode(fs.ModeSymlink | 0o777)
	many := make([]zip.FileHeader, maxFiles+1)
	for i := range many {
		many[i] = entry(fmt.Sprintf("rego/r%d.rego", i), "")
	}
	fine := []zip.FileHeader{entry("manifest.yaml", "revision: x"), entry("rego/main.rego", "package main")}
	cases := map[string][]byte{
		"not a zip":      []byte("PK nothing"),
		"empty":          nil,
		"no manifest":    zipOf(t, fine[1]),
		"no rules":       zipOf(t, fine[0]),
		"upwards":        zipOf(t, append(fine, entry("rego/../../../etc/passwd", "x"))...),
		"absolute":       zipOf(t, append(fine, entry("/rego/x.rego", "x"))...),
		"backslash":      zipOf(t, append(fine, entry(`rego\x.rego`, "x"))...),
		"capital letter": zipOf(t, append(fine, entry("rego/Main.rego", "x"))...),
		"a script":       zipOf(t, append(fine, entry("rego/x.sh", "x"))...),
		"twice":          zipOf(t, append(fine, fine[1])...),
		"a link":         zipOf(t, fine[0], link),
		"a bomb":         zipOf(t, append(fine, entry("rego/bomb.rego", strings.Repeat("0", maxFile)))...),
		"a large file":   zipOf(t, append(fine, entry("rego/large.rego", strings.Repeat("0", maxFile+1)))...),
		"many files":     zipOf(t, many...),
		"too long":       make([]byte, MaxPacked+1),
	}
	for name, raw := range cases {
		if files, err := Unpack(raw); err == nil {
			t.Errorf("%s was read: %d files", name, len(files))
		} else if code := gateway.CodeOf(err); code != gateway.CodeInvalid && code != gateway.CodeTooLarge {
			t.Errorf("%s: %v has the code %s", name, err, code)
		}
	}
	if _, err := Unpack(zipOf(t, fine...)); err != nil {
		t.Errorf("what all of them are made from is refused: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("PK"))
	f.Add(zipOf(f, entry("manifest.yaml", "revision: x"), entry("rego/main.rego", "package main")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		files, err := Unpack(raw)
		if err != nil {
			return
		}
		for name := range files {
			if !policies.BundleFile(name) || strings.Contains(name, "..") {
				t.Errorf("unpacked %q", name)
			}
		}
	})
}

func FuzzStatement(f *testing.F) {
	f.Add(Statement{Bundle: strings.Repeat("a", 64), Revision: "2026-11-22.1"}.Text())
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseStatement(text); err == nil && s.Text() != text {
			t.Errorf("%q is read as %q", text, s.Text())
		}
	})
}

// TestSignatureAttacks: every way to have fewer than two of two signers, or
// signatures about something else.
func TestSignatureAttacks(t *testing.T) {
	t.Parallel()
	k := newKeys(t, "dsb", "it", "fremd")
	trust := k.trust("dsb", "it")
	files := shipped(t)
	manifest, err := files.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	text := Statement{Bundle: files.Digest(), Revision: manifest.Revision}.Text()
	signed := func(text string, names ...string) []byte {
		out := []byte(text)
		for _, name := range names {
			out = k.sign(t, string(out), name)
		}
		return out
	}
	changed := func(change func(Files)) Files {
		out := maps.Clone(files)
		change(out)
		return out
	}
	both := signed(text, "dsb", "it")
	twice := append(signed(text, "dsb"), []byte(lastLine(signed(text, "dsb"))+"\n")...)
	moved := []byte(strings.Replace(string(both), manifest.Revision, "2030-01-01.1", 1))
	cases := []struct {
		name  string
		files Files
		note  []byte
	}{
		{"unsigned", files, nil},
		{"text without signatures", files, []byte(text)},
		{"one signature", files, signed(text, "dsb")},
		{"the same signer twice", files, twice},
		{"one known, one stranger", files, signed(text, "dsb", "fremd")},
		{"strangers", files, signed(text, "fremd")},
		{"another digest", files, signed(Statement{Bundle: strings.Repeat("0", 64), Revision: manifest.Revision}.Text(), "dsb", "it")},
		{"another revision", files, signed(Statement{Bundle: files.Digest(), Revision: "2030-01-01.1"}.Text(), "dsb", "it")},
		{"a revision written over", files, moved},
		{"another kind of text", files, append([]byte("x\n\n"), both[len(text)+1:]...)},
		{"a file swapped", changed(func(f Files) { f["rego/main.rego"], f["manifest.yaml"] = f["manifest.yaml"], f["rego/main.rego"] }), both},
		{"a file changed", changed(func(f Files) { f["rego/main.rego"] = append([]byte("# \n"), f["rego/main.rego"]...) }), both},
		{"a file more", changed(func(f Files) { f["rego/more.rego"] = []byte("package more") }), both},
		{"a file less", changed(func(f Files) { delete(f, "catalog/notices.yaml") }), both},
		{"a file under another name", changed(func(f Files) { f["rego/other.rego"] = f["rego/main.rego"]; delete(f, "rego/main.rego") }), both},
		{"an empty file more", changed(func(f Files) { f["rego/more.rego"] = []byte{} }), both},
		{"another manifest", files.WithRevision("2030-01-01.1"), both},
	}
	for _, c := range cases {
		if _, names, err := trust.Verify(c.files, c.note); err == nil {
			t.Errorf("%s was accepted, signed by %v", c.name, names)
		}
	}
	if _, names, err := trust.Verify(files, both); err != nil || len(names) != 2 {
		t.Errorf("two signatures of two signers: %v, %v", names, err)
	}
	if _, _, err := (Trust{Signers: trust.Signers, Require: 3}).Verify(files, both); err == nil {
		t.Error("two of three were enough")
	}
}

func TestSignersAreDifferentPersons(t *testing.T) {
	t.Parallel()
	k := newKeys(t, "a", "b")
	one, two := Signer{Name: "A", Key: k["a"].public, Person: "P"}, Signer{Name: "B", Key: k["b"].public, Person: "Q"}
	_, rest, _ := strings.Cut(k["a"].public, "+")
	cases := map[string]Trust{
		"one":               {Signers: []Signer{one}},
		"one is enough":     {Signers: []Signer{one, two}, Require: 1},
		"a key twice":       {Signers: []Signer{one, {Name: "B", Key: one.Key, Person: "Q"}}},
		"a name twice":      {Signers: []Signer{one, {Name: "A", Key: two.Key, Person: "Q"}}},
		"a key renamed":     {Signers: []Signer{one, {Name: "B", Key: "c+" + rest, Person: "Q"}}},
		"a person twice":    {Signers: []Signer{one, {Name: "B", Key: two.Key, Person: "P"}}},
		"an account twice":  {Signers: []Signer{{Name: "A", Key: one.Key, Person: "P", Account: "root"}, {Name: "B", Key: two.Key, Person: "Q", Account: "root"}}},
		"no person":         {Signers: []Signer{one, {Name: "B", Key: two.Key}}},
		"no day":            {Signers: []Signer{one, {Name: "B", Key: two.Key, Person: "Q", Revoked: "gestern"}}},
		"no key":            {Signers: []Signer{one, {Name: "B", Person: "Q"}}},
		"a private key":     {Signers: []Signer{one, {Name: "B", Key: k["b"].private, Person: "Q"}}},
		"no name":           {Signers: []Signer{one, {Key: two.Key, Person: "Q"}}},
		"more than signers": {Signers: []Signer{one, two}, Require: 3},
	}
	for name, trust := range cases {
		if trust.Validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	if err := (Trust{Signers: []Signer{one, two}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestRevisionsAreCompared(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"2026-11-22.2", "2026-11-22.1", true}, {"2026-11-22.10", "2026-11-22.9", true}, {"2026-11-23.1", "2026-11-22.9", true},
		{"2026-11-22.1", "2026-11-22.1", false}, {"2026-11-22.1", "2026-11-22.2", false}, {"next", "2026-11-22.1", false},
		{"2026-11-22.1", "next", true}, {"", "", false},
	} {
		if got := Higher(c.a, c.b); got != c.want {
			t.Errorf("Higher(%q, %q) = %v", c.a, c.b, got)
		}
	}
	if got := next("2026-11-22", "2026-11-22.3", "2026-12-01.1", "other"); got != "2026-12-01.2" {
		t.Errorf("next is %s", got)
	}
}

// signedFile writes a bundle under a revision with its signatures.
func signedFile(t testing.TB, path string, files Files, k keys, names ...string) {
	t.Helper()
	raw, err := files.Pack()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := files.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	note := []byte(Statement{Bundle: files.Digest(), Revision: manifest.Revision}.Text())
	for _, name := range names {
		note = k.sign(t, string(note), name)
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+signatureSuffix, note, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSourceMovesForwardOnly: a signed file is taken, also by a second replica and
// after a new start; an older one, an unsigned one and a changed one are not.
func TestSourceMovesForwardOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "policies.zip")
	k, store := newKeys(t, "dsb", "it"), statetest.Memory()
	base := shipped(t)
	second := maps.Clone(base)
	maps.Copy(second, probeDraft().Files)
	signedFile(t, path, base.WithRevision("2027-01-01.1"), k, "dsb", "it")
	source := func(c *Config) { c.Source, c.SourcePoll = File(path), time.Nanosecond }
	b := replica(t, store, k, source)
	if s := b.Status(); s.Revision != "2027-01-01.1" || s.Source != SourceFile || len(s.Signers) != 2 {
		t.Fatalf("after the start: %+v", s)
	}
	signedFile(t, path, second.WithRevision("2027-01-01.2"), k, "dsb", "it")
	later := func(b *bench) {
		b.mu.Lock()
		b.now = b.now.Add(time.Minute)
		b.mu.Unlock()
		b.tick(t.Context())
	}
	later(b)
	if b.engine.Revision() != "2027-01-01.2" || b.decide(t).Allowed() {
		t.Fatalf("the newer file was not taken: %+v", b.Status())
	}
	for name, write := range map[string]func(){
		"an older revision":   func() { signedFile(t, path, base.WithRevision("2027-01-01.1"), k, "dsb", "it") },
		"the same, changed":   func() { signedFile(t, path, base.WithRevision("2027-01-01.2"), k, "dsb", "it") },
		"one signature":       func() { signedFile(t, path, base.WithRevision("2027-01-01.3"), k, "dsb") },
		"not comparable":      func() { signedFile(t, path, base.WithRevision("2027-01-01.3x"), k) },
		"no signature at all": func() { signedFile(t, path, base.WithRevision("2027-01-01.3"), k); os.Remove(path + signatureSuffix) },
		"rubbish":             func() { os.WriteFile(path, []byte("x"), 0o600) },
	} {
		write()
		later(b)
		if s := b.Status(); s.Revision != "2027-01-01.2" || s.Refused == "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if c := replica(t, store, k, source); c.engine.Revision() != "2027-01-01.2" || c.Status().Refused == "" {
		t.Errorf("after a new start: %+v", c.Status())
	}
}

func TestUnsignedOnlyFromAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := shipped(t)
	write := func(files Files) {
		for name, content := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(files.WithRevision("entwurf"))
	b := setup(t, func(c *Config) { c.Source, c.Trust = Folder(dir), Trust{} })
	if s := b.Status(); s.Revision != "entwurf" || !s.Development {
		t.Fatalf("%+v", s)
	}
	code(t, second(b.Rollback(t.Context(), ada, "entwurf", "Grund")), gateway.CodeDenied, "activation where rules come from a folder")
	write(probeDraft().Files)
	b.mu.Lock()
	b.now = b.now.Add(time.Minute)
	b.mu.Unlock()
	b.tick(t.Context())
	if b.decide(t).Allowed() {
		t.Error("a changed file of the folder is not in force")
	}
	if _, err := New(Config{Store: b.store, Engine: b.engine, Key: sealed, Note: b.config.Note, Source: File("x.zip")}); err == nil {
		t.Error("a file without signers was accepted")
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	k := newKeys(t, "dsb", "it")
	dir := t.TempDir()
	signedFile(t, filepath.Join(dir, "p.zip"), shipped(t).WithRevision("2027-01-01.1"), k, "dsb", "it")
	var full, unchanged atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/p.zip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			unchanged.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full.Add(1)
		http.ServeFile(w, r, filepath.Join(dir, "p.zip"))
	})
	mux.HandleFunc("/p.zip.sig", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, "p.zip.sig")) })
	mux.HandleFunc("/moved.zip", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/p.zip", http.StatusFound) })
	mux.HandleFunc("/endless.zip", func(w http.ResponseWriter, r *http.Request) {
		for range MaxPacked/1024 + 2 {
			w.Write(make([]byte, 1024))
		}
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	at := func(path string) Source {
		s, err := URL(server.URL+path, &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	source := at("/p.zip")
	for range 3 {
		d, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, names, err := k.trust("dsb", "it").Verify(d.Files, d.Note); err != nil || len(names) != 2 {
			t.Fatalf("%v, %v", names, err)
		}
	}
	if full.Load() != 1 || unchanged.Load() != 2 {
		t.Errorf("loaded %d times, unchanged %d times", full.Load(), unchanged.Load())
	}
	for _, path := range []string{"/moved.zip", "/endless.zip", "/none.zip"} {
		if _, err := at(path).Read(t.Context()); err == nil {
			t.Errorf("%s was read", path)
		}
	}
	for _, address := range []string{"http://example.org/p.zip", "ftp://127.0.0.1/p.zip", "/p.zip", "https://user:secret@host/p.zip", "http://169.254.169.254/p"} {
		if _, err := URL(address, nil); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
	for address, plain := range map[string]bool{"169.254.169.254:443": false, "0.0.0.0:443": false, "100.100.100.200:443": false, "[fe80::1]:443": false, "[::ffff:169.254.169.254]:443": false, "10.0.0.1:80": true, "8.8.8.8:80": true} {
		if mayDial(address, plain) == nil {
			t.Errorf("%s may be dialled (plain %v)", address, plain)
		}
	}
}
