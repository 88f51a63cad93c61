// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"fmt"
	"strings"
)

// Elem is an element of the structure tree: what a piece of content is.
type Elem struct {
	tag   string
	attrs string
	kids  []kid
	ref   ref
}

// kid is a child element or, with elem nil, marked content on a page.
type kid struct {
	elem     *Elem
	page, id int
}

// Add appends a child element of a standard type, such as P, H1 or TR.
func (e *Elem) Add(tag string) *Elem {
	c := &Elem{tag: tag}
	e.kids = append(e.kids, kid{elem: c})
	return c
}

// Scope says that a TH is the head of its Column or Row.
func (e *Elem) Scope(s string) *Elem {
	e.attrs = " /A << /O /Table /Scope /" + s + " >>"
	return e
}

// Numbering says how an L counts: Decimal or Disc.
func (e *Elem) Numbering(s string) *Elem {
	e.attrs = " /A << /O /List /ListNumbering /" + s + " >>"
	return e
}

// empty reports whether nothing is below the element.
func (e *Elem) empty() bool {
	for _, k := range e.kids {
		if k.elem == nil || !k.elem.empty() {
			return false
		}
	}
	return e.tag != "TD" && e.tag != "TH"
}

// writeStructure adds the tree and the way back from content to elements.
func (f *File) writeStructure(b *builder, pages []ref) ref {
	root, parents := b.reserve(), b.reserve()
	w := treeWriter{b: b, pages: pages, owners: make([][]ref, len(f.pages))}
	for i, p := range f.pages {
		w.owners[i] = make([]ref, p.marks)
	}
	document := w.element(f.root, root)
	var nums strings.Builder
	for i, owners := range w.owners {
		fmt.Fprintf(&nums, "%d [ ", i)
		for _, o := range owners {
			nums.WriteString(o.String() + " ")
		}
		nums.WriteString("] ")
	}
	b.set(parents, "<< /Nums [ "+nums.String()+"] >>")
	b.set(root, fmt.Sprintf("<< /Type /StructTreeRoot /K [ %s ] /ParentTree %s /ParentTreeNextKey %d >>", document, parents, len(f.pages)))
	return root
}

type treeWriter struct {
	b      *builder
	pages  []ref
	owners [][]ref
}

func (w *treeWriter) element(e *Elem, parent ref) ref {
	e.ref = w.b.reserve()
	var kids strings.Builder
	for _, k := range e.kids {
		switch {
		case k.elem == nil:
			w.owners[k.page][k.id] = e.ref
			fmt.Fprintf(&kids, "<< /Type /MCR /Pg %s /MCID %d >> ", w.pages[k.page], k.id)
		case !k.elem.empty():
			kids.WriteString(w.element(k.elem, e.ref).String() + " ")
		}
	}
	w.b.set(e.ref, fmt.Sprintf("<< /Type /StructElem /S /%s /P %s /K [ %s]%s >>", e.tag, parent, kids.String(), e.attrs))
	return e.ref
}
