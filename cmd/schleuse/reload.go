// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// noteReload writes into the record that a new configuration comes into force, before
// it does. Without the note it does not.
func (s *service) noteReload(ctx context.Context, old, next Config) error {
	n, err := reloadNote(old, next)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	if err := s.record.Note(ctx, n); err != nil {
		return fmt.Errorf("note the new configuration in the record: %w", err)
	}
	return nil
}

// noteNotReloaded takes back what the note before said.
func (s *service) noteNotReloaded(ctx context.Context, old, next Config) {
	n, err := reloadNote(next, old)
	if err == nil {
		n.Text = "Die neue Konfiguration konnte nicht in Kraft treten; es gilt weiter die bisherige."
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
		defer cancel()
		err = s.record.Note(ctx, n)
	}
	if err != nil {
		s.logger.LogAttrs(ctx, slog.LevelError, "not noted that the configuration was not reloaded", slog.Any("error", err))
	}
}

// reloadNote says what changes by the names of the sections, never by their content,
// which may have secrets.
func reloadNote(old, next Config) (audit.Note, error) {
	before, err := old.digests()
	if err != nil {
		return audit.Note{}, err
	}
	after, err := next.digests()
	if err != nil {
		return audit.Note{}, err
	}
	sections := []string{}
	for i := range after.sections {
		if before.sections[i].digest != after.sections[i].digest {
			sections = append(sections, after.sections[i].name)
		}
	}
	n := audit.Note{Topic: audit.TopicConfigurationChanged, Object: "configuration"}
	if n.Text = "Die Konfiguration wurde neu geladen; geändert sind diese Abschnitte: " + strings.Join(sections, ", ") + "."; len(sections) == 0 {
		n.Text = "Die Konfiguration wurde neu geladen; ihre Abschnitte sind unverändert."
	}
	if n.Old, err = json.Marshal(map[string]any{"digest": before.whole}); err != nil {
		return n, err
	}
	n.New, err = json.Marshal(map[string]any{"digest": after.whole, "sections": sections})
	return n, err
}

// configDigests are keyed with a key derived from the master secret: nobody can try
// out what a section may contain.
type configDigests struct {
	whole    string
	sections []struct{ name, digest string }
}

func (c Config) digests() (configDigests, error) {
	var out configDigests
	key := derive(c.secret, "configuration digests")
	whole := hmac.New(sha256.New, key)
	fields := reflect.ValueOf(c)
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if !field.IsExported() || name == "" || name == "-" {
			continue
		}
		text, err := yaml.Marshal(fields.Field(i).Interface())
		if err != nil {
			return out, fmt.Errorf("digest of the configuration: %s: %w", name, err)
		}
		one := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(one, "%s\x00%s", name, text) // a hash takes all
		sum := one.Sum(nil)
		_, _ = whole.Write(sum)
		out.sections = append(out.sections, struct{ name, digest string }{name, string(sum)})
	}
	out.whole = "hmac-sha256:" + base64.RawURLEncoding.EncodeToString(whole.Sum(nil))
	return out, nil
}
