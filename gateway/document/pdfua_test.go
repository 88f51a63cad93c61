// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// checkPDF tests the points of PDF/UA-1 and PDF/A-2 that a machine can see, in the
// files this package writes (plain objects, classic cross-reference). It returns what
// is wrong, in words. It does not replace a validator.
func checkPDF(data []byte) []string {
	c := &pdfChecker{objects: map[int]string{}, streams: map[int]string{}}
	c.read(data)
	c.catalog()
	c.metadata()
	c.pages()
	c.structure()
	c.fonts()
	return c.faults
}

type pdfChecker struct {
	objects map[int]string
	streams map[int]string
	faults  []string
	// marks[page object][mcid] is set when the content stream uses it.
	marks map[int]map[int]bool
	// owned counts how often the tree names a mark.
	owned map[string]int
}

func (c *pdfChecker) fault(format string, args ...any) {
	if len(c.faults) < 20 {
		c.faults = append(c.faults, "pdf: "+fmt.Sprintf(format, args...))
	}
}

var (
	objectStart = regexp.MustCompile(`(?m)^(\d+) 0 obj\n`)
	reference   = regexp.MustCompile(`(\d+) 0 R`)
	lengthEntry = regexp.MustCompile(`/Length (\d+)`)
)

// read follows the cross-reference table, so that a wrong offset is found as well.
func (c *pdfChecker) read(data []byte) {
	if !bytes.HasPrefix(data, []byte("%PDF-1.7\n%")) || !bytes.HasSuffix(data, []byte("%%EOF\n")) {
		c.fault("head or end of file is wrong")
		return
	}
	start := strings.Fields(string(data[bytes.LastIndex(data, []byte("startxref")):]))[1]
	at, _ := strconv.Atoi(start)
	lines := strings.Split(string(data[at:]), "\n")
	count, _ := strconv.Atoi(strings.Fields(lines[1])[1])
	for n := 1; n < count; n++ {
		offset, _ := strconv.Atoi(lines[2+n][:10])
		m := objectStart.FindSubmatchIndex(data[offset:])
		if m == nil || m[0] != 0 || string(data[offset+m[2]:offset+m[3]]) != strconv.Itoa(n) {
			c.fault("object %d is not where the table says", n)
			continue
		}
		c.object(n, data[offset+m[1]:])
	}
	c.objects[0] = strings.Join(lines[2+count:], "\n") // the trailer
}

func (c *pdfChecker) object(n int, body []byte) {
	end := bytes.Index(body, []byte("\nendobj"))
	stream := bytes.Index(body, []byte(">>\nstream\n"))
	if stream < 0 || stream > end {
		c.objects[n] = string(body[:end])
		return
	}
	c.objects[n] = string(body[:stream+2])
	lengths := lengthEntry.FindAllStringSubmatch(c.objects[n], -1)
	length, _ := strconv.Atoi(lengths[len(lengths)-1][1])
	raw := body[stream+10:][:length]
	if strings.Contains(c.objects[n], "/FlateDecode") {
		r, err := zlib.NewReader(bytes.NewReader(raw))
		if err != nil {
			c.fault("object %d: %v", n, err)
			return
		}
		if raw, err = io.ReadAll(r); err != nil {
			c.fault("object %d: %v", n, err)
		}
	}
	c.streams[n] = string(raw)
}

// follow returns the number behind a key of a dictionary.
func (c *pdfChecker) follow(object, key string) int {
	m := regexp.MustCompile(`/` + key + `\s*(?:\[\s*)?(\d+) 0 R`).FindStringSubmatch(object)
	if m == nil {
		c.fault("no %s in %.80s", key, object)
		return -1
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

func (c *pdfChecker) want(what, in string, wanted ...string) {
	for _, w := range wanted {
		if !strings.Contains(in, w) {
			c.fault("%s lacks %s", what, w)
		}
	}
}

func (c *pdfChecker) root() string { return c.objects[c.follow(c.objects[0], "Root")] }

func (c *pdfChecker) catalog() {
	root := c.root()
	c.want("catalog", root, "/MarkInfo << /Marked true >>", "/DisplayDocTitle true", "/StructTreeRoot", "/Metadata", "/OutputIntents")
	if m := regexp.MustCompile(`/Lang \(([A-Za-z0-9-]+)\)`).FindString(root); m == "" {
		c.fault("the document has no language")
	}
	c.want("trailer", c.objects[0], "/ID [ <", "/Info")
	intent := c.objects[c.follow(root, "OutputIntents")]
	c.want("output intent", intent, "/GTS_PDFA1", "/OutputConditionIdentifier")
	icc := c.streams[c.follow(intent, "DestOutputProfile")]
	if len(icc) < 128 || icc[36:40] != "acsp" || icc[16:20] != "RGB " || int(icc[0])<<24|int(icc[1])<<16|int(icc[2])<<8|int(icc[3]) != len(icc) {
		c.fault("the colour profile is broken")
	}
}

func (c *pdfChecker) metadata() {
	n := c.follow(c.root(), "Metadata")
	xmp := c.streams[n]
	if strings.Contains(c.objects[n], "/Filter") {
		c.fault("metadata must not be compressed")
	}
	c.want("metadata", xmp, "<pdfuaid:part>1</pdfuaid:part>", "<pdfaid:conformance>A</pdfaid:conformance>", "<dc:title>", "pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/")
	if regexp.MustCompile(`<rdf:li xml:lang="x-default">\s*</rdf:li>`).MatchString(xmp) {
		c.fault("the title is empty")
	}
	if _, err := xmlText([]byte(xmp), nil); err != nil {
		c.fault("metadata: %v", err)
	}
}

func (c *pdfChecker) pages() {
	c.marks = map[int]map[int]bool{}
	tree := c.objects[c.follow(c.root(), "Pages")]
	_, kids, _ := strings.Cut(tree, "/Kids")
	refs := reference.FindAllStringSubmatch(kids, -1)
	if len(refs) == 0 {
		c.fault("no pages")
	}
	for i, m := range refs {
		n, _ := strconv.Atoi(m[1])
		page := c.objects[n]
		c.want("page", page, "/Tabs /S", fmt.Sprintf("/StructParents %d ", i), "/MediaBox [ 0 0 595.28 841.89 ]")
		c.marks[n] = map[int]bool{}
		c.content(n, c.streams[c.follow(page, "Contents")])
	}
}

var markID = regexp.MustCompile(`^/([A-Za-z0-9]+) << /MCID (\d+) >> BDC$`)

// content walks a page: every operator that paints stands inside a mark.
func (c *pdfChecker) content(page int, stream string) {
	depth := 0
	for line := range strings.SplitSeq(stream, "\n") {
		switch {
		case strings.HasSuffix(line, " BDC"):
			m := markID.FindStringSubmatch(line)
			if m != nil {
				if depth > 0 {
					c.fault("marked content inside marked content")
				}
				id, _ := strconv.Atoi(m[2])
				if c.marks[page][id] {
					c.fault("mark %d twice on a page", id)
				}
				c.marks[page][id] = true
			} else if !strings.HasPrefix(line, "/Artifact << /Type /") && !(depth > 0 && strings.HasPrefix(line, "/Span << /ActualText <")) {
				c.fault("unknown mark %q", line)
			}
			depth++
		case line == "EMC":
			depth--
		case strings.HasSuffix(line, " TJ") || strings.HasSuffix(line, " S") || strings.HasSuffix(line, " f"):
			if depth == 0 {
				c.fault("content outside of every mark: %.60s", line)
			}
			if strings.HasSuffix(line, " TJ") && showsNotdef(line) {
				c.fault("the glyph .notdef is shown")
			}
		}
	}
	if depth != 0 {
		c.fault("marks are not closed")
	}
}

// showsNotdef looks for glyph 0 in the strings of an array.
func showsNotdef(line string) bool {
	for _, m := range regexp.MustCompile(`<([0-9a-f]+)>`).FindAllStringSubmatch(line, -1) {
		for i := 0; i+4 <= len(m[1]); i += 4 {
			if m[1][i:i+4] == "0000" {
				return true
			}
		}
	}
	return false
}

// structure walks the tree: order of headings, tables, lists, and that tree and
// pages name the same marks.
func (c *pdfChecker) structure() {
	c.owned = map[string]int{}
	n := c.follow(c.root(), "StructTreeRoot")
	tree := c.objects[n]
	top := c.follow(tree, "K")
	if elemType(c.objects[top]) != "Document" {
		c.fault("the tree does not start with Document")
	}
	level := 0
	c.element(top, n, "StructTreeRoot", &level)
	for page, ids := range c.marks {
		for id := range ids {
			if c.owned[fmt.Sprintf("%d/%d", page, id)] != 1 {
				c.fault("mark %d of page object %d is named %d times", id, page, c.owned[fmt.Sprintf("%d/%d", page, id)])
			}
		}
	}
	c.parentTree(c.objects[c.follow(tree, "ParentTree")])
}

var (
	elemS   = regexp.MustCompile(`/S /([A-Za-z0-9]+)`)
	elemP   = regexp.MustCompile(`/P (\d+) 0 R`)
	elemMCR = regexp.MustCompile(`<< /Type /MCR /Pg (\d+) 0 R /MCID (\d+) >>`)
)

func elemType(object string) string {
	if m := elemS.FindStringSubmatch(object); m != nil {
		return m[1]
	}
	return ""
}

// parents says below what a type may stand.
var parents = map[string]string{
	"LI": "L", "Lbl": "LI", "LBody": "LI", "TR": "Table", "TH": "TR", "TD": "TR", "Caption": "Table", "Document": "StructTreeRoot",
	"H1": "Document", "H2": "Document", "H3": "Document", "H4": "Document", "L": "Document", "Table": "Document", "P": "Document LBody",
}

func (c *pdfChecker) element(n, parent int, parentType string, level *int) {
	object := c.objects[n]
	kind := elemType(object)
	if m := elemP.FindStringSubmatch(object); m == nil || m[1] != strconv.Itoa(parent) {
		c.fault("element %d (%s) does not name its parent", n, kind)
	}
	if !strings.Contains(" "+parents[kind]+" ", " "+parentType+" ") {
		c.fault("%s below %s", kind, parentType)
	}
	if kind == "TH" && !strings.Contains(object, "/Scope /") {
		c.fault("TH without scope")
	}
	if kind == "L" && !strings.Contains(object, "/ListNumbering /") {
		c.fault("list without numbering")
	}
	if len(kind) == 2 && kind[0] == 'H' {
		h := int(kind[1] - '0')
		if h > *level+1 {
			c.fault("heading %d after %d", h, *level)
		}
		*level = h
	}
	_, kids, _ := strings.Cut(object, "/K [")
	for _, m := range elemMCR.FindAllStringSubmatch(kids, -1) {
		page, _ := strconv.Atoi(m[1])
		id, _ := strconv.Atoi(m[2])
		if !c.marks[page][id] {
			c.fault("element %s names mark %s that page object %s lacks", kind, m[2], m[1])
		}
		c.owned[m[1]+"/"+m[2]]++
	}
	for _, m := range reference.FindAllStringSubmatch(elemMCR.ReplaceAllString(kids, ""), -1) {
		child, _ := strconv.Atoi(m[1])
		c.element(child, n, kind, level)
	}
}

// parentTree leads back: entry i of page p is the element that names mark i.
func (c *pdfChecker) parentTree(object string) {
	entries := regexp.MustCompile(`(\d+) \[ ([^\]]*)\]`).FindAllStringSubmatch(object, -1)
	if len(entries) != len(c.marks) {
		c.fault("parent tree has %d pages of %d", len(entries), len(c.marks))
	}
	tree := c.objects[c.follow(c.root(), "Pages")]
	_, kids, _ := strings.Cut(tree, "/Kids")
	pages := reference.FindAllStringSubmatch(kids, -1)
	for i, e := range entries {
		for id, m := range reference.FindAllStringSubmatch(e[2], -1) {
			owner, _ := strconv.Atoi(m[1])
			if !strings.Contains(c.objects[owner], fmt.Sprintf("/Pg %s 0 R /MCID %d >>", pages[i][1], id)) {
				c.fault("parent tree: mark %d of page %d leads to the wrong element", id, i)
			}
		}
	}
}

func (c *pdfChecker) fonts() {
	found := 0
	for n, object := range c.objects {
		if !strings.Contains(object, "/Subtype /Type0") {
			continue
		}
		found++
		c.want("font", object, "/Encoding /Identity-H", "/ToUnicode")
		cid := c.objects[c.follow(object, "DescendantFonts")]
		c.want("font", cid, "/CIDToGIDMap /Identity", "/W [")
		descriptor := c.objects[c.follow(cid, "FontDescriptor")]
		program := c.streams[c.follow(descriptor, "FontFile2")]
		if !regexp.MustCompile(`/FontName /[A-Z]{6}\+`).MatchString(descriptor) || len(program) < 500 {
			c.fault("font %d is not an embedded subset", n)
		}
		c.want("character map", c.streams[c.follow(object, "ToUnicode")], "begincodespacerange", "endcmap")
	}
	if found != 3 {
		c.fault("%d fonts, want 3", found)
	}
}

func TestPDFFollowsTheRulesOfPDFUA(t *testing.T) {
	t.Parallel()
	data := render(t, document.WritePDF, sample())
	for _, fault := range checkPDF(data) {
		t.Error(fault)
	}
}

// The checker itself finds what it is there for.
func TestCheckerFindsFaults(t *testing.T) {
	t.Parallel()
	good := render(t, document.WritePDF, sample())
	for _, c := range []struct{ name, old, new, want string }{
		{"language", "/Lang (de-DE)", "/Lang ()     ", "no language"},
		{"title", "/DisplayDocTitle true", "/DisplayDocTitle none", "DisplayDocTitle"},
		{"scope", "/Scope /Column", "/Skope /Column", "without scope"},
		{"heading", "/S /H2", "/S /H4", "heading 4 after 1"},
		{"tab order", "/Tabs /S", "/Tabs /R", "/Tabs /S"},
		{"marker", "<pdfuaid:part>1<", "<pdfuaid:part>0<", "pdfuaid"},
		{"mark", "/MCID 3 >>", "/MCID 2 >>", "mark"},
		{"parent", "/S /TR /P ", "/S /TR /Q ", "does not name its parent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !bytes.Contains(good, []byte(c.old)) || len(c.old) != len(c.new) {
				t.Fatalf("the case does not apply: %q", c.old)
			}
			bad := bytes.Replace(good, []byte(c.old), []byte(c.new), 1)
			if faults := strings.Join(checkPDF(bad), "\n"); !strings.Contains(faults, c.want) {
				t.Errorf("faults %q do not speak of %q", faults, c.want)
			}
		})
	}
}
