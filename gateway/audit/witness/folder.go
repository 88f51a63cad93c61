// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder keeps every checkpoint in a file of its own. What is there is never
// overwritten.
type Folder struct{ path string }

var _ Witness = (*Folder)(nil)

// NewFolder uses a folder that exists: a share that is not mounted must not turn
// into a folder on the disk of the database.
func NewFolder(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("folder of a witness: %w", err)
	}
	return &Folder{path: path}, nil
}

// Name is the path of the folder.
func (f *Folder) Name() string { return "folder:" + f.path }

// Keep writes beside, forces to disk and gives the file its name only if there is
// none of that name.
func (f *Folder) Keep(_ context.Context, c Checkpoint) (err error) {
	if len(c.Text) == 0 || len(c.Text) > maxText {
		return errors.New("checkpoint has an impossible length")
	}
	target := filepath.Join(f.path, c.name())
	if kept, err := os.ReadFile(target); err == nil {
		return same(kept, c.Text)
	}
	file, err := os.CreateTemp(f.path, ".checkpoint-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.Write(c.Text)
	if err = errors.Join(err, file.Chmod(0o444), file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), target); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	kept, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	return errors.Join(same(kept, c.Text), syncFolder(f.path))
}

func same(kept, text []byte) error {
	if !bytes.Equal(kept, text) {
		return errors.New("another text is kept under the name of this checkpoint")
	}
	return nil
}

// syncFolder forces the names in a folder to disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Kept reads the files.
func (f *Folder) Kept(ctx context.Context) ([][]byte, error) {
	names, err := f.names()
	if err != nil {
		return nil, err
	}
	texts := make([][]byte, 0, len(names))
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := readFile(filepath.Join(f.path, name))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func (f *Folder) names() ([]string, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), extension) && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) > maxKept {
		names = slices.Delete(names, maxKept/2, len(names)-maxKept/2)
	}
	return names, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxText+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("%s is too long for a checkpoint", filepath.Base(path))
	}
	return text, nil
}
