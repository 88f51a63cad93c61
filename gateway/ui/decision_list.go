// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// listView is the decision log: totals, filters, volume, table.
type listView struct {
	view
	Filter  listFilter
	Systems []identity.System
	Totals  totals
	Chart   chart
	Rows    []row
	// Next is the address of the next page, Newest of the first.
	Next, Newest string
	// Later: this is not the first page.
	Later bool
}

// listFilter is the query of the page, as it stands in the address.
type listFilter struct {
	Period, Result, System, Purpose, Query string
	cursor                                 string
}

// totals are the five figures above the table.
type totals struct{ All, Allowed, Duties, Release, Denied, Open int }

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
}

// result is how a request went, in one word and one colour.
type result struct{ Kind, Icon, Text string }

var (
	resultAllowed = result{"success", "success", "Zugelassen"}
	resultDuties  = result{"info", "info", "Mit Auflagen"}
	resultRelease = result{"warning", "warning", "Freigabe nötig"}
	resultDenied  = result{"danger", "danger", "Abgelehnt"}
	resultFailed  = result{"danger", "danger", "Fehlgeschlagen"}
	resultOpen    = result{"info", "autorenew", "Läuft"}
)

// resultOf judges by the last decision and the end.
func resultOf(i audit.Item) result {
	if i.Record.Effect() != gateway.EffectAllow {
		return resultDenied
	}
	if i.Closing == nil {
		return resultOpen
	}
	switch i.Closing.Outcome {
	case gateway.OutcomeAnswered:
	case gateway.OutcomeStopped:
		return resultDenied
	default:
		return resultFailed
	}
	last := i.Record.Decisions[len(i.Record.Decisions)-1]
	if _, ok := last.Obligation(gateway.ObligationHumanRelease); ok {
		return resultRelease
	}
	if len(last.Obligations) > 0 {
		return resultDuties
	}
	return resultAllowed
}

func (u *UI) decisionList(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	f := readFilter(r.URL.Query())
	query, err := u.query(f, person)
	if err != nil {
		return err
	}
	page, err := u.Records.List(r.Context(), query)
	if err != nil {
		return err
	}
	v := listView{view: u.view(r, "Entscheidungen"), Filter: f, Later: f.cursor != "", Newest: "/admin/decisions?" + f.values("").Encode()}
	if t, ok := u.Directory.Tenant(person.Tenant); ok {
		v.Systems = t.Systems
	}
	for _, i := range page.Items {
		v.Rows = append(v.Rows, u.row(i))
	}
	if page.Totals != nil {
		v.Totals = sum(page)
		v.Chart = volume(page.Totals.Hours, u.zone)
	}
	if page.Next != "" {
		v.Next = "/admin/decisions?" + f.values(page.Next).Encode()
	}
	return u.render(w, r, http.StatusOK, "decision_list.html", v)
}

func readFilter(q url.Values) listFilter {
	f := listFilter{
		Period: q.Get("zeitraum"), Result: q.Get("ergebnis"), System: q.Get("verfahren"), Purpose: q.Get("zweck"),
		Query: strings.TrimSpace(q.Get("q")), cursor: q.Get("ab"),
	}
	if f.Period == "" {
		f.Period = "24h"
	}
	return f
}

// values is the query again, for links.
func (f listFilter) values(cursor string) url.Values {
	v := url.Values{}
	for key, value := range map[string]string{
		"zeitraum": f.Period, "ergebnis": f.Result, "verfahren": f.System, "zweck": f.Purpose, "q": f.Query, "ab": cursor,
	} {
		if value != "" {
			v.Set(key, value)
		}
	}
	return v
}

// query turns the address into a filter of the record. A person sees the own tenant.
func (u *UI) query(f listFilter, p identity.Person) (audit.Filter, error) {
	out := audit.Filter{
		Scope: audit.Scope{Tenant: p.Tenant}, System: gateway.SystemID(f.System), Purpose: gateway.Purpose(f.Purpose),
		Cursor: f.cursor, Limit: 25, Totals: true,
	}
	switch f.Period {
	case "24h":
		out.From = u.Now().Add(-24 * time.Hour)
	case "7d":
		out.From = u.Now().AddDate(0, 0, -7)
	case "30d":
		out.From = u.Now().AddDate(0, 0, -30)
	case "alle":
	default:
		return out, &gateway.Error{Op: "read filter", Code: gateway.CodeInvalid, Path: "zeitraum", Message: "Der Zeitraum ist unbekannt. Möglich sind 24h, 7d, 30d und alle."}
	}
	switch f.Result {
	case "":
	case "zugelassen":
		out.Effect = gateway.EffectAllow
	case "abgelehnt":
		out.Effect = gateway.EffectDeny
	default:
		return out, &gateway.Error{Op: "read filter", Code: gateway.CodeInvalid, Path: "ergebnis", Message: "Das Ergebnis ist unbekannt. Möglich sind zugelassen und abgelehnt."}
	}
	if strings.HasPrefix(f.Query, "e-") {
		out.IDPrefix = f.Query
	} else {
		out.Rule = f.Query
	}
	return out, nil
}

func (u *UI) row(i audit.Item) row {
	rec := i.Record
	out := row{
		ID: rec.ID, Time: rec.Time, Result: resultOf(i), Title: rec.Purpose, System: u.systemName(rec), Tenant: u.tenantName(rec.Tenant),
		Rule: decisive(rec, i.Closing), Operated: rec.Operation,
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
	if rec.Route != nil {
		out.Model, out.Place = string(rec.Route.Model), residencyName(rec.Route.Residency)
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

// decisive is the reason a reader looks for first: what blocked, else what narrowed.
func decisive(rec gateway.Record, end *gateway.Closing) gateway.Reason {
	decisions := rec.Decisions
	if end != nil && end.Response != nil {
		decisions = append(slices.Clip(decisions), *end.Response)
	}
	if rec.Answer != nil {
		decisions = append(slices.Clip(decisions), *rec.Answer)
	}
	for _, severity := range []string{"block", "narrow", "info"} {
		for _, d := range decisions {
			if severity == "block" && d.Effect == gateway.EffectAllow {
				continue
			}
			for _, reason := range d.Reasons {
				if reason.Severity == severity {
					return reason
				}
			}
		}
	}
	return gateway.Reason{}
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
	return string(id)
}

// sum takes the counts of the whole filter; duties and releases are counted on
// the page's entries, which the page says.
func sum(p audit.Page) totals {
	t := totals{
		All: p.Totals.Count, Allowed: p.Totals.Effects[gateway.EffectAllow], Denied: p.Totals.Effects[gateway.EffectDeny],
		Open: p.Totals.Outcomes[""],
	}
	for _, i := range p.Items {
		switch resultOf(i) {
		case resultDuties:
			t.Duties++
		case resultRelease:
			t.Release++
		}
	}
	return t
}

// chart is the volume per hour as a drawing of rectangles.
type chart struct {
	Bars          []bar
	Width, Height int
	Max           int
	Lines         []gridLine
}

type bar struct {
	X, Width                int
	AllowedY, AllowedHeight int
	DeniedY, DeniedHeight   int
	Allowed, Denied         int
	Label                   string
	Start                   time.Time
	TextX                   int
}

type gridLine struct {
	Y     int
	Label int
}

const (
	chartBars   = 24
	chartHeight = 96
	barStep     = 42
	barWidth    = 32
	chartLeft   = 36
)

// volume draws the last 24 hours that have entries up to the newest one.
func volume(hours []audit.Hour, zone *time.Location) chart {
	c := chart{Width: chartLeft + chartBars*barStep, Height: chartHeight + 22}
	if len(hours) == 0 {
		return c
	}
	byStart := map[int64]audit.Hour{}
	for _, h := range hours {
		byStart[h.Start.Unix()] = h
		c.Max = max(c.Max, h.Allowed+h.Denied)
	}
	scale := niceTop(c.Max)
	last := hours[len(hours)-1].Start
	for i := range chartBars {
		start := last.Add(time.Duration(i-chartBars+1) * time.Hour)
		h := byStart[start.Unix()]
		b := bar{X: chartLeft + i*barStep, Width: barWidth, Allowed: h.Allowed, Denied: h.Denied, Start: start, Label: start.In(zone).Format("15")}
		b.AllowedHeight = barHeight(h.Allowed, scale)
		b.DeniedHeight = barHeight(h.Denied, scale)
		b.AllowedY = chartHeight - b.AllowedHeight
		b.DeniedY = b.AllowedY - b.DeniedHeight
		b.TextX = b.X + barWidth/2
		c.Bars = append(c.Bars, b)
	}
	c.Lines = []gridLine{{Y: 4, Label: scale}, {Y: 4 + (chartHeight-4)/2, Label: scale / 2}, {Y: chartHeight, Label: 0}}
	return c
}

// barHeight gives every count at least a visible line.
func barHeight(n, scale int) int {
	if n == 0 {
		return 0
	}
	return max(2, n*(chartHeight-4)/scale)
}

// niceTop is the next even round number: 2, 4, 10, 20, 40, 100 …
func niceTop(n int) int {
	for step := 1; ; step *= 10 {
		for _, f := range []int{2, 4, 10} {
			if top := f * step; n <= top {
				return top
			}
		}
	}
}

// label of a bar for screen readers and the table of values.
func (b bar) Text() string { return fmt.Sprintf("%d zugelassen, %d abgelehnt", b.Allowed, b.Denied) }
