// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Bounds of a bundle, packed and unpacked. The packed one fits into a document of
// the shared state.
const (
	MaxPacked = 2 << 20
	maxFiles  = 2000
	maxFile   = 1 << 20
	maxTotal  = 16 << 20
	maxRatio  = 100
)

const manifestFile = "manifest.yaml"

// Files are the files of a bundle by name. They are read once: what was verified is
// what is compiled.
type Files map[string][]byte

// Digest names the content, see [policies.BundleDigest].
func (f Files) Digest() string { return policies.BundleDigest(f) }

func (f Files) names() []string { return slices.Sorted(maps.Keys(f)) }

// Manifest is what a bundle says of itself.
type Manifest struct {
	Revision   string `yaml:"revision"`
	Title      string `yaml:"title"`
	Quantities string `yaml:"quantities"`
}

// Manifest reads manifest.yaml.
func (f Files) Manifest() (Manifest, error) {
	var m Manifest
	if err := yaml.UnmarshalWithOptions(f[manifestFile], &m, yaml.Strict()); err != nil {
		return m, fmt.Errorf("%s: %w", manifestFile, err)
	}
	if m.Revision == "" {
		return m, errors.New(manifestFile + ": no revision")
	}
	return m, nil
}

var revisionLine = regexp.MustCompile(`(?m)^revision:.*$`)

// WithRevision returns the files under another revision; nothing else changes.
func (f Files) WithRevision(revision string) Files {
	out := maps.Clone(f)
	out[manifestFile] = revisionLine.ReplaceAll(f[manifestFile], []byte(`revision: "`+revision+`"`))
	return out
}

// Pack writes a ZIP, the same for the same files.
func (f Files) Pack() ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range f.names() {
		file, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if _, err := file.Write(f[name]); err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack bundle: %w", err)
	}
	if out.Len() > MaxPacked {
		return nil, tooLarge(fmt.Errorf("packed bundle of %d bytes", out.Len()))
	}
	return out.Bytes(), nil
}

func tooLarge(err error) error {
	return &gateway.Error{Op: "read policy bundle", Code: gateway.CodeTooLarge, Message: "Das Richtlinienpaket ist zu groß.", Err: err}
}

func notABundle(format string, args ...any) error {
	return &gateway.Error{
		Op: "read policy bundle", Code: gateway.CodeInvalid,
		Message: "Das ist kein Richtlinienpaket: " + fmt.Sprintf(format, args...) + ".",
	}
}

// Unpack reads a ZIP of strangers: bounded in every direction, nothing is written
// anywhere, and a file that does not belong to a bundle is an error.
func Unpack(raw []byte) (Files, error) {
	if len(raw) > MaxPacked {
		return nil, tooLarge(fmt.Errorf("packed bundle of %d bytes", len(raw)))
	}
	archive, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, notABundle("die Datei ist kein lesbares ZIP-Archiv")
	}
	if len(archive.File) > maxFiles {
		return nil, tooLarge(fmt.Errorf("%d files", len(archive.File)))
	}
	out := Files{}
	total := 0
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, "/") && entry.UncompressedSize64 == 0 {
			continue // a folder: only the names of files count
		}
		if err := checkEntry(entry, out); err != nil {
			return nil, err
		}
		content, err := readEntry(entry)
		if err != nil {
			return nil, err
		}
		if total += len(content); total > maxTotal {
			return nil, tooLarge(errors.New("too many bytes unpacked"))
		}
		out[entry.Name] = content
	}
	return out, out.complete()
}

func checkEntry(entry *zip.File, have Files) error {
	switch {
	case !policies.BundleFile(entry.Name):
		return notABundle("die Datei %q gehört nicht hinein", printable(entry.Name))
	case have[entry.Name] != nil:
		return notABundle("die Datei %s kommt zweimal vor", entry.Name)
	case !entry.Mode().IsRegular():
		return notABundle("%s ist keine gewöhnliche Datei", entry.Name)
	case entry.UncompressedSize64 > maxFile, entry.UncompressedSize64 > maxRatio*entry.CompressedSize64+4096:
		return tooLarge(fmt.Errorf("%s: %d bytes from %d", entry.Name, entry.UncompressedSize64, entry.CompressedSize64))
	}
	return nil
}

// readEntry does not believe the sizes in the archive.
func readEntry(entry *zip.File) ([]byte, error) {
	file, err := entry.Open()
	if err != nil {
		return nil, notABundle("%s ist nicht lesbar", entry.Name)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, notABundle("%s ist nicht lesbar", entry.Name)
	case len(content) > maxFile:
		return nil, tooLarge(errors.New(entry.Name))
	}
	return append([]byte{}, content...), nil
}

// printable keeps a foreign name short and without control characters.
func printable(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
	if runes := []rune(name); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return name
}

// complete says whether there is what every bundle has.
func (f Files) complete() error {
	if f[manifestFile] == nil {
		return notABundle("%s fehlt", manifestFile)
	}
	for name := range f {
		if strings.HasPrefix(name, "rego/") {
			return nil
		}
	}
	return notABundle("es enthält keine Regeln (rego/)")
}

// FromFS reads the files of a bundle from a folder. Others in it, such as golden
// records and licences, are left alone.
func FromFS(root fs.FS) (Files, error) {
	out := Files{}
	total := 0
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && !holdsBundle(name):
			return fs.SkipDir
		case d.IsDir(), !policies.BundleFile(name):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if total += int(info.Size()); info.Size() > maxFile || total > maxTotal || len(out) >= maxFiles {
			return tooLarge(errors.New(name))
		}
		out[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read policy folder: %w", err)
	}
	return out, out.complete()
}

// holdsBundle says that a folder may hold files of a bundle.
func holdsBundle(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return name == "testdata" || name == "testdata/decisions" || slices.Contains([]string{".", "catalog", "rego"}, first)
}
