// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package nodetest lets official clients written for Node speak to a Schleuse in
// tests. It installs exactly the versions of its lock file into the user's cache.
// Start at [Folder].
package nodetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed *.mjs package.json package-lock.json
var files embed.FS

// Folder returns a folder with the scripts and the clients. The test is skipped
// where node, npm or the packages cannot be had.
func Folder(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the Node clients are left out with -short")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	lock, manifest := read(t, "package-lock.json"), read(t, "package.json")
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	digest := sha256.Sum256(append(lock, manifest...))
	folder := filepath.Join(cache, "ki-schleuse", "nodetest-"+hex.EncodeToString(digest[:6]))
	install(t, folder, manifest, lock)
	// A folder of its own, so that parallel runs do not overwrite each other's scripts.
	work := t.TempDir()
	if err := os.Symlink(filepath.Join(folder, "node_modules"), filepath.Join(work, "node_modules")); err != nil {
		t.Fatal(err)
	}
	scripts, err := fs.Glob(files, "*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(scripts, "package.json") {
		if err := os.WriteFile(filepath.Join(work, name), read(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return work
}

// Run runs a script of the folder and wants that many cases to pass.
func Run(t *testing.T, folder, script string, cases int, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "node", script+".mjs") //nolint:gosec // a script of this package
	run.Dir = folder
	run.Env = append(append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1"), env...)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	passed := strings.Count("\n"+string(out), "\nok ")
	if !strings.Contains(string(out), fmt.Sprintf("\n%d cases", cases)) || passed != cases {
		t.Errorf("%d of %d cases passed:\n%s", passed, cases, out)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func install(t *testing.T, folder string, manifest, lock []byte) {
	t.Helper()
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	// Two packages' tests may install at once: each into its own folder, the first stays.
	own, err := os.MkdirTemp(filepath.Dir(folder), "installing-") //nolint:usetesting // beside its place, so that it can be renamed
	if err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	defer os.RemoveAll(own)
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(own, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = own
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("the packages cannot be had: %v\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.WriteFile(filepath.Join(own, "installed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(own, folder); err != nil {
		if _, err := os.Stat(done); err != nil {
			t.Fatal(err)
		}
	}
}
