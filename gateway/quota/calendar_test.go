// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"testing"
	"time"
)

func TestPeriodsAreGermanDaysAndMonths(t *testing.T) {
	t.Parallel()
	cal, err := newCalendar()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, day, dayEnds, month, monthEnds string }{
		{"2026-11-22T22:59:59Z", "2026-11-22", "2026-11-22T23:00:00Z", "2026-11", "2026-11-30T23:00:00Z"},
		{"2026-11-22T23:00:00Z", "2026-11-23", "2026-11-23T23:00:00Z", "2026-11", "2026-11-30T23:00:00Z"},
		{"2026-12-31T23:30:00Z", "2027-01-01", "2027-01-01T23:00:00Z", "2027-01", "2027-01-31T23:00:00Z"},
		// The day on which summer time begins has 23 hours, that on which it ends 25.
		{"2026-03-29T00:30:00Z", "2026-03-29", "2026-03-29T22:00:00Z", "2026-03", "2026-03-31T22:00:00Z"},
		{"2026-10-25T00:30:00Z", "2026-10-25", "2026-10-25T23:00:00Z", "2026-10", "2026-10-31T23:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		day, dayEnds := cal.period(KindDay, now)
		month, monthEnds := cal.period(KindMonth, now)
		if day != c.day || dayEnds.UTC().Format(time.RFC3339) != c.dayEnds || month != c.month || monthEnds.UTC().Format(time.RFC3339) != c.monthEnds {
			t.Errorf("%s: %s until %v, %s until %v", c.now, day, dayEnds.UTC(), month, monthEnds.UTC())
		}
	}
}

func TestAmountsForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0,00 €", 1: "0,000001 €", 9_999: "0,009999 €", 10_000: "0,01 €", 1_234_567_890: "1.234,56 €"} {
		if got := euros(n); got != want {
			t.Errorf("euros(%d) = %q, want %q", n, got, want)
		}
	}
	if got := number(1_234_567); got != "1.234.567" {
		t.Errorf("number = %q", got)
	}
}
