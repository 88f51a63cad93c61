// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// TestNodeClients lets the official clients speak to the gateway, one script for
// each door. They are skipped only where node, npm or the packages cannot be had.
func TestNodeClients(t *testing.T) {
	t.Parallel()
	folder := nodeFolder(t)
	for script, cases := range map[string]int{"client": 17, "responses": 8, "anthropic": 10, "langchain": 10} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			runNode(t, folder, script, cases)
		})
	}
}

func runNode(t *testing.T, folder, script string, cases int) {
	t.Helper()
	b := setup(t)
	control := httptest.NewServer(b.control())
	defer control.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "node", script+".mjs")
	run.Dir = folder
	run.Env = append(os.Environ(), "SCHLEUSE_URL="+b.url, "SCHLEUSE_CONTROL="+control.URL, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
		"ANTHROPIC_AUTH_TOKEN=", "LANGSMITH_TRACING=false")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	passed := strings.Count("\n"+string(out), "\nok ")
	if !strings.Contains(string(out), fmt.Sprintf("\n%d cases", cases)) || passed != cases {
		t.Errorf("%d of %d cases passed:\n%s", passed, cases, out)
	}
}

// control lets the client steer the mock model server.
func (b *bench) control() http.Handler {
	behaviours := map[string]upstreamtest.Behaviour{
		"rejected": {Status: 400, Body: `{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`},
		"limited":  {Status: 429, Header: map[string]string{"Retry-After": "1"}},
		"cut":      {Defect: upstreamtest.Drop},
		"slow":     {Gap: 50 * time.Millisecond, Text: strings.Repeat("Wort ", 400)},

		"completion":       {Status: 200, Body: completionAnswer},
		"completionStream": {Status: 200, Header: map[string]string{"Content-Type": "text/event-stream"}, Body: completionStream},
		"transcript":       {Status: 200, Body: transcript},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/last", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b.mock.Last().Body) })
	mux.HandleFunc("/next", func(_ http.ResponseWriter, r *http.Request) { b.mock.Next(behaviours[r.FormValue("case")]) })
	mux.HandleFunc("/abandoned", func(w http.ResponseWriter, _ *http.Request) {
		answer := "no"
		if b.mock.WaitAbandoned(time.Second) {
			answer = "yes"
		}
		_, _ = io.WriteString(w, answer)
	})
	return mux
}

// nodeFolder installs the clients into a folder of the user's cache and returns it.
func nodeFolder(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the Node clients are left out with -short")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	lock := readNode(t, "package-lock.json")
	manifest := readNode(t, "package.json")
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
	scripts, err := filepath.Glob(filepath.Join("nodetest", "*.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range append(scripts, "package.json") {
		name := filepath.Base(script)
		if err := os.WriteFile(filepath.Join(work, name), readNode(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return work
}

func readNode(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("nodetest", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// install fetches exactly the versions of the lock file.
func install(t *testing.T, folder string, manifest, lock []byte) {
	t.Helper()
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("the packages cannot be had: %v\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
