// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package deadline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func engine(t *testing.T, c deadline.Config) *deadline.Engine {
	t.Helper()
	e, err := deadline.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestGoldenMonths(t *testing.T) {
	t.Parallel()
	three := engine(t, deadline.Config{Fictions: []deadline.Fiction{{Code: deadline.VwVfG, ValidFrom: "1977-01-01", Days: 3, Basis: "§ 41 Abs. 2 LVwVfG"}}})
	usual := engine(t, deadline.Config{})
	cases := []struct {
		name, posted          string
		engine                *deadline.Engine
		code                  deadline.Code
		land                  deadline.Land
		wantNotified, wantEnd string
	}{
		{"New Year and weekend", "2026-11-27", usual, deadline.VwVfG, "BW", "2026-12-01", "2027-01-04"},
		{"Epiphany in BW", "2026-12-02", usual, deadline.VwVfG, "BW", "2026-12-06", "2027-01-07"},
		{"no Epiphany in NW", "2026-12-02", usual, deadline.VwVfG, "NW", "2026-12-06", "2027-01-06"},
		{"AO shifts the notification", "2026-12-02", usual, deadline.AO, "BW", "2026-12-07", "2027-01-07"},
		{"three days", "2026-12-02", three, deadline.VwVfG, "BW", "2026-12-05", "2027-01-05"},
		{"31 January to February", "2027-01-27", usual, deadline.VwVfG, "BW", "2027-01-31", "2027-03-01"},
		{"SGB does not shift the notification", "2026-12-02", usual, deadline.SGB, "BW", "2026-12-06", "2027-01-07"},
		{"three days before 2025", "2024-12-02", usual, deadline.SGB, "NW", "2024-12-05", "2025-01-06"},
		{"BW still three days in January 2025", "2025-01-10", usual, deadline.VwVfG, "BW", "2025-01-13", "2025-02-13"},
		{"federation four days in January 2025", "2025-01-10", usual, deadline.VwVfG, "NW", "2025-01-14", "2025-02-14"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, err := tc.engine.Months(tc.code, tc.land, day(t, tc.posted), 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Notified.Format(time.DateOnly); got != tc.wantNotified {
				t.Errorf("notified on %s, want %s", got, tc.wantNotified)
			}
			if got := r.End.Format(time.DateOnly); got != tc.wantEnd {
				t.Errorf("ends on %s, want %s\n%s", got, tc.wantEnd, strings.Join(r.Steps, "\n"))
			}
		})
	}
}

func TestFixedDay(t *testing.T) {
	t.Parallel()
	e := engine(t, deadline.Config{})
	cases := []struct {
		posted string
		land   deadline.Land
		days   int
		want   string
	}{
		{"2026-11-23", "BW", 21, "2026-12-18"}, // Friday
		{"2026-12-01", "BW", 21, "2026-12-28"}, // 26 Dec is a holiday and a Saturday
		{"2026-12-12", "BW", 21, "2027-01-07"}, // 6 Jan is a holiday
		{"2026-12-12", "NW", 21, "2027-01-06"},
		{"2027-05-02", "BW", 21, "2027-05-28"}, // 27 May 2027 is Fronleichnam
		{"2027-05-02", "HH", 21, "2027-05-27"},
	}
	for _, tc := range cases {
		r, err := e.FixedDay(deadline.SGB, tc.land, day(t, tc.posted), tc.days)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.End.Format(time.DateOnly); got != tc.want {
			t.Errorf("posted %s in %s, %d days: %s, want %s\n%s", tc.posted, tc.land, tc.days, got, tc.want, strings.Join(r.Steps, "\n"))
		}
	}
	for _, days := range []int{0, -1, 100_000} {
		if _, err := e.FixedDay(deadline.SGB, "BW", day(t, "2026-11-23"), days); err == nil {
			t.Errorf("a period of %d days was accepted", days)
		}
	}
	if _, err := e.FixedDay("kirchenrecht", "BW", day(t, "2026-11-23"), 5); err == nil {
		t.Error("an unknown code was accepted")
	}
}

func TestHolidaysPerLand(t *testing.T) {
	t.Parallel()
	want := map[deadline.Land]int{
		"BW": 12, "BY": 12, "BE": 10, "BB": 12, "HB": 10, "HH": 10, "HE": 10, "MV": 11,
		"NI": 10, "NW": 11, "RP": 11, "SL": 12, "SN": 11, "ST": 11, "SH": 10, "TH": 11, "": 9,
	}
	for land, count := range want {
		got := 0
		for d := day(t, "2026-01-01"); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
			if _, ok := deadline.Holiday(land, d); ok {
				got++
			}
		}
		if got != count {
			t.Errorf("%q has %d holidays in 2026, want %d", land, got, count)
		}
	}
	if name, _ := deadline.Holiday("SN", day(t, "2026-11-18")); name != "Buß- und Bettag" {
		t.Errorf("18 November 2026 in Saxony is %q, want Buß- und Bettag", name)
	}
	if _, ok := deadline.Holiday("MV", day(t, "2022-03-08")); ok {
		t.Error("8 March 2022 is no holiday in Mecklenburg-Vorpommern")
	}
}

func TestEaster(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"1900-04-15", "1954-04-18", "1981-04-19", "2000-04-23", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25", "2049-04-18", "2076-04-19"} {
		if got := deadline.Easter(day(t, want).Year()).Format(time.DateOnly); got != want {
			t.Errorf("Easter is on %s, want %s", got, want)
		}
	}
}

func TestMunicipalHolidayAndExplanation(t *testing.T) {
	t.Parallel()
	e := engine(t, deadline.Config{Holidays: []time.Time{day(t, "2028-08-08")}})
	r, err := e.FixedDay(deadline.SGB, "BY", day(t, "2028-07-28"), 7)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.End.Format(time.DateOnly); got != "2028-08-09" {
		t.Errorf("ends on %s, want the day after the municipal holiday", got)
	}
	want := "Das ist ein örtlicher Feiertag; die Frist endet am nächsten Werktag, Mittwoch, 9. August 2028 (§ 193 BGB)."
	if last := r.Steps[len(r.Steps)-1]; last != want {
		t.Errorf("last step is %q, want %q", last, want)
	}
}

func TestNewRefusesUnusableTable(t *testing.T) {
	t.Parallel()
	if _, err := deadline.New(deadline.Config{Fictions: []deadline.Fiction{{Code: "sgb", ValidFrom: "gestern", Days: 4}}}); err == nil {
		t.Error("a rule without a date was accepted")
	}
}
