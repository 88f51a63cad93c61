// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
)

const (
	lookReason = "Stichprobe zum dritten Quartal"
	lookCase   = "14.2/2026-17"
)

// exportNotes are those of exports, as the auditor of a tenant sees them.
func exportNotes(t *testing.T, o recordOptions, tenant gateway.TenantID) []audit.Note {
	t.Helper()
	viewer, done, err := openViewer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	page, err := viewer.Notes(t.Context(), audit.NoteFilter{Scope: audit.Scope{Tenant: tenant}, Topics: []string{audit.TopicExported}})
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Note
	for _, n := range page.Notes {
		out = append(out, n.Note)
	}
	return out
}

// Who takes entries out at the command line says why and under which file number, and
// every tenant whose entries are in the file sees it; nobody else does.
func TestExportsOfTheCommandLineAreJustified(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"sqlite": "", "postgres": "database: " + postgrestest.DSN(t) + "\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, more)
			c := p.filled(t, "lohe", "aue")
			keys, err := audit.NewKeys(derive(c.secret, "pseudonyms"))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "aus.zip")
			for what, args := range map[string][]string{
				"nothing": {}, "no case": {"--reason", lookReason}, "no reason": {"--case", lookCase}, "short": {"--reason", "so", "--case", lookCase},
			} {
				if code, out := p.run(t, auditCommand(), append([]string{"export", "--out", file}, args...)...); code != exitUsage {
					t.Errorf("%s: %d, %s", what, code, out)
				}
				if exists(file) {
					t.Fatalf("%s: there is an export", what)
				}
			}
			if code, out := p.run(t, auditCommand(), "export", "--out", file, "--reason", lookReason, "--case", lookCase); code != exitFine {
				t.Fatalf("export: %d, %s", code, out)
			}
			o := recordOptions{config: p.config}
			for _, tenant := range []gateway.TenantID{"lohe", "aue"} {
				notes := exportNotes(t, o, tenant)
				if len(notes) != 1 || notes[0].Reason != lookReason || notes[0].Case != keys.Pseudonymise(tenant, "case", lookCase) || notes[0].Actor != operatorPseudonym(keys) || notes[0].Tenant != tenant {
					t.Errorf("%s sees %+v", tenant, notes)
				}
			}
			if notes := exportNotes(t, o, "anderswo"); len(notes) != 0 {
				t.Errorf("a tenant without entries sees %+v", notes)
			}
			if notes := exportNotes(t, o, audit.Operator); len(notes) != 1 || !strings.Contains(notes[0].Text, "2 Mandanten") {
				t.Errorf("the operator sees %+v", notes)
			}

			// Of one tenant: nobody else is concerned.
			if code, out := p.run(t, auditCommand(), "export", "--out", file+"2", "--tenant", "aue", "--reason", lookReason, "--case", lookCase); code != exitFine {
				t.Fatalf("export of one: %d, %s", code, out)
			}
			if a, b := len(exportNotes(t, o, "aue")), len(exportNotes(t, o, "lohe")); a != 2 || b != 1 {
				t.Errorf("notes: aue %d, lohe %d", a, b)
			}
			if code, out := p.run(t, auditCommand(), "verify"); code != exitFine {
				t.Errorf("verify needs no justification: %d, %s", code, out)
			}
		})
	}
}

// filled writes a record with an entry of each tenant.
func (p place) filled(t *testing.T, tenants ...gateway.TenantID) Config {
	t.Helper()
	c, err := loadConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.validateSecret(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	notes := &notebook{config: c}
	if err := notes.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	store, err := notes.store(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := recordKey(c.Origin, c.secret)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(t.Context(), audit.Config{Store: store, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	for i, tenant := range tenants {
		r := audittest.Record(i, tenant)
		r.Time = time.Now().Add(-time.Minute)
		if err := log.Open(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(t.Context(), audittest.Closing(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(c.Data, publicKeyFile), []byte(log.PublicKeys()[0]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := log.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := notes.close(); err != nil {
		t.Fatal(err)
	}
	return c
}

// The folder of a stopped installation is enough, with its secret; a foreign one does
// not sign, and without one nothing is taken out.
func TestExportsOfAStoppedInstallation(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	c := p.filled(t, "lohe")
	file := filepath.Join(t.TempDir(), "aus.zip")
	export := func(more ...string) (int, string) {
		code, out, errOut := schleuse(t, append([]string{"audit", "export", "--data", c.Data, "--out", file, "--reason", lookReason, "--case", lookCase}, more...)...)
		return code, out + errOut
	}
	if code, out := export(); code != exitUsage || !strings.Contains(out, "--secret-file") || exists(file) {
		t.Errorf("without a secret: %d, %s", code, out)
	}
	foreign := filepath.Join(t.TempDir(), "fremd")
	if err := os.WriteFile(foreign, randomSecret(), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := export("--secret-file", foreign); code != exitUsage || !strings.Contains(out, "gehört nicht zu diesem Protokoll") || exists(file) {
		t.Errorf("with a foreign secret: %d, %s", code, out)
	}
	if code, out := export("--secret-file", c.SecretFile); code != exitFine || !exists(file) {
		t.Errorf("with the secret: %d, %s", code, out)
	}
	if notes := exportNotes(t, recordOptions{data: c.Data}, "lohe"); len(notes) != 1 || notes[0].Reason != lookReason {
		t.Errorf("the tenant sees %+v", notes)
	}
	if code, out, errOut := schleuse(t, "audit", "verify", "--data", c.Data); code != exitFine {
		t.Errorf("verify: %d, %s%s", code, out, errOut)
	}
}
