// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package filesystem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/connectors"
)

const (
	maxAccessFile = 1 << 20
	maxPrincipals = 5000
)

// file is one document of a scan, or err: a folder or file that could not be
// looked at.
type file struct {
	path   string
	info   fs.FileInfo
	access connectors.Access
	err    error
}

// scan visits every document in the order of paths. It is the one admission
// rule of Changes and Walk.
func (s *Source) scan(ctx context.Context, visit func(file) error) error {
	if err := s.present(); err != nil {
		return err
	}
	count := 0
	return s.scanFolder(ctx, ".", 0, connectors.Access{Allow: s.config.Allow, Exact: true}, &count, visit)
}

// present refuses a folder that was removed or unmounted: it would look empty,
// and everything in it deleted.
func (s *Source) present() error {
	held, err := s.root.Stat(".")
	if err != nil {
		return fmt.Errorf("look at folder of source %s: %w", s.config.Name, err)
	}
	named, err := os.Stat(s.config.Root)
	if err != nil {
		return fmt.Errorf("look at folder of source %s: %w", s.config.Name, err)
	}
	if !os.SameFile(held, named) {
		return fmt.Errorf("folder of source %s was exchanged", s.config.Name)
	}
	return nil
}

func (s *Source) scanFolder(ctx context.Context, folder string, depth int, inherited connectors.Access, count *int, visit func(file) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > s.config.MaxDepth {
		return visit(file{path: folder, err: errors.New("folders are nested too deep")})
	}
	entries, err := fs.ReadDir(s.root.FS(), folder)
	if err != nil {
		return visit(file{path: folder, err: fmt.Errorf("read folder: %w", err)})
	}
	rules := s.rules(folder, inherited, entries)
	for _, entry := range entries {
		if ignored(entry) {
			continue
		}
		name := path.Join(folder, entry.Name())
		if entry.IsDir() {
			if err := s.scanFolder(ctx, name, depth+1, rules.folder, count, visit); err != nil {
				return err
			}
			continue
		}
		if *count++; *count > s.config.MaxFiles {
			return fmt.Errorf("source %s has more than %d files", s.config.Name, s.config.MaxFiles)
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := visit(file{path: name, info: info, access: rules.of(entry.Name()), err: err}); err != nil {
			return err
		}
	}
	return nil
}

// ignored are hidden files, lock files of office programs, links and special
// files.
func ignored(e fs.DirEntry) bool {
	name := e.Name()
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") {
		return true
	}
	return !e.IsDir() && !e.Type().IsRegular()
}

// rules are the rights in one folder.
type rules struct {
	folder connectors.Access
	files  map[string]connectors.Access
}

func (r rules) of(name string) connectors.Access {
	if a, ok := r.files[name]; ok {
		return a
	}
	return r.folder
}

// accessFile is the format of an access file. It replaces what is inherited.
type accessFile struct {
	Allow []string              `yaml:"allow"`
	Deny  []string              `yaml:"deny"`
	Files map[string]accessList `yaml:"files"`
}

type accessList struct {
	Allow []string `yaml:"allow"`
	Deny  []string `yaml:"deny"`
}

// rules reads the access file of a folder. One that cannot be understood lets
// no one read.
func (s *Source) rules(folder string, inherited connectors.Access, entries []fs.DirEntry) rules {
	for _, e := range entries {
		if e.Name() != s.config.AccessFile {
			continue
		}
		found, err := s.readRules(path.Join(folder, e.Name()))
		if err != nil {
			return rules{}
		}
		return found
	}
	return rules{folder: inherited}
}

func (s *Source) readRules(name string) (rules, error) {
	f, err := s.open(name)
	if err != nil {
		return rules{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxAccessFile+1))
	if err != nil {
		return rules{}, fmt.Errorf("read access file: %w", err)
	}
	return parseRules(data)
}

func parseRules(data []byte) (rules, error) {
	if len(data) > maxAccessFile {
		return rules{}, errors.New("access file is too large")
	}
	in, err := decodeAccess(data)
	if err != nil {
		return rules{}, err
	}
	folder, err := access(in.Allow, in.Deny)
	if err != nil {
		return rules{}, err
	}
	out := rules{folder: folder, files: map[string]connectors.Access{}}
	for name, list := range in.Files {
		a, err := access(list.Allow, list.Deny)
		if err != nil {
			return rules{}, fmt.Errorf("file in access file: %w", err)
		}
		out.files[name] = a
	}
	return out, nil
}

// decodeAccess shields against the YAML library, which panics on some inputs.
func decodeAccess(data []byte) (in accessFile, err error) {
	defer func() {
		if recover() != nil {
			in, err = accessFile{}, errors.New("parse access file: damaged")
		}
	}()
	if err := yaml.UnmarshalWithOptions(data, &in, yaml.Strict()); err != nil {
		return accessFile{}, fmt.Errorf("parse access file: %w", err)
	}
	return in, nil
}

func access(allow, deny []string) (connectors.Access, error) {
	if len(allow)+len(deny) > maxPrincipals {
		return connectors.Access{}, errors.New("too many principals")
	}
	for _, list := range [][]string{allow, deny} {
		for _, p := range list {
			if err := checkPrincipal(p); err != nil {
				return connectors.Access{}, err
			}
		}
	}
	return connectors.Access{Allow: allow, Deny: deny, Exact: true}, nil
}

func checkPrincipal(p string) error {
	kind, name, _ := strings.Cut(p, ":")
	switch {
	case p == "public":
		return nil
	case name != "" && (kind == "user" || kind == "group" || kind == "role"):
		return nil
	}
	return fmt.Errorf("principal %q: want user:…, group:…, role:… or public", p)
}

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}
