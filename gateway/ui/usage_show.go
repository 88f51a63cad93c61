// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// usageView is what was used: five figures, bars by group, times, budgets.
type usageView struct {
	view
	Filter  usageFilter
	Periods []option
	Groups  []option
	Centres []option
	Aims    []option
	Total   usageSum
	Before  usageSum
	Rows    []usageLine
	Places  []placeKey
	Times   TimesReport
	Curve   curve
	Budgets []budgetLine
	Prices  string
	// Days of the period in words.
	From, To time.Time
	CSV      string
	Whole    bool
}

// usageFilter is the query as it stands in the address.
type usageFilter struct{ Period, Group, Centre, Purpose string }

// usageSum is a sum of rows.
type usageSum struct {
	Requests, Input, Output, Estimated int64
	Cost                               money
	WattHours                          float64
}

// plus is the sum with another row.
func (s usageSum) plus(r UsageRow) usageSum {
	s.Requests += r.Requests
	s.Input += r.Input
	s.Output += r.Output
	s.Estimated += r.Estimated
	s.Cost += money(r.Cost)
	s.WattHours += r.WattHours
	return s
}

// Tokens are input and output together.
func (s usageSum) Tokens() int64 { return s.Input + s.Output }

// Each is the mean of tokens per request.
func (s usageSum) Each() int64 { return s.Tokens() / max(s.Requests, 1) }

// Energy is an estimate.
func (s usageSum) Energy() string { return energy(s.WattHours) }

// usageLine is one group with its bar.
type usageLine struct {
	usageSum
	Key, Name, Note string
	Segments        []segment
	Places          map[gateway.Residency]money
	// Percent of the cost of all groups.
	Percent string
}

// segment is a part of a bar.
type segment struct {
	X, Width int
	Place    gateway.Residency
	Slot     int
}

// placeKey explains a colour.
type placeKey struct {
	Place    gateway.Residency
	Slot     int
	Requests int64
	Percent  string
}

// groups by which usage can be shown, in the order of the select.
var usageGroups = []struct {
	value, title string
	by           UsageGroup
}{
	{"mandant", "Mandant", UsageTenant},
	{"verfahren", "Fachverfahren", UsageSystem},
	{"kostenstelle", "Kostenstelle", UsageCostCentre},
	{"zweck", "Zweck", UsagePurpose},
	{"leistung", "Leistung", UsageService},
	{"modell", "Modell", UsageModel},
	{"ort", "Ort der Verarbeitung", UsageModel},
}

var usagePeriods = []option{
	{Value: "monat", Text: "Dieser Monat"}, {Value: "vormonat", Text: "Letzter Monat"}, {Value: "7d", Text: "7 Tage"},
	{Value: "30d", Text: "30 Tage"}, {Value: "jahr", Text: "Dieses Jahr"},
}

// usageShow is GET /admin/usage.
func (u *UI) usageShow(w http.ResponseWriter, r *http.Request) error {
	f, err := u.readUsage(r)
	if err != nil {
		return err
	}
	v, err := u.usage(r, f)
	if err != nil {
		return err
	}
	query := UsageQuery{From: v.From, To: v.To, Tenant: scopeOf(personOf(r))}
	if v.Times, err = u.Register.Usage.Times(r.Context(), query); err != nil {
		return err
	}
	v.Curve = drawTimes(v.Times.Days, u.zone)
	budgets, err := u.Register.Usage.Budgets(r.Context(), scopeOf(personOf(r)))
	if err != nil {
		return err
	}
	for _, b := range budgets {
		v.Budgets = append(v.Budgets, lineOf(b))
	}
	return u.render(w, r, http.StatusOK, "usage_show.html", v)
}

func (u *UI) readUsage(r *http.Request) (usageFilter, error) {
	q := r.URL.Query()
	f := usageFilter{
		Period: cmp.Or(q.Get("zeitraum"), "monat"), Group: q.Get("gruppe"), Centre: q.Get("kostenstelle"), Purpose: q.Get("zweck"),
	}
	if f.Group == "" {
		f.Group = "verfahren"
		if seesAll(personOf(r)) {
			f.Group = "mandant"
		}
	}
	if !slices.ContainsFunc(usagePeriods, func(o option) bool { return o.Value == f.Period }) {
		return f, invalid("zeitraum", "Der Zeitraum ist unbekannt. Möglich sind monat, vormonat, 7d, 30d und jahr.")
	}
	if _, ok := groupOf(f.Group); !ok {
		return f, invalid("gruppe", "Danach lässt sich nicht gruppieren. Möglich sind mandant, verfahren, kostenstelle, zweck, leistung, modell und ort.")
	}
	return f, nil
}

func groupOf(value string) (UsageGroup, bool) {
	for _, g := range usageGroups {
		if g.value == value {
			return g.by, true
		}
	}
	return "", false
}

// period returns the days of a period and those of the one before, both included.
func (u *UI) period(name string) (from, to, beforeFrom, beforeTo time.Time) {
	now := u.Now().In(u.zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, u.zone)
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, u.zone)
	switch name {
	case "vormonat":
		from, to = first.AddDate(0, -1, 0), first.AddDate(0, 0, -1)
		return from, to, first.AddDate(0, -2, 0), from.AddDate(0, 0, -1)
	case "7d":
		from, to = today.AddDate(0, 0, -6), today
		return from, to, from.AddDate(0, 0, -7), from.AddDate(0, 0, -1)
	case "30d":
		from, to = today.AddDate(0, 0, -29), today
		return from, to, from.AddDate(0, 0, -30), from.AddDate(0, 0, -1)
	case "jahr":
		from, to = time.Date(now.Year(), 1, 1, 0, 0, 0, 0, u.zone), today
		return from, to, from.AddDate(-1, 0, 0), sameDay(to.AddDate(-1, 0, 0), to)
	}
	// This month up to today, beside the month before up to the same day.
	from, to = first, today
	beforeFrom = first.AddDate(0, -1, 0)
	return from, to, beforeFrom, earlier(beforeFrom.AddDate(0, 0, today.Day()-1), first.AddDate(0, 0, -1))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// sameDay keeps 29 February of the year before inside its month.
func sameDay(day, of time.Time) time.Time {
	if day.Month() != of.Month() {
		return day.AddDate(0, 0, -day.Day())
	}
	return day
}

// usage sums everything but times and budgets.
func (u *UI) usage(r *http.Request, f usageFilter) (usageView, error) {
	v := usageView{view: u.view(r, "Verbrauch und Kosten"), Filter: f, Prices: u.Register.Usage.PriceList(), Whole: seesAll(personOf(r))}
	from, to, beforeFrom, beforeTo := u.period(f.Period)
	v.From, v.To = from, to
	by, _ := groupOf(f.Group)
	rows, err := u.usageRows(r.Context(), scopeOf(personOf(r)), from, to, by)
	if err != nil {
		return v, err
	}
	before, err := u.usageRows(r.Context(), scopeOf(personOf(r)), beforeFrom, beforeTo, by)
	if err != nil {
		return v, err
	}
	v.Centres, v.Aims = u.choices(rows, f)
	for _, row := range f.of(before) {
		v.Before = v.Before.plus(row)
	}
	rows = f.of(rows)
	for _, row := range rows {
		v.Total = v.Total.plus(row)
	}
	v.Places = placesOf(rows)
	v.Rows = u.lines(f, rows, v.Places)
	for _, o := range usagePeriods {
		o.Selected = o.Value == f.Period
		v.Periods = append(v.Periods, o)
	}
	for _, g := range usageGroups {
		v.Groups = append(v.Groups, option{g.value, g.title, g.value == f.Group})
	}
	v.CSV = "/admin/usage.csv?" + f.values().Encode()
	return v, nil
}

// usageRows always carry model, cost centre and purpose: for places and filters.
func (u *UI) usageRows(ctx context.Context, tenant gateway.TenantID, from, to time.Time, by UsageGroup) ([]UsageRow, error) {
	groups := []UsageGroup{UsageModel, UsageCostCentre, UsagePurpose}
	if by == UsageSystem {
		groups = append(groups, UsageTenant) // systems of two tenants may share a name
	}
	if !slices.Contains(groups, by) {
		groups = append(groups, by)
	}
	return u.Register.Usage.Usage(ctx, UsageQuery{From: from, To: to, Tenant: tenant, By: groups})
}

func (f usageFilter) values() url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"zeitraum": f.Period, "gruppe": f.Group, "kostenstelle": f.Centre, "zweck": f.Purpose} {
		if value != "" {
			v.Set(key, value)
		}
	}
	return v
}

// of keeps the rows that match.
func (f usageFilter) of(rows []UsageRow) []UsageRow {
	var out []UsageRow
	for _, row := range rows {
		if (f.Centre == "" || row.CostCentre == f.Centre) && (f.Purpose == "" || string(row.Purpose) == f.Purpose) {
			out = append(out, row)
		}
	}
	return out
}

// choices are the cost centres and purposes that there are in the period.
func (u *UI) choices(rows []UsageRow, f usageFilter) (centres, aims []option) {
	seenCentre, seenAim := map[string]bool{"": true}, map[gateway.Purpose]bool{"": true}
	for _, row := range rows {
		if !seenCentre[row.CostCentre] {
			seenCentre[row.CostCentre] = true
			centres = append(centres, option{row.CostCentre, row.CostCentre, row.CostCentre == f.Centre})
		}
		if !seenAim[row.Purpose] {
			seenAim[row.Purpose] = true
			aims = append(aims, option{string(row.Purpose), purposeName(row.Purpose), string(row.Purpose) == f.Purpose})
		}
	}
	byText := func(a, b option) int { return cmp.Compare(a.Text, b.Text) }
	slices.SortFunc(centres, byText)
	slices.SortFunc(aims, byText)
	return centres, aims
}

// placesOf are the places in the order of sovereignty, each with its colour.
func placesOf(rows []UsageRow) []placeKey {
	requests := map[gateway.Residency]int64{}
	var with int64
	for _, row := range rows {
		requests[row.Place] += row.Requests
		if row.Place != "" {
			with += row.Requests
		}
	}
	var out []placeKey
	for i, place := range []gateway.Residency{
		gateway.ResidencyOwn, gateway.ResidencyPublicEU, gateway.ResidencyPrivateEU, gateway.ResidencyEUofNonEU, gateway.ResidencyNonEU,
	} {
		if n := requests[place]; n > 0 {
			out = append(out, placeKey{place, i, n, share(n, with)})
		}
	}
	return out
}

// lines sums the rows by group, the dearest first, and draws their bars.
func (u *UI) lines(f usageFilter, rows []UsageRow, places []placeKey) []usageLine {
	byKey := map[string]*usageLine{}
	var keys []string
	for _, row := range rows {
		key, name := u.group(f.Group, row)
		line, ok := byKey[key]
		if !ok {
			line = &usageLine{Key: key, Name: name, Places: map[gateway.Residency]money{}}
			byKey[key] = line
			keys = append(keys, key)
		}
		line.usageSum = line.plus(row)
		line.Places[row.Place] += money(row.Cost)
	}
	out := make([]usageLine, 0, len(keys))
	var total money
	for _, key := range keys {
		out = append(out, *byKey[key])
		total += byKey[key].Cost
	}
	slices.SortFunc(out, func(a, b usageLine) int {
		return cmp.Or(cmp.Compare(b.Cost, a.Cost), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
	})
	for i := range out {
		out[i].Percent = share(int64(out[i].Cost), int64(total))
		out[i].draw(out[0], places)
	}
	return out
}

// group is the key and the name of a row's group.
func (u *UI) group(group string, row UsageRow) (key, name string) {
	switch group {
	case "mandant":
		return string(row.Tenant), u.tenantName(row.Tenant)
	case "verfahren":
		rec := gateway.Record{Tenant: row.Tenant, System: row.System}
		return string(row.Tenant) + "/" + string(row.System), u.systemName(rec)
	case "kostenstelle":
		return row.CostCentre, cmp.Or(row.CostCentre, "ohne Kostenstelle")
	case "zweck":
		return string(row.Purpose), purposeName(row.Purpose)
	case "leistung":
		return string(row.Service), cmp.Or(u.serviceName(row.Service), "ohne Leistung")
	case "modell":
		return string(row.Model), cmp.Or(string(row.Model), "ohne Modell")
	}
	return string(row.Place), placeTitle(row.Place)
}

func placeTitle(p gateway.Residency) string {
	if p == "" {
		return "ohne Modell"
	}
	return residencyName(p)
}

// serviceName is the German title of a service.
func (u *UI) serviceName(id gateway.ServiceID) string {
	if u.Panel != nil {
		if s, ok := u.Panel.Catalog.Service(id); ok {
			return s.Title.DE
		}
	}
	return string(id)
}

const barWhole = 400

// draw makes the bar: as long as its share of the largest, in the colours of the
// places. Where nothing costs anything, it stands for requests.
func (l *usageLine) draw(largest usageLine, places []placeKey) {
	if largest.Cost == 0 {
		l.Segments = []segment{{Width: int(l.Requests * barWhole / max(largest.Requests, 1)), Slot: 5}}
		return
	}
	x := 0
	for _, p := range places {
		width := int(int64(l.Places[p.Place]) * barWhole / int64(largest.Cost))
		if l.Places[p.Place] > 0 {
			width = max(width, 2)
		}
		if width == 0 {
			continue
		}
		l.Segments = append(l.Segments, segment{X: x, Width: width, Place: p.Place, Slot: p.Slot})
		x += width
	}
}

// Change compares requests with the period before.
func (v usageView) Change() phrase {
	if v.Before.Requests == 0 {
		return say("kein Vergleich zum Zeitraum davor")
	}
	change := (v.Total.Requests - v.Before.Requests) * 100 / v.Before.Requests
	if change >= 0 {
		return say("+%d %% zum Zeitraum davor", change)
	}
	return say("−%d %% zum Zeitraum davor", -change)
}

// Own is the share of requests in the own data centre.
func (v usageView) Own() string {
	for _, p := range v.Places {
		if p.Place == gateway.ResidencyOwn {
			return p.Percent
		}
	}
	if len(v.Places) == 0 {
		return "—"
	}
	return "0\u202f%"
}

// Ahead is the budget that is used most.
func (v usageView) Ahead() *budgetLine {
	var out *budgetLine
	for i := range v.Budgets {
		if out == nil || v.Budgets[i].Percent > out.Percent {
			out = &v.Budgets[i]
		}
	}
	return out
}
