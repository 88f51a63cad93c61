// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

// look is why somebody at the command line takes entries out.
type look struct{ reason, file, secretFile string }

// Bounds of what a look is justified with, as at the pages and the interface.
const (
	minLookReason = 10  // characters
	maxLookCase   = 200 // bytes
)

func (l *look) flags(f *pflag.FlagSet) {
	f.StringVar(&l.reason, "reason", "", "Begründung in einem Satz ohne Namen; sie steht im Journal")
	f.StringVar(&l.file, "case", "", "Aktenzeichen der Prüfung; es steht als Pseudonym im Journal")
	f.StringVar(&l.secretFile, "secret-file", "", "Datei mit dem Hauptgeheimnis, zu --data; Vorgabe: secret im Datenordner")
}

func (l *look) check() error {
	if err := l.checkReason(); err != nil {
		return err
	}
	if l.file = strings.TrimSpace(l.file); l.file == "" || len(l.file) > maxLookCase || !utf8.ValidString(l.file) {
		return usageError{errors.New("--case: Bitte geben Sie das Aktenzeichen Ihrer Prüfung an, höchstens 200 Zeichen.")}
	}
	return nil
}

func (l *look) checkReason() error {
	l.reason = strings.Join(strings.Fields(l.reason), " ")
	if n := utf8.RuneCountInString(l.reason); n < minLookReason || n > audit.MaxNoteText || !utf8.ValidString(l.reason) {
		return usageError{errors.New("--reason: Bitte begründen Sie in einem Satz ohne Namen, warum Sie Einträge öffnen: 10 bis 500 Zeichen.")}
	}
	return nil
}

// note writes into the journal of every tenant concerned, before anything is taken out,
// that it is, why and by whom.
func (l *look) note(ctx context.Context, viewer *audit.Viewer, o recordOptions, f audit.Filter) (err error) {
	c, err := l.writer(o, viewer.PublicKeys()[0])
	if err != nil {
		return err
	}
	keys, err := audit.NewKeys(derive(c.secret, "pseudonyms"))
	if err != nil {
		return err
	}
	tenants, err := tenantsIn(ctx, viewer, f)
	if err != nil {
		return err
	}
	notes := &notebook{config: c}
	defer func() { err = errors.Join(err, notes.close()) }()
	if err := notes.connect(ctx); err != nil {
		return err
	}
	for _, tenant := range tenants {
		n := audit.Note{
			Tenant: tenant, Topic: audit.TopicExported, Actor: operatorPseudonym(keys), Role: identity.RoleOperator, Object: "record",
			Reason: l.reason, Case: keys.Pseudonymise(cmp.Or(tenant, audit.Operator), "case", l.file),
			Text: "Der Betrieb hat auf der Kommandozeile einen Auszug aus dem Protokoll ausgegeben, mit Einträgen dieses Mandanten.",
		}
		if tenant == "" {
			n.Text = fmt.Sprintf("Auf der Kommandozeile wurde ein Auszug aus dem Protokoll ausgegeben, mit Einträgen von %s.", counted(len(tenants)-1, "Mandant", "Mandanten"))
		}
		if err := notes.Note(ctx, n); err != nil {
			return sayOf(err, "Die Ausgabe konnte nicht protokolliert werden; es wurde nichts ausgegeben.")
		}
	}
	return nil
}

// tenantsIn are those whose entries the filter chooses. An export of all is the
// operator's as well, under no name.
func tenantsIn(ctx context.Context, viewer *audit.Viewer, f audit.Filter) ([]gateway.TenantID, error) {
	if !f.Scope.All {
		return []gateway.TenantID{f.Scope.Tenant}, nil
	}
	found := map[gateway.TenantID]bool{"": true}
	err := viewer.Each(ctx, f, func(i audit.Item) error {
		found[i.Record.Tenant] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find whose entries are taken out: %w", err)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// writer is the configuration under which the note is written: the one that is named,
// or what the folder of a stopped installation and the master secret say. A secret of
// another record must not sign this one.
func (l *look) writer(o recordOptions, public string) (Config, error) {
	if o.config != "" {
		c, err := loadConfig(o.config)
		if err == nil {
			err = c.validateSecret()
		}
		return c, err
	}
	origin, _, _ := strings.Cut(public, "+")
	c := Config{Data: o.data, Origin: origin, SecretFile: cmp.Or(l.secretFile, filepath.Join(o.data, "secret"))}
	if err := c.validateSecret(); err != nil {
		return c, usageError{sayOf(err, "Die Ausgabe steht im Journal; dafür fehlt das Hauptgeheimnis. Nennen Sie die Konfiguration mit --config oder die Datei mit --secret-file.")}
	}
	private, err := recordKey(c.Origin, c.secret)
	if err != nil {
		return c, err
	}
	if own, err := audit.PublicKey(private); err != nil || own != public {
		return c, usageError{say("Das Hauptgeheimnis in %s gehört nicht zu diesem Protokoll.", c.SecretFile)}
	}
	return c, nil
}

// connect opens the database, if the record stands in one.
func (n *notebook) connect(ctx context.Context) error {
	dsn, err := fromEnvironment(n.config.Database)
	if err != nil || dsn == "" || n.pool != nil {
		return err
	}
	if n.pool, err = postgres.Open(ctx, dsn); err != nil {
		return err
	}
	n.closers.add(func() error { n.pool.Close(); return nil })
	return nil
}
