// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import "time"

// Bar is one bar of a chart: an hour, a day or a month.
type Bar struct {
	// Start is included, End excluded.
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	Allowed int       `json:"allowed"`
	Denied  int       `json:"denied"`
	// Duties and Release are parts of Allowed, see Hour.
	Duties  int `json:"duties"`
	Release int `json:"release"`
}

const (
	// hourly and daily are the longest periods that are shown by hours and by days.
	hourly = 50 * time.Hour
	daily  = 93 * 24 * time.Hour
	// maxBars bounds a chart; of a longer period the end is shown.
	maxBars = 120
)

// bars fits hours into a chart of the filter's period. Where the filter has no
// beginning or no end, the first or the last hour is it.
func bars(hours []Hour, f Filter) []Bar {
	from, to, ok := period(hours, f)
	if !ok {
		return nil
	}
	zone := f.Zone
	if zone == nil {
		zone = time.UTC
	}
	step := stepFor(to.Sub(from))
	var out []Bar
	for start := step.start(from.In(zone)); start.Before(to); {
		end := step.next(start)
		out = append(out, Bar{Start: start, End: end})
		start = end
		if len(out) > 2*maxBars {
			out = append(out[:0], out[maxBars:]...)
		}
	}
	out = out[max(0, len(out)-maxBars):]
	at := 0
	for _, h := range hours {
		for at < len(out) && !h.Start.Before(out[at].End) {
			at++
		}
		if at == len(out) {
			break
		}
		if !h.Start.Before(out[at].Start) {
			out[at].Allowed += h.Allowed
			out[at].Denied += h.Denied
			out[at].Duties += h.Duties
			out[at].Release += h.Release
		}
	}
	return out
}

func period(hours []Hour, f Filter) (from, to time.Time, ok bool) {
	from, to = f.From, f.To
	if len(hours) > 0 {
		if from.IsZero() {
			from = hours[0].Start
		}
		if last := hours[len(hours)-1].Start.Add(time.Hour); to.IsZero() || from.After(to) {
			to = last
		}
	}
	return from, to, !from.IsZero() && from.Before(to)
}

// barStep is the width of bars.
type barStep int

const (
	stepHour barStep = iota
	stepDay
	stepMonth
)

func stepFor(period time.Duration) barStep {
	switch {
	case period <= hourly:
		return stepHour
	case period <= daily:
		return stepDay
	}
	return stepMonth
}

func (s barStep) start(t time.Time) time.Time {
	switch s {
	case stepDay:
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	case stepMonth:
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	default:
		return t.Truncate(time.Hour)
	}
}

// next is the beginning of the next bar; days have 23 or 25 hours at times.
func (s barStep) next(t time.Time) time.Time {
	switch s {
	case stepDay:
		return t.AddDate(0, 0, 1)
	case stepMonth:
		return t.AddDate(0, 1, 0)
	default:
		return t.Add(time.Hour)
	}
}
