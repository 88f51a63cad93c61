// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
	"github.com/ki-schleuse/schleuse/policies"
)

// signedProposal has two signatures over its text; nothing of it was checked by a desk.
func signedProposal(t *testing.T, k keys) Proposal {
	t.Helper()
	impact := policies.Impact{Records: 3}
	p := Proposal{
		ID: "e-1", Revision: "2026-12-01.1", Digest: strings.Repeat("ab", 32), Author: ada, Time: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC),
		Phase: PhaseOpen, Impact: &impact, ImpactDigest: impact.Digest(),
	}
	p.Text = p.statement().Text()
	for name, person := range map[string]Person{"dsb": berta, "it": cem} {
		p.Signatures = append(p.Signatures, Signature{Signer: name, Person: person, Line: lastLine(k.sign(t, p.Text, name))})
	}
	return p
}

// TestActivationLooksAgain: whatever stands in the state, an activation rests on two
// signatures of two persons over this text, and on nothing else.
func TestActivationLooksAgain(t *testing.T) {
	t.Parallel()
	k := newKeys(t, "dsb", "it", "fremd")
	r := &record{now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	for name, c := range map[string]struct {
		change func(*Proposal)
		trust  func(*Trust)
		notes  []Event
		want   string // "": it may be activated
	}{
		"as it is":                      {},
		"another revision":              {change: func(p *Proposal) { p.Revision = "2026-12-01.2" }, want: "Text"},
		"another bundle":                {change: func(p *Proposal) { p.Digest = strings.Repeat("cd", 32) }, want: "Text"},
		"another bundle in the text":    {change: func(p *Proposal) { p.Digest = strings.Repeat("cd", 32); p.Text = p.statement().Text() }, want: "Unterschrift"},
		"another report":                {change: func(p *Proposal) { p.Impact = &policies.Impact{Records: 4} }, want: "Auswirkung"},
		"no report":                     {change: func(p *Proposal) { p.Impact = nil }, want: "Auswirkung"},
		"the author is a signer":        {change: func(p *Proposal) { p.Author = berta }, want: "verschiedene Personen"},
		"the author by another name":    {change: func(p *Proposal) { p.Author = Person{Tenant: "amt", Name: "B.", Pseudonym: berta.Pseudonym} }, want: "verschiedene Personen"},
		"one person handed in both":     {change: func(p *Proposal) { p.Signatures[0].Person, p.Signatures[1].Person = berta, berta }, want: "gehört einer anderen Person"},
		"one signature":                 {change: func(p *Proposal) { p.Signatures = p.Signatures[:1] }, want: "1 von 2"},
		"one signature twice":           {change: func(p *Proposal) { p.Signatures[1] = p.Signatures[0] }, want: "verschiedene Personen"},
		"the line of somebody else":     {change: func(p *Proposal) { p.Signatures[0].Line = p.Signatures[1].Line }, want: "nicht von dem"},
		"a signer that is none":         {change: func(p *Proposal) { p.Signatures[0].Signer = "fremd" }, want: "1 von 2"},
		"a revoked key":                 {trust: func(t *Trust) { t.Signers[0].Revoked = "2026-11-30" }, want: "1 von 2"},
		"withdrawn, says the record":    {notes: []Event{{Topic: TopicWithdrawn, Old: json.RawMessage(`{"proposal":"e-1"}`)}}, want: "zurückgezogen"},
		"another one was withdrawn":     {notes: []Event{{Topic: TopicWithdrawn, Old: json.RawMessage(`{"proposal":"e-2"}`)}}},
		"an activation that was undone": {notes: []Event{{Topic: TopicWithdrawn, New: json.RawMessage(`{"revision":"2026-11-01.1"}`)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := &record{now: r.now}
			for _, e := range c.notes {
				own.write(e)
			}
			trust := k.trust("dsb", "it")
			if c.trust != nil {
				c.trust(&trust)
			}
			d := &Desk{config: Config{Trust: trust, Journal: own.read, Now: func() time.Time { return own.now }}}
			p := signedProposal(t, k)
			if c.change != nil {
				c.change(&p)
			}
			err := d.checkApproval(t.Context(), p)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(said(err), c.want)) {
				t.Errorf("%v %s", err, said(err))
			}
		})
	}
}

// TestSealedDocuments: who has the database alone changes nothing of a proposal, and
// does not put one in the place of another.
func TestSealedDocuments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	p := signedProposal(t, newKeys(t, "dsb", "it"))
	if err := b.writeSealed(ctx, kindProposal, p.ID, 0, p); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Proposal(ctx, p.ID); err != nil || got.Author != ada {
		t.Fatalf("what was sealed: %+v, %v", got.Author, err)
	}
	sealedDoc, err := b.store.Get(ctx, kindProposal, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var e envelope
	if err := json.Unmarshal(sealedDoc.Body, &e); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func() (string, any){
		"another author": func() (string, any) {
			return p.ID, envelope{[]byte(strings.Replace(string(e.Body), "Ada", "Eva", 1)), e.Seal}
		},
		"under another id":    func() (string, any) { return "e-2", e },
		"without a seal":      func() (string, any) { return p.ID, envelope{Body: e.Body} },
		"of an older version": func() (string, any) { return p.ID, json.RawMessage(plain) },
	} {
		id, body := forge()
		_, version, err := readIf[json.RawMessage](ctx, b.store, kindProposal, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(ctx, b.store, kindProposal, id, version, body); err != nil {
			t.Fatal(err)
		}
		code(t, second(b.Proposal(ctx, id)), gateway.CodeInternal, name)
		code(t, second(b.Activate(ctx, cem, id, "Grund")), gateway.CodeInternal, name)
		list, err := b.Proposals(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.ID == id && (len(one.Missing) == 0 || !strings.Contains(one.Missing[0], "Siegel") || one.Author.Name != "") {
				t.Errorf("%s: the list shows %+v", name, one)
			}
		}
	}
}

// A key that is revoked does not take back what was in force.
func TestRevokedKeys(t *testing.T) {
	t.Parallel()
	w := &world{store: statetest.Memory(), record: &record{now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}, keys: newKeys(t, "dsb", "it")}
	b := w.process(t)
	if err := b.enact(t, firstRevision); err != nil {
		t.Fatal(err)
	}
	for day, fine := range map[string]bool{"2026-12-02": true, "2026-12-01": false} {
		later := w.process(t)
		later.config.Trust.Signers[0].Revoked = day
		if err := later.Start(t.Context()); (err == nil) != fine {
			t.Errorf("revoked from %s: %v", day, err)
		}
	}
}
