// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package filesystem is a connectors.Source over a folder of this machine or a
// mounted share. It never leaves the folder, follows no symbolic links and
// reads no special files. Who may read a document stands in access files beside
// the documents; where nothing is known, no one may. Start with New.
package filesystem

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/ki-schleuse/schleuse/connectors"
)

// Config of a Source.
type Config struct {
	// Name of the source as people and citations see it.
	Name string
	// Root is the folder.
	Root string
	// Allow is who may read documents that no access file speaks of; empty: no one.
	Allow []string
	// AccessFile is the name of the files with access rights; default ".schleuse-access.yaml".
	AccessFile string
	// URL is put in front of a document's path to make its link; empty: no links.
	URL string
	// MaxFiles in the folder; default 200,000. MaxDepth of folders; default 64.
	MaxFiles, MaxDepth int
	// Now is the clock; default time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.AccessFile == "" {
		c.AccessFile = ".schleuse-access.yaml"
	}
	if c.MaxFiles <= 0 {
		c.MaxFiles = 200_000
	}
	if c.MaxDepth <= 0 {
		c.MaxDepth = 64
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Source reads a folder.
type Source struct {
	config Config
	root   *os.Root
}

var _ connectors.Source = (*Source)(nil)

// New opens the folder. Close releases it.
func New(c Config) (*Source, error) {
	c = c.withDefaults()
	if c.Name == "" {
		return nil, errors.New("filesystem source without a name")
	}
	for _, p := range c.Allow {
		if err := checkPrincipal(p); err != nil {
			return nil, fmt.Errorf("filesystem source %s: %w", c.Name, err)
		}
	}
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, fmt.Errorf("open folder of source %s: %w", c.Name, err)
	}
	return &Source{config: c, root: root}, nil
}

// Close releases the folder.
func (s *Source) Close() error { return s.root.Close() }

// Info describes the source.
func (s *Source) Info(context.Context) (connectors.Capabilities, error) {
	return connectors.Capabilities{Name: s.config.Name, HasDelta: true, HasACL: true, DeltaSeesDeletes: true}, nil
}

// Changes scans the folder and compares it with the snapshot in the cursor.
// Content is hashed only where size or time changed.
func (s *Source) Changes(ctx context.Context, from connectors.Cursor, emit func(connectors.Change) error) (connectors.Cursor, error) {
	before, err := decodeCursor(from)
	if err != nil {
		return nil, err
	}
	after := snapshot{Time: s.config.Now().UnixNano(), Files: map[string]seen{}}
	failed := map[string]bool{} // files and folders that could not be looked at
	err = s.scan(ctx, func(f file) error {
		if f.err != nil {
			failed[f.path] = true
			return emit(connectors.Change{Kind: connectors.Upsert, Ref: connectors.Ref{ID: f.path, Path: f.path}, Err: f.err})
		}
		return s.compare(f, before, &after, emit)
	})
	if err != nil {
		return nil, err
	}
	if err := emitDeletes(before, &after, failed, emit); err != nil {
		return nil, err
	}
	return encodeCursor(after)
}

// compare emits what changed about one file.
func (s *Source) compare(f file, before snapshot, after *snapshot, emit func(connectors.Change) error) error {
	old, known := before.Files[f.path]
	now := seen{Size: f.info.Size(), Time: f.info.ModTime().UnixNano(), Access: accessHash(f.access)}
	if known && before.trusts(old, now) {
		now.Hash = old.Hash
	} else {
		hash, err := s.hash(f.path)
		if errors.Is(err, connectors.ErrNotFound) {
			return nil // gone since it was listed: a deletion, if it was known
		}
		if err != nil {
			if known {
				after.Files[f.path] = old
			}
			return emit(connectors.Change{Kind: connectors.Upsert, Ref: s.ref(f), Err: err})
		}
		now.Hash = hash
	}
	after.Files[f.path] = now
	ref := s.ref(f)
	ref.ETag = now.Hash
	switch {
	case !known || old.Hash != now.Hash:
		return emit(connectors.Change{Kind: connectors.Upsert, Ref: ref, Access: &f.access})
	case old.Access != now.Access:
		return emit(connectors.Change{Kind: connectors.AccessOnly, Ref: ref, Access: &f.access})
	}
	return nil
}

// emitDeletes reports what is gone, except below what could not be looked at.
func emitDeletes(before snapshot, after *snapshot, failed map[string]bool, emit func(connectors.Change) error) error {
	for _, name := range before.names() {
		if _, ok := after.Files[name]; ok {
			continue
		}
		if below(name, failed) {
			after.Files[name] = before.Files[name]
			continue
		}
		if err := emit(connectors.Change{Kind: connectors.Delete, Ref: connectors.Ref{ID: name, Path: name}}); err != nil {
			return err
		}
	}
	return nil
}

func below(name string, folders map[string]bool) bool {
	for p := name; ; p = path.Dir(p) {
		if folders[p] {
			return true
		}
		if p == "." || p == "/" {
			return false
		}
	}
}

// Walk lists every document with its rights. A folder that cannot be read ends
// the walk with an error, so that nobody takes its documents for deleted.
func (s *Source) Walk(ctx context.Context, emit func(connectors.Ref, connectors.Access) error) error {
	return s.scan(ctx, func(f file) error {
		if f.err != nil {
			return fmt.Errorf("walk source %s: %w", s.config.Name, f.err)
		}
		return emit(s.ref(f), f.access)
	})
}

// Open returns the bytes of a document.
func (s *Source) Open(ctx context.Context, ref connectors.Ref) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.open(ref.ID)
}

// open opens a regular file, and only one that is reached without symbolic
// links: a link could borrow the rights of another place in the folder.
func (s *Source) open(name string) (*os.File, error) {
	if !fs.ValidPath(name) || name == "." || strings.ContainsRune(name, 0) {
		return nil, fmt.Errorf("open document: %w", connectors.ErrNotFound)
	}
	listed, err := s.lstat(name)
	if err != nil {
		return nil, err
	}
	// O_NONBLOCK: a pipe put in the file's place must not hang us.
	f, err := s.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, openError(err)
	}
	opened, err := f.Stat()
	if err != nil || !os.SameFile(listed, opened) {
		f.Close()
		return nil, fmt.Errorf("document was exchanged while it was opened: %w", connectors.ErrNotFound)
	}
	return f, nil
}

func (s *Source) lstat(name string) (fs.FileInfo, error) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		info, err := s.root.Lstat(dir)
		if err != nil {
			return nil, openError(err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("open document below a link: %w", connectors.ErrNotFound)
		}
	}
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, openError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open document that is no file: %w", connectors.ErrNotFound)
	}
	return info, nil
}

func openError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open document: %w", connectors.ErrNotFound)
	}
	return fmt.Errorf("open document: %w", err)
}

func (s *Source) hash(name string) (string, error) {
	f, err := s.open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash document: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

func (s *Source) ref(f file) connectors.Ref {
	ref := connectors.Ref{ID: f.path, Path: f.path, Modified: f.info.ModTime(), Size: f.info.Size()}
	ref.Title = strings.TrimSuffix(path.Base(f.path), path.Ext(f.path))
	if s.config.URL != "" {
		ref.URL = strings.TrimSuffix(s.config.URL, "/") + "/" + escapePath(f.path)
	}
	return ref
}
