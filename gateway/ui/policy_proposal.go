// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// proposalView is one change with everything that has to be known to sign it.
type proposalView struct {
	view
	Tabs     []tab
	Proposal release.Proposal
	Badge    result
	Stages   []stage
	Diff     difference
	// DiffProblem is why the difference cannot be shown.
	DiffProblem string
	Impact      *impactView
	// Run is a comparison that is under way or failed.
	Run *run
	// Shadow of this proposal; Elsewhere is another one that is under way.
	Shadow        *release.ShadowRun
	ShadowFigures []impactFigure
	Elsewhere     string
	Required      int
	// Changes: the person may take steps, and there are some left.
	Changes bool
	// Author: the person proposed it and must not sign.
	Author bool
	Days   []int
	// Hours are the choices for a shadow.
	Hours []int
}

// OtherChanges are those of a bundle that are no rules, in one line; nil: there are
// none.
func (v proposalView) OtherChanges() *phrase {
	n := len(v.Diff.Modules) + len(v.Diff.Tables) + len(v.Diff.Cases)
	if n == 0 {
		return nil
	}
	out := say("dazu %d in Modulen, %d in Tabellen, %d in Musterfällen", len(v.Diff.Modules), len(v.Diff.Tables), len(v.Diff.Cases))
	return &out
}

// stage is one step on the way of a proposal.
type stage struct {
	Text phrase
	// State is is-done, is-wrong, is-now or is-later, a class of the page.
	State string
}

func (u *UI) proposalShow(w http.ResponseWriter, r *http.Request) error {
	v, err := u.proposalView(r)
	if err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "policy_proposal.html", v)
}

var (
	impactDays  = []int{1, 7, 30, 90, 365}
	shadowHours = []int{1, 4, 24, 72, 168}
)

func (u *UI) proposalView(r *http.Request) (proposalView, error) {
	p, err := u.Policies.Desk.Proposal(r.Context(), r.PathValue("id"))
	if err != nil {
		return proposalView{}, err
	}
	person := personOf(r)
	me := u.Policies.Who(person)
	v := proposalView{
		view: u.view(r, "Entwurf"), Tabs: u.policyTabs(person, proposalsPath), Proposal: p, Badge: phaseResult(p), Required: u.Policies.Signatures,
		Changes: u.mayChange(person) && p.Phase == release.PhaseOpen, Author: samePerson(p.Author, me), Days: impactDays, Hours: shadowHours,
	}
	v.Path = policiesPath
	if p.Impact != nil {
		v.Impact = u.impactOf(*p.Impact, mayRead(person))
	}
	if x, ok := u.Policies.runs.impactOf(p.ID); ok {
		v.Run = &x
	}
	shadow, err := u.shadow(r.Context())
	if err != nil {
		return v, err
	}
	switch {
	case shadow == nil:
	case shadow.Proposal == p.ID:
		v.Shadow, v.ShadowFigures = shadow, shadowFigures(shadow.Counts)
	case shadow.Ended.IsZero():
		v.Elsewhere = shadow.Proposal
	}
	v.Stages = stages(p, v.Required, v.Shadow)
	if v.Diff, err = u.proposalDiff(r.Context(), p); err != nil {
		u.logStep(r.Context(), "compare proposal", err)
		v.DiffProblem = problemOf(err)
	}
	return v, nil
}

// proposalDiff is what a proposal changes: one in force against what was before.
func (u *UI) proposalDiff(ctx context.Context, p release.Proposal) (d difference, err error) {
	if p.Phase == release.PhaseActive {
		d.Difference, err = u.Policies.Desk.Between(ctx, p.Base.Revision, p.Revision)
	}
	if p.Phase != release.PhaseActive || gateway.CodeOf(err) == gateway.CodeNotFound {
		d.Difference, err = u.Policies.Desk.Diff(ctx, p.ID)
	}
	if err != nil || len(d.Added) == 0 {
		return d, err
	}
	files, err := u.Policies.Desk.Bundle(ctx, p.ID)
	if err != nil {
		return d, err
	}
	d.Sources = map[string][]sourceLine{}
	for _, rule := range d.Added {
		text, err := fs.ReadFile(files, rule.File)
		if err != nil {
			return d, fmt.Errorf("read rule %s: %w", rule.ID, err)
		}
		d.Sources[rule.ID] = sourceLines(string(text), rule.File, nil)
	}
	return d, nil
}

func shadowFigures(c policies.ShadowCounts) []impactFigure {
	var out []impactFigure
	for _, f := range []struct {
		text  string
		count int64
		rare  bool
	}{
		{"Fragen im Betrieb", c.Asked, false}, {"Ausgelassen", c.Dropped, true}, {"Verglichen", c.Compared, false}, {"Gleich entschieden", c.Same, false},
		{"Neu abgelehnt", c.NewlyDenied, false}, {"Neu zugelassen", c.NewlyAllowed, false}, {"Andere Auflagen", c.ChangedObligations, false},
		{"Andere Modelle", c.ChangedModels, false}, {"Andere Begründung", c.ChangedReasons, true}, {"Fehler", c.Errors, true},
	} {
		if f.count > 0 || !f.rare {
			out = append(out, impactFigure{Text: f.text, Count: int(f.count)})
		}
	}
	return out
}

func samePerson(a, b release.Person) bool {
	return a.Tenant == b.Tenant && (a.Pseudonym != "" && a.Pseudonym == b.Pseudonym || a.Name == b.Name)
}

// stages are the steps of a proposal with how far they are.
func stages(p release.Proposal, required int, shadow *release.ShadowRun) []stage {
	state := func(done, reached bool) string {
		switch {
		case done:
			return "is-done"
		case reached && p.Phase == release.PhaseOpen:
			return "is-now"
		default:
			return "is-later"
		}
	}
	checked := p.Checks.OK()
	signed := checked && len(p.Signatures) >= required
	out := []stage{
		{say("Geprüft"), state(checked, true)},
		{say("Auswirkung berechnet"), state(p.Impact != nil, checked)},
		{say("%d von %d Unterschriften", min(len(p.Signatures), required), required), state(signed, checked && p.Impact != nil)},
		{say("Schattenlauf"), state(shadow != nil && !shadow.Ended.IsZero(), checked && shadow != nil)},
		{say("In Kraft gesetzt"), state(p.Phase == release.PhaseActive, checked && len(p.Missing) == 0)},
	}
	if !checked {
		out[0] = stage{say("Prüfung nicht bestanden"), "is-wrong"}
	}
	return out
}

// proposalText hands over what a signer signs.
func (u *UI) proposalText(w http.ResponseWriter, r *http.Request) error {
	p, err := u.Policies.Desk.Proposal(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	attach(w, "text/plain; charset=utf-8", "richtlinien-"+p.ID+".txt")
	_, err = w.Write([]byte(p.Text))
	return err
}

// proposalBundle hands over the whole bundle, for whoever wants to test it elsewhere.
func (u *UI) proposalBundle(w http.ResponseWriter, r *http.Request) error {
	root, err := u.Policies.Desk.Bundle(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	files, err := release.FromFS(root)
	if err != nil {
		return err
	}
	packed, err := files.Pack()
	if err != nil {
		return err
	}
	attach(w, "application/zip", "richtlinien-"+r.PathValue("id")+".zip")
	_, err = w.Write(packed) //nolint:gosec // a ZIP to be saved, never shown
	return err
}

// attach makes the answer a file to keep.
func attach(w http.ResponseWriter, mediaType, name string) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", "attachment; filename=\""+strings.Map(fileRune, name)+"\"")
}

func fileRune(r rune) rune {
	if r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '_'
}

// proposalImpact compares the proposal with the history, in the background.
func (u *UI) proposalImpact(w http.ResponseWriter, r *http.Request) error {
	days, err := choice(r, "tage", impactDays)
	if err != nil {
		return err
	}
	id, by, from := r.PathValue("id"), u.releasePerson(r), u.Now().AddDate(0, 0, -days)
	if _, err := u.Policies.Desk.Proposal(r.Context(), id); err != nil {
		return err
	}
	task := run{ID: newRunID(), Kind: "impact", Proposal: id, Start: u.Now()}
	if !u.Policies.runs.begin(task) {
		return conflict("compare with the history", "Die Auswirkung dieses Entwurfs wird schon berechnet.")
	}
	u.runStep(task, func(ctx context.Context) (string, error) { //nolint:contextcheck // outlives the request that asked for it
		_, err := u.Policies.Desk.Impact(ctx, by, id, from)
		u.logStep(ctx, "compare with the history", err)
		return "", err
	})
	return u.backTo(w, r, "auswirkung")
}

func conflict(op, message string) *gateway.Error {
	return &gateway.Error{Op: op, Code: gateway.CodeConflict, Message: message}
}

// choice is a number of a form that must be one of a list.
func choice(r *http.Request, field string, of []int) (int, error) {
	n, err := strconv.Atoi(r.PostForm.Get(field))
	for _, x := range of {
		if err == nil && n == x {
			return n, nil
		}
	}
	return 0, invalid(field, "Bitte wählen Sie einen der angebotenen Werte.")
}

// backTo leads to a part of the proposal's page.
func (u *UI) backTo(w http.ResponseWriter, r *http.Request, part string) error {
	http.Redirect(w, r, proposalsPath+"/"+url.PathEscape(r.PathValue("id"))+"#"+part, http.StatusSeeOther)
	return nil
}

const maxSignature = 4 << 10

// proposalSign adds a signature that a person made at the own machine.
func (u *UI) proposalSign(w http.ResponseWriter, r *http.Request) error {
	signature := strings.TrimSpace(r.PostForm.Get("unterschrift"))
	switch {
	case signature == "":
		return invalid("unterschrift", "Bitte fügen Sie ein, was „schleuse policy sign“ ausgegeben hat.")
	case len(signature) > maxSignature:
		return invalid("unterschrift", "Das ist länger als eine Unterschrift. Erwartet wird, was „schleuse policy sign“ ausgegeben hat.")
	}
	if _, err := u.Policies.Desk.Sign(r.Context(), u.releasePerson(r), r.PathValue("id"), signature); err != nil {
		return err
	}
	return u.backTo(w, r, "unterschriften")
}

// proposalShadow asks the proposal beside the policies in force.
func (u *UI) proposalShadow(w http.ResponseWriter, r *http.Request) error {
	hours, err := choice(r, "stunden", shadowHours)
	if err != nil {
		return err
	}
	if _, err := u.Policies.Desk.Shadow(r.Context(), u.releasePerson(r), r.PathValue("id"), time.Duration(hours)*time.Hour); err != nil {
		return err
	}
	return u.backTo(w, r, "schattenlauf")
}

func (u *UI) proposalShadowEnd(w http.ResponseWriter, r *http.Request) error {
	shadow, err := u.shadow(r.Context())
	if err != nil {
		return err
	}
	if shadow == nil || shadow.Proposal != r.PathValue("id") || !shadow.Ended.IsZero() {
		return conflict("end shadow", "Für diesen Entwurf läuft kein Schattenlauf.")
	}
	if _, err := u.Policies.Desk.EndShadow(r.Context(), u.releasePerson(r)); err != nil {
		return err
	}
	return u.backTo(w, r, "schattenlauf")
}

func (u *UI) proposalActivate(w http.ResponseWriter, r *http.Request) error {
	reason, err := reasonOf(r)
	if err != nil {
		return err
	}
	if _, err := u.Policies.Desk.Activate(r.Context(), u.releasePerson(r), r.PathValue("id"), reason); err != nil {
		return err
	}
	return u.backTo(w, r, "stand")
}

func (u *UI) proposalWithdraw(w http.ResponseWriter, r *http.Request) error {
	reason, err := reasonOf(r)
	if err != nil {
		return err
	}
	if _, err := u.Policies.Desk.Withdraw(r.Context(), u.releasePerson(r), r.PathValue("id"), reason); err != nil {
		return err
	}
	return u.backTo(w, r, "stand")
}
