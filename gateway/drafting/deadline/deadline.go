// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package deadline computes when a posted letter counts as received and when a
// period ends: §§ 187 to 193 BGB, the fiction of notification of VwVfG, SGB X
// and AO by Land and date, and the public holidays of all Länder.
//
// It computes dates and shows how; it does not know which period applies. Start
// at [Engine.FixedDay] and [Engine.Months].
package deadline

import (
	_ "embed" // the table of fictions
	"encoding/json"
	"fmt"
	"time"
)

// Code is the procedural law that governs the letter.
type Code string

// Codes.
const (
	VwVfG Code = "vwvfg"
	SGB   Code = "sgb"
	AO    Code = "ao"
)

// Land is the usual two-letter code, for example "BW".
type Land string

//go:embed fictions.json
var fictionTable []byte

// Fiction says on which day after posting a letter counts as notified.
type Fiction struct {
	Code Code `json:"code"`
	// Land is empty for the rule that applies where no other does.
	Land Land `json:"land,omitempty"`
	// ValidFrom is the first day of posting the rule is used for, YYYY-MM-DD.
	ValidFrom string `json:"valid_from"`
	Days      int    `json:"days"`
	// Shift moves the day to the next working day (AO only).
	Shift bool `json:"shift,omitempty"`
	// Basis is the norm, Source where the rule was read.
	Basis    string `json:"basis"`
	Source   string `json:"source"`
	Verified bool   `json:"verified"`
}

// Engine computes dates. It is immutable.
type Engine struct {
	fictions []Fiction
	extra    map[string]bool // further holidays of the municipality
}

// Config of an Engine. The zero value uses the embedded table.
type Config struct {
	// Fictions replaces the embedded table.
	Fictions []Fiction
	// Holidays are further days of rest of the municipality (Augsburg: 8 August).
	Holidays []time.Time
}

// New checks the configuration.
func New(c Config) (*Engine, error) {
	e := &Engine{fictions: c.Fictions, extra: map[string]bool{}}
	if len(e.fictions) == 0 {
		if err := json.Unmarshal(fictionTable, &e.fictions); err != nil {
			return nil, fmt.Errorf("read table of fictions: %w", err)
		}
	}
	for _, f := range e.fictions {
		if _, err := time.Parse(time.DateOnly, f.ValidFrom); err != nil || f.Days < 0 || f.Days > 31 || f.Code == "" {
			return nil, fmt.Errorf("fiction %s %s %s is not usable", f.Code, f.Land, f.ValidFrom)
		}
	}
	for _, d := range c.Holidays {
		e.extra[Day(d).Format(time.DateOnly)] = true
	}
	return e, nil
}

// Day is the calendar day of a time, at midnight UTC.
func Day(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Result is a computed day and how it came about.
type Result struct {
	Posted   time.Time `json:"posted"`
	Notified time.Time `json:"notified"`
	End      time.Time `json:"end"`
	Fiction  Fiction   `json:"fiction"`
	// Steps explain the computation in German, one sentence each.
	Steps []string `json:"steps"`
}

// Fiction returns the rule for a letter posted on a day.
func (e *Engine) Fiction(code Code, land Land, posted time.Time) (Fiction, error) {
	day := Day(posted).Format(time.DateOnly)
	var best Fiction
	for _, f := range e.fictions {
		if f.Code != code || f.ValidFrom > day || f.Land != "" && f.Land != land {
			continue
		}
		if best.Code == "" || f.Land != "" && best.Land == "" || f.Land == best.Land && f.ValidFrom > best.ValidFrom {
			best = f
		}
	}
	if best.Code == "" {
		return Fiction{}, fmt.Errorf("no rule on notification for %s, Land %q, posted %s", code, land, day)
	}
	return best, nil
}

// Notified is the day on which a posted letter counts as notified.
func (e *Engine) Notified(f Fiction, land Land, posted time.Time) time.Time {
	day := Day(posted).AddDate(0, 0, f.Days)
	if f.Shift {
		return e.NextWorkingDay(land, day)
	}
	return day
}

// FixedDay is the last day of a period of days set by the authority: it starts
// on the day after notification and never ends on a Saturday, Sunday or holiday.
func (e *Engine) FixedDay(code Code, land Land, posted time.Time, days int) (Result, error) {
	if days < 1 || days > 3660 {
		return Result{}, fmt.Errorf("period of %d days", days)
	}
	return e.period(code, land, posted, fmt.Sprintf("Die Frist von %s beginnt am Tag danach (§ 187 Abs. 1 BGB) und endet mit Ablauf des %%s (§ 188 Abs. 1 BGB).", count(days, "Tag", "Tagen")),
		func(notified time.Time) time.Time { return notified.AddDate(0, 0, days) })
}

// Months is the last day of a period of months, for example of a remedy.
func (e *Engine) Months(code Code, land Land, posted time.Time, months int) (Result, error) {
	if months < 1 || months > 1200 {
		return Result{}, fmt.Errorf("period of %d months", months)
	}
	return e.period(code, land, posted, fmt.Sprintf("Die Frist von %s beginnt am Tag danach (§ 187 Abs. 1 BGB) und endet mit Ablauf des %%s (§ 188 Abs. 2 und 3 BGB).", count(months, "Monat", "Monaten")),
		func(notified time.Time) time.Time { return AddMonths(notified, months) })
}

func (e *Engine) period(code Code, land Land, posted time.Time, sentence string, end func(time.Time) time.Time) (Result, error) {
	f, err := e.Fiction(code, land, posted)
	if err != nil {
		return Result{}, err
	}
	r := Result{Posted: Day(posted), Fiction: f}
	r.Notified = e.Notified(f, land, posted)
	last := end(r.Notified)
	r.End = e.NextWorkingDay(land, last)
	r.Steps = append(r.Steps,
		fmt.Sprintf("Aufgabe zur Post am %s.", Long(r.Posted)),
		fmt.Sprintf("Bekannt gegeben am %s (%d. Tag nach der Aufgabe, %s).", Long(r.Notified), f.Days, f.Basis),
		fmt.Sprintf(sentence, Long(last)))
	if !r.End.Equal(last) {
		r.Steps = append(r.Steps, fmt.Sprintf("Das ist %s; die Frist endet am nächsten Werktag, %s (§ 193 BGB).", e.why(land, last), Long(r.End)))
	}
	return r, nil
}

// AddMonths ends a period of months: the same day of the month, or the last day
// of the month where it is missing (§ 188 Abs. 2 and 3 BGB).
func AddMonths(d time.Time, months int) time.Time {
	first := time.Date(d.Year(), d.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(d.Day(), last)-1)
}

// NextWorkingDay is d, or the next day that is no Saturday, Sunday or holiday.
func (e *Engine) NextWorkingDay(land Land, d time.Time) time.Time {
	d = Day(d)
	for !e.WorkingDay(land, d) {
		d = d.AddDate(0, 0, 1)
	}
	return d
}

// WorkingDay says whether a day is no Saturday, Sunday or holiday.
func (e *Engine) WorkingDay(land Land, d time.Time) bool { return e.why(land, d) == "" }

// why names in German what keeps a day from being a working day.
func (e *Engine) why(land Land, d time.Time) string {
	if name, ok := Holiday(land, d); ok {
		return "ein gesetzlicher Feiertag (" + name + ")"
	}
	if e.extra[Day(d).Format(time.DateOnly)] {
		return "ein örtlicher Feiertag"
	}
	switch d.Weekday() {
	case time.Saturday:
		return "ein Samstag"
	case time.Sunday:
		return "ein Sonntag"
	default:
		return ""
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
