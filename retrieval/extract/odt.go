// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"strconv"
	"strings"
)

// readODT reads an OpenDocument text. Tracked deletions, comments and hidden
// text are left out.
func (r *Reader) readODT(data []byte) (Text, error) {
	c, err := openContainer(data, r.config.MaxUnpacked)
	if err != nil {
		return Text{}, err
	}
	if locked, err := odtLocked(c); locked || err != nil {
		return Text{}, errorOr(err, ErrEncrypted)
	}
	content, err := c.part("content.xml")
	if err != nil {
		return Text{}, err
	}
	looks := &odtStyles{styles: map[string]odtLook{}}
	header := &odtVisitor{looks: looks, only: "master-styles"}
	if c.has("styles.xml") {
		styles, err := c.part("styles.xml")
		if err != nil {
			return Text{}, err
		}
		if err := walkAll(styles, looks, header); err != nil {
			return Text{}, err
		}
	}
	body := &odtVisitor{looks: looks, only: "body"}
	if err := walkAll(content, looks, body); err != nil {
		return Text{}, err
	}
	text := Text{Pages: []Page{{Number: 1, Text: header.out.String() + "\n" + body.out.String()}}}
	if header.left || body.left {
		text.Warnings = append(text.Warnings, warnHidden)
	}
	return text, nil
}

func walkAll(data []byte, visitors ...visitor) error {
	for _, v := range visitors {
		if err := walkXML(data, v); err != nil {
			return err
		}
	}
	return nil
}

func errorOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func odtLocked(c *container) (bool, error) {
	const manifest = "META-INF/manifest.xml"
	if c.has("encrypted-package") {
		return true, nil
	}
	if !c.has(manifest) {
		return false, nil
	}
	data, err := c.part(manifest)
	return bytes.Contains(data, []byte("encryption-data")), err
}

// odtLook is what a style says about visibility.
type odtLook struct {
	parent        string
	none, white   bool
	tiny, colored bool
}

// odtStyles collects the styles of a document.
type odtStyles struct {
	styles  map[string]odtLook
	current string
}

func (v *odtStyles) open(e element) {
	switch e.name {
	case "style":
		v.current = e.attr("name")
		v.styles[v.current] = odtLook{parent: e.attr("parent-style-name")}
	case "text-properties", "paragraph-properties", "table-cell-properties":
		look, ok := v.styles[v.current]
		if !ok {
			return
		}
		look.none = look.none || e.attr("display") == "none"
		look.white = look.white || strings.EqualFold(e.attr("color"), "#ffffff")
		background := strings.ToLower(e.attr("background-color"))
		look.colored = look.colored || (background != "" && background != "transparent" && background != "#ffffff")
		size, err := strconv.ParseFloat(strings.TrimSuffix(e.attr("font-size"), "pt"), 64)
		look.tiny = look.tiny || (err == nil && size <= 2)
		v.styles[v.current] = look
	}
}

func (v *odtStyles) text(string) {}

func (v *odtStyles) close(name string) {
	if name == "style" {
		v.current = ""
	}
}

// look resolves a style with its parents.
func (v *odtStyles) look(name string) odtLook {
	var sum odtLook
	for range 16 {
		look, ok := v.styles[name]
		if !ok {
			break
		}
		sum.none = sum.none || look.none
		sum.white = sum.white || look.white
		sum.tiny = sum.tiny || look.tiny
		sum.colored = sum.colored || look.colored
		name = look.parent
	}
	return sum
}

// odtFrame is the state an element hands to its children.
type odtFrame struct {
	inside, skip, hidden, colored, para bool
}

// odtVisitor collects the text below one element of a part.
type odtVisitor struct {
	looks  *odtStyles
	only   string
	out    strings.Builder
	left   bool // something was left out
	stack  []odtFrame
	tables int
}

func (v *odtVisitor) top() odtFrame {
	if len(v.stack) == 0 {
		return odtFrame{}
	}
	return v.stack[len(v.stack)-1]
}

func (v *odtVisitor) open(e element) {
	f := v.top()
	f.inside = f.inside || e.name == v.only
	switch e.name {
	case "tracked-changes", "annotation", "title", "desc", "forms", "event-listeners":
		f.skip = true
	case "hidden-text":
		f.hidden = true
	case "section":
		f.hidden = f.hidden || e.attr("display") == "none"
	case "hidden-paragraph":
		f.hidden = f.hidden || e.attr("is-hidden") == "true"
	case "p", "h":
		f.para = true
	case "table":
		v.tables++
	}
	if style := e.attr("style-name"); style != "" {
		look := v.looks.look(style)
		f.colored = f.colored || look.colored
		f.hidden = f.hidden || look.none || look.tiny || (look.white && !f.colored)
	}
	v.stack = append(v.stack, f)
	if f.inside && f.para && !f.skip && !f.hidden {
		v.blank(e)
	}
}

// blank writes the elements that stand for white space.
func (v *odtVisitor) blank(e element) {
	switch e.name {
	case "tab":
		v.out.WriteByte('\t')
	case "line-break":
		v.out.WriteByte('\n')
	case "s":
		n, err := strconv.Atoi(e.attr("c"))
		if err != nil || n < 1 {
			n = 1
		}
		v.out.WriteString(strings.Repeat(" ", min(n, 200)))
	}
}

func (v *odtVisitor) text(s string) {
	f := v.top()
	if !f.inside || !f.para || f.skip {
		return
	}
	if f.hidden {
		v.left = v.left || strings.TrimSpace(s) != ""
		return
	}
	v.out.WriteString(strings.Map(lineToBlank, s))
}

func lineToBlank(r rune) rune {
	if r == '\n' || r == '\r' || r == '\t' {
		return ' '
	}
	return r
}

func (v *odtVisitor) close(name string) {
	f := v.top()
	if len(v.stack) > 0 {
		v.stack = v.stack[:len(v.stack)-1]
	}
	if name == "table" {
		v.tables--
	}
	if !f.inside || f.skip {
		return
	}
	switch name {
	case "p", "h":
		if v.tables > 0 {
			v.out.WriteByte(' ')
			return
		}
		v.out.WriteByte('\n')
	case "table-cell":
		v.out.WriteByte('\t')
	case "table-row":
		v.out.WriteByte('\n')
	}
}
