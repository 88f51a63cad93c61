// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Commands that read the record take schleuse.yaml of the working folder, as all do.
func TestRecordOfTheStandardConfiguration(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, text := range map[string]string{"schleuse.yaml": "secret_file: geheim\ndata: bestand\n", "geheim": strings.Repeat("x", 48)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, verb := range []string{"export", "verify"} {
		cmd := exec.Command(os.Args[0], append([]string{"audit", verb}, map[string][]string{"export": {"--reason", lookReason, "--case", lookCase}}[verb]...)...)
		cmd.Dir, cmd.Env = folder, append(os.Environ(), asProgram+"=1")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), filepath.Join("bestand", recordFile)+" gibt es nicht") {
			t.Errorf("%s: %v, %s", verb, err, out)
		}
	}
}

// What a wrong command line is answered with is German, like everything else here.
func TestCommandLineSpeaksGerman(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown verb":  {[]string{"tanzen"}, exitUsage, `schleuse: Diesen Befehl gibt es nicht: "tanzen" unter "schleuse"`},
		"similar verb":  {[]string{"chek"}, exitUsage, "Ist einer von diesen gemeint?"},
		"unknown flag":  {[]string{"check", "--schnell"}, exitUsage, "Diese Option gibt es nicht: --schnell"},
		"short flag":    {[]string{"check", "-x"}, exitUsage, "Diese Option gibt es nicht: "},
		"missing value": {[]string{"check", "--application"}, exitUsage, "Der Option fehlt ein Wert: --application"},
		"too much":      {[]string{"version", "bitte"}, exitUsage, `diese Angabe wird nicht erwartet: "bitte"`},
		"nothing named": {[]string{"audit", "verify"}, exitUsage, "--config oder --data fehlt"},
		"no day":        {[]string{"audit", "export", "--data", "x", "--from", "gestern"}, exitUsage, "ist kein Tag der Form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if code, _, errOut := schleuse(t, c.args...); code != c.code || !strings.Contains(errOut, c.want) {
				t.Errorf("exit code %d, want %d; message %q should say %q", code, c.code, errOut, c.want)
			}
		})
	}
	for _, args := range [][]string{{"--help"}, {"help"}, {"help", "audit"}, {"audit", "--help"}, {"audit", "export", "--help"}, {"check", "--help"}} {
		code, out, _ := schleuse(t, args...)
		for _, english := range []string{"Usage:", "Flags:", "Available Commands:", "help for", "Generate the autocompletion", "for more information"} {
			if code != exitFine || !strings.Contains(out, "Aufruf:") || strings.Contains(out, english) {
				t.Errorf("%v: exit code %d, %q or no German in\n%s", args, code, english, out)
			}
		}
	}
}
