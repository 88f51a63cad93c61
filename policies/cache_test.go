// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// uncached is the golden corpus with an engine that remembers nothing.
func uncached(t testing.TB) *Engine {
	t.Helper()
	g, err := readGolden(Library())
	if err != nil {
		t.Fatal(err)
	}
	c := g.config(nil)
	c.NoCache = true
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustDecide(t testing.TB, e *Engine, q gateway.Question) gateway.Decision {
	t.Helper()
	d, err := e.Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	d.Duration = 0
	return d
}

func TestRememberedIsTheSame(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	fresh := uncached(t)
	for _, c := range g.cases {
		want := mustDecide(t, fresh, c.question)
		for range 2 {
			if got := mustDecide(t, e, c.question); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: remembered %+v, decided %+v", c.name(), got, want)
			}
		}
	}
	if n := len(e.active.Load().cache.young); n == 0 {
		t.Error("nothing was remembered")
	}
}

// TestDamagedQuestionsAreNotConfused damages every field of the golden questions.
// An engine that remembers all it was ever asked must answer each damaged question
// like one that remembers nothing.
func TestDamagedQuestionsAreNotConfused(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	fresh := uncached(t)
	step := 8
	if testing.Short() || raceEnabled {
		step = 29
	}
	asked, hits := 0, 0
	for i, c := range g.cases {
		mustDecide(t, e, c.question)
		if i%step != 0 {
			continue
		}
		damage(&c.question, func(path string) {
			asked++
			before := len(e.active.Load().cache.young)
			got := mustDecide(t, e, c.question)
			if len(e.active.Load().cache.young) == before {
				hits++
			}
			if want := mustDecide(t, fresh, c.question); !reflect.DeepEqual(got, want) {
				t.Errorf("%s with %s: remembered %s %v, decided %s %v", c.name(), path, got.Effect, ruleIDs(got), want.Effect, ruleIDs(want))
			}
		})
	}
	if asked < 200 || hits == 0 || hits == asked {
		t.Errorf("%d damaged questions, %d remembered", asked, hits)
	}
	t.Logf("%d damaged questions, %d answered from memory", asked, hits)
}

// damage calls try with every field of q emptied and changed, one at a time.
func damage(q *gateway.Question, try func(path string)) {
	damageValue(reflect.ValueOf(q).Elem(), "question", try)
}

func damageValue(v reflect.Value, path string, try func(string)) {
	if !v.CanSet() {
		return
	}
	original := reflect.New(v.Type()).Elem()
	original.Set(v)
	for i, other := range otherValues(v) {
		v.Set(other)
		try(fmt.Sprintf("%s, change %d", path, i))
	}
	v.Set(original)
	switch v.Kind() { //nolint:exhaustive // questions hold no others with parts
	case reflect.Struct:
		for i := range v.NumField() {
			damageValue(v.Field(i), path+"."+v.Type().Field(i).Name, try)
		}
	case reflect.Slice:
		for i := range v.Len() {
			damageValue(v.Index(i), fmt.Sprintf("%s[%d]", path, i), try)
		}
	}
}

func otherValues(v reflect.Value) []reflect.Value {
	zero := reflect.Zero(v.Type())
	switch v.Kind() { //nolint:exhaustive // questions hold no others
	case reflect.String:
		return []reflect.Value{zero, reflect.ValueOf("junk").Convert(v.Type()), reflect.ValueOf("zu viel, ja").Convert(v.Type())}
	case reflect.Bool:
		return []reflect.Value{reflect.ValueOf(!v.Bool()).Convert(v.Type())}
	case reflect.Float64:
		return []reflect.Value{reflect.ValueOf(v.Float() + 1).Convert(v.Type())}
	case reflect.Int, reflect.Int64:
		return []reflect.Value{reflect.ValueOf(int(v.Int()) + 1).Convert(v.Type()), reflect.ValueOf(int(v.Int()) + 7).Convert(v.Type()), reflect.ValueOf(-1).Convert(v.Type())}
	case reflect.Slice:
		out := []reflect.Value{zero}
		if v.Len() > 0 {
			out = append(out, v.Slice(1, v.Len()), reflect.Append(v.Slice3(0, v.Len(), v.Len()), v.Index(0)))
		}
		return out
	case reflect.Map:
		if counts, ok := reflect.TypeAssert[map[gateway.FindingKind]int](v); ok {
			more := maps.Clone(counts)
			if more == nil {
				more = map[gateway.FindingKind]int{}
			}
			more["iban"], more["nicht lesbar"] = 3, 1
			return []reflect.Value{zero, reflect.ValueOf(more)}
		}
	case reflect.Struct:
		if moment, ok := reflect.TypeAssert[time.Time](v); ok {
			return []reflect.Value{reflect.ValueOf(moment.AddDate(0, 0, 1)), reflect.ValueOf(moment.AddDate(-20, 0, 0)), reflect.ValueOf(moment.Add(time.Second))}
		}
	}
	return nil
}

// TestNobodyChangesWhatOthersGet writes into everything the first caller got, and
// appends to everything later ones got: what is remembered stays as it was.
func TestNobodyChangesWhatOthersGet(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	remembered := e.active.Load().cache
	for _, c := range g.cases {
		before := len(remembered.young)
		first := mustDecide(t, e, c.question)
		want := deepCopy(t, first)
		if len(remembered.young) > before {
			spoil(reflect.ValueOf(&first).Elem())
		}
		for range 3 {
			got := mustDecide(t, e, c.question)
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%s: what one caller changed came to another: %+v", c.name(), got)
			}
			_ = append(got.Reasons, gateway.Reason{Rule: "X"})
			_ = append(got.Obligations, gateway.Obligation{ID: "x"})
			_ = append(got.Models, "x")
			_ = append(got.DataClasses, "x")
			_ = append(got.Input, 'x')
		}
	}
}

// TestSameCard changes every field of a card: it is another card then, for the
// rules too.
func TestSameCard(t *testing.T) {
	t.Parallel()
	cards := []gateway.ModelCard{{
		ID: "m", DataClasses: []gateway.DataClass{"public"}, Operations: []gateway.Operation{"chat"}, Capabilities: []gateway.Capability{"tools"},
	}, {ID: "n"}}
	sets := newModelSets()
	first := sets.of(cards)
	if sets.of(slices.Clone(cards)) != first {
		t.Error("the same cards are not recognised")
	}
	fields := 0
	original := cards[0]
	damageValue(reflect.ValueOf(&cards[0]).Elem(), "card", func(path string) {
		if reflect.DeepEqual(cards[0], original) {
			return
		}
		fields++
		sets.known[sets.hash(cards)] = first // also where only the id differs
		set := sets.of(cards)
		if set == first {
			t.Errorf("%s: the card passes for the one before", path)
		}
		if want := newModelSet(cards); !bytes.Equal(set.json, want.json) || set.digest != want.digest {
			t.Errorf("%s: written as %s", path, set.json)
		}
	})
	if fields < 20 {
		t.Errorf("only %d changes", fields)
	}
}

func deepCopy(t *testing.T, d gateway.Decision) gateway.Decision {
	t.Helper()
	out := copyDecision(d)
	out.Input = append([]byte{}, d.Input...)
	if !reflect.DeepEqual(out, d) {
		t.Fatalf("a copy differs: %+v, %+v", out, d)
	}
	return out
}

// spoil overwrites everything that can be reached through v.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			spoil(f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			inside := reflect.New(v.Type().Elem()).Elem()
			inside.Set(v.MapIndex(key))
			spoil(inside)
			v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
		}
	case reflect.Interface:
		if inside := v.Elem(); inside.Kind() == reflect.Slice || inside.Kind() == reflect.Map {
			spoil(inside)
		}
		v.SetZero()
	case reflect.String:
		v.SetString("spoiled")
	case reflect.Uint8:
		v.SetUint('!')
	default:
		v.SetZero()
	}
}

func TestErrorsAreNotRemembered(t *testing.T) {
	t.Parallel()
	_, g := corpus(t)
	c := g.config(bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if {
	input.caller.system == "broken"
	substring(input.purpose, -1, 1) == "x"
}`)}))
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	q := benchQuestion(g)
	q.Request.Caller.System = "broken"
	if d := mustDecide(t, e, q); d.Allowed() || d.Reasons[0].Rule != "KERN-000" {
		t.Fatalf("in spite of an error in a built-in function: %s %v", d.Effect, ruleIDs(d))
	}
	ended, cancel := contextEnded(t)
	defer cancel()
	q.Request.Caller.System = "other"
	if d, err := e.Decide(ended, q); err == nil || d.Allowed() {
		t.Fatalf("for a caller who left: %s, %v", d.Effect, err)
	}
	if n := len(e.active.Load().cache.young); n != 0 {
		t.Errorf("%d failures are remembered", n)
	}
	if d := mustDecide(t, e, q); !d.Allowed() {
		t.Errorf("after a failure: %s %v", d.Effect, ruleIDs(d))
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	now := canaryTime
	c := newDecisionCache(func() time.Time { return now })
	key := func(i int) (k cacheKey) {
		return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	}
	for i := range 3 * cacheEntries {
		c.keep(key(i), gateway.Decision{Effect: gateway.EffectAllow})
		if n := len(c.young) + len(c.old); n > 2*cacheEntries {
			t.Fatalf("%d decisions are remembered", n)
		}
	}
	if _, ok := c.recall(key(3*cacheEntries - 1)); !ok {
		t.Error("the youngest decision is forgotten")
	}
	if _, ok := c.recall(key(0)); ok {
		t.Error("the oldest decision is still there")
	}
	for range 2 {
		now = now.Add(cacheAge + time.Second)
		c.keep(key(-1), gateway.Decision{})
	}
	if _, ok := c.recall(key(3*cacheEntries - 1)); ok {
		t.Error("a decision nobody asked for is remembered for longer than two generations")
	}
}

func TestSetTenants(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	q := benchQuestion(g)
	first := mustDecide(t, e, q)
	if !first.Allowed() {
		t.Fatal(ruleIDs(first))
	}
	tenants := maps.Clone(g.setup.Tenants)
	tenants["musterstadt"] = Tenant{Active: false}
	if err := e.SetTenants(t.Context(), tenants); err != nil {
		t.Fatal(err)
	}
	suspended := mustDecide(t, e, q)
	if suspended.Allowed() || suspended.Digest == first.Digest || suspended.Revision != first.Revision {
		t.Errorf("after the suspension: %s %v", suspended.Effect, ruleIDs(suspended))
	}
	tenants["musterstadt"] = Tenant{Active: true} // the caller's map is his own
	if d := mustDecide(t, e, q); d.Allowed() {
		t.Error("changing the map that was handed in changed the tenants")
	}
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := mustDecide(t, e, q); d.Allowed() || d.Digest != suspended.Digest {
		t.Error("reading the bundle again forgot the tenants")
	}
	ended, cancel := contextEnded(t)
	defer cancel()
	if err := e.SetTenants(ended, g.setup.Tenants); err == nil {
		t.Error("tenants became active although the canary questions were not answered")
	}
	if d := mustDecide(t, e, q); d.Digest != suspended.Digest {
		t.Error("a failed change changed something")
	}
	if err := e.SetTenants(t.Context(), g.setup.Tenants); err != nil {
		t.Fatal(err)
	}
	if d := mustDecide(t, e, q); !d.Allowed() || d.Digest != first.Digest {
		t.Errorf("with the first tenants again: %s, digest %s", d.Effect, d.Digest)
	}
}

// TestTenantsChangeAtOnce: a tenant is active in one state and its neighbour in the
// other; each decision says by its digest in which state it was made. For -race.
func TestTenantsChangeAtOnce(t *testing.T) {
	t.Parallel()
	_, g := corpus(t)
	states := []map[gateway.TenantID]Tenant{
		{"musterstadt": {Active: true}, "neudorf": {Active: false}},
		{"musterstadt": {Active: false}, "neudorf": {Active: true}},
	}
	c := g.config(nil)
	c.Tenants = states[0]
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]int{}
	for i, s := range states {
		if err := e.SetTenants(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		digests[e.Digest()] = i
	}
	var group sync.WaitGroup
	for worker, tenant := range []gateway.TenantID{"musterstadt", "neudorf", "musterstadt", "neudorf"} {
		group.Go(func() {
			q := benchQuestion(g)
			q.Request.Caller.Tenant = tenant
			for i := range 40 {
				q.Request.CaseDate = canaryTime.AddDate(0, 0, -(i%5)-worker)
				d, err := e.Decide(t.Context(), q)
				state, known := digests[d.Digest]
				if err != nil || !known || d.Allowed() != states[state][tenant].Active {
					t.Errorf("%s in state %d: %s, %v", tenant, state, d.Effect, err)
				}
			}
		})
	}
	for i := range 6 {
		if err := e.SetTenants(t.Context(), states[i%2]); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
}
