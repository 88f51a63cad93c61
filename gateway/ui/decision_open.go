// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// openTime is how long a justification opens an entry, in the session in which it
// was given.
const openTime = 30 * time.Minute

var errNotOpened = errors.New("nobody has said why this entry is to be opened")

func notOpened(opened bool) error {
	if opened {
		return nil
	}
	return errNotOpened
}

func openMark(id string) string { return "entry/" + id }

// openView asks why. It shows what the list shows.
type openView struct {
	view
	Row    row
	Reason string
	Case   string
	Error  string
	Field  string
}

func (u *UI) openView(r *http.Request, one row) openView {
	v := openView{view: u.view(r, "Eintrag öffnen"), Row: one}
	v.Path, v.Here = decisionsPath, decisionsPath+"/"+one.ID
	return v
}

const minReason = 10

// decisionOpen writes down who opens the entry and why, before it is shown.
func (u *UI) decisionOpen(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	entry, err := u.Records.Show(r.Context(), scope(person), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := u.openView(r, u.row(entry.Item))
	v.Reason = strings.Join(strings.Fields(r.PostForm.Get("begruendung")), " ")
	v.Case = strings.TrimSpace(r.PostForm.Get("aktenzeichen"))
	switch {
	case utf8.RuneCountInString(v.Reason) < minReason:
		v.Field, v.Error = "begruendung", "Bitte begründen Sie in einem Satz, warum Sie den Eintrag öffnen."
	case utf8.RuneCountInString(v.Reason) > audit.MaxNoteText:
		v.Field, v.Error = "begruendung", "Die Begründung hat höchstens 500 Zeichen."
	case v.Case == "" || len(v.Case) > maxField:
		v.Field, v.Error = "aktenzeichen", "Bitte geben Sie das Aktenzeichen Ihrer Prüfung an, höchstens 200 Zeichen."
	}
	if v.Error != "" {
		return u.render(w, r, http.StatusUnprocessableEntity, "decision_open.html", v)
	}
	err = u.jot(r.Context(), person, audit.Note{
		Topic: audit.TopicRecordOpened, Tenant: entry.Record.Tenant, Object: entry.Record.ID, Text: "Eintrag geöffnet.",
		Reason: v.Reason, Case: u.pseudonym(entry.Record.Tenant, "case", v.Case),
	})
	if err != nil {
		return err
	}
	if _, err := u.Sessions.Mark(r, openMark(entry.Record.ID), openTime); err != nil {
		return err
	}
	http.Redirect(w, r, decisionsPath+"/"+entry.Record.ID, http.StatusSeeOther)
	return nil
}

// opened is an entry that the session has opened.
func (u *UI) opened(r *http.Request) (audit.Entry, error) {
	entry, err := u.Records.Show(r.Context(), scope(personOf(r)), r.PathValue("id"))
	if err != nil {
		return entry, err
	}
	opened, err := u.Sessions.Marked(r, openMark(entry.Record.ID))
	if err == nil && !opened {
		err = &gateway.Error{Op: "open record", Code: gateway.CodeDenied, RequestID: entry.Record.ID, Message: "Die Zeit für diesen Eintrag ist abgelaufen. Bitte öffnen Sie ihn noch einmal und begründen Sie das."}
	}
	return entry, err
}

// noteLine is a note about an entry, as the page shows it.
type noteLine struct {
	Seq    int64
	Time   time.Time
	Topic  string
	Text   string
	Reason string
	Role   string
	Actor  gateway.Pseudonym
	Case   gateway.Pseudonym
}

const maxNotes = 50

// addNotes tells who looked at the entry and who released its result.
func (u *UI) addNotes(r *http.Request, v *showView) error {
	page, err := u.Records.Notes(r.Context(), audit.NoteFilter{Scope: scope(personOf(r)), Object: v.Row.ID, Limit: maxNotes})
	if err != nil {
		return err
	}
	for _, n := range page.Notes {
		line := noteLineOf(n)
		v.Notes = append(v.Notes, line)
		if n.Note.Topic == audit.TopicReleased || n.Note.Topic == audit.TopicRejected {
			v.Released = &line // the oldest comes last, and the first word counts
		}
	}
	v.Waiting = v.Entry.Result() == audit.ResultRelease && v.Released == nil
	return nil
}

func noteLineOf(n audit.NotedAt) noteLine {
	return noteLine{Seq: n.Seq, Time: n.Note.Time, Topic: n.Note.Topic, Text: n.Note.Text, Reason: n.Note.Reason, Role: n.Note.Role, Actor: n.Note.Actor, Case: n.Note.Case}
}

// sealed is what a checkpoint says: how many entries, and their common hash.
type sealed struct {
	Known bool
	Size  int64
	Root  string
}

// readSeal reads the lines of a checkpoint that the record has already checked.
func readSeal(note string) sealed {
	lines := strings.SplitN(note, "\n", 4)
	if len(lines) < 4 {
		return sealed{}
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	return sealed{Known: err == nil, Size: size, Root: lines[2]}
}

// leftHash are the entries right before one, which are hashed together with it.
type leftHash struct {
	From, To int64
	Hash     string
}

// Single says that it is one entry.
func (n leftHash) Single() bool { return n.From == n.To }

// before finds, in the proof of an entry, the hash over those right before it: the
// first one that stands at the left of the way to the root.
func before(e audit.Entry) leftHash {
	seq, size := e.Open.Seq, readSeal(e.Checkpoint).Size
	at := 0
	for level := range 62 {
		if seq>>level == 0 {
			break
		}
		if seq>>level&1 == 1 {
			if at >= len(e.Open.Path) {
				break
			}
			to := seq>>level<<level - 1
			return leftHash{From: to + 1 - 1<<level, To: to, Hash: e.Open.Path[at]}
		}
		if (seq>>level+1)<<level < size {
			at++ // there is something at the right
		}
	}
	return leftHash{}
}

// verdictOf says what a verification found.
func verdictOf(r audit.VerifyReport) string {
	if r.OK() {
		return fmt.Sprintf("Protokoll geprüft: %d Einträge, keine Abweichung.", r.Leaves)
	}
	return fmt.Sprintf("Protokoll geprüft: %d Einträge, %d Abweichungen.", r.Leaves, len(r.Problems)+r.More)
}
