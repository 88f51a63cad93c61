// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"sort"
	"strconv"
	"strings"
)

const (
	warnHidden = "Das Dokument enthält verborgenen Text. Er wurde nicht übernommen."
	warnMacro  = "Das Dokument enthält Makros. Sie wurden nicht ausgeführt."
)

// readDOCX reads headers, body, footnotes and footers of an Office Open XML
// text. Deleted text of tracked changes and hidden text are left out.
func (r *Reader) readDOCX(data []byte) (Text, error) {
	c, err := openContainer(data, r.config.MaxUnpacked)
	if err != nil {
		return Text{}, err
	}
	styles, err := docxStyles(c)
	if err != nil {
		return Text{}, err
	}
	v := &docxVisitor{hiddenStyles: styles}
	for _, name := range docxParts(c) {
		part, err := c.part(name)
		if err != nil {
			return Text{}, err
		}
		if err := walkXML(part, v); err != nil {
			return Text{}, err
		}
		v.out.WriteByte('\n')
	}
	text := Text{Pages: []Page{{Number: 1, Text: v.out.String()}}}
	if v.hidden {
		text.Warnings = append(text.Warnings, warnHidden)
	}
	if c.has("word/vbaProject.bin") {
		text.Warnings = append(text.Warnings, warnMacro)
	}
	return text, nil
}

// docxParts are the parts with text in reading order.
func docxParts(c *container) []string {
	var headers, after []string
	for _, f := range c.archive.File {
		name, ok := strings.CutPrefix(f.Name, "word/")
		switch {
		case !ok || strings.Contains(name, "/") || !strings.HasSuffix(name, ".xml"):
		case strings.HasPrefix(name, "header"):
			headers = append(headers, f.Name)
		case strings.HasPrefix(name, "footer"), name == "footnotes.xml", name == "endnotes.xml":
			after = append(after, f.Name)
		}
	}
	sort.Strings(headers)
	sort.Strings(after)
	return append(append(headers, "word/document.xml"), after...)
}

// docxStyles returns the ids of styles that hide text.
func docxStyles(c *container) (map[string]bool, error) {
	if !c.has("word/styles.xml") {
		return map[string]bool{}, nil
	}
	part, err := c.part("word/styles.xml")
	if err != nil {
		return nil, err
	}
	v := &docxStyleVisitor{hidden: map[string]bool{}}
	if err := walkXML(part, v); err != nil {
		return nil, err
	}
	return v.hidden, nil
}

// docxLook is what run properties say about visibility.
type docxLook struct{ vanish, white, shaded, tiny bool }

func (l *docxLook) hidden() bool { return l.vanish || l.tiny || (l.white && !l.shaded) }

func (l *docxLook) read(e element) {
	value := e.attr("val")
	switch e.name {
	case "vanish":
		l.vanish = value == "" || (value != "0" && value != "false")
	case "color":
		l.white = strings.EqualFold(value, "FFFFFF")
	case "shd":
		l.shaded = l.shaded || darkFill(e.attr("fill"))
	case "highlight":
		l.shaded = l.shaded || (value != "" && value != "none" && value != "white")
	case "sz": // half points
		n, err := strconv.Atoi(value)
		l.tiny = err == nil && n <= 4
	}
}

func darkFill(fill string) bool {
	return fill != "" && fill != "auto" && !strings.EqualFold(fill, "FFFFFF")
}

type docxStyleVisitor struct {
	hidden map[string]bool
	id     string
	look   docxLook
}

func (v *docxStyleVisitor) open(e element) {
	if e.name == "style" {
		v.id, v.look = e.attr("styleId"), docxLook{}
		return
	}
	v.look.read(e)
}

func (v *docxStyleVisitor) text(string) {}

func (v *docxStyleVisitor) close(name string) {
	if name == "style" && v.look.hidden() {
		v.hidden[v.id] = true
	}
}

// docxVisitor collects the text of one part.
type docxVisitor struct {
	hiddenStyles map[string]bool
	out          strings.Builder
	hidden       bool // something was left out

	skip       string // element whose content is left out
	skipDepth  int
	inText     bool
	inPara     bool // paragraph properties: about the paragraph mark
	tables     int
	cellShaded bool
	paraHidden bool
	paraShaded bool
	run        docxLook
	runHidden  bool
}

func (v *docxVisitor) open(e element) {
	if v.skip != "" {
		if e.name == v.skip {
			v.skipDepth++
		}
		return
	}
	switch e.name {
	case "Fallback", "del", "moveFrom", "instrText", "delText", "sectPr":
		v.skip, v.skipDepth = e.name, 1
	case "tbl":
		v.tables++
	case "tc":
		v.cellShaded = false
	case "p":
		v.paraHidden, v.paraShaded = false, false
	case "pPr":
		v.inPara = true
	case "r":
		v.run, v.runHidden = docxLook{shaded: v.cellShaded || v.paraShaded}, v.paraHidden
	case "pStyle":
		v.paraHidden = v.hiddenStyles[e.attr("val")]
	case "rStyle":
		v.runHidden = v.runHidden || v.hiddenStyles[e.attr("val")]
	case "shd":
		v.shade(e)
	case "t":
		v.inText = true
	case "tab":
		if !v.inPara {
			v.out.WriteByte('\t')
		}
	case "br", "cr":
		v.out.WriteByte('\n')
	case "noBreakHyphen":
		v.out.WriteByte('-')
	default:
		if !v.inPara {
			v.run.read(e)
		}
	}
}

func (v *docxVisitor) shade(e element) {
	dark := darkFill(e.attr("fill"))
	switch {
	case v.inPara:
		v.paraShaded = v.paraShaded || dark
	default:
		v.cellShaded = v.cellShaded || (dark && v.tables > 0)
		v.run.shaded = v.run.shaded || dark
	}
}

func (v *docxVisitor) text(s string) {
	if v.skip != "" || !v.inText {
		return
	}
	if v.runHidden || v.run.hidden() {
		v.hidden = v.hidden || strings.TrimSpace(s) != ""
		return
	}
	v.out.WriteString(s)
}

func (v *docxVisitor) close(name string) {
	if v.skip != "" {
		if name == v.skip {
			if v.skipDepth--; v.skipDepth == 0 {
				v.skip = ""
			}
		}
		return
	}
	switch name {
	case "t":
		v.inText = false
	case "pPr":
		v.inPara = false
	case "tbl":
		v.tables--
	case "tc":
		v.out.WriteByte('\t')
	case "tr":
		v.out.WriteByte('\n')
	case "p":
		if v.tables > 0 {
			v.out.WriteByte(' ')
			return
		}
		v.out.WriteByte('\n')
	}
}
