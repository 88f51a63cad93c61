// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// TestOpenAINodeClient lets the official client of OpenAI speak to the gateway.
// It is skipped only where node, npm or the package cannot be had.
func TestOpenAINodeClient(t *testing.T) {
	t.Parallel()
	folder := nodeFolder(t)
	b := setup(t)
	control := httptest.NewServer(b.control())
	defer control.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, "node", "client.mjs")
	run.Dir = folder
	run.Env = append(os.Environ(), "SCHLEUSE_URL="+b.url, "SCHLEUSE_CONTROL="+control.URL, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if ok := strings.Count(string(out), "\nok ") + 1; !strings.Contains(string(out), "14 cases") || ok != 14 {
		t.Errorf("%d of 14 cases passed:\n%s", ok, out)
	}
}

// control lets the client steer the mock model server.
func (b *bench) control() http.Handler {
	behaviours := map[string]upstreamtest.Behaviour{
		"rejected": {Status: 400, Body: `{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`},
		"limited":  {Status: 429, Header: map[string]string{"Retry-After": "1"}},
		"cut":      {Defect: upstreamtest.Drop},
		"slow":     {Gap: 50 * time.Millisecond, Text: strings.Repeat("Wort ", 400)},
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

// nodeFolder installs the client into a folder of the user's cache and returns it.
func nodeFolder(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the Node client is left out with -short")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	manifest, err := os.ReadFile(filepath.Join("nodetest", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("nodetest", "client.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	digest := sha256.Sum256(manifest)
	folder := filepath.Join(cache, "ki-schleuse", "nodetest-"+hex.EncodeToString(digest[:6]))
	install(t, folder, manifest)
	// A folder of its own, so that parallel runs do not overwrite each other's script.
	work := t.TempDir()
	if err := os.Symlink(filepath.Join(folder, "node_modules"), filepath.Join(work, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"package.json": manifest, "client.mjs": script} {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return work
}

func install(t *testing.T, folder string, manifest []byte) {
	t.Helper()
	done := filepath.Join(folder, "installed")
	if _, err := os.Stat(done); err == nil {
		return
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Skipf("no cache folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "package.json"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		t.Skipf("the openai package cannot be had: %v\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
