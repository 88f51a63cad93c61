// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/policies"
)

// policyHouse is a configuration with two signers, and folders of rules.
type policyHouse struct {
	folder, config string
}

func newPolicyHouse(t *testing.T) policyHouse {
	t.Helper()
	h := policyHouse{folder: t.TempDir()}
	h.config = filepath.Join(h.folder, "schleuse.yaml")
	text := fmt.Sprintf("data: %s\nsecret_file: %s\norigin: localhost\npolicies:\n  signers:\n", h.folder, h.write(t, "secret", strings.Repeat("geheim", 8)))
	for _, name := range []string{"dsb", "it"} {
		out := h.run(t, exitFine, "policy", "keygen", name, "--out", h.path(name+".key"))
		key := regexp.MustCompile(`key: ("[^"]+")`).FindStringSubmatch(out)
		if key == nil {
			t.Fatalf("no public key in %s", out)
		}
		text += fmt.Sprintf("    - {name: %s, key: %s, person: Person %s}\n", name, key[1], name)
	}
	h.write(t, "schleuse.yaml", text)
	return h
}

func (h policyHouse) path(name string) string { return filepath.Join(h.folder, name) }

func (h policyHouse) write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h.path(name)
}

// run is a command that ends with a code; what it printed comes back.
func (h policyHouse) run(t *testing.T, want int, args ...string) string {
	t.Helper()
	code, out, errOut := schleuse(t, args...)
	if code != want {
		t.Fatalf("schleuse %s: %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, errOut)
	}
	return out + errOut
}

// packed is the shipped bundle under another revision.
func (h policyHouse) packed(t *testing.T, revision string) string {
	t.Helper()
	draft := h.path("draft-" + revision)
	if err := os.CopyFS(draft, policies.Library()); err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(draft, "manifest.yaml")
	raw, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	raw = regexp.MustCompile(`(?m)^revision:.*$`).ReplaceAll(raw, []byte(`revision: "`+revision+`"`))
	if err := os.Chmod(manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	out := h.path(revision + ".zip")
	if said := h.run(t, exitFine, "policy", "pack", "--dir", draft, "--out", out); !strings.Contains(said, revision) {
		t.Errorf("pack says %s", said)
	}
	return out
}

// TestPolicyBundle: packing, signing and verifying a bundle, and what goes wrong there.
func TestPolicyBundle(t *testing.T) {
	t.Parallel()
	h := newPolicyHouse(t)
	bundle := h.packed(t, "2098-01-01.1")
	verify := []string{"policy", "verify", "--bundle", bundle, "--config", h.config}
	if said := h.run(t, exitFinding, verify...); !strings.Contains(said, "nicht unterschrieben") {
		t.Errorf("an unsigned bundle: %s", said)
	}
	h.run(t, exitFine, "policy", "sign", "--bundle", bundle, "--key", h.path("dsb.key"))
	if said := h.run(t, exitFinding, verify...); !strings.Contains(said, "1 von 2") {
		t.Errorf("a bundle with one signature: %s", said)
	}
	h.run(t, exitFine, "policy", "sign", "--bundle", bundle, "--key", h.path("it.key"))
	if said := h.run(t, exitFine, verify...); !strings.Contains(said, "unterschrieben von dsb, it") {
		t.Errorf("a bundle with both: %s", said)
	}
	if said := h.run(t, exitFine, "policy", "diff", "--to", bundle); !strings.Contains(said, "0 entfallen") {
		t.Errorf("the same rules differ: %s", said)
	}
	for _, args := range [][]string{
		{"policy", "sign", "--key", h.path("dsb.key")},
		{"policy", "diff", "--to", h.path("missing.zip")},
		{"policy", "verify", "--config", h.config},
		{"policy", "activate", "--config", h.config},
		{"policy", "rollback", "--config", h.config},
		{"policy", "keygen", "zwei Wörter"},
	} {
		if code, out, errOut := schleuse(t, args...); code == exitFine || errOut == "" {
			t.Errorf("%v: %d %s%s", args, code, out, errOut)
		}
	}
	if code, _, errOut := schleuse(t, "policy", "pack", "--out", bundle); code == exitFine || errOut == "" {
		t.Errorf("a bundle was written over: %d %s", code, errOut)
	}
}

// TestPolicyCommandsOverAState: what the commands say over the state of a gateway, and
// what they refuse.
func TestPolicyCommandsOverAState(t *testing.T) {
	t.Parallel()
	h := newPolicyHouse(t)
	config := []string{"--config", h.config}
	with := func(args ...string) []string { return append(append([]string{"policy"}, args...), config...) }
	if said := h.run(t, exitFine, with("status")...); !strings.Contains(said, "embedded") || !strings.Contains(said, "Paket ") || !strings.Contains(said, "Wirkung ") {
		t.Errorf("status: %s", said)
	}
	said := h.run(t, exitFine, append(with("propose"), "--bundle", h.packed(t, "2098-01-01.1"), "--comment", "Probe")...)
	id := regexp.MustCompile(`Entwurf (\S+), Regelstand 2098-01-01.1`).FindStringSubmatch(said)
	if id == nil || !strings.Contains(said, "Zu unterschreiben") {
		t.Fatalf("propose: %s", said)
	}
	if said := h.run(t, exitFailed, append(with("activate", id[1]), "--reason", "Probe")...); !strings.Contains(said, "Unterschrift") {
		t.Errorf("activate without signatures: %s", said)
	}
	if said := h.run(t, exitFailed, append(with("activate", "gibt-es-nicht"), "--reason", "Probe")...); said == "" {
		t.Error("activate of nothing says nothing")
	}
	if said := h.run(t, exitFailed, append(with("rollback", "2020-01-01.1"), "--reason", "Probe")...); !strings.Contains(said, "gab es hier nicht") {
		t.Errorf("rollback to what never was: %s", said)
	}
	if said := h.run(t, exitFine, with("replay", "--self")...); !strings.Contains(said, "Verglichen wurde mit dem Protokoll") {
		t.Errorf("replay: %s", said)
	}
	if said := h.run(t, exitFine, "policy", "impact", "--config", h.config, "--new", h.path("2098-01-01.1.zip")); !strings.Contains(said, "Auswirkung von 2098-01-01.1") {
		t.Errorf("impact: %s", said)
	}
	if said := h.run(t, exitFailed, with("shadow")...); said == "" {
		t.Error("a shadow that never ran says nothing")
	}
}
