// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var (
	//go:embed letter.css
	letterCSS string
	//go:embed page.css
	pageCSS string
)

// Stylesheet is the CSS for what [HTMLFragment] writes; all its rules are below the
// class "letter".
func Stylesheet() string { return letterCSS }

// DraftNotice is the text that marks a draft, in every format.
const DraftNotice = "ENTWURF – noch nicht freigegeben"

// WriteHTML writes the letter as one self-contained page: no script, no request to
// anywhere, a style sheet for screen and A4 paper.
func WriteHTML(w io.Writer, l Letter) error {
	l, err := prepare(l)
	if err != nil {
		return err
	}
	h := htmlWriter{top: 1}
	h.add(`<!DOCTYPE html>`, "\n", `<html lang="`, esc(l.Lang), `">`, "\n<head>\n", `<meta charset="utf-8">`, "\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1">`, "\n",
		`<meta name="author" content="`, esc(l.Author), `">`, "\n",
		`<title>`, esc(l.Title), "</title>\n<style>\n", pageCSS, letterCSS, "</style>\n</head>\n<body>\n<main>\n")
	h.letter(l)
	h.add("</main>\n</body>\n</html>\n")
	return write(w, h.String(), "html")
}

// HTMLFragment writes the letter as one article element with classes only, for a
// page that brings its own style and has its own h1: the subject is an h2.
func HTMLFragment(w io.Writer, l Letter) error {
	l, err := prepare(l)
	if err != nil {
		return err
	}
	h := htmlWriter{top: 2}
	h.letter(l)
	return write(w, h.String(), "html fragment")
}

func write(w io.Writer, s, what string) error {
	if _, err := io.WriteString(w, s); err != nil {
		return fmt.Errorf("write %s: %w", what, err)
	}
	return nil
}

// htmlWriter collects the page; top is the level of the subject's heading.
type htmlWriter struct {
	strings.Builder
	top int
}

func (h *htmlWriter) add(s ...string) {
	for _, x := range s {
		h.WriteString(x)
	}
}

// element writes <tag class="class">text</tag>; nothing for an empty text.
func (h *htmlWriter) element(tag, class, text string) {
	if text == "" {
		return
	}
	h.add("<", tag)
	if class != "" {
		h.add(` class="`, class, `"`)
	}
	h.add(` dir="auto">`, htmlText(text), "</", tag, ">\n")
}

func (h *htmlWriter) letter(l Letter) {
	class := "letter"
	if l.Draft {
		class += " letter-draft"
	}
	h.add(`<article class="`, class, `" lang="`, esc(l.Lang), `">`, "\n", `<div class="letter-top">`, "\n")
	h.head(l)
	h.add("</div>\n")
	h.element("h"+strconv.Itoa(h.top), "letter-subject", l.Subject)
	h.add(`<div class="letter-body">`, "\n")
	for _, b := range l.Body {
		h.block(b)
	}
	h.add("</div>\n")
	if len(l.Footer) > 0 {
		h.add(`<footer class="letter-footer">`, "\n")
		for _, f := range l.Footer {
			h.element("p", "", f)
		}
		h.add("</footer>\n")
	}
	h.add("</article>\n")
}

func (h *htmlWriter) head(l Letter) {
	h.add(`<header class="letter-head">`, "\n")
	h.element("p", "letter-authority", l.Letterhead.Authority)
	h.element("p", "letter-department", l.Letterhead.Department)
	for _, s := range l.Letterhead.Lines {
		h.element("p", "", s)
	}
	h.add("</header>\n")
	if l.Draft {
		h.element("p", "letter-draft-notice", DraftNotice)
	}
	h.add(`<div class="letter-address">`, "\n")
	h.element("p", "letter-return", l.ReturnLine)
	if len(l.Recipient) > 0 {
		h.element("p", "letter-recipient", strings.Join(l.Recipient, "\n"))
	}
	h.add("</div>\n")
	if len(l.Info) == 0 {
		return
	}
	h.add(`<dl class="letter-info">`, "\n")
	for _, p := range l.Info {
		h.add("<div>")
		h.add("<dt>", htmlText(label(p.Label)), `</dt> <dd dir="auto">`, htmlText(p.Value), "</dd></div>\n")
	}
	h.add("</dl>\n")
}

// label ends the label of the reference block with a colon.
func label(s string) string {
	if s == "" || strings.HasSuffix(s, ":") {
		return s
	}
	return s + ":"
}

func (h *htmlWriter) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		h.add(`<p dir="auto">`)
		h.runs(b.Runs)
		h.add("</p>\n")
	case Heading:
		level := h.top + b.Level - 1
		h.element("h"+strconv.Itoa(min(level, 6)), "", b.Text)
	case List:
		h.list(b)
	case Table:
		h.table(b)
	}
}

func (h *htmlWriter) list(b List) {
	tag := "ul"
	if b.Ordered {
		tag = "ol"
	}
	h.add("<", tag, ">\n")
	for _, item := range b.Items {
		h.add("<li>")
		for _, p := range item {
			h.add(`<p dir="auto">`)
			h.runs(p.Runs)
			h.add("</p>")
		}
		h.add("</li>\n")
	}
	h.add("</", tag, ">\n")
}

func (h *htmlWriter) table(b Table) {
	h.add("<table>\n")
	h.element("caption", "", b.Caption)
	h.add("<colgroup>")
	for _, w := range columnWidths(b.Widths, 100) {
		h.add(`<col class="letter-w`, strconv.Itoa(int(w/5+.5)*5), `">`)
	}
	h.add("</colgroup>\n")
	if len(b.Header) > 0 {
		h.add("<thead><tr>")
		for _, s := range b.Header {
			h.add(`<th scope="col" dir="auto">`, htmlText(s), "</th>")
		}
		h.add("</tr></thead>\n")
	}
	h.add("<tbody>\n")
	for _, r := range b.Rows {
		h.add("<tr>")
		for _, s := range r {
			h.add(`<td dir="auto">`, htmlText(s), "</td>")
		}
		h.add("</tr>\n")
	}
	h.add("</tbody>\n</table>\n")
}

func (h *htmlWriter) runs(runs []Run) {
	for _, r := range runs {
		s := htmlText(r.Text)
		if r.Emph {
			s = "<em>" + s + "</em>"
		}
		if r.Strong {
			s = "<strong>" + s + "</strong>"
		}
		h.add(s)
	}
}

// htmlText escapes a text and writes its line feeds as breaks.
func htmlText(s string) string { return strings.ReplaceAll(esc(s), "\n", "<br>") }

// esc escapes text for XML and HTML, in content and in quoted attributes.
func esc(s string) string { return escaper.Replace(s) }

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")
