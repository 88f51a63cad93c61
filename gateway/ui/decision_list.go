// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// listView is the decision log: totals, filters, volume, table.
type listView struct {
	view
	Filter listFilter
	// Choices of the fields by their name in the address.
	Choices map[string][]pick
	// Own says that a period of its own is shown; FromText and ToText are it.
	Own              bool
	FromText, ToText string
	// More: a field of the second row is in use.
	More   bool
	Chips  []chip
	Totals totals
	Chart  chart
	Rows   []row
	// Everyone: the person sees all tenants.
	Everyone bool
	Views    []savedView
	// Fields are the filter as hidden fields of a form.
	Fields []filterPair
	// Next is the address of the next page, Newest of the first.
	Next, Newest string
	// Later: this is not the first page.
	Later bool
}

type filterPair struct{ Name, Value string }

// totals are the figures above the table, over all pages.
type totals struct{ All, Allowed, Duties, Release, Denied, Open, Failed int }

func sum(t audit.Totals) totals {
	r := t.Results
	return totals{
		All: t.Count, Allowed: r[audit.ResultAllowed], Duties: r[audit.ResultDuties], Release: r[audit.ResultRelease],
		Denied: r[audit.ResultDenied] + r[audit.ResultStopped], Open: r[audit.ResultOpen], Failed: r[audit.ResultFailed],
	}
}

// row is one line of the table.
type row struct {
	ID       string
	Time     time.Time
	Result   result
	Title    gateway.Purpose
	System   string
	Tenant   string
	Classes  []gateway.DataClass
	Model    string
	Place    string
	Rule     gateway.Reason
	Duration time.Duration
	Policies time.Duration
	Operated gateway.Operation
	// Changes are what obligations changed in the request.
	Changes []phrase
	// Said is the word of a person about a result that needs one.
	Said phrase
}

// result is how a request went, in one word and one colour.
type result struct{ Kind, Icon, Text string }

func resultOf(r audit.Result) result {
	switch r {
	case audit.ResultAllowed:
		return result{"success", "success", resultText(r)}
	case audit.ResultDuties:
		return result{"info", "info", resultText(r)}
	case audit.ResultRelease:
		return result{"warning", "warning", resultText(r)}
	case audit.ResultOpen:
		return result{"info", "autorenew", resultText(r)}
	case audit.ResultDenied, audit.ResultStopped, audit.ResultFailed:
	}
	return result{"danger", "danger", resultText(r)}
}

func resultText(r audit.Result) string {
	return name(map[string]string{
		"allowed": "Zugelassen", "duties": "Mit Auflagen", "release": "Freigabe nötig", "denied": "Abgelehnt", "stopped": "Antwort gestoppt",
		"failed": "Fehlgeschlagen", "open": "Läuft",
	}, string(r))
}

func (u *UI) decisionList(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	f, err := readFilter(r.URL.Query())
	if err != nil {
		return err
	}
	query, err := u.query(f, person)
	if err != nil {
		return err
	}
	if err := u.noteLook(r, f, query); err != nil {
		return err
	}
	query.Totals = true
	page, err := u.Records.List(r.Context(), query)
	if err != nil {
		return err
	}
	v := listView{
		view: u.view(r, "Entscheidungen"), Filter: f, Later: f.cursor != "", Newest: f.address(""), Own: f.Period == "",
		FromText: u.localTime(f.From), ToText: u.localTime(f.To), Everyone: person.Operator, Choices: u.filterChoices(f, person, u.language(r)),
		More: f.From+f.To+f.Service+f.Model+f.Residency+f.Revision != "", Fields: f.pairs(),
	}
	v.Chips = u.chips(f, v.Lang)
	if v.Views, err = u.savedViews(r.Context(), person, f); err != nil {
		return err
	}
	if v.Rows, err = u.rows(r.Context(), query.Scope, page.Items); err != nil {
		return err
	}
	if page.Totals != nil {
		v.Totals = sum(*page.Totals)
		v.Chart = u.volume(page.Totals.Bars, f)
	}
	if page.Next != "" {
		v.Next = f.address(page.Next)
	}
	return u.render(w, r, http.StatusOK, "decision_list.html", v)
}

// noteLook writes down, once per session and filter, that somebody looked. The
// next page of the same list is the same look.
func (u *UI) noteLook(r *http.Request, f listFilter, query audit.Filter) error {
	values := f.values("")
	return u.noteOnce(r, "list/"+values.Encode(), sessionDay, audit.Note{
		Topic: audit.TopicListViewed, Tenant: query.Scope.Tenant, Object: "decisions", Text: "Liste der Entscheidungen angesehen.", New: u.noted(f, personOf(r)),
	})
}

// sessionDay is longer than any session.
const sessionDay = 12 * time.Hour

func (f *listFilter) pairs() []filterPair {
	var out []filterPair
	for _, field := range f.fields() {
		if *field.value != "" {
			out = append(out, filterPair{field.name, *field.value})
		}
	}
	return out
}

// filterChoices are what the fields offer to a person.
func (u *UI) filterChoices(f listFilter, p identity.Person, lang string) map[string][]pick {
	say := u.translate(lang)
	out := map[string][]pick{}
	for _, name := range resultNames {
		out["ergebnis"] = append(out["ergebnis"], pick{name, say(resultText(resultKeys[name])), name == f.Result})
	}
	tenants := u.visible(p)
	var ids []gateway.TenantID
	var systems []gateway.SystemID
	names := map[gateway.SystemID]string{}
	for _, t := range tenants {
		ids = append(ids, t.ID)
		if f.Tenant != "" && f.Tenant != string(t.ID) {
			continue
		}
		for _, s := range t.Systems {
			if names[s.ID] == "" {
				systems = append(systems, s.ID)
			}
			names[s.ID] = s.Name
			if s.Name == "" {
				names[s.ID] = string(s.ID)
			}
		}
	}
	out["mandant"] = picks(ids, f.Tenant, u.tenantName)
	out["verfahren"] = picks(systems, f.System, func(id gateway.SystemID) string { return names[id] })
	out["zweck"] = picks(purposes(), f.Purpose, func(p gateway.Purpose) string { return say(purposeName(p)) })
	out["ort"] = picks(residencies, f.Residency, func(r gateway.Residency) string { return say(residencyName(r)) })
	var models []gateway.ModelID
	for _, card := range u.Models {
		models = append(models, card.ID)
	}
	out["modell"] = picks(models, f.Model, func(id gateway.ModelID) string { return string(id) })
	out["leistung"] = picks(u.serviceIDs(), f.Service, u.serviceName)
	out["stand"] = picks(u.knownRevisions(), f.Revision, func(s string) string { return s })
	return out
}

var residencies = []gateway.Residency{gateway.ResidencyOwn, gateway.ResidencyPublicEU, gateway.ResidencyPrivateEU, gateway.ResidencyEUofNonEU, gateway.ResidencyNonEU}

// visible are the tenants whose entries a person may see.
func (u *UI) visible(p identity.Person) []identity.Tenant {
	if p.Operator {
		return u.Directory.Tenants()
	}
	if t, ok := u.Directory.Tenant(p.Tenant); ok {
		return []identity.Tenant{t}
	}
	return nil
}

func (u *UI) serviceIDs() []gateway.ServiceID {
	if u.Panel == nil || u.Panel.Catalog == nil {
		return nil
	}
	var out []gateway.ServiceID
	for _, s := range u.Panel.Catalog.Services() {
		out = append(out, s.ID)
	}
	return out
}

func (u *UI) knownRevisions() []string {
	if u.Revision == nil {
		return nil
	}
	return []string{u.Revision()}
}

// rows are the lines of the table, with the words of people about results that
// need one.
func (u *UI) rows(ctx context.Context, scope audit.Scope, items []audit.Item) ([]row, error) {
	said := map[string]approval.Outcome{}
	if u.Approvals != nil {
		var ids []string
		for _, i := range items {
			if i.Result() == audit.ResultRelease {
				ids = append(ids, i.Record.ID)
			}
		}
		var err error
		if said, err = u.Approvals.Said(ctx, scope, ids); err != nil {
			return nil, err
		}
	}
	var out []row
	for _, i := range items {
		one := u.row(i)
		switch outcome, ok := said[one.ID]; {
		case ok && outcome == approval.Rejected:
			one.Said = say("verworfen")
		case ok:
			one.Said = say("freigegeben")
		case u.Approvals != nil && i.Result() == audit.ResultRelease:
			one.Said = say("wartet")
		}
		out = append(out, one)
	}
	return out, nil
}

func (u *UI) row(i audit.Item) row {
	rec := i.Record
	out := row{
		ID: rec.ID, Time: rec.Time, Result: resultOf(i.Result()), Title: rec.Purpose, System: u.systemName(rec), Tenant: u.tenantName(rec.Tenant),
		Rule: decisive(rec, i.Closing), Operated: rec.Operation, Changes: changesOf(rec),
	}
	if n := len(rec.Decisions); n > 0 {
		out.Classes = narrower(rec.Decisions[n-1].DataClasses)
	}
	for _, d := range rec.Decisions {
		out.Policies += d.Duration
	}
	if i.Closing != nil {
		out.Duration = i.Closing.Total
	}
	if route := routeOf(i); route != nil {
		out.Model, out.Place = string(route.Model), residencyName(route.Residency)
	}
	return out
}

// narrower leaves out „Personenbezug“ where a class says more than that.
func narrower(classes []gateway.DataClass) []gateway.DataClass {
	special := slices.ContainsFunc(classes, func(c gateway.DataClass) bool {
		return c == gateway.DataSozialdaten || c == gateway.DataSteuer || c == gateway.DataArt9
	})
	out := slices.Clone(classes)
	if special {
		out = slices.DeleteFunc(out, func(c gateway.DataClass) bool { return c == gateway.DataPersonal })
	}
	return out
}

// telling are the obligations that a reader asks about, the strongest first. The
// others stand on nearly every entry.
var telling = []string{
	gateway.ObligationHumanRelease, gateway.ObligationBlockTools, gateway.ObligationPseudonymise, gateway.ObligationLogContent,
	gateway.ObligationReview, gateway.ObligationCiteSources, gateway.ObligationCapTokens, gateway.ObligationRestrictModels,
}

// decisive is the reason a reader looks for first: what blocked, else the rule of
// the strongest obligation, else what excluded models, else anything.
func decisive(rec gateway.Record, end *gateway.Closing) gateway.Reason {
	decisions := rec.Decisions
	if end != nil && end.Response != nil {
		decisions = append(slices.Clip(decisions), *end.Response)
	}
	if rec.Answer != nil {
		decisions = append(slices.Clip(decisions), *rec.Answer)
	}
	for _, d := range decisions {
		if reason, ok := reasonWith(d, "block"); ok && d.Effect != gateway.EffectAllow {
			return reason
		}
	}
	for _, id := range telling {
		for _, d := range decisions {
			if reason, ok := obliging(d, id); ok && audit.Felt(rec, id) {
				return reason
			}
		}
	}
	for _, d := range decisions {
		if reason, ok := excluding(d); ok {
			return reason
		}
	}
	for _, severity := range []string{"narrow", "info"} {
		for _, d := range decisions {
			if reason, ok := reasonWith(d, severity); ok {
				return reason
			}
		}
	}
	return gateway.Reason{}
}

func reasonWith(d gateway.Decision, severity string) (gateway.Reason, bool) {
	return firstReason(d, func(r gateway.Reason) bool { return r.Severity == severity })
}

// obliging is the reason of the rule that demands an obligation.
func obliging(d gateway.Decision, id string) (gateway.Reason, bool) {
	o, ok := d.Obligation(id)
	if !ok {
		return gateway.Reason{}, false
	}
	return firstReason(d, func(r gateway.Reason) bool { return r.Rule == o.Rule })
}

// excluding is the reason of a rule that rejected a model.
func excluding(d gateway.Decision) (gateway.Reason, bool) {
	return firstReason(d, func(r gateway.Reason) bool {
		for _, rules := range d.Rejected {
			if slices.Contains(rules, r.Rule) {
				return true
			}
		}
		return false
	})
}

func firstReason(d gateway.Decision, wanted func(gateway.Reason) bool) (gateway.Reason, bool) {
	if at := slices.IndexFunc(d.Reasons, wanted); at >= 0 {
		return d.Reasons[at], true
	}
	return gateway.Reason{}, false
}

func (u *UI) systemName(rec gateway.Record) string {
	if t, ok := u.Directory.Tenant(rec.Tenant); ok {
		for _, s := range t.Systems {
			if s.ID == rec.System && s.Name != "" {
				return s.Name
			}
		}
	}
	return string(rec.System)
}

func (u *UI) tenantName(id gateway.TenantID) string {
	if t, ok := u.Directory.Tenant(id); ok && t.Name != "" {
		return t.Name
	}
	if id == "" || id == audit.Operator {
		return "Betreiber"
	}
	return string(id)
}

// decisionCase looks for the entries of a file. The number itself stands neither
// in an address nor in a note, only its pseudonym.
func (u *UI) decisionCase(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	number := cutText(r.PostForm.Get("aktenzeichen"), maxField)
	tenant := gateway.TenantID(r.PostForm.Get("mandant"))
	if tenant == "" {
		tenant = person.Tenant
	}
	switch {
	case number == "":
		return invalid("aktenzeichen", "Bitte geben Sie ein Aktenzeichen an.")
	case tenant == "":
		return invalid("mandant", "Bitte wählen Sie den Mandanten, zu dem das Aktenzeichen gehört.")
	case !person.Sees(tenant):
		return &gateway.Error{Op: "search case", Code: gateway.CodeDenied, Path: "mandant", Message: "Sie sehen nur die Einträge Ihres Mandanten."}
	}
	q := url.Values{"zeitraum": {"alle"}, "vorgang": {string(u.pseudonym(tenant, "case", number))}}
	if person.Operator {
		q.Set("mandant", string(tenant))
	}
	http.Redirect(w, r, decisionsPath+"?"+q.Encode(), http.StatusSeeOther)
	return nil
}
