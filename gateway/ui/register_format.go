// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// money is an amount as it is shown: 1 961,60 €.
type money gateway.MicroEuro

const (
	euro = 1_000_000
	cent = euro / 100
)

// String rounds to cents; amounts below a cent keep four places, so that nothing
// that costs looks free.
func (m money) String() string {
	sign := ""
	if m < 0 {
		sign, m = "−", -m
	}
	switch {
	case m > 0 && m < 100:
		return sign + "unter 0,0001\u00a0€"
	case m > 0 && m < 10*cent:
		places := pad(int64(m+50)/100, 4)
		return sign + "0," + places[:2] + strings.TrimRight(places[2:], "0") + "\u00a0€"
	}
	rounded := (int64(m) + cent/2) / cent
	return sign + count(int(rounded/100)) + "," + pad(rounded%100, 2) + "\u00a0€"
}

func pad(n int64, width int) string {
	s := strconv.FormatInt(n, 10)
	return strings.Repeat("0", max(0, width-len(s))) + s
}

// number groups digits and shortens what is large: 214 Mio.
func number(n int64) string {
	switch {
	case n >= 100_000_000_000:
		return count(int(n/1_000_000_000)) + "\u202fMrd."
	case n >= 10_000_000:
		return count(int(n/1_000_000)) + "\u202fMio."
	}
	return count(int(n))
}

// size is a number of bytes for people.
func size(bytes int64) string {
	units := []string{"Byte", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(bytes), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 || v >= 100 {
		return decimal(v, 0) + "\u202f" + units[i]
	}
	return decimal(v, 1) + "\u202f" + units[i]
}

// decimal writes a number with a comma.
func decimal(v float64, places int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "—"
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', places, 64), ".", ",", 1)
}

// energy is an estimate in watt-hours.
func energy(wh float64) string {
	switch {
	case wh <= 0:
		return "—"
	case wh >= 1000:
		return decimal(wh/1000, 1) + "\u202fkWh"
	case wh >= 10:
		return decimal(wh, 0) + "\u202fWh"
	}
	return decimal(wh, 2) + "\u202fWh"
}

// seconds is a duration of an answer.
func seconds(d time.Duration) string {
	switch {
	case d <= 0:
		return "—"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "\u202fms"
	case d < 10*time.Second:
		return decimal(d.Seconds(), 1) + "\u202fs"
	}
	return decimal(d.Seconds(), 0) + "\u202fs"
}

// share is a part of a whole in per cent.
func share(n, all int64) string {
	if all == 0 {
		return "—"
	}
	return strconv.FormatInt((n*100+all/2)/all, 10) + "\u202f%"
}

// option of a select.
type option struct {
	Value, Text string
	Selected    bool
}

// P50, P95 and Start are measured durations as text.
func (t Times) P50() string   { return seconds(t.Half) }
func (t Times) P95() string   { return seconds(t.Ninetieth) }
func (t Times) Start() string { return seconds(t.First) }
