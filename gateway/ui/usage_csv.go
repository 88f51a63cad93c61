// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usageCSV is GET /admin/usage.csv: the table of the page, for a spreadsheet set
// up for German. That it was taken away stands in the record.
func (u *UI) usageCSV(w http.ResponseWriter, r *http.Request) error {
	f, err := u.readUsage(r)
	if err != nil {
		return err
	}
	v, err := u.usage(r, f)
	if err != nil {
		return err
	}
	raw, err := tableOf(v)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Verbrauch vom %s bis %s wurde ausgegeben, %d Zeilen.", v.From.Format("02.01.2006"), v.To.Format("02.01.2006"), len(v.Rows))
	if err := u.Register.Note(r.Context(), PageNote{Person: personOf(r), Topic: "exported", Object: "usage", Text: text}); err != nil {
		return fmt.Errorf("note export of usage: %w", err)
	}
	return download(w, raw, "text/csv; charset=utf-8", fmt.Sprintf("verbrauch-%s-%s.csv", f.Group, v.From.Format(time.DateOnly)))
}

// download sends a file that is stored, not shown.
func download(w http.ResponseWriter, raw []byte, mediaType, name string) error {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err := w.Write(raw)
	if err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	return nil
}

func tableOf(v usageView) ([]byte, error) {
	out := bytes.NewBufferString("\ufeff") // so that Excel reads UTF-8
	w := csv.NewWriter(out)
	w.Comma, w.UseCRLF = ';', true
	title := v.Filter.Group
	for _, g := range usageGroups {
		if g.value == v.Filter.Group {
			title = g.title
		}
	}
	head := []string{"Von", "Bis", title, "Kennung", "Anfragen", "Token Eingabe", "Token Ausgabe", "davon geschätzt", "Kosten EUR", "Strom Wh (Schätzung)"}
	for _, p := range v.Places {
		head = append(head, "Kosten EUR "+placeTitle(p.Place))
	}
	rows := [][]string{append(head, "Preisliste")}
	for _, l := range v.Rows {
		line := []string{
			v.From.Format("02.01.2006"), v.To.Format("02.01.2006"), l.Name, l.Key, strconv.FormatInt(l.Requests, 10), strconv.FormatInt(l.Input, 10),
			strconv.FormatInt(l.Output, 10), strconv.FormatInt(l.Estimated, 10), amount(l.Cost), decimal(l.WattHours, 2),
		}
		for _, p := range v.Places {
			line = append(line, amount(l.Places[p.Place]))
		}
		rows = append(rows, append(line, v.Prices))
	}
	for _, row := range rows {
		if err := w.Write(harmless(row)); err != nil {
			return nil, fmt.Errorf("write table of usage: %w", err)
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

// amount is a number of euros with six decimals, as a spreadsheet reads it.
func amount(m money) string {
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	return sign + strconv.FormatInt(int64(m)/euro, 10) + "," + pad(int64(m)%euro, 6)
}

// harmless keeps a spreadsheet from computing names: = + - @ begin a formula.
func harmless(row []string) []string {
	out := slices.Clone(row)
	for i, cell := range out {
		if _, err := strconv.ParseFloat(strings.Replace(cell, ",", ".", 1), 64); err != nil && strings.ContainsAny(cell[:min(len(cell), 1)], "=+-@\t\r") {
			out[i] = "'" + cell
		}
	}
	return out
}
