// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ki-schleuse/schleuse/policies"
)

// Source is where bundles come from besides proposals.
type Source interface {
	// Name is embedded, folder, file or url.
	Name() string
	// Read returns the bundle as it is now.
	Read(ctx context.Context) (Delivery, error)
}

// Delivery is a bundle as a Source has it.
type Delivery struct {
	Files Files
	// Note is what was signed about it, with signatures; nil: nothing.
	Note []byte
}

// Names of sources.
const (
	SourceEmbedded = "embedded"
	SourceFolder   = "folder"
	SourceFile     = "file"
	SourceURL      = "url"
)

// Embedded is the bundle of the product. It needs no signature of the house: who
// can replace it can replace the program.
func Embedded() Source { return embedded{} }

type embedded struct{}

func (embedded) Name() string { return SourceEmbedded }

func (embedded) Read(context.Context) (Delivery, error) {
	files, err := FromFS(policies.Library())
	return Delivery{Files: files}, err
}

// Folder is for who writes rules: unsigned files, read again when they change. It
// is not for operation.
func Folder(path string) Source { return folder{path} }

type folder struct{ path string }

func (folder) Name() string { return SourceFolder }

func (f folder) Read(context.Context) (Delivery, error) {
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return Delivery{}, fmt.Errorf("open policy folder: %w", err)
	}
	defer root.Close()
	files, err := FromFS(root.FS())
	return Delivery{Files: files}, err
}

// signatureSuffix is the name of the signatures beside a packed bundle.
const signatureSuffix = ".sig"

// maxNote bounds a signed text.
const maxNote = 16 << 10

// File is a packed bundle with its signatures beside it: PATH and PATH.sig.
func File(path string) Source { return file{path} }

type file struct{ path string }

func (file) Name() string { return SourceFile }

func (f file) Read(context.Context) (Delivery, error) {
	raw, err := readFile(f.path, MaxPacked)
	if err != nil {
		return Delivery{}, err
	}
	signed, err := readFile(f.path+signatureSuffix, maxNote)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Delivery{}, err
	}
	files, err := Unpack(raw)
	return Delivery{Files: files, Note: signed}, err
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open policy bundle: %w", err)
	}
	defer f.Close()
	return bounded(f, limit)
}

func bounded(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read policy bundle: %w", err)
	}
	if int64(len(raw)) > limit {
		return nil, tooLarge(fmt.Errorf("more than %d bytes", limit))
	}
	return raw, nil
}
