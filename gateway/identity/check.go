// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Limits of what a tenant may hold.
const (
	MaxTenants     = 20_000
	maxSystems     = 100
	maxKeys        = 50  // of a system, those that have ended included
	maxList        = 100 // entries of a list of a key
	maxText        = 200
	maxSlug        = 64
	maxSettings    = 32
	maxSettingSize = 64 << 10
	// MaxKeyLife is the longest life of a key.
	MaxKeyLife = 400 * 24 * time.Hour
)

// states are the Länder by the first two digits of the Regionalschlüssel.
var states = map[string]string{
	"01": "SH", "02": "HH", "03": "NI", "04": "HB", "05": "NW", "06": "HE", "07": "RP", "08": "BW",
	"09": "BY", "10": "SL", "11": "BE", "12": "BB", "13": "MV", "14": "SN", "15": "ST", "16": "TH",
}

// problem is one mistake and where it stands.
type problem struct{ path, text string }

func (p problem) String() string {
	if p.path == "" {
		return p.text
	}
	return p.path + ": " + p.text
}

type problems []problem

// err lists all mistakes, one a line, for whoever writes the configuration.
func (p problems) err() error {
	var all []error
	for _, one := range p {
		all = append(all, errors.New(one.String()))
	}
	return errors.Join(all...)
}

// invalid is what a caller is told: the first mistake with its place, then the others.
func (p problems) invalid() error {
	if len(p) == 0 {
		return nil
	}
	const shown = 10
	said := []string{p[0].text}
	for _, more := range p[1:min(len(p), shown)] {
		said = append(said, more.String())
	}
	if len(p) > shown {
		said = append(said, fmt.Sprintf("Dazu kommen %d weitere Fehler.", len(p)-shown))
	}
	return &gateway.Error{Op: "check tenant", Code: gateway.CodeInvalid, Path: p[0].path, Message: strings.Join(said, " ")}
}

// checker collects mistakes.
type checker struct {
	settings map[string]func(json.RawMessage) error
	found    problems
}

func (c *checker) add(path, format string, values ...any) {
	c.found = append(c.found, problem{path, fmt.Sprintf(format, values...)})
}

// check looks at everything that stands in the configuration.
func (c Config) check() problems {
	k := &checker{settings: c.Settings}
	if len(c.Pepper) < 32 {
		k.add("identity.pepper", "Es werden mindestens 32 Byte gebraucht.")
	}
	if !validEnv(c.Env) {
		k.add("identity.env", "Die Umgebung %q besteht nicht aus 1 bis 16 Kleinbuchstaben, Ziffern und Bindestrichen.", cut(c.Env))
	}
	seen, keys, shown := map[gateway.TenantID]bool{}, map[string]bool{}, map[string]bool{}
	for i := range c.Tenants {
		t, path := &c.Tenants[i], fmt.Sprintf("tenants[%d]", i)
		if seen[t.ID] {
			k.add(join(path, "id"), "Die Kennung %q ist doppelt vergeben.", cut(string(t.ID)))
		}
		seen[t.ID] = true
		k.tenant(path, t)
		for j := range t.Systems {
			k.certificates(fmt.Sprintf("%s.systems[%d].certificates", path, j), t.Systems[j].Certificates, shown)
			for l := range t.Systems[j].Keys {
				k.configuredKey(fmt.Sprintf("%s.systems[%d].keys[%d]", path, j, l), &t.Systems[j].Keys[l], keys, c.Now())
			}
		}
	}
	return k.found
}

// tenant checks everything but the keys.
func (c *checker) tenant(path string, t *Tenant) {
	c.slug(join(path, "id"), string(t.ID))
	c.text(join(path, "name"), t.Name)
	c.text(join(path, "cost_centre"), t.CostCentre)
	c.region(path, t.Land, t.ARS)
	if len(t.Systems) > maxSystems {
		c.add(join(path, "systems"), "Ein Mandant hat höchstens %d Fachverfahren.", maxSystems)
		return
	}
	seen := map[gateway.SystemID]bool{}
	for i, s := range t.Systems {
		at := fmt.Sprintf("%s[%d]", join(path, "systems"), i)
		if seen[s.ID] {
			c.add(at+".id", "Die Kennung %q ist doppelt vergeben.", cut(string(s.ID)))
		}
		seen[s.ID] = true
		c.slug(at+".id", string(s.ID))
		c.text(at+".name", s.Name)
		c.text(at+".cost_centre", s.CostCentre)
		switch s.Channel {
		case gateway.ChannelCaseworker, gateway.ChannelCitizen, gateway.ChannelSystem:
		default:
			c.add(at+".channel", "Der Kanal %q ist weder caseworker noch citizen noch system.", cut(string(s.Channel)))
		}
	}
	c.set(join(path, "settings"), t.Settings)
}

func (c *checker) region(path, land, ars string) {
	known := land == "" || land == "BUND" || slices.Contains(slices.Collect(maps.Values(states)), land)
	if !known {
		c.add(join(path, "land"), "Das Land %q gibt es nicht; erwartet wird ein Kürzel wie BW, BY oder NW, für den Bund BUND.", cut(land))
	}
	if ars == "" {
		return
	}
	if len(ars) != 12 || strings.Trim(ars, "0123456789") != "" {
		c.add(join(path, "ars"), "Der Amtliche Regionalschlüssel hat zwölf Ziffern.")
		return
	}
	state, ok := states[ars[:2]]
	if !ok || known && land != "" && state != land {
		c.add(join(path, "ars"), "Der Amtliche Regionalschlüssel gehört nicht zum Land %q.", cut(land))
	}
}

func (c *checker) set(path string, settings Settings) {
	if len(settings) > maxSettings {
		c.add(path, "Es sind höchstens %d Einstellungen möglich.", maxSettings)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		at, raw := path+"."+cut(name), settings[name]
		check, ok := c.settings[name]
		switch {
		case !ok:
			c.add(at, "Diese Einstellung gibt es nicht.")
		case len(raw) > maxSettingSize:
			c.add(at, "Die Einstellung ist größer als %d KiB.", maxSettingSize>>10)
		case !json.Valid(raw):
			c.add(at, "Die Einstellung ist kein gültiges JSON.")
		default:
			c.setting(at, check(raw))
		}
	}
}

func (c *checker) setting(at string, err error) {
	if err == nil {
		return
	}
	if known, ok := errors.AsType[*gateway.Error](err); ok && known.Message != "" {
		if known.Path != "" {
			at += "." + known.Path
		}
		c.add(at, "%s", known.Message)
		return
	}
	c.add(at, "%s", err.Error())
}

// configuredKey checks a key that stands in the configuration.
func (c *checker) configuredKey(path string, k *Key, seen map[string]bool, now time.Time) {
	if !validKeyID(k.ID) {
		c.add(join(path, "id"), "Die Kennung %q besteht nicht aus 8 bis 16 Kleinbuchstaben und Ziffern.", cut(k.ID))
	}
	if seen[k.ID] {
		c.add(join(path, "id"), "Die Kennung %q ist doppelt vergeben.", cut(k.ID))
	}
	seen[k.ID] = true
	if raw, err := hex.DecodeString(k.Hash); err != nil || len(raw) != hashBytes {
		c.add(join(path, "hash"), "Der Prüfwert besteht nicht aus 64 hexadezimalen Ziffern.")
	}
	if k.Expires.IsZero() {
		c.add(join(path, "expires"), "Das Ende der Gültigkeit fehlt.")
	} else if k.Expires.After(now.Add(MaxKeyLife)) {
		c.add(join(path, "expires"), "Ein Schlüssel gilt höchstens 400 Tage.")
	}
	c.text(join(path, "label"), k.Label)
	c.scopes(path, k.scopes())
	c.separate(path, k.Roles)
}

// separate: whoever audits does not administrate what is audited.
func (c *checker) separate(path string, roles []string) {
	if auditsItself(roles) {
		c.add(join(path, "roles"), "Die Rolle revision verträgt sich nicht mit betrieb und mandant: Wer prüft, verwaltet nicht. Nehmen Sie zwei Schlüssel.")
	}
}

// scopes checks what a key is for.
func (c *checker) scopes(path string, s Scopes) {
	list(c, join(path, "purposes"), s.Purposes)
	list(c, join(path, "services"), s.Services)
	list(c, join(path, "models"), s.Models)
	list(c, join(path, "sources"), s.Sources)
	list(c, join(path, "principals"), s.Principals)
	list(c, join(path, "roles"), s.Roles)
	if s.DefaultPurpose != "" && !slices.Contains(s.Purposes, s.DefaultPurpose) {
		c.add(join(path, "default_purpose"), "Der Zweck %q steht nicht unter purposes.", cut(string(s.DefaultPurpose)))
	}
	if s.Certificate != "" {
		c.fingerprint(join(path, "certificate"), s.Certificate)
	}
	for i, role := range s.Roles {
		if !slices.Contains(knownRoles[:], role) {
			c.add(fmt.Sprintf("%s[%d]", join(path, "roles"), i), "Die Rolle %q gibt es nicht; bekannt sind: %s.", cut(role), strings.Join(knownRoles[:], ", "))
		}
	}
}

func list[S ~string](c *checker, path string, values []S) {
	if len(values) > maxList {
		c.add(path, "Die Liste hat mehr als %d Einträge.", maxList)
		return
	}
	for i, v := range values {
		if v == "" || !plain(string(v)) {
			c.add(fmt.Sprintf("%s[%d]", path, i), "Erwartet wird ein Text von 1 bis %d Zeichen ohne Steuerzeichen.", maxText)
		}
	}
}

func (c *checker) slug(path, id string) {
	if !ValidID(id) {
		c.add(path, "Die Kennung %q besteht nicht aus 1 bis %d Kleinbuchstaben, Ziffern, Punkten und Strichen, beginnend mit Buchstabe oder Ziffer.", cut(id), maxSlug)
	}
}

// ValidID reports whether a text can name a tenant or a system.
func ValidID(id string) bool {
	if id == "" || len(id) > maxSlug || strings.ContainsAny(id[:1], "-_.") {
		return false
	}
	return strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	}) < 0
}

func (c *checker) text(path, s string) {
	if !plain(s) {
		c.add(path, "Der Text ist länger als %d Zeichen oder enthält Steuerzeichen.", maxText)
	}
}

// plain texts are short and valid, and leave terminals and logs alone.
func plain(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
	}) < 0
}

// cut keeps a wrong value short enough to be shown.
func cut(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
