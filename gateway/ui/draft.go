// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

// panelDraft is a letter with what the caseworker has done to each paragraph.
type panelDraft struct {
	Draft  drafting.Draft
	Blocks []block
}

// block is one paragraph, list or table of the letter.
type block struct {
	State blockState
	// Edited replaces a paragraph's text.
	Edited string
}

type blockState string

const (
	blockOpen      blockState = "open"
	blockAccepted  blockState = "accepted"
	blockEdited    blockState = "edited"
	blockDiscarded blockState = "discarded"
	// blockHeading goes with what stands below it and needs no answer of its own.
	blockHeading blockState = "heading"
)

// current is the draft as the caseworker has left it, checked again.
func (d *panelDraft) current(check func(drafting.Draft) drafting.Draft) drafting.Draft {
	out := d.Draft
	out.Letter.Body = nil
	for i, b := range d.Draft.Letter.Body {
		switch d.Blocks[i].State {
		case blockDiscarded:
		case blockHeading:
			if d.kept(i + 1) {
				out.Letter.Body = append(out.Letter.Body, b)
			}
		case blockEdited:
			out.Letter.Body = append(out.Letter.Body, document.Text(d.Blocks[i].Edited))
		default:
			out.Letter.Body = append(out.Letter.Body, b)
		}
	}
	return check(out)
}

// kept reports whether anything is left between a heading and the next one.
func (d *panelDraft) kept(from int) bool {
	for _, b := range d.Blocks[from:] {
		switch b.State {
		case blockHeading:
			return false
		case blockDiscarded:
		default:
			return true
		}
	}
	return false
}

// answerable counts the blocks that need an answer.
func (d *panelDraft) answerable() int {
	n := 0
	for _, b := range d.Blocks {
		if b.State != blockHeading {
			n++
		}
	}
	return n
}

func (d *panelDraft) openBlocks() int {
	n := 0
	for _, b := range d.Blocks {
		if b.State == blockOpen {
			n++
		}
	}
	return n
}

// draftStart explains where letters come from.
func (u *UI) draftStart(w http.ResponseWriter, r *http.Request) error {
	return u.render(w, r, http.StatusOK, "draft_start.html", checkView{view: u.view(r, "Schreiben"), Cases: u.cases(r)})
}

// draftNew assembles a letter from a check and leads to it.
func (u *UI) draftNew(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	res, err := u.kept(r, r.FormValue("pruefung"))
	if err != nil {
		return err
	}
	in, err := u.Panel.Letter(person.Tenant, res.Input, res.Report)
	if err != nil {
		return err
	}
	draft, err := u.Panel.Drafter.Draft(r.Context(), person.Caller(u.Panel.System, gateway.PurposeLetterRequestDocuments), in)
	if err != nil {
		return err
	}
	d := &panelDraft{Draft: draft, Blocks: make([]block, len(draft.Letter.Body))}
	for i, b := range draft.Letter.Body {
		d.Blocks[i].State = blockOpen
		if _, ok := b.(document.Heading); ok {
			d.Blocks[i].State = blockHeading
		}
	}
	id, err := u.keep(r, outcome{Input: res.Input, Report: res.Report, Draft: d})
	if err != nil {
		return err
	}
	if err := u.pointTo(r, draft.DecisionID, id); err != nil {
		return err
	}
	redirect(w, r, "/panel/draft/"+id)
	return nil
}

// letterPlace leads from an entry of the record to the letter that waits for its
// release, for the person who made it.
type letterPlace struct{ Draft, User string }

func letterAt(tenant gateway.TenantID, entry string) shelf.Place {
	return shelf.Place{Kind: "panel-letter", Tenant: tenant, ID: entry}
}

// pointTo remembers which letter an entry is about.
func (u *UI) pointTo(r *http.Request, entry, draft string) error {
	if entry == "" {
		return nil
	}
	person := personOf(r)
	return shelf.Put(r.Context(), u.Panel.Shelf, letterAt(person.Tenant, entry), u.Now().Add(resultLife), letterPlace{draft, person.User()})
}

// letterOf is the page of the letter that an entry is about, if the person made it
// and may see it; else empty.
func (u *UI) letterOf(r *http.Request, entry string) (string, error) {
	if u.Panel == nil {
		return "", nil
	}
	person := personOf(r)
	place, err := shelf.Get[letterPlace](r.Context(), u.Panel.Shelf, letterAt(person.Tenant, entry))
	if gateway.CodeOf(err) == gateway.CodeNotFound || err == nil && place.User != person.User() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	res, err := u.kept(r, place.Draft)
	if gateway.CodeOf(err) == gateway.CodeNotFound || err == nil && res.Draft == nil {
		return "", nil
	}
	return "/panel/draft/" + place.Draft, err
}

// draftView shows the letter paragraph by paragraph.
type draftView struct {
	view
	ID        string
	Draft     drafting.Draft
	Blocks    []blockView
	Open      int
	Done, All int
	Red       []drafting.Check
	Yellow    []drafting.Check
	Citations []drafting.CitedNorm
	Released  *drafting.Release
	Ready     bool
}

type blockView struct {
	Index int
	block
	Kind     string // paragraph, heading, list, table
	Text     string
	Runs     []document.Run
	Heading  document.Heading
	List     document.List
	Table    document.Table
	Editing  bool
	Editable bool
	Next     bool // the first open one
}

func (u *UI) findDraft(r *http.Request) (outcome, error) {
	res, err := u.kept(r, r.PathValue("id"))
	if err == nil && res.Draft == nil {
		err = &gateway.Error{Op: "show draft", Code: gateway.CodeNotFound, Message: "Diesen Entwurf gibt es nicht."}
	}
	return res, err
}

func (u *UI) draftShow(w http.ResponseWriter, r *http.Request) error {
	res, err := u.findDraft(r)
	if err != nil {
		return err
	}
	d := res.Draft
	now := d.current(u.Panel.Drafter.Check)
	v := draftView{view: u.view(r, "Schreiben"), ID: r.PathValue("id"), Draft: now, Open: d.openBlocks(), Citations: now.Citations, Released: d.Draft.Released}
	v.Path = "/panel/draft"
	v.All = d.answerable()
	v.Done = v.All - v.Open
	for _, c := range now.Checks {
		switch c.Level {
		case drafting.LevelRed:
			v.Red = append(v.Red, c)
		case drafting.LevelGreen: // nothing to show
		case drafting.LevelYellow:
			v.Yellow = append(v.Yellow, c)
		}
	}
	v.Ready = v.Open == 0 && len(v.Red) == 0 && now.Releasable && v.Released == nil
	v.Blocks = d.views(r.URL.Query().Get("bearbeiten"), v.Released != nil)
	return u.render(w, r, http.StatusOK, "draft_show.html", v)
}

func (d *panelDraft) views(editing string, released bool) []blockView {
	var out []blockView
	next := true
	for i, b := range d.Draft.Letter.Body {
		v := blockView{Index: i, block: d.Blocks[i]}
		switch x := b.(type) {
		case document.Paragraph:
			v.Kind, v.Runs, v.Text, v.Editable = "paragraph", x.Runs, runsText(x.Runs), !released
		case document.Heading:
			v.Kind, v.Heading = "heading", x
		case document.List:
			v.Kind, v.List = "list", x
		case document.Table:
			v.Kind, v.Table = "table", x
		}
		if v.State == blockEdited {
			v.Runs, v.Text = []document.Run{{Text: v.Edited}}, v.Edited
		}
		v.Editing = v.Editable && editing == strconv.Itoa(i)
		if v.State == blockOpen && next {
			v.Next, next = true, false
		}
		out = append(out, v)
	}
	return out
}

func runsText(runs []document.Run) string {
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(r.Text)
	}
	return b.String()
}

const maxEdited = 4000

// draftChange accepts, edits, discards a paragraph, accepts all, or releases.
func (u *UI) draftChange(w http.ResponseWriter, r *http.Request) error {
	res, err := u.findDraft(r)
	if err != nil {
		return err
	}
	if res.Draft.Draft.Released != nil {
		return &gateway.Error{Op: "change draft", Code: gateway.CodeConflict, Message: "Das Schreiben ist freigegeben und kann nicht mehr geändert werden."}
	}
	d := &panelDraft{Draft: res.Draft.Draft, Blocks: slices.Clone(res.Draft.Blocks)}
	anchor, err := u.applyChange(r, d)
	if err != nil {
		return err
	}
	res.Draft = d
	if err := u.rekeep(r, r.PathValue("id"), res); err != nil {
		return err
	}
	redirect(w, r, "/panel/draft/"+r.PathValue("id")+anchor)
	return nil
}

func (u *UI) applyChange(r *http.Request, d *panelDraft) (anchor string, err error) {
	switch action := r.FormValue("aktion"); action {
	case "alle":
		for i := range d.Blocks {
			if d.Blocks[i].State == blockOpen {
				d.Blocks[i].State = blockAccepted
			}
		}
		return "#freigabe", nil
	case "freigeben":
		return "#freigabe", u.release(r, d)
	default:
		return d.change(action, r.FormValue("absatz"), r.FormValue("text"))
	}
}

// change applies an action to one block.
func (d *panelDraft) change(action, index, text string) (anchor string, err error) {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(d.Blocks) {
		return "", invalid("absatz", "Diesen Absatz gibt es nicht.")
	}
	if d.Blocks[i].State == blockHeading {
		return "", invalid("absatz", "Eine Überschrift gehört zu dem Absatz darunter.")
	}
	switch action {
	case "uebernehmen":
		d.Blocks[i].State = blockAccepted
	case "verwerfen":
		d.Blocks[i].State = blockDiscarded
	case "zuruecknehmen":
		d.Blocks[i] = block{State: blockOpen}
	case "bearbeiten":
		text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
		if _, ok := d.Draft.Letter.Body[i].(document.Paragraph); !ok || text == "" || len(text) > maxEdited {
			return "", invalid("text", "Der Text ist leer, länger als 4000 Zeichen oder dieser Absatz lässt sich nicht bearbeiten.")
		}
		d.Blocks[i] = block{State: blockEdited, Edited: text}
	default:
		return "", invalid("aktion", "Diese Aktion gibt es nicht.")
	}
	return d.next(i), nil
}

// next leads to the first open block from here on, else to the release.
func (d *panelDraft) next(from int) string {
	for i := from; i < len(d.Blocks); i++ {
		if d.Blocks[i].State == blockOpen {
			return fmt.Sprintf("#absatz-%d", i)
		}
	}
	return "#freigabe"
}

// release lets the signed-in person answer for the letter.
func (u *UI) release(r *http.Request, d *panelDraft) error {
	if n := d.openBlocks(); n > 0 {
		return &gateway.Error{Op: "release letter", Code: gateway.CodeConflict, Message: plural(n, "Ein Absatz ist noch offen.", "%d Absätze sind noch offen.")}
	}
	person := personOf(r)
	caller := person.Caller(u.Panel.System, gateway.PurposeLetterRequestDocuments)
	released, err := u.Panel.Drafter.Release(r.Context(), caller, d.current(u.Panel.Drafter.Check), person.Name)
	if err != nil {
		return err
	}
	changed := slices.ContainsFunc(d.Blocks, func(b block) bool { return b.State == blockEdited || b.State == blockDiscarded })
	// The letter is released, and with it the entry that allowed the release.
	for _, entry := range []string{d.Draft.DecisionID, released.Released.DecisionID} {
		if err := u.sayOfDraft(r.Context(), person, entry, changed); err != nil {
			return err
		}
	}
	d.Draft = released
	d.Blocks = make([]block, len(released.Letter.Body))
	for i := range d.Blocks {
		d.Blocks[i].State = blockAccepted
	}
	return nil
}

// writers of a letter by file ending.
var writers = map[string]struct {
	mediaType string
	write     func(io.Writer, document.Letter) error
}{
	"odt":  {"application/vnd.oasis.opendocument.text", document.WriteODT},
	"pdf":  {"application/pdf", document.WritePDF},
	"docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", document.WriteDOCX},
	"html": {"text/html; charset=utf-8", document.WriteHTML},
}

func (u *UI) draftDownload(w http.ResponseWriter, r *http.Request) error {
	res, err := u.findDraft(r)
	if err != nil {
		return err
	}
	ending, ok := strings.CutPrefix(r.PathValue("file"), "schreiben.")
	writer, known := writers[ending]
	if !ok || !known {
		return &gateway.Error{Op: "download letter", Code: gateway.CodeNotFound, Message: "Dieses Format gibt es nicht. Möglich sind ODT, PDF, DOCX und HTML."}
	}
	var out bytes.Buffer
	if err := writer.write(&out, res.Draft.current(u.Panel.Drafter.Check).Letter); err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", writer.mediaType)
	h.Set("Content-Disposition", "attachment; filename=\"schreiben."+ending+"\"")
	_, err = out.WriteTo(w)
	return err
}
