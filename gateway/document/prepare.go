// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/text/language"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of one letter. DIN 5008 gives the lines of the address field and what
// fits beside it; the rest keeps a request from taking the machine.
const (
	maxRecipient  = 6
	maxInfo       = 12
	maxFooter     = 4
	maxHeadLines  = 4
	maxBlocks     = 2000
	maxItems      = 2000
	maxRows       = 5000
	maxColumns    = 12
	maxLine       = 500
	maxText       = 1 << 20
	maxAttachment = 16 << 20
)

// prepare returns the letter as the writers set it: within bounds, without
// control characters, in NFC, with defaults filled in and spaces bound. The given
// letter stays as it is.
func prepare(l Letter) (Letter, error) {
	p := preparer{left: maxText}
	p.meta(&l)
	p.head(&l)
	l.Body = p.body(l.Body, l.Subject != "")
	p.attachment(&l)
	return l, p.err
}

// preparer keeps the first error and the text still allowed.
type preparer struct {
	left int
	err  error
}

func (p *preparer) fail(code gateway.Code, path, format string, args ...any) {
	if p.err == nil {
		p.err = &gateway.Error{Op: "document", Code: code, Path: path, Message: fmt.Sprintf(format, args...)}
	}
}

// spend counts the bytes of a text against the bound of the whole letter.
func (p *preparer) spend(s, path string) bool {
	p.left -= len(s)
	if p.left < 0 {
		p.fail(gateway.CodeTooLarge, path, "Das Schreiben ist zu lang: mehr als %d Zeichen.", maxText)
	}
	return p.err == nil
}

// line cleans a text that has no line breaks.
func (p *preparer) line(s, path string) string {
	if !p.spend(s, path) {
		return ""
	}
	s = cleanLine(s)
	if len([]rune(s)) > maxLine {
		p.fail(gateway.CodeTooLarge, path, "Die Zeile hat mehr als %d Zeichen.", maxLine)
	}
	return s
}

// lines cleans the lines of a list of at most limit entries, without empty ones.
func (p *preparer) lines(in []string, limit int, path string) []string {
	return filled(p, in, limit, path, "Hier sind höchstens %d Zeilen möglich.", p.line)
}

// filled cleans the entries of a list and leaves out those with nothing in them;
// more than limit are an error, for which many is the message.
func filled[T comparable](p *preparer, in []T, limit int, path, many string, clean func(x T, at string) T) []T {
	var empty T
	out := make([]T, 0, min(len(in), limit))
	for i, x := range in {
		at := fmt.Sprintf("%s[%d]", path, i)
		if x = clean(x, at); x == empty {
			continue
		}
		if len(out) == limit {
			p.fail(gateway.CodeInvalid, at, many, limit)
			return out
		}
		out = append(out, x)
	}
	return out
}

func (p *preparer) meta(l *Letter) {
	l.Lang = p.lang(l.Lang)
	l.Subject = bindSpaces(p.line(l.Subject, "subject"))
	l.Letterhead.Authority = p.line(l.Letterhead.Authority, "letterhead.authority")
	l.Letterhead.Department = p.line(l.Letterhead.Department, "letterhead.department")
	l.Title = cmp.Or(p.line(l.Title, "title"), l.Subject, "Schreiben")
	l.Author = cmp.Or(p.line(l.Author, "author"), l.Letterhead.Authority)
	l.Running = p.line(l.Running, "running")
	if l.Running == "" {
		l.Running = joined(" · ", l.Letterhead.Authority, l.Title)
	}
}

func (p *preparer) lang(tag string) string {
	if tag == "" {
		return "de-DE"
	}
	t, err := language.Parse(tag)
	if err != nil || len(tag) > 35 {
		p.fail(gateway.CodeInvalid, "lang", "Die Sprache ist keine gültige Kennung nach BCP 47, zum Beispiel „de-DE“.")
		return "de-DE"
	}
	return t.String()
}

func (p *preparer) head(l *Letter) {
	l.Letterhead.Lines = p.lines(l.Letterhead.Lines, maxHeadLines, "letterhead.lines")
	l.ReturnLine = p.line(l.ReturnLine, "return_line")
	l.Recipient = p.lines(l.Recipient, maxRecipient, "recipient")
	l.Info = p.info(l.Info)
	l.Footer = p.lines(l.Footer, maxFooter, "footer")
}

func (p *preparer) info(in []Pair) []Pair {
	return filled(p, in, maxInfo, "info", "Der Informationsblock hat höchstens %d Zeilen.", func(x Pair, at string) Pair {
		return Pair{Label: p.line(x.Label, at+".label"), Value: p.line(x.Value, at+".value")}
	})
}

func (p *preparer) body(in []Block, subject bool) []Block {
	if len(in) > maxBlocks {
		p.fail(gateway.CodeTooLarge, "body", "Das Schreiben hat mehr als %d Bausteine.", maxBlocks)
		return nil
	}
	level := 0
	if subject {
		level = 1
	}
	out := make([]Block, 0, len(in))
	for i, b := range in {
		if b = p.block(b, fmt.Sprintf("body[%d]", i)); b == nil {
			continue
		}
		if h, ok := b.(Heading); ok {
			h.Level = outline(&level, h.Level, subject)
			b = h
		}
		out = append(out, b)
	}
	return out
}

// outline turns the level of a heading into its level in the document, where the
// subject is level 1, and closes holes: after level 2 comes at most level 3.
func outline(last *int, level int, subject bool) int {
	level = min(max(level, 1), 3)
	if subject {
		level++
	}
	*last = min(level, *last+1)
	return *last
}

// block cleans one block; nil means there is nothing to show.
func (p *preparer) block(b Block, path string) Block {
	if p.err != nil {
		return nil
	}
	switch b := value(b).(type) {
	case Paragraph:
		return p.paragraph(b, path)
	case Heading:
		b.Text = bindSpaces(p.line(b.Text, path+".text"))
		if b.Text == "" {
			return nil
		}
		return b
	case List:
		return p.list(b, path)
	case Table:
		return p.table(b, path)
	}
	p.fail(gateway.CodeInvalid, path, "Der Baustein ist leer oder von unbekannter Art.")
	return nil
}

// value looks through a pointer to a block.
func value(b Block) Block {
	switch b := b.(type) {
	case *Paragraph:
		if b != nil {
			return *b
		}
	case *Heading:
		if b != nil {
			return *b
		}
	case *List:
		if b != nil {
			return *b
		}
	case *Table:
		if b != nil {
			return *b
		}
	}
	return b
}

func (p *preparer) paragraph(b Paragraph, path string) Block {
	for i, r := range b.Runs {
		if !p.spend(r.Text, fmt.Sprintf("%s.runs[%d]", path, i)) {
			return nil
		}
	}
	if b.Runs = cleanRuns(b.Runs); len(b.Runs) == 0 {
		return nil
	}
	return b
}

func (p *preparer) list(b List, path string) Block {
	if len(b.Items) > maxItems {
		p.fail(gateway.CodeTooLarge, path+".items", "Die Liste hat mehr als %d Punkte.", maxItems)
		return nil
	}
	items := make([][]Paragraph, 0, len(b.Items))
	for i, item := range b.Items {
		kept := make([]Paragraph, 0, len(item))
		for j, par := range item {
			if c, ok := p.paragraph(par, fmt.Sprintf("%s.items[%d][%d]", path, i, j)).(Paragraph); ok {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 {
			items = append(items, kept)
		}
	}
	if b.Items = items; len(items) == 0 {
		return nil
	}
	return b
}

func (p *preparer) table(b Table, path string) Block {
	if len(b.Rows) > maxRows {
		p.fail(gateway.CodeTooLarge, path+".rows", "Die Tabelle hat mehr als %d Zeilen.", maxRows)
		return nil
	}
	columns := len(b.Header)
	for _, r := range b.Rows {
		columns = max(columns, len(r))
	}
	if columns > maxColumns {
		p.fail(gateway.CodeTooLarge, path, "Die Tabelle hat mehr als %d Spalten.", maxColumns)
		return nil
	}
	if columns == 0 {
		return nil
	}
	out := Table{Caption: bindSpaces(p.line(b.Caption, path+".caption")), Widths: shares(b.Widths, columns)}
	if len(b.Header) > 0 {
		out.Header = p.cells(b.Header, columns, path+".header")
	}
	for i, r := range b.Rows {
		out.Rows = append(out.Rows, p.cells(r, columns, fmt.Sprintf("%s.rows[%d]", path, i)))
	}
	return out
}

// cells cleans one row and fills it up to the width of the table.
func (p *preparer) cells(in []string, columns int, path string) []string {
	out := make([]string, columns)
	for i, s := range in {
		if p.spend(s, fmt.Sprintf("%s[%d]", path, i)) {
			out[i] = bindSpaces(cleanText(s))
		}
	}
	return out
}

// shares returns one positive share per column.
func shares(widths []int, columns int) []int {
	out := make([]int, columns)
	for i := range out {
		out[i] = 1
		if len(widths) == columns {
			out[i] = min(max(widths[i], 1), 1000)
		}
	}
	return out
}

func (p *preparer) attachment(l *Letter) {
	if l.Attachment == nil {
		return
	}
	a := *l.Attachment
	if len(a.Data) > maxAttachment {
		p.fail(gateway.CodeTooLarge, "attachment.data", "Die Anlage ist größer als %d MiB.", maxAttachment>>20)
		return
	}
	a.Name = cmp.Or(strings.Map(fileRune, p.line(a.Name, "attachment.name")), "daten.bin")
	a.MediaType = cmp.Or(p.line(a.MediaType, "attachment.media_type"), "application/octet-stream")
	a.Description = cmp.Or(p.line(a.Description, "attachment.description"), a.Name)
	l.Attachment = &a
}

// fileRune keeps path separators and what file systems refuse out of a file name.
func fileRune(r rune) rune {
	if strings.ContainsRune(`/\:*?"<>|`, r) {
		return '_'
	}
	return r
}

// joined joins what is not empty.
func joined(sep string, s ...string) string {
	kept := s[:0:0]
	for _, x := range s {
		if x != "" {
			kept = append(kept, x)
		}
	}
	return strings.Join(kept, sep)
}
