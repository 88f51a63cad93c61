// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Where the configuration that was noted last is kept, and what notes call it.
const (
	standingKind      = "configuration"
	standingID        = "noted"
	configuration     = "configuration"
	maxStanding       = 64 << 20
	maxStandingPlaces = 64
)

// standing is a configuration that comes into force.
type standing struct {
	document settingsTree
	digest   string
	raw      []byte
	host     string
	place    map[string]any
}

// notedStanding is the standing that was noted last. The record has its digest: a document
// that does not belong to it counts for nothing.
type notedStanding struct {
	Digest   string `json:"digest"`
	Document []byte `json:"document"` // gzip
	// Places are where processes run, by the names of their machines.
	Places map[string]map[string]any `json:"places"`

	version int64
}

func newStanding(ctx context.Context, c Config) (standing, error) {
	d, err := c.withDefaults().document()
	if err != nil {
		return standing{}, err
	}
	if err := d.addRules(ctx); err != nil {
		return standing{}, err
	}
	out := standing{document: d, place: d.takePlace()}
	out.host, _ = os.Hostname() // without a name all are one
	out.digest, out.raw, err = d.digest(derive(c.secret, "configuration digests"))
	return out, err
}

// noteStanding writes the notes of what changed since the last one, then keeps what
// there is now.
func (g *ground) noteStanding(ctx context.Context, now standing, why occasion) error {
	last, err := g.lastNoted(ctx)
	if err != nil {
		return err
	}
	inRecord, err := g.digestInRecord(ctx)
	if err != nil {
		return err
	}
	before := settingsTree(nil)
	switch {
	case inRecord == now.digest: // also where a process died before it kept it
		before = now.document
	case inRecord != "" && inRecord == last.Digest:
		if before, err = last.read(); err != nil {
			return err
		}
	}
	notes, err := standingNotes(before, now, inRecord, why)
	if err != nil {
		return err
	}
	if note, ok := last.placeNote(now); ok {
		notes = append(notes, note)
	}
	for _, n := range notes {
		if err := g.record.Note(ctx, n); err != nil {
			return err
		}
	}
	return g.keepNoted(ctx, last, now)
}

// lastNoted is empty where nothing is kept.
func (g *ground) lastNoted(ctx context.Context) (notedStanding, error) {
	var out notedStanding
	kept, err := g.state.Get(ctx, standingKind, standingID)
	if gateway.CodeOf(err) == gateway.CodeNotFound {
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("read the configuration that was noted last: %w", err)
	}
	if json.Unmarshal(kept.Body, &out) != nil {
		out = notedStanding{} // the record decides
	}
	out.version = kept.Version
	return out, nil
}

func (n notedStanding) read() (settingsTree, error) {
	r, err := gzip.NewReader(bytes.NewReader(n.Document))
	if err != nil {
		return nil, fmt.Errorf("read the configuration that was noted last: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxStanding))
	if err != nil {
		return nil, fmt.Errorf("read the configuration that was noted last: %w", err)
	}
	value, err := plain(raw)
	return objectOf(value), err
}

// digestInRecord is the one of the last note of a configuration; empty: there is none.
func (g *ground) digestInRecord(ctx context.Context) (string, error) {
	page, err := g.record.Notes(ctx, audit.NoteFilter{Scope: audit.Scope{Tenant: audit.Operator}, Topics: []string{audit.TopicConfigurationChanged}, Object: configuration, Limit: 1})
	if err != nil || len(page.Notes) == 0 {
		return "", err
	}
	var value struct {
		Digest string `json:"digest"`
	}
	if err := json.Unmarshal(page.Notes[0].Note.New, &value); err != nil {
		return "", fmt.Errorf("read the last note of the configuration: %w", err)
	}
	return value.Digest, nil
}

// keepNoted is the last step: what is kept has been noted.
func (g *ground) keepNoted(ctx context.Context, last notedStanding, now standing) error {
	known := last.Digest == now.digest && reflect.DeepEqual(last.Places[now.host], now.place)
	if known {
		return nil
	}
	next := notedStanding{Digest: now.digest, Places: last.placesWith(now)}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(now.raw); err != nil {
		return fmt.Errorf("keep the noted configuration: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("keep the noted configuration: %w", err)
	}
	next.Document = packed.Bytes()
	body, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("keep the noted configuration: %w", err)
	}
	_, err = g.state.Put(ctx, state.Document{Kind: standingKind, ID: standingID, Version: last.version, Body: body})
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return nil // another process noted one in the meantime; the record says which was last
	}
	if err != nil {
		return fmt.Errorf("keep the noted configuration: %w", err)
	}
	return nil
}

// placesWith forgets a place whose machine is gone before there are too many.
func (n notedStanding) placesWith(now standing) map[string]map[string]any {
	out := maps.Clone(n.Places)
	if out == nil {
		out = map[string]map[string]any{}
	}
	out[now.host] = now.place
	for _, host := range slices.Sorted(maps.Keys(out)) {
		if len(out) > maxStandingPlaces && host != now.host {
			delete(out, host)
		}
	}
	return out
}

// placeNote says that a process runs elsewhere than before. A further machine with a
// place like that of others is none.
func (n notedStanding) placeNote(now standing) (audit.Note, bool) {
	was, known := n.Places[now.host]
	if reflect.DeepEqual(was, now.place) {
		return audit.Note{}, false
	}
	if !known {
		for _, place := range n.Places {
			if reflect.DeepEqual(place, now.place) {
				return audit.Note{}, false
			}
		}
	}
	note := audit.Note{
		Topic: audit.TopicConfigurationChanged, Object: configuration + "/place",
		Text: "Der Dienst läuft mit diesen Angaben des Rechners: " + strings.Join(placeSections(), ", ") + ".",
	}
	a, b, _ := difference(toAny(was), toAny(now.place))
	var err error
	if note.Old, err = valueOf(a, ""); err == nil {
		note.New, err = valueOf(b, "")
	}
	return note, err == nil
}

func toAny(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

// standingNotes are those of the operator, of the program's rules and of the tenants
// that are concerned.
func standingNotes(before settingsTree, now standing, inRecord string, why occasion) ([]audit.Note, error) {
	was, is, differs := difference(toAny(before.without(sectionRules)), toAny(now.document.without(sectionRules)))
	old, next, rules := difference(before[sectionRules], now.document[sectionRules])
	if !differs && !rules && why == atStart && before != nil {
		return nil, nil
	}
	notes, err := rulesNotes(before, old, next)
	if err != nil {
		return nil, err
	}
	var tenants []audit.Note
	for _, tenant := range slices.Compact(slices.Sorted(slices.Values(append(before.tenants(), now.document.tenants()...)))) {
		some, err := tenantNotes(tenant, before.of(tenant), now.document.of(tenant))
		if err != nil {
			return nil, err
		}
		tenants = append(tenants, some...)
	}
	notes = append(notes, tenants...)
	all := changes(was, is)
	if len(all) == 0 {
		all = []change{{}}
	}
	for i, one := range all { // last: the digest says that all the others stand in the record
		n := audit.Note{Topic: audit.TopicConfigurationChanged, Object: configuration, Text: occasionText(why, before != nil, inRecord != "", one)}
		if len(all) > 1 {
			n.Text += fmt.Sprintf(" (Teil %d von %d)", i+1, len(all))
		}
		digest := now.digest
		if i < len(all)-1 {
			digest = "" // not yet all of it
		}
		if n.Old, err = valueOf(one.was, inRecord); err != nil {
			return nil, err
		}
		if n.New, err = valueOf(one.is, digest); err != nil {
			return nil, err
		}
		notes = append(notes, n)
	}
	return notes, nil
}

// without is a document without a section.
func (d settingsTree) without(section string) map[string]any {
	out := maps.Clone(map[string]any(d))
	delete(out, section)
	return out
}

func occasionText(why occasion, compared, known bool, one change) string {
	sections := strings.Join(names(orEmpty(one.was), orEmpty(one.is)), ", ")
	begin := [...]string{
		atStart:      "Der Dienst wurde mit einer geänderten Konfiguration gestartet; ",
		atReload:     "Die Konfiguration wurde neu geladen; ",
		afterFailure: "Die neue Konfiguration konnte nicht in Kraft treten, es gilt weiter die bisherige; ",
	}[why]
	switch {
	case !compared && !known:
		return "Das ist die ganze Konfiguration, mit der das Protokoll beginnt, ohne Geheimnisse."
	case !compared:
		return "Der zuletzt vermerkte Stand der Konfiguration fehlt oder passt nicht zum Protokoll; das ist die ganze Konfiguration, ohne Geheimnisse."
	case sections == "" && why == atStart:
		return "Der Dienst wurde mit einem anderen Programm gestartet; die Konfiguration ist unverändert."
	case sections == "":
		return begin + "ihre Abschnitte sind unverändert."
	}
	return begin + "geändert sind diese Abschnitte: " + sections + "."
}

// rulesNotes say which rules another program brings. Every tenant sees them.
func rulesNotes(before settingsTree, was, is any) ([]audit.Note, error) {
	text := "Das Programm bringt andere Regeln mit als zuvor."
	if before == nil {
		text = "Das sind die Regeln, die das Programm mitbringt."
	}
	var out []audit.Note
	for _, one := range changes(was, is) {
		n := audit.Note{Topic: audit.TopicRulesChanged, Object: "policies", Text: text}
		var err error
		if n.Old, err = valueOf(one.was, ""); err != nil {
			return nil, err
		}
		if n.New, err = valueOf(one.is, ""); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// tenantNotes show a tenant what the operator's configuration says of it.
func tenantNotes(tenant string, before, now settingsTree) ([]audit.Note, error) {
	was, is, differs := difference(map[string]any(before), map[string]any(now))
	if !differs {
		return nil, nil
	}
	var out []audit.Note
	for _, one := range changes(was, is) {
		n := audit.Note{
			Tenant: gateway.TenantID(tenant), Topic: audit.TopicConfigurationChanged, Object: configuration,
			Text: "Die Konfiguration des Betriebs hat sich für diesen Mandanten geändert: " + strings.Join(names(one.was, one.is), ", ") + ".",
		}
		var err error
		if n.Old, err = valueOf(one.was, ""); err != nil {
			return nil, err
		}
		if n.New, err = valueOf(one.is, ""); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// valueOf is a value of a note, with the digest of the whole document.
func valueOf(value any, digest string) (json.RawMessage, error) {
	fields := maps.Clone(orEmpty(objectOf(value)))
	if digest != "" {
		fields["digest"] = digest
	}
	if len(fields) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encode a note of the configuration: %w", err)
	}
	return raw, nil
}
