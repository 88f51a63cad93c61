// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func TestMoney(t *testing.T) {
	t.Parallel()
	for in, want := range map[money]string{
		0: "0,00 €", 1: "unter 0,0001 €", 3_400: "0,0034 €", 90_000: "0,09 €", 100_000: "0,10 €", 961_600_000: "961,60 €", 1_234_567_894_999: "1\u202f234\u202f567,89 €",
		-2_500_000: "−2,50 €", 99_999: "0,10 €",
	} {
		if got := strings.ReplaceAll(in.String(), "\u00a0", " "); got != want {
			t.Errorf("%d micro-euros are %q, want %q", in, got, want)
		}
	}
	if got := amount(-1_234_567); got != "-1,234567" {
		t.Errorf("for a spreadsheet: %q", got)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		size(0): "0 Byte", size(1536): "1,5 KiB", size(300 << 20): "300 MiB", energy(0): "—", energy(0.5): "0,50 Wh", energy(11.4): "11 Wh", energy(1600): "1,6 kWh",
		seconds(0): "—", seconds(12 * time.Millisecond): "12 ms", seconds(7400 * time.Millisecond): "7,4 s", seconds(83 * time.Second): "83 s",
		number(7944): "7 944", number(214_000_000): "214 Mio.", share(1, 3): "33 %", share(0, 0): "—",
	} {
		if got = strings.ReplaceAll(got, "\u202f", " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// The period before has as many days, or the same days of the month or year before.
func TestPeriods(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, period, want string }{
		{"2026-11-22", "monat", "2026-11-01 2026-11-22 2026-10-01 2026-10-22"},
		{"2026-03-31", "monat", "2026-03-01 2026-03-31 2026-02-01 2026-02-28"},
		{"2026-11-22", "vormonat", "2026-10-01 2026-10-31 2026-09-01 2026-09-30"},
		{"2026-11-22", "7d", "2026-11-16 2026-11-22 2026-11-09 2026-11-15"},
		{"2026-11-22", "30d", "2026-10-24 2026-11-22 2026-09-24 2026-10-23"},
		{"2028-02-29", "jahr", "2028-01-01 2028-02-29 2027-01-01 2027-02-28"},
	} {
		now, err := time.ParseInLocation(time.DateOnly, c.now, zone)
		if err != nil {
			t.Fatal(err)
		}
		u := &UI{Config: Config{Now: func() time.Time { return now.Add(23 * time.Hour) }}, zone: zone}
		var got []string
		a, b, x, y := u.period(c.period)
		for _, day := range []time.Time{a, b, x, y} {
			got = append(got, day.Format(time.DateOnly))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s on %s: %v, want %s", c.period, c.now, got, c.want)
		}
	}
}

// A model that did the work is judged by its own tokens, another one by theirs.
func TestCompare(t *testing.T) {
	t.Parallel()
	chat := []gateway.Operation{gateway.OperationChat}
	sheets := []ModelSheet{
		{Card: gateway.ModelCard{ID: "a", Operations: chat, Price: gateway.Price{Input: 1_000_000, Output: 2_000_000}, Energy: 2}, Uses: []ModelUse{{Purpose: gateway.PurposeSummarise, Requests: 10, Input: 10_000, Output: 5_000}}},
		{Card: gateway.ModelCard{ID: "b", Operations: chat, Price: gateway.Price{Input: 500_000, Output: 1_000_000}}},
		{Card: gateway.ModelCard{ID: "vectors", Operations: []gateway.Operation{gateway.OperationEmbeddings}}},
	}
	costs := compare(sheets)
	if len(costs) != 2 {
		t.Fatalf("%d models are compared, want the two that write", len(costs))
	}
	// 1,000 requests of 1,000 tokens in and 500 out: 1 € + 1 €.
	if c := costs[0].Works[2]; !c.Measured || c.Cost != 2*euro || strings.ReplaceAll(c.Energy, "\u202f", " ") != "1,0 kWh" {
		t.Errorf("a: %+v", c)
	}
	if c := costs[1].Works[2]; c.Measured || !c.Known || c.Cost != euro {
		t.Errorf("b: %+v", c)
	}
	if c := costs[0].Works[1]; c.Known {
		t.Errorf("letters were never written: %+v", c)
	}
}

func TestDrawTimes(t *testing.T) {
	t.Parallel()
	day := func(n int, half, ninetieth time.Duration, count int) DayTimes {
		return DayTimes{Day: time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC), Times: Times{Count: count, Half: half, Ninetieth: ninetieth}}
	}
	c := drawTimes([]DayTimes{day(1, 3*time.Second, 7*time.Second, 9), day(2, 0, 0, 0), day(3, 4*time.Second, 12*time.Second, 5)}, time.UTC)
	if c.Half != "44,146 516,131" || c.Ninetieth != "44,87 516,12" {
		t.Errorf("p50 %s, p95 %s", c.Half, c.Ninetieth)
	}
	if c.Lines[3].Text != "12\u202fs" || c.First != "1.11." || c.Last != "3.11." {
		t.Errorf("scale %+v, days %s to %s", c.Lines, c.First, c.Last)
	}
	if none := drawTimes([]DayTimes{day(1, 0, 0, 0)}, time.UTC); none.Half != "" || none.Lines != nil {
		t.Errorf("nothing was measured, drawn %+v", none)
	}
}

// What begins like a formula is text for a spreadsheet; numbers stay numbers.
func TestTableIsHarmless(t *testing.T) {
	t.Parallel()
	got := harmless([]string{"=1+2", "+49", "-1,5", "@x", "Stadt", "", "\t=1"})
	if want := "'=1+2|+49|-1,5|'@x|Stadt||'\t=1"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
}

// Neighbours across the line come from the same point of Annex III and purpose
// first, and never from the same side.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	all := []GuideExample{
		{ID: "far", Annex: "4(a)", Purpose: "hr_screening", Class: "high_risk"},
		{ID: "near", Annex: "5(a)", Purpose: "irregularity_flagging", Class: "high_risk"},
		{ID: "same", Annex: "5(a)", Purpose: "completeness_check", Class: "exempt_6_3_a"},
		{ID: "also outside", Annex: "", Purpose: "completeness_check", Class: "out_of_scope"},
	}
	same, across := neighbours(all, "exempt_6_3_a", "5(a)", "completeness_check")
	if len(same) != 1 || same[0].ID != "same" {
		t.Errorf("same class: %+v", same)
	}
	if len(across) != 2 || across[0].ID != "near" || across[1].ID != "far" {
		t.Errorf("across the line: %+v", across)
	}
}

func TestReadLimits(t *testing.T) {
	t.Parallel()
	read := func(fields url.Values) (string, error) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(fields.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := r.ParseForm(); err != nil {
			t.Fatal(err)
		}
		raw, err := readLimits(r, []byte(`{"systems":{"woga":{"concurrent":2}},"concurrent":9}`))
		return string(raw), err
	}
	got, err := read(url.Values{"budget_per_month": {"1.250,50 €"}, "requests_per_minute": {"60"}, "concurrent": {""}})
	if want := `{"budget_per_month":1250.50,"requests_per_minute":60,"systems":{"woga":{"concurrent":2}}}`; err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	for _, wrong := range []string{"viel", "1,2,3", "--1", "NaN", "1e"} {
		if got, err := read(url.Values{"budget_per_day": {wrong}}); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%q is taken as %s, %v", wrong, got, err)
		}
	}
}

// Who may see and change which tenants.
func TestActors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		person identity.Person
		actor  identity.Actor
		scope  gateway.TenantID
	}{
		{identity.Person{Tenant: "a", Name: "K", Roles: []string{identity.RoleTenant}}, identity.Actor{Name: "K", Home: "a", User: "K", Tenant: "a"}, "a"},
		{identity.Person{Tenant: "a", Name: "K", Roles: []string{identity.RoleOperator}}, identity.Actor{Name: "K", Home: "a", User: "K", Operator: true}, ""},
		{identity.Person{Name: "K", Operator: true, Roles: []string{identity.RoleRevision}}, identity.Actor{Name: "K", Home: identity.OperatorTenant, User: "K"}, ""},
	} {
		if got := actor(c.person); got != c.actor || scopeOf(c.person) != c.scope {
			t.Errorf("%+v acts as %+v and sees %q", c.person, got, scopeOf(c.person))
		}
	}
}

// Every German text of these pages has an English one.
func TestWordsOfRegisterPagesAreTranslated(t *testing.T) {
	t.Parallel()
	l, err := newLocale()
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, g := range usageGroups {
		words = append(words, g.title)
	}
	for _, p := range usagePeriods {
		words = append(words, p.Text)
	}
	for _, f := range limitNames {
		words = append(words, f.Title)
	}
	for _, f := range letterNames {
		words = append(words, f.Title)
	}
	for _, f := range bookFields(BookEntry{}) {
		words = append(words, f.Title)
	}
	for _, w := range works {
		words = append(words, w.title)
	}
	for _, c := range classChannels {
		words = append(words, c.Text)
	}
	for _, state := range []string{"closed", "half_open", "open", "paused"} {
		words = append(words, healthOf([]ModelServer{{State: state}}).Text, healthOf([]ModelServer{{State: state}, {State: "closed"}}).Text)
	}
	for _, word := range words {
		if l[word] == "" {
			t.Errorf("no English text for %q", word)
		}
	}
}
