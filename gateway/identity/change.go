// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Create makes a tenant with its systems and their first keys, in one
// transaction. A request key, chosen by the caller, makes it safe to repeat: for
// a day the same request gets the same answer.
func (r *Registry) Create(ctx context.Context, by Actor, w Wish, requestKey string) (Outcome, error) {
	q, err := r.request(by, requestKey, w)
	if err != nil {
		return Outcome{}, err
	}
	return r.change(ctx, by, q, []gateway.TenantID{w.ID}, func(e *edit) error {
		if e.tenants[w.ID] != nil {
			return conflict("create tenant", "id", fmt.Sprintf("Den Mandanten %q gibt es schon.", cut(string(w.ID))))
		}
		return e.put("", w)
	})
}

// Put makes a tenant as it is wanted. Repeating it changes nothing. To change
// what is there, the wish names the version it was made from.
func (r *Registry) Put(ctx context.Context, by Actor, w Wish) (Outcome, error) {
	return r.change(ctx, by, nil, []gateway.TenantID{w.ID}, func(e *edit) error {
		current := e.tenants[w.ID]
		if err := sameVersion(current, w.Version); err != nil {
			return err
		}
		if err := e.put("", w); err != nil {
			return err
		}
		if current != nil && w.Version == 0 && len(e.changes) > 0 {
			return conflict("change tenant", "version", fmt.Sprintf("Der Mandant besteht schon und weicht ab. Wer ihn ändert, nennt die Version, von der er ausgeht (jetzt %d).", current.Version))
		}
		return nil
	})
}

// Apply makes tenants as they are wanted, all or none of them, whatever versions
// there are. A dry run says what would change; it makes no keys.
func (r *Registry) Apply(ctx context.Context, by Actor, wishes []Wish, dryRun bool) (Outcome, error) {
	if len(wishes) > MaxTenants {
		return Outcome{}, invalid("tenants", fmt.Sprintf("Es sind höchstens %d Mandanten auf einmal möglich.", MaxTenants))
	}
	ids, seen := make([]gateway.TenantID, 0, len(wishes)), map[gateway.TenantID]bool{}
	for i, w := range wishes {
		if seen[w.ID] {
			return Outcome{}, invalid(fmt.Sprintf("tenants[%d].id", i), fmt.Sprintf("Die Kennung %q ist doppelt vergeben.", cut(string(w.ID))))
		}
		seen[w.ID] = true
		ids = append(ids, w.ID)
	}
	return r.change(ctx, by, nil, ids, func(e *edit) error {
		for i, w := range wishes {
			if err := e.put(fmt.Sprintf("tenants[%d]", i), w); err != nil {
				return err
			}
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
}

// SetActive activates or deactivates a tenant. The keys of a tenant that is not
// active do not work.
func (r *Registry) SetActive(ctx context.Context, by Actor, id gateway.TenantID, active bool) (Outcome, error) {
	return r.change(ctx, by, nil, []gateway.TenantID{id}, func(e *edit) error {
		t, err := e.find(id)
		if err != nil {
			return err
		}
		if !by.Operator {
			return denied("Mandanten schaltet nur der Betrieb frei oder ab.")
		}
		next := t.clone()
		next.Active = active
		e.replace(t, next)
		return nil
	})
}

// Delete removes a tenant of which there are no records. A tenant with records is
// deactivated: what they prove must stay readable.
func (r *Registry) Delete(ctx context.Context, by Actor, id gateway.TenantID) (Outcome, error) {
	if !by.Operator {
		return Outcome{}, denied("Mandanten löscht nur der Betrieb.")
	}
	used := true
	if r.config.InUse != nil {
		var err error
		if used, err = r.config.InUse(ctx, id); err != nil {
			return Outcome{}, fmt.Errorf("look for records of tenant: %w", err)
		}
	}
	return r.change(ctx, by, nil, []gateway.TenantID{id}, func(e *edit) error {
		t, err := e.find(id)
		if err != nil {
			return err
		}
		if used {
			return conflict("delete tenant", "", "Zu diesem Mandanten gibt es Einträge im Protokoll, die lesbar bleiben müssen. Er kann nur deaktiviert werden (active: false).")
		}
		e.remove(t)
		return nil
	})
}

// Place is where a key belongs.
type Place struct {
	Tenant gateway.TenantID
	System gateway.SystemID
}

// CreateKey makes a key for a system.
func (r *Registry) CreateKey(ctx context.Context, by Actor, at Place, w KeyWish, requestKey string) (Outcome, error) {
	q, err := r.request(by, requestKey, at, w)
	if err != nil {
		return Outcome{}, err
	}
	return r.change(ctx, by, q, []gateway.TenantID{at.Tenant}, func(e *edit) error {
		return e.inSystem(at, func(s *System) error {
			k := &checker{}
			if k.keyWish("", w); len(k.found) > 0 {
				return k.found.invalid()
			}
			if err := by.mayGrant("", w.Roles); err != nil {
				return err
			}
			return e.issue(at.Tenant, s, w)
		})
	})
}

// RotateKey makes a key with the scopes of another, which goes on working for the
// overlap only; 0: Config.Overlap. Two keys that work are the most there can be.
func (r *Registry) RotateKey(ctx context.Context, by Actor, at Place, id string, overlap time.Duration, requestKey string) (Outcome, error) {
	if overlap == 0 {
		overlap = r.config.Overlap
	}
	if overlap < 0 || overlap > maxOverlap {
		return Outcome{}, invalid("overlap_hours", "Der alte Schlüssel gilt höchstens 90 Tage weiter.")
	}
	q, err := r.request(by, requestKey, at, id, overlap)
	if err != nil {
		return Outcome{}, err
	}
	return r.change(ctx, by, q, []gateway.TenantID{at.Tenant}, func(e *edit) error {
		return e.inSystem(at, func(s *System) error { return e.rotate(at, s, id, overlap) })
	})
}

const maxOverlap = 90 * 24 * time.Hour

// RevokeKey locks a key for good, at once. Locking it again changes nothing.
func (r *Registry) RevokeKey(ctx context.Context, by Actor, at Place, id string) (Outcome, error) {
	return r.change(ctx, by, nil, []gateway.TenantID{at.Tenant}, func(e *edit) error {
		return e.inSystem(at, func(s *System) error {
			k, ok := s.Key(id)
			if !ok {
				return noKey(id)
			}
			if k.RevokedAt.IsZero() {
				old := *k
				k.RevokedAt = e.now
				e.keyChanged(KeyLocked, at, old, *k)
			}
			return nil
		})
	})
}

// FindKey says where a key of a stored tenant belongs.
func (r *Registry) FindKey(by Actor, id string) (Place, error) {
	if e, ok := r.Directory().keys[id]; ok && by.may(e.caller.Tenant) == nil {
		return Place{e.caller.Tenant, e.caller.System}, nil
	}
	return Place{}, noKey(id)
}

// edit is one change of tenants, made inside a transaction of the store.
type edit struct {
	by      Actor
	config  *Config
	now     time.Time
	taken   map[string]*entry // keys that there are
	tenants map[gateway.TenantID]*Tenant
	touched map[gateway.TenantID]bool
	changes []Change
	keys    []IssuedKey
}

// find returns a stored tenant that the actor may change.
func (e *edit) find(id gateway.TenantID) (*Tenant, error) {
	if t := e.tenants[id]; t != nil {
		return t, nil
	}
	return nil, noTenant(id)
}

// put makes a tenant as it is wanted; path is where the wish stands.
func (e *edit) put(path string, w Wish) error {
	k := &checker{settings: e.config.Settings}
	if k.wish(path, w); len(k.found) > 0 {
		return k.found.invalid()
	}
	if slices.Contains(e.config.Reserved, w.ID) {
		return conflict("create tenant", join(path, "id"), fmt.Sprintf("Die Kennung %q ist vergeben.", w.ID))
	}
	current, next := e.tenants[w.ID], w.tenant()
	if err := e.allowed(path, current, next, w); err != nil {
		return err
	}
	if current != nil {
		for i := range next.Systems {
			if s, ok := current.System(next.Systems[i].ID); ok {
				next.Systems[i].Keys = slices.Clone(s.Keys)
				if w.Systems[i].Certificates == nil {
					next.Systems[i].Certificates = s.Certificates
				}
			}
		}
	}
	t := e.replace(current, next)
	for i, s := range w.Systems {
		for j, wanted := range s.Keys {
			if err := e.want(t.ID, &t.Systems[i], wanted); err != nil {
				return at(err, fmt.Sprintf("%s[%d].keys[%d]", join(path, "systems"), i, j))
			}
		}
	}
	return nil
}

// allowed: what a tenant pays and may use is the operator's to say.
func (e *edit) allowed(path string, current *Tenant, next Tenant, w Wish) error {
	if e.by.Operator {
		return nil
	}
	if current == nil {
		return denied("Mandanten legt nur der Betrieb an.")
	}
	for _, f := range []struct {
		name string
		same bool
	}{
		{"land", current.Land == next.Land},
		{"ars", current.ARS == next.ARS},
		{"active", current.Active == next.Active},
		{"cost_centre", current.CostCentre == next.CostCentre},
	} {
		if !f.same {
			return operatorsOnly(join(path, f.name))
		}
	}
	for i, s := range next.Systems {
		if old, ok := current.System(s.ID); ok && old.CostCentre != s.CostCentre || !ok && s.CostCentre != "" {
			return operatorsOnly(fmt.Sprintf("%s[%d].cost_centre", join(path, "systems"), i))
		}
	}
	for i, s := range w.Systems {
		old, _ := current.System(s.ID)
		if s.Certificates != nil && (old == nil && len(s.Certificates) > 0 || old != nil && !sameJSON(object(old.Certificates), object(s.Certificates))) {
			return operatorsOnly(fmt.Sprintf("%s[%d].certificates", join(path, "systems"), i))
		}
	}
	for name, change := range differing(current.Settings, next.Settings) {
		if change && !slices.Contains(e.config.OwnSettings, name) {
			return operatorsOnly(join(path, "settings") + "." + name)
		}
	}
	for i, s := range w.Systems {
		for j, k := range s.Keys {
			if err := e.by.mayGrant(fmt.Sprintf("%s[%d].keys[%d]", join(path, "systems"), i, j), k.Roles); err != nil {
				return err
			}
		}
	}
	return nil
}

func operatorsOnly(path string) error {
	e := denied("Diese Angabe ändert nur der Betrieb.")
	e.Path = path
	return e
}

// want makes sure that a key with a label works and has the scopes.
func (e *edit) want(tenant gateway.TenantID, s *System, w KeyWish) error {
	there := false
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Label != w.Label || k.At(e.now) != KeyValid {
			continue
		}
		there = true
		if old := *k; !k.scopes().equal(w.scopes()) {
			k.confine(w.scopes())
			e.keyChanged(KeyUpdated, Place{tenant, s.ID}, old, *k)
		}
	}
	if there {
		return nil
	}
	return e.issue(tenant, s, w)
}

// issue makes a key.
func (e *edit) issue(tenant gateway.TenantID, s *System, w KeyWish) error {
	life := time.Duration(w.Days) * 24 * time.Hour
	if life == 0 {
		life = e.config.KeyLife
	}
	k := Key{Label: w.Label, Expires: e.now.Add(life)}
	k.confine(w.scopes())
	return e.addKey(tenant, s, k)
}

const maxValid = 2 // keys of one label, for the time of a rotation

func (e *edit) addKey(tenant gateway.TenantID, s *System, k Key) error {
	valid := 0
	for _, other := range s.Keys {
		if other.Label == k.Label && other.At(e.now) == KeyValid {
			valid++
		}
	}
	if valid >= maxValid {
		return conflict("make key", "label", fmt.Sprintf("Mit der Bezeichnung %q gelten schon zwei Schlüssel. Sperren Sie erst den alten.", k.Label))
	}
	if s.Keys = e.pruned(s.Keys); len(s.Keys) >= maxKeys {
		return conflict("make key", "", fmt.Sprintf("Ein Fachverfahren hat höchstens %d Schlüssel.", maxKeys))
	}
	var text string
	for text == "" || e.taken[k.ID] != nil {
		text, k.ID, k.Hash = NewKey(e.config.Env, e.config.Pepper)
	}
	k.CreatedAt, k.CreatedBy = e.now, e.by.Name
	s.Keys = append(s.Keys, k)
	k.State = k.At(e.now)
	e.keys = append(e.keys, IssuedKey{Tenant: tenant, System: s.ID, Key: k, Secret: text})
	e.note(Change{Action: KeyCreated, Tenant: tenant, System: s.ID, Key: k.ID, New: object(k)})
	return nil
}

// pruned forgets keys that ended long ago, and the oldest that have ended when
// there are too many.
func (e *edit) pruned(keys []Key) []Key {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return e.now.Sub(ended(&k)) > MaxKeyLife })
	for len(keys) >= maxKeys {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.At(e.now) != KeyValid })
		if i < 0 {
			break
		}
		keys = slices.Delete(keys, i, i+1)
	}
	return keys
}

func ended(k *Key) time.Time {
	if !k.RevokedAt.IsZero() && k.RevokedAt.Before(k.Expires) {
		return k.RevokedAt
	}
	return k.Expires
}

func (e *edit) rotate(at Place, s *System, id string, overlap time.Duration) error {
	k, ok := s.Key(id)
	if !ok {
		return noKey(id)
	}
	if k.At(e.now) == KeyRevoked {
		return conflict("rotate key", "", "Der Schlüssel ist gesperrt. Legen Sie einen neuen an.")
	}
	if err := e.by.mayGrant("", k.Roles); err != nil {
		return err
	}
	life := k.Expires.Sub(k.CreatedAt)
	if k.CreatedAt.IsZero() || life <= 0 || life > MaxKeyLife {
		life = e.config.KeyLife
	}
	next := Key{Label: k.Label, Expires: e.now.Add(life)}
	next.confine(k.scopes())
	if until := e.now.Add(overlap); until.Before(k.Expires) {
		old := *k
		k.Expires = until
		e.keyChanged(KeyRotated, at, old, *k)
	}
	return e.addKey(at.Tenant, s, next)
}

// inSystem changes one system of one tenant.
func (e *edit) inSystem(at Place, f func(*System) error) error {
	t, err := e.find(at.Tenant)
	if err != nil {
		return err
	}
	s, ok := t.System(at.System)
	if !ok {
		return &gateway.Error{Op: "find system", Code: gateway.CodeNotFound, Message: fmt.Sprintf("Das Fachverfahren %q gibt es bei diesem Mandanten nicht.", cut(string(at.System)))}
	}
	return f(s)
}

func noKey(id string) error {
	return &gateway.Error{Op: "find key", Code: gateway.CodeNotFound, Message: fmt.Sprintf("Den Schlüssel %q gibt es hier nicht.", cut(id))}
}

func conflict(op, path, message string) error {
	return &gateway.Error{Op: op, Code: gateway.CodeConflict, Path: path, Message: message}
}

func invalid(path, message string) error {
	return &gateway.Error{Op: "check tenant", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// at puts the place of a wish before the path of its error.
func at(err error, path string) error {
	e, ok := err.(*gateway.Error) //nolint:errorlint // errors of this file, not wrapped
	if !ok {
		return err
	}
	moved := *e
	moved.Path = strings.TrimSuffix(path+"."+e.Path, ".")
	return &moved
}

func sameVersion(current *Tenant, wanted int64) error {
	switch {
	case wanted == 0:
		return nil
	case current == nil:
		return conflict("change tenant", "version", "Den Mandanten gibt es noch nicht; zum Anlegen bleibt die Version weg.")
	case current.Version != wanted:
		return conflict("change tenant", "version", fmt.Sprintf("Der Mandant wurde inzwischen geändert (Version %d statt %d). Lesen Sie ihn neu.", current.Version, wanted))
	}
	return nil
}
