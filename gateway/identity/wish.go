// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Wish is a tenant as somebody wants it to be: what POST and PUT say and what
// stands in a file for `schleuse tenant apply`. Systems that it does not name
// are removed, keys that it does not name are left alone.
type Wish struct {
	ID   gateway.TenantID `yaml:"id"`
	Name string           `yaml:"name"`
	Land string           `yaml:"land"`
	ARS  string           `yaml:"ars"`
	// Active is true by default.
	Active     *bool        `yaml:"active"`
	CostCentre string       `yaml:"cost_centre"`
	Systems    []SystemWish `yaml:"systems"`
	Settings   Settings     `yaml:"settings"`
	// Version the wish was made from; 0: whatever there is.
	Version int64 `yaml:"-"`
}

// SystemWish is a system of a Wish.
type SystemWish struct {
	ID         gateway.SystemID `yaml:"id"`
	Name       string           `yaml:"name"`
	Channel    gateway.Channel  `yaml:"channel"`
	CostCentre string           `yaml:"cost_centre"`
	// Keys that must be there. One that is missing is made.
	Keys []KeyWish `yaml:"keys"`
	// Certificates in place of those that there are; not given: they stay.
	Certificates []Certificate `yaml:"certificates"`
}

// KeyWish asks for a key.
type KeyWish struct {
	Label string `yaml:"label"`
	// Days the key is valid, 1 to 400; 0: Config.KeyLife.
	Days int `yaml:"days"`

	Purposes       []gateway.Purpose   `yaml:"purposes"`
	DefaultPurpose gateway.Purpose     `yaml:"default_purpose"`
	Services       []gateway.ServiceID `yaml:"services"`
	Models         []gateway.ModelID   `yaml:"models"`
	Sources        []string            `yaml:"sources"`
	Principals     []gateway.Principal `yaml:"principals"`
	Roles          []string            `yaml:"roles"`
	// Certificate without which the key does not work, as its SHA-256.
	Certificate string `yaml:"certificate"`
}

// Scopes bound what a key may be used for.
type Scopes struct {
	Purposes       []gateway.Purpose
	DefaultPurpose gateway.Purpose
	Services       []gateway.ServiceID
	Models         []gateway.ModelID
	Sources        []string
	Principals     []gateway.Principal
	Roles          []string
	// Certificate a key works with only; empty: it works by itself.
	Certificate string
}

func (k *Key) scopes() Scopes {
	return Scopes{k.Purposes, k.DefaultPurpose, k.Services, k.Models, k.Sources, k.Principals, k.Roles, k.Certificate}
}

func (k KeyWish) scopes() Scopes {
	return Scopes{k.Purposes, k.DefaultPurpose, k.Services, k.Models, k.Sources, k.Principals, k.Roles, k.Certificate}
}

func (s Scopes) equal(o Scopes) bool {
	return slices.Equal(s.Purposes, o.Purposes) && s.DefaultPurpose == o.DefaultPurpose && slices.Equal(s.Services, o.Services) &&
		slices.Equal(s.Models, o.Models) && slices.Equal(s.Sources, o.Sources) && slices.Equal(s.Principals, o.Principals) &&
		slices.Equal(s.Roles, o.Roles) && strings.EqualFold(s.Certificate, o.Certificate)
}

func (k *Key) confine(s Scopes) {
	k.Purposes, k.DefaultPurpose, k.Services, k.Models = s.Purposes, s.DefaultPurpose, s.Services, s.Models
	k.Sources, k.Principals, k.Roles, k.Certificate = s.Sources, s.Principals, s.Roles, s.Certificate
}

// IssuedKey is a new key with its text, which nobody can read again later.
type IssuedKey struct {
	Tenant gateway.TenantID `json:"tenant"`
	System gateway.SystemID `json:"system"`
	Key    Key              `json:"key"`
	Secret string           `json:"secret"`
}

// LogValue shows the key without its text.
func (k IssuedKey) LogValue() slog.Value {
	return slog.GroupValue(slog.String("tenant", string(k.Tenant)), slog.String("system", string(k.System)), slog.String("key_id", k.Key.ID))
}

// String shows the key without its text.
func (k IssuedKey) String() string { return k.Key.ID }

// GoString shows the key without its text.
func (k IssuedKey) GoString() string { return k.Key.ID }

// tenant is the wish without its keys.
func (w Wish) tenant() Tenant {
	t := Tenant{
		ID: w.ID, Name: w.Name, Land: w.Land, ARS: w.ARS, Active: w.Active == nil || *w.Active,
		CostCentre: w.CostCentre, Settings: w.Settings, Managed: ManagedStore,
	}
	for _, s := range w.Systems {
		t.Systems = append(t.Systems, System{ID: s.ID, Name: s.Name, Channel: s.Channel, CostCentre: s.CostCentre, Certificates: s.Certificates})
	}
	return t
}

// wish checks one as a whole; path is where it stands.
func (c *checker) wish(path string, w Wish) {
	t := w.tenant()
	c.tenant(path, &t)
	if w.Name == "" {
		c.add(join(path, "name"), "Diese Angabe fehlt.")
	}
	if len(w.Systems) > maxSystems {
		return // said already
	}
	shown := map[string]bool{}
	for i, s := range w.Systems {
		c.certificates(fmt.Sprintf("%s[%d].certificates", join(path, "systems"), i), s.Certificates, shown)
		labels := map[string]bool{}
		at := fmt.Sprintf("%s[%d].keys", join(path, "systems"), i)
		if len(s.Keys) > maxKeys/2 {
			c.add(at, "Ein Fachverfahren hat höchstens %d Schlüssel.", maxKeys/2)
			continue
		}
		for j, k := range s.Keys {
			one := fmt.Sprintf("%s[%d]", at, j)
			if labels[k.Label] {
				c.add(one+".label", "Die Bezeichnung %q ist doppelt vergeben.", cut(k.Label))
			}
			labels[k.Label] = true
			c.keyWish(one, k)
		}
	}
}

func (c *checker) keyWish(path string, k KeyWish) {
	c.text(join(path, "label"), k.Label)
	if k.Days < 0 || k.Days > int(MaxKeyLife/(24*time.Hour)) {
		c.add(join(path, "days"), "Ein Schlüssel gilt 1 bis 400 Tage.")
	}
	c.scopes(path, k.scopes())
	c.separate(path, k.Roles)
}

// join names a field of what stands at a path, "" being the whole input.
func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
