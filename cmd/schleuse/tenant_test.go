// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

// place is a folder with a configuration and a secret.
type place struct{ dir, config string }

func newPlace(t testing.TB, more string) place {
	t.Helper()
	p := place{dir: t.TempDir()}
	p.config = filepath.Join(p.dir, "schleuse.yaml")
	p.write(t, "secret", strings.Repeat("s", 48))
	p.write(t, "schleuse.yaml", "secret_file: "+filepath.Join(p.dir, "secret")+"\ndata: data\ntenants:\n  - {id: provider, name: Rechenzentrum, active: true}\n"+more)
	return p
}

func (p place) write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run executes a verb on the configuration.
func (p place) run(t testing.TB, verb *cobra.Command, args ...string) (code int, out string) {
	t.Helper()
	var both bytes.Buffer
	verb.SilenceUsage, verb.SilenceErrors = true, true
	verb.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	verb.SetOut(&both)
	verb.SetErr(&both)
	verb.SetArgs(append(args, "--config", p.config))
	code = exitCode(verb.ExecuteContext(context.Background()), &both)
	return code, both.String()
}

// serving is a registry as a server beside the command line has it.
func (p place) serving(t testing.TB) *identity.Registry {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := loadConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.validateSecret(); err != nil {
		t.Fatal(err)
	}
	store, done, err := tenantStore(ctx, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := identity.Open(ctx, tenantConfig(c, store, slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = r.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended; _ = done() })
	return r
}

// eventually: what the command line changes, a server knows within two seconds;
// a busy machine gets a few more.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within ten seconds: %s", what)
		}
	}
}

const loheFile = `tenants:
  - id: lohe
    name: Gemeinde Lohe
    land: BW
    ars: "083175001001"
    cost_centre: "4711"
    settings:
      authority: {authority: Gemeinde Lohe, street: Hauptstraße 1, postcode: "77999", city: Lohe, land: BW}
    systems:
      - id: woga
        name: WOGA
        channel: caseworker
        keys:
          - label: haupt
            purposes: [completeness_check]
            default_purpose: completeness_check
            services: [wohngeld]
`

var keyText = regexp.MustCompile(`slz_[a-z0-9-]+_[a-z2-7]+_[a-z2-7]+_[0-9a-f]{8}`)

func TestTenantsByCommandLine(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	server := p.serving(t)
	works := func(secret string) func() bool {
		return func() bool { _, err := identitytest.Caller(context.Background(), server, secret); return err == nil }
	}
	file := p.write(t, "tenants.yaml", loheFile)

	code, out := p.run(t, tenantCommand(), "apply", "-f", file, "--dry-run")
	if code != exitFinding || !strings.Contains(out, `+ Mandant lohe "Gemeinde Lohe"`) || !strings.Contains(out, "+ Schlüssel lohe/woga") || keyText.MatchString(out) {
		t.Errorf("dry run: %d\n%s", code, out)
	}
	code, out = p.run(t, tenantCommand(), "apply", "-f", file)
	secret := keyText.FindString(out)
	if code != exitFine || secret == "" {
		t.Fatalf("apply: %d\n%s", code, out)
	}
	eventually(t, "the server knows the key", works(secret))
	for _, args := range [][]string{{"apply", "-f", file}, {"apply", "-f", file, "--dry-run"}} {
		if code, out := p.run(t, tenantCommand(), args...); code != exitFine || !strings.Contains(out, "alles ist schon so") {
			t.Errorf("%v once more: %d\n%s", args, code, out)
		}
	}
	p.write(t, "tenants.yaml", strings.Replace(loheFile, "Hauptstraße 1", "Ringweg 2", 1))
	if code, out := p.run(t, tenantCommand(), "apply", "-f", file); code != exitFine || !strings.Contains(out, "~ Mandant lohe: settings") {
		t.Errorf("a change: %d\n%s", code, out)
	}

	if code, out := p.run(t, tenantCommand(), "list"); code != exitFine || !strings.Contains(out, "Gemeinde Lohe") || !strings.Contains(out, "Konfiguration") {
		t.Errorf("list: %d\n%s", code, out)
	}
	if code, out := p.run(t, tenantCommand(), "show", "lohe"); code != exitFine || !json.Valid([]byte(out)) || strings.Contains(out, "hash") || !strings.Contains(out, "Ringweg 2") {
		t.Errorf("show: %d\n%s", code, out)
	}
	if code, out := p.run(t, tenantCommand(), "deactivate", "lohe"); code != exitFine || !strings.Contains(out, "abgeschaltet") {
		t.Errorf("deactivate: %d\n%s", code, out)
	}
	eventually(t, "the key of the tenant is refused", func() bool { return !works(secret)() })
	if code, out := p.run(t, tenantCommand(), "activate", "lohe"); code != exitFine {
		t.Errorf("activate: %d\n%s", code, out)
	}
	eventually(t, "the key of the tenant works again", works(secret))
}

func TestKeysByCommandLine(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	server := p.serving(t)
	file := p.write(t, "tenants.yaml", loheFile)
	keys := filepath.Join(p.dir, "keys.jsonl")
	if code, out := p.run(t, tenantCommand(), "apply", "-f", file, "--keys-out", keys); code != exitFine || keyText.MatchString(out) || !strings.Contains(out, "1 neuer Schlüssel") {
		t.Fatalf("apply: %d\n%s", code, out)
	}
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file of keys: %v, %v", info, err)
	}
	var line struct{ Tenant, System, Label, Key, Secret string }
	raw, err := os.ReadFile(keys)
	if err != nil || json.Unmarshal(raw, &line) != nil || line.Tenant != "lohe" || line.Label != "haupt" {
		t.Fatalf("file of keys holds %q, %v", raw, err)
	}
	if code, _ := p.run(t, tenantCommand(), "apply", "-f", file, "--keys-out", keys); code != exitFailed {
		t.Errorf("a file of keys is overwritten: %d", code)
	}
	code, out := p.run(t, keyCommand(), "create", "--tenant", "lohe", "--system", "woga", "--label", "neu", "--days", "30", "--models", "klein", "--roles", "mandant")
	made := keyText.FindString(out)
	if code != exitFine || made == "" {
		t.Fatalf("create: %d\n%s", code, out)
	}
	eventually(t, "the server knows the key", func() bool {
		c, err := identitytest.Caller(context.Background(), server, made)
		return err == nil && fmt.Sprint(c.Models, c.Roles) == "[klein] [mandant]"
	})
	code, out = p.run(t, keyCommand(), "rotate", line.Key, "--overlap", "1h")
	next := keyText.FindString(out)
	if code != exitFine || next == "" || next == line.Secret {
		t.Errorf("rotate: %d\n%s", code, out)
	}
	if code, out := p.run(t, keyCommand(), "revoke", line.Key); code != exitFine || !strings.Contains(out, "gesperrt") {
		t.Errorf("revoke: %d\n%s", code, out)
	}
	eventually(t, "the old key is refused, the new one works", func() bool {
		_, old := identitytest.Caller(context.Background(), server, line.Secret)
		_, fresh := identitytest.Caller(context.Background(), server, next)
		return old != nil && fresh == nil
	})
	if code, out := p.run(t, keyCommand(), "list", "--tenant", "lohe"); code != exitFine || strings.Count(out, "gültig\n")+strings.Count(out, "gültig ") < 2 || strings.Contains(out, line.Key) {
		t.Errorf("list: %d\n%s", code, out)
	}
	if code, out := p.run(t, keyCommand(), "list", "--all"); code != exitFine || !strings.Contains(out, line.Key) || keyText.MatchString(out) {
		t.Errorf("list --all: %d\n%s", code, out)
	}
	if code, out := p.run(t, keyCommand(), "create"); code != exitFine || !strings.Contains(out, "hash: ") {
		t.Errorf("a key for the configuration: %d\n%s", code, out)
	}
}

func TestTenantCommandsRefuse(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	for name, c := range map[string]struct {
		verb *cobra.Command
		args []string
		file string
		code int
		want string
	}{
		"no file":             {tenantCommand(), []string{"apply"}, "", exitUsage, "--file"},
		"a missing file":      {tenantCommand(), []string{"apply", "-f", filepath.Join(p.dir, "none.yaml")}, "", exitUsage, "none.yaml"},
		"an unknown field":    {tenantCommand(), []string{"apply"}, "tenants:\n  - id: a\n    nmae: A\n", exitUsage, "nmae"},
		"an empty file":       {tenantCommand(), []string{"apply"}, "tenants: []\n", exitUsage, "steht kein Mandant"},
		"a wrong value":       {tenantCommand(), []string{"apply"}, strings.Replace(loheFile, "caseworker", "tv", 1), exitFailed, `tenants[0].systems[0].channel: Der Kanal "tv"`},
		"a wrong setting":     {tenantCommand(), []string{"apply"}, strings.Replace(loheFile, "city:", "ctiy:", 1), exitFailed, "tenants[0].settings.authority: "},
		"a configured tenant": {tenantCommand(), []string{"apply"}, "tenants:\n  - {id: provider, name: X}\n", exitFailed, "Konfiguration"},
		"a reserved id":       {tenantCommand(), []string{"apply"}, "tenants:\n  - {id: gesetze, name: X}\n", exitFailed, "vergeben"},
		"an unknown tenant":   {tenantCommand(), []string{"show", "nirgends"}, "", exitFailed, "gibt es nicht"},
		"no tenant":           {tenantCommand(), []string{"deactivate"}, "", exitUsage, "die Kennung eines Mandanten"},
		"an unknown key":      {keyCommand(), []string{"revoke", "abcdefgh"}, "", exitFailed, "gibt es hier nicht"},
		"a long life":         {keyCommand(), []string{"create", "--days", "401"}, "", exitUsage, "--days"},
		"half a place":        {keyCommand(), []string{"create", "--system", "woga"}, "", exitFailed, "gibt es nicht"},
		"no overlap":          {keyCommand(), []string{"rotate", "abcdefgh", "--overlap", "0s"}, "", exitUsage, "--overlap"},
	} {
		if c.file != "" {
			c.args = append(c.args, "-f", p.write(t, "wrong.yaml", c.file))
		}
		if code, out := p.run(t, c.verb, c.args...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: %d, want %d and %q:\n%s", name, code, c.code, c.want, out)
		}
	}
}

func TestTenantsOnPostgres(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "database: "+postgrestest.DSN(t)+"\n")
	file := p.write(t, "tenants.yaml", loheFile)
	if code, out := p.run(t, tenantCommand(), "apply", "-f", file); code != exitFine || !keyText.MatchString(out) {
		t.Fatalf("apply: %d\n%s", code, out)
	}
	if code, out := p.run(t, tenantCommand(), "apply", "-f", file, "--dry-run"); code != exitFine {
		t.Errorf("dry run: %d\n%s", code, out)
	}
}

// provinceFile is one file with 1,100 municipalities, three systems each.
func provinceFile(t testing.TB) []byte {
	t.Helper()
	var file struct {
		Tenants []identity.Wish `yaml:"tenants"`
	}
	file.Tenants = identitytest.Province()
	raw, err := yaml.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestAProvinceIsOneCommand(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	file := p.write(t, "province.yaml", string(provinceFile(t)))
	keys := filepath.Join(p.dir, "keys.jsonl")
	begin := time.Now()
	code, out := p.run(t, tenantCommand(), "apply", "-f", file, "--keys-out", keys)
	took := time.Since(begin)
	if code != exitFine || !strings.Contains(out, "1100 Mandanten geprüft") || !strings.Contains(out, "6600 neue Schlüssel") {
		t.Fatalf("apply: %d\n%s", code, out[max(0, len(out)-500):])
	}
	t.Logf("1,100 municipalities with 3,300 systems and 6,600 keys in %v", took)
	if took > time.Minute {
		t.Errorf("a province took %v", took)
	}
	raw, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	secrets := keyText.FindAllString(string(raw), -1)
	if len(secrets) != 6600 {
		t.Fatalf("the file holds %d keys", len(secrets))
	}
	server := p.serving(t)
	for _, i := range []int{0, 3333, 6599} {
		c, err := identitytest.Caller(context.Background(), server, secrets[i])
		if want := gateway.TenantID(fmt.Sprintf("gemeinde-%04d", i/6)); err != nil || c.Tenant != want {
			t.Errorf("key %d belongs to %s, %v; want %s", i, c.Tenant, err, want)
		}
	}
}

// BenchmarkApplyProvince reads and applies the file, next to reading it alone.
func BenchmarkApplyProvince(b *testing.B) {
	raw := provinceFile(b)
	b.Run("read the file", func(b *testing.B) {
		for b.Loop() {
			if _, err := parseWishes(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first apply", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			p := newPlace(b, "")
			file := p.write(b, "province.yaml", string(raw))
			b.StartTimer()
			if code, out := p.run(b, tenantCommand(), "apply", "-f", file); code != exitFine {
				b.Fatal(out)
			}
		}
	})
}

func FuzzWishes(f *testing.F) {
	f.Add([]byte(loheFile))
	f.Add([]byte("tenants: [{id: a, settings: {x: &a [*a]}}]"))
	f.Add([]byte("tenants: {a: 1}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		wishes, err := parseWishes(raw)
		if err == nil && len(wishes) == 0 {
			t.Error("a file without tenants was taken")
		}
	})
}
