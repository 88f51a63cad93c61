// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"maps"
	"math"
	"slices"
	"time"
)

// List returns one page of entries within the scope.
func (v *Viewer) List(ctx context.Context, f Filter) (Page, error) {
	after, err := parsePosition(f.Cursor)
	if err != nil {
		return Page{}, err
	}
	var counts *counter
	if f.Totals || f.selective() {
		counts = v.counts(ctx, f)
	}
	limit := pageLimit(f.Limit)
	pairs, err := v.choose(ctx, f, counts, after, limit+1)
	if err != nil {
		return Page{}, err
	}
	var page Page
	if len(pairs) > limit {
		pairs = pairs[:limit]
		last := pairs[limit-1].Open
		page.Next = Position{Time: last.Time, Seq: last.Seq}.String()
	}
	page.Items = make([]Item, 0, len(pairs))
	for _, p := range pairs {
		if p.gone() {
			continue
		}
		item, err := p.item()
		if err != nil {
			return Page{}, err
		}
		page.Items = append(page.Items, item)
	}
	if f.Totals {
		totals, err := v.totals(ctx, f, counts)
		if err != nil {
			return Page{}, err
		}
		totals.Bars = bars(totals.Hours, f)
		page.Totals = &totals
	}
	return page, nil
}

// selective says that entries may have to be looked for.
func (f Filter) selective() bool {
	f.From, f.To = time.Time{}, time.Time{}
	f.Scope = Scope{All: true}
	return !f.everything()
}

// counts counts what the filter covers in the whole hours of its period; nil: that is
// not possible, and the store has to do it entry by entry.
func (v *Viewer) counts(ctx context.Context, f Filter) *counter {
	if !f.countable() {
		return nil
	}
	c := &counter{filter: f, from: math.MinInt64, to: math.MaxInt64}
	if !f.From.IsZero() {
		c.from = ceilHour(f.From)
	}
	if !f.To.IsZero() {
		c.to = floorHour(f.To)
	}
	if c.from >= c.to || v.overview.count(ctx, c) != nil {
		return nil
	}
	return c
}

func floorHour(t time.Time) int64 { return t.Truncate(time.Hour).Unix() / 3600 }
func ceilHour(t time.Time) int64  { return floorHour(t.Add(time.Hour - 1)) }
func hourTime(n int64) time.Time  { return time.Unix(n*3600, 0).UTC() }

// totals joins whole hours with what the filter covers of the first and the last.
func (v *Viewer) totals(ctx context.Context, f Filter, c *counter) (Totals, error) {
	if c == nil {
		return v.reader.Totals(ctx, f)
	}
	t := NewTotals()
	add := func(parts []Filter) error {
		for _, part := range parts {
			edge, err := v.reader.Totals(ctx, part)
			if err != nil {
				return err
			}
			t.merge(edge)
		}
		return nil
	}
	first, last := c.edges()
	if err := add(first); err != nil {
		return t, err
	}
	t.merge(c.totals())
	return t, add(last)
}

// edges are the parts of the period before and behind its whole hours, if there are any.
func (c *counter) edges() (first, last []Filter) {
	if start := hourTime(c.from); !c.filter.From.IsZero() && c.filter.From.Before(start) {
		part := c.filter
		part.To = start
		first = append(first, part)
	}
	if end := hourTime(c.to); !c.filter.To.IsZero() && end.Before(c.filter.To) {
		part := c.filter
		part.From = end
		last = append(last, part)
	}
	return first, last
}

// choose returns up to so many stories behind a position. Where it is known in which
// hours they are, only these are looked at.
func (v *Viewer) choose(ctx context.Context, f Filter, c *counter, after Position, most int) ([]Pair, error) {
	if c == nil || !f.selective() {
		return v.reader.Select(ctx, f, after, most)
	}
	var pairs []Pair
	first, last := c.edges()
	hours := slices.Sorted(maps.Keys(c.hours))
	for len(pairs) < most {
		part := f
		switch {
		case len(last) > 0:
			part, last = last[0], nil
		case len(hours) > 0:
			var from, to int64
			from, to, hours = c.newest(hours, most-len(pairs))
			part.From, part.To = hourTime(from), hourTime(to)
		case len(first) > 0:
			part, first = first[0], nil
		default:
			return pairs, nil
		}
		if after != (Position{}) && part.From.UnixNano() > after.Time {
			continue // those were on the pages before
		}
		more, err := v.reader.Select(ctx, part, after, most-len(pairs))
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, more...)
	}
	return pairs, nil
}

// besides is how many stories are passed over rather than left out by another question.
const besides = 300

// newest takes from the end of hours those that are close to one another and have so
// many stories together.
func (c *counter) newest(hours []int64, enough int) (from, to int64, rest []int64) {
	at := len(hours) - 1
	to = hours[at] + 1
	near := besides * (c.latest - c.earliest + 1) / int64(max(c.seen, 1))
	for found := 0; ; at-- {
		from = hours[at]
		for _, n := range c.hours[from] {
			found += n
		}
		if at == 0 || found >= enough || from-hours[at-1] > near+1 {
			return from, to, hours[:at]
		}
	}
}
