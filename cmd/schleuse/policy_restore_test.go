// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// A state that names no policies although the record says that some were put in
// force: every command refuses, and restore is the way out that the record shows.
func TestPolicyRestore(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "secret"), []byte(strings.Repeat("geheim", 8)), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "schleuse.yaml")
	if err := os.WriteFile(config, []byte("data: "+folder+"\nsecret_file: "+filepath.Join(folder, "secret")+"\norigin: localhost\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := schleuse(t, "policy", "restore", "--config", config, "--reason", "Probe"); code != exitFailed || !strings.Contains(errOut, "nichts zu bestätigen") {
		t.Fatalf("a restore of what is fine: %d %s %s", code, out, errOut)
	}
	p, err := openParts(t.Context(), deskOptions{config})
	if err != nil {
		t.Fatal(err)
	}
	err = p.record.Note(t.Context(), audit.Note{Topic: release.TopicInForce, Object: release.Object, Text: "Regelstand ist in Kraft.", New: json.RawMessage(`{"sequence":4,"revision":"2026-12-01.1","bundle":"ab"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := schleuse(t, "policy", "status", "--config", config)
	for _, want := range []string{"2026-12-01.1 (Nr. 4)", "schleuse policy restore", "nichts beantwortet"} {
		if code != exitFailed || !strings.Contains(errOut, want) {
			t.Errorf("status over a state that was set back: %d, not %q: %s", code, want, errOut)
		}
	}
	if code, _, errOut := schleuse(t, "policy", "restore", "--config", config); code != exitFailed || !strings.Contains(errOut, "Grund") {
		t.Errorf("a restore without a reason: %d %s", code, errOut)
	}
	if code, out, errOut := schleuse(t, "policy", "restore", "--config", config, "--reason", "Datenbank neu angelegt"); code != exitFine || !strings.Contains(out, "der der Quelle") {
		t.Errorf("the restore: %d %s %s", code, out, errOut)
	}
	if code, out, errOut := schleuse(t, "policy", "status", "--config", config); code != exitFine || !strings.Contains(out, "In Kraft") {
		t.Errorf("status after the restore: %d %s %s", code, out, errOut)
	}
}
