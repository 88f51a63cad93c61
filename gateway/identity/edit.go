// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/gateway"
)

// errDryRun ends a transaction in which everything went well and nothing is kept.
var errDryRun = errors.New("dry run")

// change takes tenants through f inside one transaction of the store, then
// brings the snapshot up to date and tells what was changed.
func (r *Registry) change(ctx context.Context, by Actor, q *request, ids []gateway.TenantID, f func(*edit) error) (Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	if err := r.changeable(ctx, by, ids); err != nil {
		return Outcome{}, err
	}
	var out Outcome
	var refused error
	err := r.config.Store.Update(ctx, Lookup{Tenants: ids, Request: q.digest()}, func(c Current) (Write, error) {
		var w Write
		w, out, refused = r.attempt(by, q, c, f)
		if refused == nil && !out.Replayed {
			refused = r.record(ctx, out.Changes)
		}
		return w, refused
	})
	switch {
	case errors.Is(refused, errDryRun):
		return out, nil
	case refused != nil:
		return Outcome{}, refused
	case err != nil:
		return Outcome{}, unavailable("change tenants", err)
	case out.Replayed:
		return out, nil
	}
	r.tell(ctx, out.Changes)
	if err := r.Sync(ctx); err != nil { // it is stored; the snapshot follows with the next look
		r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "snapshot not renewed after a change", slog.Any("error", err))
	}
	return out, nil
}

// changeTimeout bounds a change, also one of a thousand tenants.
const changeTimeout = time.Minute

// changeable says no before the store is asked.
func (r *Registry) changeable(ctx context.Context, by Actor, ids []gateway.TenantID) error {
	for _, id := range ids {
		if err := by.may(id); err != nil {
			return err
		}
	}
	if r.config.Store == nil {
		return conflict("change tenant", "", "Hier ist keine Datenbank für Mandanten eingerichtet. Sie stehen in der Konfiguration.")
	}
	if r.stale() != nil {
		if err := r.Sync(ctx); err != nil {
			return unavailable("change tenants", err)
		}
	}
	for _, id := range ids {
		if t, ok := r.Tenant(id); ok && t.Managed == ManagedConfig {
			return conflict("change tenant", "id", fmt.Sprintf("Der Mandant %q steht in der Konfiguration und wird dort geändert.", id))
		}
	}
	return nil
}

// attempt is one try inside the transaction.
func (r *Registry) attempt(by Actor, q *request, c Current, f func(*edit) error) (Write, Outcome, error) {
	now := r.config.Now().UTC()
	if c.Answer != nil {
		if out, ok, err := q.open(c.Answer, now); ok || err != nil {
			return Write{}, out, err
		}
	}
	e := &edit{
		by: by, config: &r.config, now: now, taken: r.Directory().keys,
		tenants: map[gateway.TenantID]*Tenant{}, touched: map[gateway.TenantID]bool{},
	}
	for id, row := range c.Rows {
		if row.Body == nil {
			continue
		}
		t, err := decodeTenant(row)
		if err != nil {
			return Write{}, Outcome{}, err
		}
		e.tenants[id] = &t
	}
	if err := f(e); err != nil {
		return Write{}, Outcome{Changes: e.changes}, err
	}
	w := Write{Forget: now.Add(-answerLife).Unix() + 1, At: now.Unix()}
	for _, id := range slices.Sorted(maps.Keys(e.touched)) {
		row, err := e.row(id, c.Rows[id].Version+1)
		if err != nil {
			return Write{}, Outcome{}, err
		}
		w.Rows = append(w.Rows, row)
	}
	out := e.outcome(slices.Sorted(maps.Keys(e.tenants)))
	if q != nil {
		var err error
		w.Request = q.digest()
		if w.Answer, err = q.seal(out, now); err != nil {
			return Write{}, Outcome{}, err
		}
	}
	return w, out, nil
}

// row is a changed tenant as it is kept.
func (e *edit) row(id gateway.TenantID, version int64) (Row, error) {
	t := e.tenants[id]
	if t == nil {
		return Row{ID: id, Version: version}, nil
	}
	t.Version, t.ChangedAt, t.ChangedBy = version, e.now, e.by.Name
	body, err := encodeTenant(*t)
	if err == nil && len(body) > maxTenantSize {
		err = invalid("", fmt.Sprintf("Der Mandant ist größer als %d KiB.", maxTenantSize>>10))
	}
	return Row{ID: id, Version: version, Body: body}, err
}

const maxTenantSize = 2 << 20

func (e *edit) outcome(ids []gateway.TenantID) Outcome {
	out := Outcome{Changes: e.changes, Keys: e.keys}
	for _, id := range ids {
		t := e.tenants[id]
		if t == nil {
			continue
		}
		for i := range t.Systems {
			for j := range t.Systems[i].Keys {
				t.Systems[i].Keys[j].State = t.Systems[i].Keys[j].At(e.now)
			}
		}
		out.Tenants = append(out.Tenants, *t)
	}
	return out
}

// recordAtOnce bounds how many changes are written down at the same time: they
// share commits.
const recordAtOnce = 32

// record writes changes down before they are stored.
func (r *Registry) record(ctx context.Context, changes []Change) error {
	if r.config.Record == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(recordAtOnce)
	for _, c := range changes {
		group.Go(func() error { return r.config.Record(ctx, c) })
	}
	return group.Wait()
}

func (r *Registry) tell(ctx context.Context, changes []Change) {
	for _, c := range changes {
		r.config.Changed(context.WithoutCancel(ctx), c)
	}
}

// replace puts a tenant in the place of another, nil for none, and notes what
// differs. It returns the tenant for further changes.
func (e *edit) replace(current *Tenant, next Tenant) *Tenant {
	old, wanted := map[string]json.RawMessage{}, tenantFields(&next)
	action := TenantCreated
	if current != nil {
		old, action = tenantFields(current), TenantUpdated
		next.Version, next.ChangedAt, next.ChangedBy = current.Version, current.ChangedAt, current.ChangedBy
		if current.Active != next.Active {
			action = map[bool]Action{true: TenantActivated, false: TenantDeactivated}[next.Active]
		}
	}
	if was, is, differ := difference(old, wanted); differ {
		e.note(Change{Action: action, Tenant: next.ID, Old: was, New: is})
	}
	e.replaceSystems(current, &next)
	e.tenants[next.ID] = &next
	return &next
}

func (e *edit) replaceSystems(current, next *Tenant) {
	for i := range next.Systems {
		s := &next.Systems[i]
		old, action := map[string]json.RawMessage{}, SystemCreated
		if current != nil {
			if was, ok := current.System(s.ID); ok {
				old, action = systemFields(was), SystemUpdated
			}
		}
		if was, is, differ := difference(old, systemFields(s)); differ {
			e.note(Change{Action: action, Tenant: next.ID, System: s.ID, Old: was, New: is})
		}
	}
	if current == nil {
		return
	}
	for i := range current.Systems {
		s := &current.Systems[i]
		if _, ok := next.System(s.ID); !ok {
			e.note(Change{Action: SystemRemoved, Tenant: next.ID, System: s.ID, Old: object(s)})
		}
	}
}

func (e *edit) remove(t *Tenant) {
	e.note(Change{Action: TenantDeleted, Tenant: t.ID, Old: object(t)})
	e.tenants[t.ID] = nil
}

func (e *edit) keyChanged(action Action, at Place, old, next Key) {
	was, is, _ := difference(fieldsOf(old), fieldsOf(next))
	e.note(Change{Action: action, Tenant: at.Tenant, System: at.System, Key: next.ID, Old: was, New: is})
}

func (e *edit) note(c Change) {
	c.Time, c.Actor = e.now, e.by.Name
	c.Home, c.User = cmp.Or(e.by.Home, OperatorTenant), cmp.Or(e.by.User, e.by.Name)
	e.changes = append(e.changes, c)
	e.touched[c.Tenant] = true
}

// tenantFields are the fields a person sets, without the systems.
func tenantFields(t *Tenant) map[string]json.RawMessage {
	own := *t
	own.Systems, own.Version, own.Managed, own.ChangedBy = nil, 0, "", ""
	fields := fieldsOf(own)
	for _, name := range [...]string{"systems", "changed_at"} {
		delete(fields, name)
	}
	return fields
}

func systemFields(s *System) map[string]json.RawMessage {
	own := *s
	own.Keys = nil
	fields := fieldsOf(own)
	delete(fields, "keys")
	return fields
}

func fieldsOf(v any) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(object(v), &fields) // what was just encoded
	return fields
}

// object encodes one of our types, which cannot fail but for a broken setting,
// and those are checked before.
func object(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// difference returns what two objects do not share.
func difference(old, next map[string]json.RawMessage) (was, is json.RawMessage, differ bool) {
	a, b := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for name, change := range differing(old, next) {
		if !change {
			continue
		}
		differ = true
		if v, ok := old[name]; ok {
			a[name] = v
		}
		if v, ok := next[name]; ok {
			b[name] = v
		}
	}
	return notEmpty(a), notEmpty(b), differ
}

func notEmpty(fields map[string]json.RawMessage) json.RawMessage {
	if len(fields) == 0 {
		return nil
	}
	return object(fields)
}

// differing says of every name in either map whether its values differ.
func differing(old, next map[string]json.RawMessage) map[string]bool {
	out := make(map[string]bool, len(next))
	for name := range old {
		out[name] = !sameJSON(old[name], next[name])
	}
	for name := range next {
		out[name] = !sameJSON(old[name], next[name])
	}
	return out
}

// sameJSON compares values, not their spelling.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	return len(a) > 0 && len(b) > 0 && bytes.Equal(canonical(a), canonical(b))
}

// canonical sorts the names and drops blanks; numbers stay as they are written.
func canonical(raw json.RawMessage) []byte {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return raw
	}
	return object(v)
}
