// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"fmt"
	"time"
	_ "time/tzdata" // budgets follow German days also on machines without a zone database
)

const (
	dayFormat   = "2006-01-02"
	monthFormat = "2006-01"
)

// calendar knows German days and months.
type calendar struct{ zone *time.Location }

func newCalendar() (calendar, error) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return calendar{}, fmt.Errorf("load the German time zone: %w", err)
	}
	return calendar{zone}, nil
}

// period names the day or month of a budget and says when it ends.
func (c calendar) period(k Kind, now time.Time) (name string, ends time.Time) {
	t := now.In(c.zone)
	if k == KindMonth {
		return t.Format(monthFormat), time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, c.zone)
	}
	return t.Format(dayFormat), time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, c.zone)
}
