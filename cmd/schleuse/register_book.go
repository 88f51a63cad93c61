// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
)

// registerSetting is what a tenant documents about its uses of AI (setting
// register). docs/register.md describes it.
type registerSetting struct {
	// Publish lets everybody read the register at /verzeichnis/TENANT.
	Publish bool   `json:"publish"`
	Contact string `json:"contact,omitempty"`
	Office  string `json:"office,omitempty"`
	// Services the tenant offers; empty: all of the catalogue.
	Services []gateway.ServiceID `json:"services,omitempty"`
	Entries  []registerText      `json:"entries,omitempty"`
}

// registerText documents a purpose, for one service or, without it, for all that
// have no text of their own.
type registerText struct {
	Purpose      gateway.Purpose   `json:"purpose"`
	Service      gateway.ServiceID `json:"service,omitempty"`
	Text         string            `json:"text,omitempty"`
	Role         string            `json:"role,omitempty"` // betreiber (default) or anbieter
	LegalBasis   string            `json:"legal_basis,omitempty"`
	Exemption    string            `json:"exemption,omitempty"`
	Registration string            `json:"registration,omitempty"`
	DPIA         string            `json:"dpia,omitempty"`
	FRIA         string            `json:"fria,omitempty"`
	VVT          string            `json:"vvt,omitempty"`
	Oversight    string            `json:"oversight,omitempty"`
	Retention    string            `json:"retention,omitempty"`
	ValidFrom    string            `json:"valid_from,omitempty"`
	LastReview   string            `json:"last_review,omitempty"`
}

const (
	maxRegisterTexts = 500
	maxRegisterText  = 2000
)

// checkRegister is the check of the setting.
func checkRegister(raw json.RawMessage) error {
	var s registerSetting
	if err := strict(raw, "", &s); err != nil {
		return err
	}
	if len(s.Entries) > maxRegisterTexts || len(s.Services) > maxRegisterTexts {
		return badRegister("entries", fmt.Sprintf("Möglich sind höchstens %d Einträge.", maxRegisterTexts))
	}
	for i, e := range s.Entries {
		at := fmt.Sprintf("entries[%d]", i)
		if e.Purpose == "" {
			return badRegister(at+".purpose", "Der Zweck fehlt.")
		}
		if e.Role != "" && e.Role != "betreiber" && e.Role != "anbieter" {
			return badRegister(at+".role", "Die Rolle ist betreiber oder anbieter.")
		}
		for name, date := range map[string]string{"valid_from": e.ValidFrom, "last_review": e.LastReview} {
			if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
				return badRegister(at+"."+name, "Erwartet wird ein Datum wie 2026-11-22.")
			}
		}
		for _, text := range []string{e.Text, e.LegalBasis, e.Exemption, e.Registration, e.DPIA, e.FRIA, e.VVT, e.Oversight, e.Retention} {
			if len(text) > maxRegisterText {
				return badRegister(at, "Eine Angabe ist länger als 2.000 Zeichen.")
			}
		}
	}
	return nil
}

func badRegister(path, message string) error {
	return &gateway.Error{Op: "set register", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// pageSettings adds the settings that the pages need to those of tenants.
func pageSettings(c Config, settings map[string]func(json.RawMessage) error) map[string]func(json.RawMessage) error {
	settings["register"] = checkRegister
	settings["origins"] = checkOrigins(c.FrameAncestors)
	settings["own_limits"] = settings["limits"]
	return settings
}

// registerBook makes the registers of tenants. Those that everybody may read are
// kept for a while, because nobody is asked who reads them.
type registerBook struct {
	p *parts

	mu        sync.Mutex
	published map[gateway.TenantID]publishedBook
}

var _ ui.Register = (*registerBook)(nil)

// publishedBook is a register as it was made from a setting.
type publishedBook struct {
	book    ui.Book
	setting string
	until   time.Time
}

// publishedFor is how long a published register is kept.
const publishedFor = time.Minute

// Published is the register of a tenant that publishes it; CodeNotFound otherwise.
func (b *registerBook) Published(ctx context.Context, id gateway.TenantID) (ui.Book, error) {
	t, ok := b.p.tenants.Tenant(id)
	var own registerSetting
	if !ok || !t.Active || strict(t.Settings["register"], "register", &own) != nil || !own.Publish {
		return ui.Book{}, &gateway.Error{Op: "open register", Code: gateway.CodeNotFound, Message: "Dieses Verzeichnis gibt es nicht, oder es ist nicht veröffentlicht."}
	}
	b.mu.Lock() // one after the other: whoever waits gets what was just made
	defer b.mu.Unlock()
	setting, now := string(t.Settings["register"]), time.Now()
	if kept, ok := b.published[id]; ok && kept.setting == setting && now.Before(kept.until) {
		return kept.book, nil
	}
	book, err := b.Book(ctx, id)
	if err != nil {
		return ui.Book{}, err
	}
	if b.published == nil {
		b.published = map[gateway.TenantID]publishedBook{}
	}
	b.published[id] = publishedBook{book, setting, now.Add(publishedFor)}
	return book, nil
}

// use is a purpose for a service: one entry of the register.
type use struct {
	service gateway.ServiceID
	purpose gateway.Purpose
}

// found is who has a use.
type found struct {
	systems  map[string]bool
	channel  gateway.Channel
	requests int64
}

func (b *registerBook) Book(ctx context.Context, id gateway.TenantID) (ui.Book, error) {
	t, ok := b.p.tenants.Tenant(id)
	if !ok {
		return ui.Book{}, &gateway.Error{Op: "open register", Code: gateway.CodeNotFound, Message: "Diesen Mandanten gibt es nicht."}
	}
	var own registerSetting
	if err := strict(t.Settings["register"], "register", &own); err != nil {
		return ui.Book{}, err
	}
	guide, err := b.p.engine.Guide(ctx)
	if err != nil {
		return ui.Book{}, err
	}
	uses, err := b.uses(ctx, t, own, guide)
	if err != nil {
		return ui.Book{}, err
	}
	book := ui.Book{
		Tenant: id, Name: cmp.Or(t.Name, string(id)), Publish: own.Publish, Contact: own.Contact, Office: own.Office,
		Date: time.Now(), Revision: b.p.engine.Revision(),
	}
	for u, f := range uses {
		e, err := b.entry(ctx, t, u, *f, own, guide)
		if err != nil {
			return ui.Book{}, err
		}
		book.Entries = append(book.Entries, e)
	}
	slices.SortFunc(book.Entries, func(a, b ui.BookEntry) int {
		return cmp.Or(cmp.Compare(weightOf(a.Class), weightOf(b.Class)), strings.Compare(a.PurposeTitle, b.PurposeTitle),
			strings.Compare(a.ServiceTitle, b.ServiceTitle), strings.Compare(string(a.Service), string(b.Service)))
	})
	return book, nil
}

// weightOf puts what needs most attention first.
func weightOf(class string) int {
	for i, prefix := range []string{"prohibited", "high_risk", "unclassified", "exempt", "transparency"} {
		if strings.HasPrefix(class, prefix) {
			return i
		}
	}
	return 9
}

// uses are those that a key permits, that a release names, that are documented,
// and those that really happened in the last year.
func (b *registerBook) uses(ctx context.Context, t identity.Tenant, own registerSetting, guide policies.Guide) (map[use]*found, error) {
	out := map[use]*found{}
	at := func(u use) *found {
		if out[u] == nil {
			out[u] = &found{systems: map[string]bool{}}
		}
		return out[u]
	}
	now := time.Now()
	rows, err := b.p.quota.Usage(ctx, quota.Filter{
		From: germanDay(now.AddDate(-1, 0, 0)), Tenant: t.ID, By: []quota.Dimension{quota.ByPurpose, quota.ByService, quota.BySystem},
	})
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if !b.p.engine.KnowsPurpose(r.Purpose) {
			continue // refused, and nothing that was set up
		}
		f := at(use{r.Service, r.Purpose})
		f.requests += r.Requests
		f.systems[systemTitle(t, r.System)] = true
	}
	for _, s := range t.Systems {
		for i := range s.Keys {
			if k := &s.Keys[i]; k.At(now) == identity.KeyValid {
				b.permit(at, own, guide, s, k.Purposes, k.Services)
			}
		}
		for _, c := range s.Certificates {
			b.permit(at, own, guide, s, c.Purposes, c.Services)
		}
	}
	for _, r := range b.p.config.Releases[t.ID] {
		for _, p := range r.Purposes {
			at(use{r.Service, p})
		}
	}
	for _, e := range own.Entries {
		if e.Service != "" {
			at(use{e.Service, e.Purpose})
		}
	}
	return out, nil
}

// permit notes what a key or certificate permits. Where it names no services and
// the purpose needs one, it permits it for all that the tenant offers.
func (b *registerBook) permit(at func(use) *found, own registerSetting, guide policies.Guide, s identity.System, purposes []gateway.Purpose, services []gateway.ServiceID) {
	for _, p := range purposes {
		for _, service := range b.servicesOf(own, guide, p, services) {
			f := at(use{service, p})
			f.systems[cmp.Or(s.Name, string(s.ID))] = true
			f.channel = cmp.Or(f.channel, s.Channel)
		}
	}
}

func (b *registerBook) servicesOf(own registerSetting, guide policies.Guide, p gateway.Purpose, confined []gateway.ServiceID) []gateway.ServiceID {
	needs := slices.ContainsFunc(guide.Purposes, func(g policies.GuidePurpose) bool { return g.ID == p && g.NeedsService })
	switch {
	case len(confined) > 0:
		return confined
	case !needs:
		return []gateway.ServiceID{""}
	case len(own.Services) > 0:
		return own.Services
	}
	var all []gateway.ServiceID
	for _, c := range b.p.catalog.Cards() {
		all = append(all, c.ID)
	}
	return all
}

func systemTitle(t identity.Tenant, id gateway.SystemID) string {
	if s, ok := t.System(id); ok && s.Name != "" {
		return s.Name
	}
	return string(id)
}

func (b *registerBook) entry(ctx context.Context, t identity.Tenant, u use, f found, own registerSetting, guide policies.Guide) (ui.BookEntry, error) {
	e := ui.BookEntry{
		Service: u.service, Purpose: u.purpose, PurposeTitle: string(u.purpose), Role: "betreiber", Requests: f.requests,
		Systems: slices.Sorted(maps.Keys(f.systems)), Retention: "Nachweis ohne Inhalt, mindestens 183 Tage (Art. 26 Abs. 6 KI-VO)",
	}
	plan := policies.Plan{Tenant: t.ID, Purpose: u.purpose, Service: u.service, Channel: f.channel, Models: textModels(b.p.router.Cards())}
	if s, ok := b.p.catalog.Service(u.service); ok {
		card := s.Card()
		e.ServiceTitle, e.AnnexIII, e.DataClasses, plan.DataClass = card.Title, card.AnnexIII, card.DataClasses, card.DataClasses
	}
	for _, g := range guide.Purposes {
		if g.ID == u.purpose {
			e.PurposeTitle, e.Text = g.Title, g.Text
		}
	}
	c, err := b.p.engine.Classify(ctx, plan)
	if err != nil {
		return e, err
	}
	e.Class, e.Basis, e.Reasoning = c.Risk.Class, c.Risk.Basis, c.Risk.Note
	e.ClassTitle = classTitle(guide, c.Risk.Class)
	if len(c.DataClasses) > 0 {
		e.DataClasses = c.DataClasses
	}
	e.Models = bookModels(b.p.router.Cards(), c.Models)
	for _, d := range c.Duties {
		if d.ID != "" && !slices.Contains(e.Duties, d.ID) {
			e.Duties = append(e.Duties, d.ID)
		}
	}
	if !c.Allowed {
		e.Refused = refusals(c.Reasons)
	}
	b.document(&e, t.ID, own)
	e.Gaps = gapsOf(e, today(time.Now()))
	return e, nil
}

func today(now time.Time) string { return now.Format(time.DateOnly) }

// textModels are the models that write text; others are not chosen for a purpose.
func textModels(cards []gateway.ModelCard) []gateway.ModelCard {
	return slices.DeleteFunc(slices.Clone(cards), func(c gateway.ModelCard) bool { return !slices.Contains(c.Operations, gateway.OperationChat) })
}

func classTitle(guide policies.Guide, class string) string {
	for _, c := range guide.Classes {
		if c.ID == class {
			return c.Title
		}
	}
	return cmp.Or(map[string]string{
		"prohibited": "Verboten", "high_risk": "Hochrisiko", "transparency": "Transparenzpflicht", "out_of_scope": "kein Hochrisiko",
		"unclassified": "nicht eingeordnet", "": "nicht eingeordnet", "exempt_6_3_a": "Ausnahme nach Art. 6 Abs. 3", "exempt_6_3_b": "Ausnahme nach Art. 6 Abs. 3",
		"exempt_6_3_c": "Ausnahme nach Art. 6 Abs. 3", "exempt_6_3_d": "Ausnahme nach Art. 6 Abs. 3", "exempt_6_3_a_d": "Ausnahme nach Art. 6 Abs. 3",
	}[class], class)
}

func bookModels(cards []gateway.ModelCard, ids []gateway.ModelID) []ui.BookModel {
	var out []ui.BookModel
	for _, c := range cards {
		if slices.Contains(ids, c.ID) {
			out = append(out, ui.BookModel{ID: c.ID, Place: c.Residency, Operator: c.Operator, Country: c.Country, Contract: c.Contract})
		}
	}
	return out
}

// refusals are the reasons that block. That no model is left is one of them.
func refusals(reasons []gateway.Reason) []gateway.Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r gateway.Reason) bool { return r.Severity != "block" })
}

// document takes over what the tenant has written down, and what a release says.
func (b *registerBook) document(e *ui.BookEntry, tenant gateway.TenantID, own registerSetting) {
	text := textFor(own.Entries, e.Service, e.Purpose)
	e.Text, e.Role, e.Retention = cmp.Or(text.Text, e.Text), cmp.Or(text.Role, e.Role), cmp.Or(text.Retention, e.Retention)
	e.LegalBasis, e.Exemption, e.VVT = text.LegalBasis, text.Exemption, text.VVT
	e.Registration, e.DPIA, e.FRIA, e.Oversight = text.Registration, text.DPIA, text.FRIA, text.Oversight
	e.ValidFrom, e.Reviewed = text.ValidFrom, text.LastReview
	for _, r := range b.p.config.Releases[tenant] {
		if r.Service == e.Service && slices.Contains(r.Purposes, e.Purpose) {
			e.Registration, e.DPIA = cmp.Or(e.Registration, r.Registration), cmp.Or(e.DPIA, r.DPIA)
			e.FRIA, e.Oversight, e.ValidFrom = cmp.Or(e.FRIA, r.FRIA), cmp.Or(e.Oversight, r.Oversight), cmp.Or(e.ValidFrom, r.ValidFrom)
		}
	}
}

// textFor is the text for the service, or else the one for the purpose.
func textFor(texts []registerText, service gateway.ServiceID, purpose gateway.Purpose) registerText {
	var general registerText
	for _, t := range texts {
		switch {
		case t.Purpose == purpose && t.Service == service:
			return t
		case t.Purpose == purpose && t.Service == "":
			general = t
		}
	}
	return general
}

// Days from which duties apply (Art. 113 KI-VO in the version of 2026).
const (
	exemptionsSince = "2027-12-02" // Art. 6 Abs. 4, Art. 49 Abs. 2 KI-VO
	highRiskSince   = "2027-12-02" // Art. 26 und 27 KI-VO
	registeredSince = "2026-08-02" // Art. 49 Abs. 3 KI-VO
)

// gapsOf are what has to be written down and is not. Nothing is left out because
// it is not a duty yet: then it says from when on it is.
func gapsOf(e ui.BookEntry, day string) []ui.BookGap {
	var out []ui.BookGap
	want := func(value, title, norm, since string) {
		if strings.TrimSpace(value) == "" {
			out = append(out, ui.BookGap{Title: title, Norm: norm, Since: since, Due: since != "" && since <= day})
		}
	}
	want(e.LegalBasis, "Rechtsgrundlage der Verarbeitung", "Art. 6 Abs. 1 und 3 DSGVO", "2018-05-25")
	if slices.ContainsFunc(e.DataClasses, func(c gateway.DataClass) bool { return c != gateway.DataPublic && c != gateway.DataInternal }) {
		want(e.VVT, "Eintrag im Verzeichnis der Verarbeitungstätigkeiten", "Art. 30 DSGVO", "2018-05-25")
	}
	switch {
	case e.Class == "high_risk":
		want(e.Registration, "Registrierung durch die öffentliche Stelle", "Art. 49 Abs. 3 KI-VO", registeredSince)
		want(e.DPIA, "Datenschutz-Folgenabschätzung", "Art. 35 DSGVO", "2018-05-25")
		want(e.FRIA, "Grundrechte-Folgenabschätzung", "Art. 27 KI-VO", highRiskSince)
		want(e.Oversight, "Benannte Person für die menschliche Aufsicht", "Art. 26 Abs. 2 KI-VO", highRiskSince)
	case strings.HasPrefix(e.Class, "exempt"):
		want(e.Exemption, "Dokumentation der Ausnahme", "Art. 6 Abs. 4 KI-VO", exemptionsSince)
		want(e.Registration, "Registrierung des ausgenommenen Systems", "Art. 49 Abs. 2 KI-VO", exemptionsSince)
	}
	want(e.ValidFrom, "Beginn des Einsatzes", "Art. 26 KI-VO, eigene Vorgabe", "")
	want(e.Reviewed, "Datum der letzten Prüfung", "eigene Vorgabe", "")
	return out
}
