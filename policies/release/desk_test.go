// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/policies"
)

var (
	ada    = Person{Tenant: "amt", Name: "Ada", Role: "richtlinien", Pseudonym: "p-ada"}
	berta  = Person{Tenant: "amt", Name: "Berta", Role: "richtlinien", Pseudonym: "p-berta"}
	cem    = Person{Tenant: "amt", Name: "Cem", Role: "richtlinien", Pseudonym: "p-cem"}
	sealed = []byte("0123456789abcdef0123456789abcdef")
)

// keys of signers, by name.
type keys map[string]struct{ private, public string }

func newKeys(t testing.TB, names ...string) keys {
	t.Helper()
	out := keys{}
	for _, name := range names {
		private, public, err := GenerateKey(name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = struct{ private, public string }{private, public}
	}
	return out
}

func (k keys) trust(names ...string) Trust {
	var t Trust
	for _, name := range names {
		t.Signers = append(t.Signers, Signer{Name: name, Key: k[name].public, Person: cmp.Or(map[string]string{"dsb": "Berta", "it": "Cem"}[name], name)})
	}
	return t
}

func (k keys) sign(t testing.TB, text, name string) []byte {
	t.Helper()
	signed, err := Sign([]byte(text), k[name].private)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// bench is a desk with all it works on.
type bench struct {
	*Desk
	store  state.Store
	engine *policies.Engine
	keys   keys
	mu     sync.Mutex
	events []Event
	noting error
	now    time.Time
	past   []gateway.Record
}

func (b *bench) topics() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, e := range b.events {
		out = append(out, e.Topic)
	}
	return out
}

var tenants = map[gateway.TenantID]policies.Tenant{"amt": {Active: true}}

func setup(t testing.TB, change ...func(*Config)) *bench {
	t.Helper()
	return replica(t, statetest.Memory(), newKeys(t, "dsb", "it"), change...)
}

// replica is a desk of a process of its own over a shared store.
func replica(t testing.TB, store state.Store, k keys, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{store: store, keys: k, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	var err error
	if b.engine, err = policies.New(context.Background(), policies.Config{Tenants: tenants, Timeout: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Store: store, Engine: b.engine, Trust: k.trust("dsb", "it"), Key: sealed, Poll: 5 * time.Millisecond,
		Now: func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now },
		Note: func(_ context.Context, e Event) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.noting == nil {
				b.events = append(b.events, e)
			}
			return b.noting
		},
		History: func(_ context.Context, _ time.Time, yield func(gateway.Record) error) error {
			for _, r := range b.past {
				if err := yield(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for _, f := range change {
		f(&c)
	}
	if b.Desk, err = New(c); err != nil {
		t.Fatal(err)
	}
	if err := b.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return b
}

// noUSA is a rule nobody needs: models in the US are rejected.
const noUSA = `# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Probe
# custom:
#   rule_id: ROU-990
#   legal_basis: "§ 1 Probe"
#   severity: block
#   text: Fragen nach Fakten sind probeweise untersagt.
#   text_en: Questions about facts are forbidden on trial.
package rules.routing.probe

import rego.v2

deny if {
	input.caller.system == "probe"
	input.purpose == "factual_qa"
}
`

const noUSATest = `# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.routing.probe_test

import rego.v2

import data.rules.routing.probe

test_fires if probe.deny with input as {"caller": {"system": "probe"}, "purpose": "factual_qa"}

test_does_not_fire if not probe.deny with input as {"caller": {"system": "woga"}, "purpose": "factual_qa"}
`

func probeDraft() Draft {
	return Draft{Comment: "Probe", Files: map[string][]byte{
		"rego/routing/probe/probe.rego": []byte(noUSA), "rego/routing/probe/probe_test.rego": []byte(noUSATest),
	}}
}

// question of the system probe, allowed by the shipped policies.
func question() gateway.Question {
	return gateway.Question{
		Stage: gateway.StageRequest,
		Request: gateway.Request{
			Time: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Operation: gateway.OperationChat, Purpose: gateway.PurposeFactualQA,
			Caller: gateway.Caller{Tenant: "amt", System: "probe", Channel: gateway.ChannelCaseworker, Purposes: []gateway.Purpose{gateway.PurposeFactualQA}},
		},
		Models: []gateway.ModelCard{{
			ID: "own", Residency: gateway.ResidencyOwn, Country: "DE", ProcessorKind: "own",
			DataClasses: []gateway.DataClass{gateway.DataInternal, gateway.DataPersonal}, Operations: []gateway.Operation{gateway.OperationChat},
		}},
	}
}

func (b *bench) decide(t testing.TB) gateway.Decision {
	t.Helper()
	d, err := b.engine.Decide(context.Background(), question())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// approved is a proposal with everything it needs.
func (b *bench) approved(t testing.TB, draft Draft) Proposal {
	t.Helper()
	ctx := context.Background()
	p, err := b.Propose(ctx, ada, draft)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Checks.OK() {
		t.Fatalf("checks of the draft: %+v", p.Checks)
	}
	if p, err = b.Impact(ctx, ada, p.ID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for name, person := range map[string]Person{"dsb": berta, "it": cem} {
		if p, err = b.Sign(ctx, person, p.ID, string(b.keys.sign(t, p.Text, name))); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func code(t testing.TB, err error, want gateway.Code, about string) {
	t.Helper()
	if got := gateway.CodeOf(err); got != want {
		t.Errorf("%s: %q (%v), want %q", about, got, err, want)
	}
}

func TestFromDraftToForceAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	before := b.decide(t)
	if !before.Allowed() {
		t.Fatalf("the question of the test is denied: %v", before.Reasons)
	}
	b.past = []gateway.Record{{ID: "r1", Tenant: "amt", Decisions: []gateway.Decision{before}}}
	p := b.approved(t, probeDraft())
	if p.Impact.NewlyDenied.Count != 1 || p.Impact.NewlyDenied.Samples[0] != "r1" || p.Impact.Compared != 1 {
		t.Errorf("the impact is %+v, want one request newly denied", p.Impact)
	}
	if len(p.Missing) != 0 {
		t.Fatalf("missing: %v", p.Missing)
	}
	diff, err := b.Diff(ctx, p.ID)
	if err != nil || len(diff.Added) != 1 || diff.Added[0].ID != "ROU-990" {
		t.Errorf("the difference is %+v, %v; want one rule added", diff, err)
	}
	sources, err := b.SourceDiff(ctx, p.ID)
	if err != nil || len(sources) != 1 || sources[0].Kind != policies.SourceAdded || sources[0].New != noUSA || sources[0].Old != "" || len(sources[0].Lines) != strings.Count(noUSA, "\n") {
		t.Errorf("the source of the difference is %+v, %v; want the one rule as it was handed in", sources, err)
	}
	r, err := b.Activate(ctx, cem, p.ID, "Beschluss vom 1.12.")
	if err != nil {
		t.Fatal(err)
	}
	if d := b.decide(t); d.Allowed() || d.Revision != p.Revision || d.Reasons[0].Rule != "ROU-990" {
		t.Errorf("after the activation: %s by %s %v", d.Effect, d.Revision, d.Reasons)
	}
	code(t, second(b.Activate(ctx, cem, p.ID, "noch einmal")), gateway.CodeConflict, "a proposal that is active already")

	// Another one on top, and back to the first: a new, higher revision.
	removal := b.approved(t, Draft{Remove: []string{"rego/routing/probe/probe.rego", "rego/routing/probe/probe_test.rego"}})
	if removal.Impact.NewlyAllowed.Count != 1 || !strings.Contains(removal.Text, removal.ImpactDigest) {
		t.Errorf("what becomes allowed is not signed: %+v", removal.Impact)
	}
	if _, err := b.Activate(ctx, berta, removal.ID, "Rückbau"); err != nil {
		t.Fatal(err)
	}
	if !b.decide(t).Allowed() {
		t.Error("the rule was removed and still denies")
	}
	back, err := b.Rollback(ctx, ada, r.Revision, "Rückbau war verfrüht")
	if err != nil {
		t.Fatal(err)
	}
	if !Higher(back.Revision, removal.Revision) || back.Restores != r.Revision || back.Sequence != 3 {
		t.Errorf("the rollback is %+v", back)
	}
	if d := b.decide(t); d.Allowed() || d.Revision != back.Revision {
		t.Errorf("after the rollback: %s by %s", d.Effect, d.Revision)
	}
	list, err := b.Revisions(ctx)
	if err != nil || len(list) != 4 || !list[0].Current || list[3].From != SourceEmbedded {
		t.Errorf("revisions: %+v, %v", list, err)
	}
	between, err := b.Between(ctx, removal.Revision, back.Revision)
	if err != nil || len(between.Added) != 1 {
		t.Errorf("between two revisions: %+v, %v", between, err)
	}
	gone, err := b.SourcesBetween(ctx, r.Revision, removal.Revision)
	if err != nil || len(gone) != 1 || gone[0].Kind != policies.SourceRemoved || gone[0].Old != noUSA || gone[0].Rule.ID != "ROU-990" {
		t.Errorf("sources between two revisions: %+v, %v", gone, err)
	}
	want := []string{
		TopicProposed, TopicSigned, TopicSigned, TopicActivated, TopicInForce,
		TopicProposed, TopicSigned, TopicSigned, TopicActivated, TopicInForce, TopicActivated, TopicInForce,
	}
	if got := b.topics(); !slices.Equal(got, want) {
		t.Errorf("the record says %v, want %v", got, want)
	}
}

func second[T any](_ T, err error) error { return err }

func TestFourEyes(t *testing.T) {
	t.Parallel()
	k := newKeys(t, "dsb", "it", "fremd")
	b := replica(t, statetest.Memory(), k)
	ctx := t.Context()
	p, err := b.Propose(ctx, ada, probeDraft())
	if err != nil {
		t.Fatal(err)
	}
	code(t, second(b.Sign(ctx, berta, p.ID, string(k.sign(t, p.Text, "dsb")))), gateway.CodeDenied, "a signature before the impact is known")
	if p, err = b.Impact(ctx, ada, p.ID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	other := Statement{Bundle: strings.Repeat("0", 64), Revision: p.Revision}.Text()
	cases := []struct {
		name      string
		by        Person
		signature string
		code      gateway.Code
	}{
		{"the author", ada, string(k.sign(t, p.Text, "dsb")), gateway.CodeDenied},
		{"the author under another name", Person{Tenant: "amt", Name: "Ada M.", Pseudonym: "p-ada"}, string(k.sign(t, p.Text, "dsb")), gateway.CodeDenied},
		{"nobody", Person{}, string(k.sign(t, p.Text, "dsb")), gateway.CodeInvalid},
		{"an unknown key", berta, string(k.sign(t, p.Text, "fremd")), gateway.CodeInvalid},
		{"another text", berta, string(k.sign(t, other, "dsb")), gateway.CodeInvalid},
		{"a line of another text", berta, lastLine(k.sign(t, other, "dsb")), gateway.CodeInvalid},
		{"the key of somebody else", berta, string(k.sign(t, p.Text, "it")), gateway.CodeDenied},
		{"no signature", berta, "einverstanden", gateway.CodeInvalid},
		{"too long", berta, strings.Repeat("x", maxNote+1), gateway.CodeInvalid},
	}
	for _, c := range cases {
		code(t, second(b.Sign(ctx, c.by, p.ID, c.signature)), c.code, c.name)
	}
	if p, err = b.Sign(ctx, berta, p.ID, lastLine(k.sign(t, p.Text, "dsb"))); err != nil {
		t.Fatal(err)
	}
	code(t, second(b.Activate(ctx, cem, p.ID, "zu früh")), gateway.CodeDenied, "one signature")
	code(t, second(b.Sign(ctx, cem, p.ID, string(k.sign(t, p.Text, "dsb")))), gateway.CodeInvalid, "the same key by another person")
	code(t, second(b.Sign(ctx, berta, p.ID, string(k.sign(t, p.Text, "it")))), gateway.CodeDenied, "a second key of the same person")
	code(t, second(b.Impact(ctx, ada, p.ID, time.Time{})), gateway.CodeConflict, "another impact after a signature")
	if p, err = b.Sign(ctx, cem, p.ID, string(k.sign(t, p.Text, "it"))); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Activate(ctx, cem, p.ID, "zwei Unterschriften"); err != nil {
		t.Fatal(err)
	}
}

func lastLine(signed []byte) string {
	lines := strings.Split(strings.TrimSpace(string(signed)), "\n")
	return lines[len(lines)-1]
}

// TestNothingHappensWithoutARecord: each step fails, and leaves nothing behind,
// when it cannot be noted.
func TestNothingHappensWithoutARecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	p := b.approved(t, probeDraft())
	broken := errors.New("disk full")
	b.noting = broken
	state := b.engine.State()
	steps := map[string]func() error{
		"propose":  func() error { return second(b.Propose(ctx, ada, probeDraft())) },
		"activate": func() error { return second(b.Activate(ctx, ada, p.ID, "Grund")) },
		"withdraw": func() error { return second(b.Withdraw(ctx, ada, p.ID, "Grund")) },
		"shadow":   func() error { return second(b.Shadow(ctx, ada, p.ID, time.Hour)) },
	}
	for name, step := range steps {
		if err := step(); !errors.Is(err, broken) || gateway.CodeOf(err) != gateway.CodeNoRecord {
			t.Errorf("%s without a record: %v", name, err)
		}
	}
	if list, err := b.Proposals(ctx); err != nil || len(list) != 1 || list[0].Phase != PhaseOpen {
		t.Errorf("proposals: %v, %v", list, err)
	}
	if b.engine.State() != state {
		t.Error("policies changed without a note")
	}
}

func TestOlderProposalsAreNotActivated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	first, late := b.approved(t, probeDraft()), b.approved(t, probeDraft())
	if _, err := b.Activate(ctx, cem, first.ID, "Grund"); err != nil {
		t.Fatal(err)
	}
	code(t, second(b.Activate(ctx, cem, late.ID, "Grund")), gateway.CodeDenied, "a proposal that was made on older policies")
	code(t, second(b.Rollback(ctx, cem, first.Revision, "Grund")), gateway.CodeConflict, "a rollback to what is in force")
	code(t, second(b.Rollback(ctx, cem, "2020-01-01.1", "Grund")), gateway.CodeNotFound, "a revision that never was")
	if p, err := b.Withdraw(ctx, ada, late.ID, "überholt"); err != nil || p.Phase != PhaseWithdrawn {
		t.Errorf("withdrawn: %v, %v", p.Phase, err)
	}
}

// Between two looks at the store a replica does not know what another activated: a
// proposal made on what was in force before must not undo it.
func TestReplicasThatLagUndoNothing(t *testing.T) {
	t.Parallel()
	store, k := statetest.Memory(), newKeys(t, "dsb", "it")
	one, two := replica(t, store, k), replica(t, store, k)
	two.now = two.now.AddDate(0, 0, 1)
	first, late := one.approved(t, probeDraft()), two.approved(t, probeDraft())
	if !Higher(late.Revision, first.Revision) {
		t.Fatalf("%s does not follow %s", late.Revision, first.Revision)
	}
	if _, err := one.Activate(t.Context(), cem, first.ID, "Grund"); err != nil {
		t.Fatal(err)
	}
	code(t, second(two.Activate(t.Context(), cem, late.ID, "Grund")), gateway.CodeConflict, "a proposal on older policies, on a replica that lags")
	if slices.Contains(two.topics(), TopicActivated) {
		t.Error("an activation was noted that never was")
	}
	two.tick(t.Context())
	code(t, second(two.Activate(t.Context(), cem, late.ID, "Grund")), gateway.CodeDenied, "the same when it has followed")
}

func TestDraftsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	cases := map[string]Draft{
		"nothing":          {},
		"no change":        {Files: map[string][]byte{"manifest.yaml": shipped(t)["manifest.yaml"]}},
		"a path":           {Files: map[string][]byte{"../../etc/passwd": []byte("x")}},
		"a foreign file":   {Files: map[string][]byte{"rego/x.sh": []byte("x")}},
		"an unknown file":  {Remove: []string{"rego/none.rego"}},
		"a file too large": {Files: map[string][]byte{"rego/x/y/z.rego": make([]byte, maxFile+1)}},
		"both ways":        {Zip: []byte("PK"), Remove: []string{"rego/main.rego"}},
		"no archive":       {Zip: []byte("hello")},
		"a long comment":   {Comment: strings.Repeat("x", maxComment+1), Remove: []string{"rego/main.rego"}},
	}
	for name, draft := range cases {
		if _, err := b.Propose(ctx, ada, draft); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	p, err := b.Propose(ctx, ada, Draft{Remove: []string{"rego/main.rego"}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Checks.OK() || len(p.Missing) == 0 {
		t.Errorf("a draft without main.rego passed: %+v", p.Checks)
	}
	code(t, second(b.Sign(ctx, berta, p.ID, string(b.keys.sign(t, p.Text, "dsb")))), gateway.CodeDenied, "signing what failed its checks")
}

func shipped(t testing.TB) Files {
	t.Helper()
	files, err := FromFS(policies.Library())
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestReplicasFollow: what is activated at one replica is in force at the other,
// also after a new start, and a store that was changed or set back is not followed.
func TestReplicasFollow(t *testing.T) {
	t.Parallel()
	store, k := statetest.Memory(), newKeys(t, "dsb", "it")
	one, two := replica(t, store, k), replica(t, store, k)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = two.Follow(ctx) })
	defer running.Wait()
	defer cancel()
	p := one.approved(t, probeDraft())
	if _, err := one.Activate(ctx, cem, p.ID, "Grund"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other replica follows", func() bool { return two.engine.Revision() == p.Revision })
	if three := replica(t, store, k); three.engine.Revision() != p.Revision || three.Status().Sequence != 1 || !slices.Equal(three.Status().Signers, []string{"dsb", "it"}) {
		t.Errorf("after a new start: %+v", three.Status())
	}

	// Somebody with the database alone changes what is in force.
	doc, err := store.Get(ctx, kindActive, activeID)
	if err != nil {
		t.Fatal(err)
	}
	forged := doc
	forged.Body = []byte(strings.Replace(string(doc.Body), `"sequence":1`, `"sequence":9`, 1))
	if _, err := store.Put(ctx, forged); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica says so", func() bool { return two.Ready(ctx) != nil })
	if two.engine.Revision() != p.Revision {
		t.Error("a forged entry changed the policies")
	}
	if _, err := New(Config{Store: store, Engine: one.engine, Key: []byte("other"), Note: one.config.Note}); err != nil {
		t.Fatal(err)
	}

	// Or deletes it.
	doc, err = store.Get(ctx, kindActive, activeID)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(ctx, kindActive, activeID, doc.Version); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replica stays", func() bool {
		return two.Ready(ctx) != nil && strings.Contains(two.Status().Problem, "älteren Regelstand") && two.engine.Revision() == p.Revision
	})
}

func TestUnloadableRevisionKeepsTheOldOne(t *testing.T) {
	t.Parallel()
	store, k := statetest.Memory(), newKeys(t, "dsb", "it", "neu")
	one := replica(t, store, k)
	// This replica trusts another second signer.
	two := replica(t, store, k, func(c *Config) { c.Trust = k.trust("dsb", "neu") })
	p := one.approved(t, probeDraft())
	if _, err := one.Activate(t.Context(), cem, p.ID, "Grund"); err != nil {
		t.Fatal(err)
	}
	before := two.engine.State()
	two.tick(t.Context())
	if two.engine.State() != before || two.Ready(t.Context()) == nil {
		t.Errorf("policies without two trusted signatures: %+v", two.Status())
	}
	d, err := New(Config{Store: store, Engine: two.engine, Trust: k.trust("dsb", "neu"), Key: sealed, Note: two.config.Note})
	if err != nil {
		t.Fatal(err)
	}
	if d.Start(t.Context()) == nil {
		t.Error("a process started with policies it does not trust")
	}
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 600 {
		if is() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("not within 12 seconds: %s", what)
}

func TestShadowOverReplicas(t *testing.T) {
	t.Parallel()
	store, k := statetest.Memory(), newKeys(t, "dsb", "it")
	one, two := replica(t, store, k), replica(t, store, k)
	ctx := t.Context()
	p, err := one.Propose(ctx, ada, probeDraft())
	if err != nil {
		t.Fatal(err)
	}
	code(t, second(one.Shadowing(ctx)), gateway.CodeNotFound, "no shadow yet")
	if _, err := one.Shadow(ctx, ada, p.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	two.tick(ctx)
	for _, b := range []*bench{one, two} {
		d, err := b.engine.Pin().Decide(ctx, question())
		if err != nil || !d.Allowed() {
			t.Fatalf("the shadow influences the answer: %v, %v", d.Effect, err)
		}
		eventually(t, "the shadow compares", func() bool { return b.shadowCounts().Compared == 1 })
		b.mu.Lock()
		b.now = b.now.Add(time.Minute)
		b.mu.Unlock()
		b.tick(ctx)
	}
	run, err := one.Shadowing(ctx)
	if err != nil || run.Counts.Asked != 2 || run.Counts.NewlyDenied != 2 || run.Counts.ByRule["ROU-990"].Added != 2 {
		t.Errorf("counts of both replicas: %+v, %v", run.Counts, err)
	}
	// Its time ends.
	for _, b := range []*bench{one, two} {
		b.mu.Lock()
		b.now = b.now.Add(2 * time.Hour)
		b.mu.Unlock()
		b.tick(ctx)
		b.tick(ctx)
	}
	run, err = two.Shadowing(ctx)
	if err != nil || run.Ended.IsZero() || run.Counts.Compared != 2 {
		t.Errorf("after its time: %+v, %v", run, err)
	}
	code(t, second(one.EndShadow(ctx, ada)), gateway.CodeConflict, "ending what has ended")
	ended := 0
	for _, topic := range append(one.topics(), two.topics()...) {
		if topic == TopicShadowEnded {
			ended++
		}
	}
	if ended != 1 {
		t.Errorf("the end was noted %d times", ended)
	}
}

func (b *bench) shadowCounts() policies.ShadowCounts {
	b.step.Lock()
	defer b.step.Unlock()
	if b.shadow == nil {
		return policies.ShadowCounts{}
	}
	return b.shadow.shadow.Counts()
}

// TestReloadsUnderLoad: policies change on and on while requests are decided. Every
// request is decided by one state, and none fails.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	base := shipped(t)
	variants := make([]Files, 3)
	for i := range variants {
		files := maps.Clone(base)
		if i == 1 {
			maps.Copy(files, probeDraft().Files)
		}
		variants[i] = files.WithRevision(fmt.Sprintf("2026-12-01.%d", i+1))
	}
	done := make(chan struct{})
	var running sync.WaitGroup
	var requests, seen sync.Map
	for range 4 {
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				decider := b.engine.Pin()
				revisions := map[string]bool{}
				for _, stage := range []gateway.Stage{gateway.StageRequest, gateway.StageContext, gateway.StageResponse} {
					q := question()
					q.Stage = stage
					d, err := decider.Decide(ctx, q)
					if err != nil {
						t.Errorf("a decision failed: %v", err)
						return
					}
					for _, r := range d.Reasons {
						if r.Rule == "KERN-000" {
							t.Error("a decision could not be made")
							return
						}
					}
					revisions[d.Digest] = true
					seen.Store(d.Revision, true)
				}
				if len(revisions) != 1 {
					t.Errorf("one request saw %d states of the policies", len(revisions))
					return
				}
				requests.Store(n, true)
			}
		})
	}
	for i := range 6 {
		if err := b.engine.Load(ctx, variants[i%len(variants)].FS(), ""); err != nil {
			t.Fatal(err)
		}
		if err := b.engine.SetTenants(ctx, tenants); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	running.Wait()
	states := 0
	seen.Range(func(any, any) bool { states++; return true })
	if states < 2 {
		t.Errorf("only %d states were seen: the test shows nothing", states)
	}
}
