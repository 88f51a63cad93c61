// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

const maxHTMLDepth = 400

// readHTML reads what a browser would show. Scripts, styles, navigation and
// hidden elements are left out.
func (r *Reader) readHTML(data []byte) (Text, error) {
	return htmlText(data)
}

// htmlText takes UTF-8 as such, anything else by byte order mark, declaration
// or content.
func htmlText(data []byte) (Text, error) {
	contentType := "text/html"
	if utf8.Valid(data) {
		contentType = "text/html; charset=utf-8"
	}
	decoded, err := charset.NewReader(bytes.NewReader(data), contentType)
	if err != nil {
		return Text{}, fmt.Errorf("decode HTML: %w", ErrDamaged)
	}
	root, err := html.Parse(decoded)
	if err != nil {
		return Text{}, fmt.Errorf("parse HTML: %w", ErrDamaged)
	}
	w := &htmlWriter{}
	w.node(root, 0)
	text := Text{Pages: []Page{{Number: 1, Text: w.out.String()}}}
	if w.hidden {
		text.Warnings = append(text.Warnings, warnHidden)
	}
	if w.cut {
		return Text{}, fmt.Errorf("HTML is nested too deep: %w", ErrTooLarge)
	}
	return text, nil
}

type htmlWriter struct {
	out         strings.Builder
	hidden, cut bool
}

func (w *htmlWriter) node(n *html.Node, depth int) {
	if depth > maxHTMLDepth {
		w.cut = true
		return
	}
	switch n.Type {
	case html.TextNode:
		w.words(n.Data)
		return
	case html.CommentNode, html.DoctypeNode:
		return
	}
	if n.Type == html.ElementNode {
		if skippedHTML(n.DataAtom) {
			return
		}
		if hiddenHTML(n) {
			w.hidden = w.hidden || hasWords(n)
			return
		}
	}
	block := blockHTML(n.DataAtom)
	if block {
		w.newline()
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c, depth+1)
	}
	switch {
	case n.DataAtom == atom.Td || n.DataAtom == atom.Th:
		w.out.WriteByte('\t')
	case block || n.DataAtom == atom.Br:
		w.newline()
	}
}

// words writes text with white space collapsed.
func (w *htmlWriter) words(s string) {
	fields := strings.Fields(s)
	if len(fields) == 0 {
		w.blank()
		return
	}
	if strings.TrimLeft(s, " \t\r\n") != s {
		w.blank()
	}
	w.out.WriteString(strings.Join(fields, " "))
	if strings.TrimRight(s, " \t\r\n") != s {
		w.blank()
	}
}

func (w *htmlWriter) blank() {
	if s := w.out.String(); s != "" && !strings.ContainsAny(s[len(s)-1:], " \n\t") {
		w.out.WriteByte(' ')
	}
}

func (w *htmlWriter) newline() {
	if s := w.out.String(); s != "" && s[len(s)-1] != '\n' {
		w.out.WriteByte('\n')
	}
}

func skippedHTML(a atom.Atom) bool {
	switch a {
	case atom.Script, atom.Style, atom.Nav, atom.Noscript, atom.Template, atom.Head,
		atom.Svg, atom.Iframe, atom.Object, atom.Select, atom.Button:
		return true
	}
	return false
}

func blockHTML(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Li, atom.Ul,
		atom.Ol, atom.Table, atom.Tr, atom.Section, atom.Article, atom.Header, atom.Footer,
		atom.Blockquote, atom.Pre, atom.Dl, atom.Dt, atom.Dd, atom.Main, atom.Address, atom.Hr, atom.Form:
		return true
	}
	return false
}

// hiddenHTML looks at the attributes of the element alone; style sheets are not
// evaluated.
func hiddenHTML(n *html.Node) bool {
	for _, a := range n.Attr {
		switch strings.ToLower(a.Key) {
		case "hidden":
			return true
		case "style":
			if hiddenStyle(a.Val) {
				return true
			}
		}
	}
	return false
}

func hiddenStyle(style string) bool {
	colour, background := "", ""
	for declaration := range strings.SplitSeq(strings.ToLower(style), ";") {
		key, value, _ := strings.Cut(declaration, ":")
		value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
		switch strings.TrimSpace(key) {
		case "display":
			if value == "none" {
				return true
			}
		case "visibility":
			if value == "hidden" {
				return true
			}
		case "font-size":
			if value == "0" || strings.HasPrefix(value, "0p") || strings.HasPrefix(value, "1p") {
				return true
			}
		case "opacity":
			if value == "0" {
				return true
			}
		case "color":
			colour = value
		case "background", "background-color":
			background = value
		}
	}
	return isWhite(colour) && (background == "" || isWhite(background))
}

func isWhite(colour string) bool {
	switch strings.ReplaceAll(colour, " ", "") {
	case "white", "#fff", "#ffffff", "rgb(255,255,255)":
		return true
	}
	return false
}

func hasWords(n *html.Node) bool {
	for d := range n.Descendants() {
		if d.Type == html.TextNode && strings.TrimSpace(d.Data) != "" {
			return true
		}
	}
	return false
}
