// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// subjectLine says who the disclosure is about.
func (d *Disclosure) subjectLine() string {
	if d.Case != "" {
		return "Aktenzeichen " + d.Case
	}
	return "Benutzerkennung " + strings.Join(strings.Fields(d.User), " ")
}

// WriteJSON writes the disclosure in a machine-readable form (Art. 15 Abs. 3, Art. 20 DSGVO).
func (d *Disclosure) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(d)
}

// WriteText writes the disclosure for reading.
func (d *Disclosure) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Auskunft nach Art. 15 DSGVO\n%s, Mandant %s, Stand %s\n", d.subjectLine(), d.Tenant, day(d.Made))
	for _, s := range d.Statements {
		fmt.Fprintf(&b, "\n%s (%s)\n", s.Title, s.Norm)
		for _, line := range s.Lines {
			b.WriteString("  - " + line + "\n")
		}
	}
	b.WriteString("\nEinträge des Protokolls\n")
	for _, row := range d.entryRows() {
		b.WriteString("  " + strings.Join(row, " | ") + "\n")
	}
	for _, c := range d.Contents {
		fmt.Fprintf(&b, "\n%s zu %s vom %s, aufbewahrt bis %s\n", kindOfContent(c.Kind), c.Entry, day(c.Made), day(c.Expires))
		if c.Text != "" {
			b.WriteString(c.Text + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Letter is the disclosure as a letter; who sends it and to whom is for the
// caller to fill in.
func (d *Disclosure) Letter() document.Letter {
	l := document.Letter{
		Lang: "de-DE", Title: "Auskunft nach Art. 15 DSGVO", Created: d.Made,
		Info:    []document.Pair{{Label: "Ihr Zeichen", Value: d.subjectLine()}, {Label: "Datum", Value: day(d.Made)}},
		Subject: "Auskunft über Ihre Daten in der KI-Schleuse (Art. 15 DSGVO)",
		Draft:   true, // until a person has checked it
	}
	l.Body = append(l.Body,
		document.Text("Sehr geehrte Damen und Herren,"),
		document.Text("Sie haben Auskunft darüber verlangt, welche Daten zu "+d.subjectLine()+" verarbeitet werden. Für die KI-Schleuse, über die unsere Fachverfahren Sprachmodelle nutzen, teilen wir Ihnen mit:"),
	)
	for _, s := range d.Statements {
		l.Body = append(l.Body, document.Heading{Level: 1, Text: s.Title + " (" + s.Norm + ")"})
		if len(s.Lines) == 1 {
			l.Body = append(l.Body, document.Text(s.Lines[0]))
			continue
		}
		list := document.List{}
		for _, line := range s.Lines {
			list.Items = append(list.Items, []document.Paragraph{document.Text(line)})
		}
		l.Body = append(l.Body, list)
	}
	l.Body = append(l.Body, document.Text("Mit freundlichen Grüßen"))
	return d.annex(l)
}

// annex adds what is stored, item by item.
func (d *Disclosure) annex(l document.Letter) document.Letter {
	if rows := d.entryRows(); len(rows) > 0 {
		caption := "Einträge des Protokolls"
		if d.Total > len(rows) {
			caption = fmt.Sprintf("Die neuesten %d von %d Einträgen des Protokolls", len(rows), d.Total)
		}
		l.Body = append(l.Body, document.Heading{Level: 1, Text: "Anlage: Einträge des Protokolls"}, document.Table{
			Caption: caption, Header: []string{"Zeit", "Fachverfahren", "Zweck", "Modell", "Ergebnis"}, Rows: rows, Widths: []int{3, 3, 4, 3, 3},
		})
	}
	if len(d.Contents) == 0 {
		return l
	}
	l.Body = append(l.Body, document.Heading{Level: 1, Text: "Anlage: Aufbewahrte Inhalte"})
	for _, c := range d.Contents {
		l.Body = append(l.Body, document.Heading{Level: 2, Text: fmt.Sprintf("%s vom %s, aufbewahrt bis %s", kindOfContent(c.Kind), day(c.Made), day(c.Expires))})
		text := c.Text
		if text == "" {
			text = fmt.Sprintf("%d Bytes; der Text wird nicht herausgegeben.", c.Bytes)
		}
		l.Body = append(l.Body, document.Text(text))
	}
	return l
}

func (d *Disclosure) entryRows() [][]string {
	var rows [][]string
	for _, e := range d.Entries {
		rows = append(rows, []string{day(e.Time), string(e.System), purposeName(e.Purpose), orNothing(string(e.Model)), outcomeName(e.Outcome)})
	}
	return rows
}

func orNothing(s string) string {
	if s == "" {
		return "keines"
	}
	return s
}
