// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// brackets hold what others say, in their words.
var brackets = regexp.MustCompile(`\([^()]*(\([^()]*\)[^()]*)*\)`)

// english are words that no German sentence has and every English one needs.
var english = regexp.MustCompile(`(?i)\b(the|is|are|not|of|and|with|for|from|must|missing|unknown|invalid|cannot|open|read|needed|expected|required|field|argument|failed|such|file|error|use|no)\b`)

// options are names that a person writes like this.
var options = regexp.MustCompile("--?[a-z][a-z-]*|[a-z_]+(\\.[a-z_\\[\\]0-9*]+)+|[„\"`][^“\"`]*[“\"`]|\\S*/\\S*|schleuse( [a-z]+)+")

func speaksEnglish(text string) string {
	text = brackets.ReplaceAllString(text, "")
	text = options.ReplaceAllString(text, "")
	return english.FindString(text)
}

// Whatever is wrong with a command line or its files is said in German. Each verb
// meets the mistakes that people make: nothing named, too much named, a file that is
// not there, one that is not readable.
func TestEveryCommandSpeaksGerman(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	broken := filepath.Join(folder, "broken.yaml")
	if err := os.WriteFile(broken, []byte("tenants: [\nlisten"), 0o600); err != nil {
		t.Fatal(err)
	}
	serving := map[string]bool{"schleuse demo": true, "schleuse bench mock": true, "schleuse bench floor": true, "schleuse bench load": true, "schleuse bench edge": true, "schleuse bench compare": true, "schleuse bench serve": true}
	root := rootCommand()
	var all []*cobra.Command
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.RunE != nil {
			all = append(all, c)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
	if len(all) < 40 {
		t.Fatalf("%d commands", len(all))
	}
	missing := filepath.Join(folder, "missing")
	for _, c := range all {
		path := c.CommandPath()
		words := strings.Fields(path)[1:]
		lines := [][]string{{"--gibtesnicht"}, {"--config"}, {"a", "b", "c"}}
		if c.Flags().Lookup("config") != nil {
			lines = append(lines, []string{"--config", missing}, []string{"--config", broken}, []string{"--config", missing, "x"})
		}
		if c.Flags().Lookup("data") != nil {
			lines = append(lines, []string{"--data", missing})
		}
		for _, name := range []string{"file", "application", "report", "bundle", "key", "dir", "text", "old", "new", "from", "to", "tenant", "date", "days"} {
			if c.Flags().Lookup(name) != nil && c.Flags().Lookup("config") == nil {
				lines = append(lines, []string{"--" + name, missing})
			}
		}
		for _, more := range lines {
			if serving[path] && !strings.HasPrefix(more[0], "--gibt") {
				continue
			}
			args := append(append([]string{}, words...), more...)
			code, _, errOut := schleuse(t, args...)
			if word := speaksEnglish(errOut); word != "" {
				t.Errorf("%v (exit code %d): English %q in %s", args, code, word, errOut)
			}
		}
	}
}

// A configuration with a mistake in every part: each is named, with its place.
func TestEveryMistakeOfAConfigurationIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "schleuse.yaml")
	text := `
listn: 127.0.0.1:1
listen: 0.0.0.0:80
drain: bald
admin_listen: hier
tenants:
  - id: tannberg
    name: Tannberg
    systems: [{id: fach, name: Fach, channel: kanal, chanel: x}]
endpoints:
  haus: {url: "ftp://x", key: "${SCHLEUSE_TEST_FEHLT_A}", idle: x, kind: azure}
  zwei: {url: "https://x/v1?y", key: "${SCHLEUSE_TEST_FEHLT_B}"}
models:
  - {id: klein, endpoint: drei, context: viel, para80_ground: teuer, residency: mond}
record: {floor: lange, ceiling: 3d, witnesses: [{folder: a, url: b}]}
releases:
  tannberg: [{service: wohngeld-mietzuschus, purposes: [chatt], valid_from: heute}]
  anderswo: []
duties:
  tannberg: {keep_content: {plaudern: 3}, trained: gestern}
limits: {tenants: {x y: {}}}
routing: {strategy: glueck, endpoints: {fern: {queue: 3}}}
policies: {path: regeln, require: 1}
telemetry: {headers: {a: "${SCHLEUSE_TEST_FEHLT_C}"}}
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := schleuse(t, "config", "validate", "--config", path)
	if code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"listn (Zeile 2): Diese Angabe gibt es hier nicht; gemeint ist vielleicht „listen“.", "listen: 0.0.0.0:80 ist von außen erreichbar", "drain (Zeile 4)", "admin_listen: ",
		"tenants[0].systems[0].channel: ", "tenants[0].systems[0].chanel (Zeile 9): ",
		"endpoints.haus.idle (Zeile 11): ", "endpoints.haus.url: ", "endpoints.haus.kind: ", "SCHLEUSE_TEST_FEHLT_A", "endpoints.zwei.url: ", "SCHLEUSE_TEST_FEHLT_B",
		"models[0] klein: Der Endpunkt \"drei\"", "models[0].context (Zeile 14): „viel“ ist keine ganze Zahl.", "para80_ground", "residency", "secret_file: ",
		"record.floor (Zeile 15): ", "record.ceiling: ", "record.witnesses[0].folder: ",
		"releases.tannberg[0].service: Die Leistung \"wohngeld-mietzuschus\" gibt es nicht; gemeint ist vielleicht „wohngeld-mietzuschuss“.",
		"releases.tannberg[0].purposes[0]: Den Zweck \"chatt\"", "releases.tannberg[0]: Die Freigabe", "releases.anderswo: ", "duties.tannberg.keep_content.plaudern: ", "duties.tannberg: ",
		"limits.tenants.x y: ", "routing.strategy: ", "routing.endpoints.fern: ", "policies.source: ", "policies.require: ", "telemetry.headers.a: ",
	} {
		if !strings.Contains(errOut, want) {
			t.Errorf("%q is not named", want)
		}
	}
	if word := speaksEnglish(errOut); word != "" || t.Failed() {
		t.Errorf("English %q, or something is missing, in\n%s", word, errOut)
	}
	if code, _, served := schleuse(t, "serve", "--config", path); code != exitUsage || !strings.Contains(served, "listn (Zeile 2)") || speaksEnglish(served) != "" {
		t.Errorf("serve: exit code %d, %s", code, served)
	}
}

func TestForeignErrorsAreExplained(t *testing.T) {
	t.Parallel()
	_, missing := os.Open(filepath.Join(t.TempDir(), "fehlt"))
	var n int
	for want, err := range map[string]error{
		"gibt es nicht":              fmt.Errorf("open record: %w", missing),
		"kein gültiges JSON":         json.Unmarshal([]byte("{"), &n),
		"nicht die erwartete":        json.Unmarshal([]byte(`"a"`), &n),
		"Erst so. (boom)":            sayOf(errors.New("boom"), "Erst so."),
		"hier: Genau das.\nUnd das.": errors.Join(sayAt("hier", say("Genau das.")), say("Und das.")),
	} {
		if got := germanOf(err); !strings.Contains(got, want) || speaksEnglish(got) != "" {
			t.Errorf("%q does not say %q", got, want)
		}
	}
}

func TestCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 Mandanten", 1: "1 Mandant", 2: "2 Mandanten", 21: "21 Mandanten"} {
		if got := counted(n, "Mandant", "Mandanten"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
