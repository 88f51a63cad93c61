// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package deadline

import (
	"strconv"
	"strings"
	"time"
)

// holiday is one public holiday: a fixed date, or days from Easter Sunday.
type holiday struct {
	name       string
	month      time.Month
	day        int // of the month, or from Easter when month is 0
	laender    string
	since      int  // first year, 0: always
	repentance bool // Wednesday before 23 November
}

// holidays of the Länder; no laender: everywhere. Mariä Himmelfahrt in Bavaria
// depends on the municipality and belongs into Config.Holidays.
func holidays() []holiday {
	return []holiday{
		{name: "Neujahr", month: time.January, day: 1},
		{name: "Heilige Drei Könige", month: time.January, day: 6, laender: "BW BY ST"},
		{name: "Internationaler Frauentag", month: time.March, day: 8, laender: "BE", since: 2019},
		{name: "Internationaler Frauentag", month: time.March, day: 8, laender: "MV", since: 2023},
		{name: "Karfreitag", day: -2},
		{name: "Ostersonntag", day: 0, laender: "BB"},
		{name: "Ostermontag", day: 1},
		{name: "Tag der Arbeit", month: time.May, day: 1},
		{name: "Christi Himmelfahrt", day: 39},
		{name: "Pfingstsonntag", day: 49, laender: "BB"},
		{name: "Pfingstmontag", day: 50},
		{name: "Fronleichnam", day: 60, laender: "BW BY HE NW RP SL"},
		{name: "Mariä Himmelfahrt", month: time.August, day: 15, laender: "SL"},
		{name: "Weltkindertag", month: time.September, day: 20, laender: "TH", since: 2019},
		{name: "Tag der Deutschen Einheit", month: time.October, day: 3},
		{name: "Reformationstag", month: time.October, day: 31, laender: "BB MV SN ST TH"},
		{name: "Reformationstag", month: time.October, day: 31, laender: "HB HH NI SH", since: 2018},
		{name: "Allerheiligen", month: time.November, day: 1, laender: "BW BY NW RP SL"},
		{name: "Buß- und Bettag", laender: "SN", repentance: true},
		{name: "Erster Weihnachtstag", month: time.December, day: 25},
		{name: "Zweiter Weihnachtstag", month: time.December, day: 26},
	}
}

// Holiday names the public holiday of a Land on a day.
func Holiday(land Land, d time.Time) (string, bool) {
	d = Day(d)
	for _, h := range holidays() {
		if h.laender != "" && !strings.Contains(" "+h.laender+" ", " "+string(land)+" ") || land == "" && h.laender != "" {
			continue
		}
		if d.Year() >= h.since && h.date(d.Year()).Equal(d) {
			return h.name, true
		}
	}
	return "", false
}

func (h holiday) date(year int) time.Time {
	switch {
	case h.repentance:
		before := time.Date(year, time.November, 22, 0, 0, 0, 0, time.UTC)
		return before.AddDate(0, 0, -(int(before.Weekday()-time.Wednesday)+7)%7)
	case h.month == 0:
		return Easter(year).AddDate(0, 0, h.day)
	}
	return time.Date(year, h.month, h.day, 0, 0, 0, 0, time.UTC)
}

// Easter is Easter Sunday in the Gregorian calendar (Gauss, in the form without
// exceptions).
func Easter(year int) time.Time {
	century := year / 100
	moon := (15 + century - century/4 - (8*century+13)/25 + 19*(year%19)) % 30
	moon -= moon/28 - (moon/28)*(29/(moon+1))*((21-year%19)/11)
	weekday := (year + year/4 + moon + 2 - century + century/4) % 7
	offset := moon - weekday
	month := 3 + (offset+40)/44
	day := offset + 28 - 31*(month/4)
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
}

// Long writes "Montag, 4. Januar 2027".
func Long(d time.Time) string { return Weekday(d) + ", " + Date(d) }

// Weekday is the German name of the day of the week.
func Weekday(d time.Time) string {
	return [...]string{"Sonntag", "Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag"}[d.Weekday()]
}

// Date writes "4. Januar 2027".
func Date(d time.Time) string {
	return strconv.Itoa(d.Day()) + ". " + Month(d.Month()) + " " + strconv.Itoa(d.Year())
}

// Month is the German name of a month.
func Month(m time.Month) string {
	return [...]string{"", "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}[m]
}
