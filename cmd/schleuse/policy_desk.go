// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// PoliciesConfig says where policies come from and who may sign them.
type PoliciesConfig struct {
	// Source is embedded (default), folder, file or url. A folder is for development:
	// its files need no signature.
	Source string `yaml:"source"`
	// Path of the folder or of the packed bundle; its signatures stand in PATH.sig.
	Path string `yaml:"path"`
	// URL of the packed bundle (https, or http at the own machine); its signatures
	// stand at URL.sig.
	URL string `yaml:"url"`
	// Poll is how often file or URL are looked at; default 1m.
	Poll time.Duration `yaml:"poll"`
	// Signers whose signatures count, with public keys of schleuse policy keygen.
	Signers []release.Signer `yaml:"signers"`
	// Require is the number of signatures; default and least 2.
	Require int `yaml:"require"`
}

// trust has the persons as the sign-in knows them.
func (c PoliciesConfig) trust() release.Trust {
	t := release.Trust{Signers: slices.Clone(c.Signers), Require: c.Require}
	for i, s := range t.Signers {
		t.Signers[i].Person = identity.ParseUser(s.Person)
	}
	return t
}

// source is where policies come from.
func (c PoliciesConfig) source() (release.Source, error) {
	switch {
	case c.URL != "" && c.Source != release.SourceURL, c.Path != "" && c.Source != release.SourceFile && c.Source != release.SourceFolder:
		return nil, say("policies.source: Zu %q gehören path oder url nicht; entweder die Quelle ändern oder die Angabe streichen.", cmp.Or(c.Source, release.SourceEmbedded))
	case c.Source == "", c.Source == release.SourceEmbedded:
		return release.Embedded(), nil
	case c.Source == release.SourceURL:
		source, err := release.URL(c.URL, nil)
		if err != nil {
			return nil, sayAt("policies.url", sayOf(err, "Die Angabe ist keine zulässige Adresse; nötig ist https, oder http am eigenen Rechner."))
		}
		return source, nil
	case c.Source != release.SourceFile && c.Source != release.SourceFolder:
		return nil, say("policies.source: %q gibt es nicht; möglich sind embedded, folder, file und url.", c.Source)
	case c.Path == "":
		return nil, say("policies.path: Diese Angabe fehlt; sie gehört zur Quelle %s.", c.Source)
	case c.Source == release.SourceFolder:
		return release.Folder(c.Path), nil
	}
	return release.File(c.Path), nil
}

// validate names every mistake.
func (c PoliciesConfig) validate() error {
	_, err := c.source()
	problems := []error{err}
	if err := c.trust().Validate(); err != nil {
		problems = append(problems, prefixed("policies.", err))
	}
	if (c.Source == release.SourceFile || c.Source == release.SourceURL) && len(c.Signers) == 0 {
		problems = append(problems, say("policies.signers: Die Quelle %s braucht sie; ohne Unterschrift werden Regeln nur aus einem Ordner gelesen, für die Entwicklung.", c.Source))
	}
	if c.Poll != 0 && c.Poll < time.Second {
		problems = append(problems, say("policies.poll: %s ist weniger als eine Sekunde.", c.Poll))
	}
	return errors.Join(problems...)
}

// openDesk opens the desk where policies change, and loads those in force.
func (p *parts) openDesk(ctx context.Context) error {
	source, err := p.config.Policies.source()
	if err != nil {
		return err
	}
	p.desk, err = release.New(release.Config{
		Store: p.state, Engine: p.engine, Source: source, Trust: p.config.Policies.trust(), Key: p.deskKey(),
		Note: p.noteRelease, Journal: p.pastReleases, History: p.pastRecords, SourcePoll: p.config.Policies.Poll, ShadowObserved: p.shadowObserved, Logger: p.logger,
	})
	if err != nil {
		return err
	}
	return p.desk.Start(ctx)
}

// noteRelease writes a step of the desk into the record.
func (p *parts) noteRelease(ctx context.Context, e release.Event) error {
	return p.record.Note(ctx, audit.Note{
		Time: time.Now(), Topic: e.Topic, Actor: e.Person.Pseudonym, Role: e.Person.Role, Object: e.Object,
		Text: e.Text, Reason: e.Reason, Old: e.Old, New: e.New,
	})
}

// pastReleases hands over the notes about policies, the newest first.
func (p *parts) pastReleases(ctx context.Context, topics []string, yield func(release.Past) bool) error {
	filter := audit.NoteFilter{Scope: audit.Scope{All: true}, Topics: topics, Object: release.Object}
	for {
		page, err := p.record.Notes(ctx, filter)
		if err != nil {
			return err
		}
		for _, n := range page.Notes {
			if !yield(release.Past{Topic: n.Note.Topic, Time: n.Note.Time, Old: n.Note.Old, New: n.Note.New}) {
				return nil
			}
		}
		if filter.Cursor = page.Next; filter.Cursor == "" {
			return nil
		}
	}
}

// pastRecords hands over the requests of all tenants since a moment.
func (p *parts) pastRecords(ctx context.Context, from time.Time, yield func(gateway.Record) error) error {
	return p.record.Each(ctx, audit.Filter{Scope: audit.Scope{All: true}, From: from}, func(i audit.Item) error { return yield(i.Record) })
}

// followPolicies loads what becomes active anywhere, as long as the configuration
// is in force.
func (p *parts) followPolicies(ctx context.Context) {
	if err := p.desk.Follow(ctx); err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "policies are not followed any more", slog.Any("error", err))
	}
}

// addOwnRules adds the rules of tenants. Those that cannot be read are not none:
// they refuse what the tenant asks.
func addOwnRules(tenants map[gateway.TenantID]policies.Tenant, d *identity.Directory) {
	for _, t := range d.Tenants() {
		var rules []string
		if err := strict(t.Settings["rules"], "rules", &rules); err != nil {
			rules = []string{""}
		}
		known := tenants[t.ID]
		known.Rules = rules
		tenants[t.ID] = known
	}
}

// demoSigners are the two signers of a demonstration. Their private keys lie in the
// folder of the demonstration, where in operation they never are.
func demoSigners(folder string) ([]release.Signer, error) {
	var out []release.Signer
	for _, who := range demoPeople() {
		if who.does != "datenschutz" && who.does != "informationssicherheit" {
			continue
		}
		public, err := demoKey(filepath.Join(folder, "signers"), who.does)
		if err != nil {
			return nil, fmt.Errorf("key of signer %s: %w", who.does, err)
		}
		out = append(out, release.Signer{Name: who.does, Key: public, Person: who.person.User()})
	}
	return out, nil
}

// demoKey is the public key of a signer, made with the private one if it is new.
func demoKey(folder, name string) (public string, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	if raw, err := os.ReadFile(filepath.Join(folder, name+".pub")); err == nil {
		return string(raw), nil
	}
	private, public, err := release.GenerateKey(name)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(folder, name+".key"), []byte(private+"\n"), 0o600); err != nil {
		return "", err
	}
	return public, os.WriteFile(filepath.Join(folder, name+".pub"), []byte(public), 0o600)
}
