// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const (
	integrityPath = "/admin/integrity"
	journalPath   = "/admin/journal"
	// maxVerifyTime bounds a verification, maxCheckpoints the list of the page.
	maxVerifyTime  = time.Hour
	maxCheckpoints = 10
	maxProblems    = 20
)

// integrityView is the proof that the record is what was written.
type integrityView struct {
	view
	Tabs    []tab
	Newest  checkpointLine
	Keys    []string
	Last    proofState
	Sums    []checkpointLine
	Witness []witnessLine
	// From and To are the days of a comparison, Continuity its result.
	From, To   string
	Continuity *Continuity
	Compared   [2]checkpointLine
	Retention  *RetentionState
	// Exports: the person may take entries out of the house.
	Exports bool
	// CanWitness and CanCompare: the record is set up for it.
	CanWitness, CanCompare bool
}

// checkpointLine is a signed statement about the record.
type checkpointLine struct {
	Size   int64
	Time   time.Time
	Root   string
	Signer string
	Note   string
}

// Count is the number of entries.
func (l checkpointLine) Count() int { return int(l.Size) }

type witnessLine struct {
	Witness
	// Behind is how many entries are not kept there yet.
	Behind int
	Late   bool
}

// proofs runs the verification, one at a time, and keeps the last result.
type proofs struct {
	mu   sync.Mutex
	last proofState
}

// proofState is the last verification.
type proofState struct {
	Known, Running, Failed bool
	Start, End             time.Time
	Report                 audit.VerifyReport
	// Problems are the first of the report's, More how many follow.
	Problems []string
	More     int
}

// OK says that the record is what was signed.
func (s proofState) OK() bool { return s.Known && s.Report.OK() }

// Leaves is the number of recomputed entries.
func (s proofState) Leaves() int { return int(s.Report.Leaves) }

// Took is how long it ran.
func (s proofState) Took() time.Duration { return s.End.Sub(s.Start) }

func (p *proofs) state() proofState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *proofs) begin(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.Running {
		return false
	}
	p.last.Running, p.last.Start = true, now
	return true
}

func (p *proofs) end(s proofState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Start = p.last.Start
	p.last = s
}

func (u *UI) integrityShow(w http.ResponseWriter, r *http.Request) error {
	person, chain := personOf(r), u.Policies.Chain
	note, err := chain.Checkpoint(r.Context())
	if err != nil {
		return err
	}
	v := integrityView{
		view: u.view(r, "Protokollnachweis"), Tabs: u.integrityTabs(person, integrityPath), Newest: readCheckpoint(audit.Checkpoint{Note: note}),
		Keys: chain.PublicKeys(), Last: u.Policies.proofs.state(), Exports: person.Has(identity.RoleRevision),
		CanWitness: u.Policies.Witnesses != nil, CanCompare: u.Policies.Compare != nil,
	}
	if err := u.addCheckpoints(r.Context(), &v); err != nil {
		return err
	}
	if err := u.addContinuity(r, &v); err != nil {
		return err
	}
	if u.Policies.Retention != nil {
		state, err := u.Policies.Retention(r.Context())
		if err != nil {
			return err
		}
		v.Retention = &state
	}
	return u.render(w, r, http.StatusOK, "integrity_show.html", v)
}

func (u *UI) addCheckpoints(ctx context.Context, v *integrityView) error {
	if u.Policies.Checkpoints != nil {
		list, err := u.Policies.Checkpoints(ctx, maxCheckpoints)
		if err != nil {
			return err
		}
		for _, c := range list {
			v.Sums = append(v.Sums, readCheckpoint(c))
		}
		if len(v.Sums) > 0 {
			v.Newest.Time = v.Sums[0].Time
		}
	}
	if u.Policies.Witnesses == nil {
		return nil
	}
	list, err := u.Policies.Witnesses(ctx)
	if err != nil {
		return err
	}
	for _, x := range list {
		behind := max(0, int(v.Newest.Size-x.Size))
		v.Witness = append(v.Witness, witnessLine{Witness: x, Behind: behind, Late: x.Problem != "" || x.Time.IsZero()})
	}
	return nil
}

// addContinuity compares two days, if the address names them.
func (u *UI) addContinuity(r *http.Request, v *integrityView) error {
	today := u.Now().In(u.zone).Format(time.DateOnly)
	q := r.URL.Query()
	v.From, v.To = cmp.Or(q.Get("von"), u.Now().In(u.zone).AddDate(0, 0, -7).Format(time.DateOnly)), cmp.Or(q.Get("bis"), today)
	if u.Policies.Compare == nil || q.Get("von") == "" && q.Get("bis") == "" {
		return nil
	}
	from, err := u.dayOf("von", v.From)
	if err != nil {
		return err
	}
	to, err := u.dayOf("bis", v.To)
	if err != nil {
		return err
	}
	if to.Before(from) {
		return invalid("bis", "Der zweite Tag liegt vor dem ersten.")
	}
	c, err := u.Policies.Compare(r.Context(), endOf(from), endOf(to))
	if err != nil {
		return err
	}
	v.Continuity, v.Compared = &c, [2]checkpointLine{readCheckpoint(c.From), readCheckpoint(c.To)}
	return nil
}

// dayOf reads the day of a form.
func (u *UI) dayOf(field, text string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, u.zone)
	if err != nil {
		return day, invalid(field, "Bitte geben Sie den Tag als Datum an, zum Beispiel 2026-11-21.")
	}
	return day, nil
}

// endOf is the beginning of the day after.
func endOf(day time.Time) time.Time { return day.AddDate(0, 0, 1) }

// readCheckpoint takes the text of a checkpoint apart: origin, size, root,
// signature. Who signed was checked by the record.
func readCheckpoint(c audit.Checkpoint) checkpointLine {
	line := checkpointLine{Size: c.Size, Time: c.Time, Note: string(c.Note)}
	lines := strings.Split(line.Note, "\n")
	if len(lines) > 2 {
		line.Root = lines[2]
		if n, err := strconv.ParseInt(lines[1], 10, 64); err == nil {
			line.Size = n
		}
	}
	for _, l := range lines {
		if name, sig, ok := strings.Cut(strings.TrimPrefix(l, "— "), " "); ok && strings.HasPrefix(l, "— ") {
			line.Signer = name
			if raw, err := base64.StdEncoding.DecodeString(sig); err == nil && len(raw) >= 4 {
				line.Signer += "+" + hex.EncodeToString(raw[:4])
			}
		}
	}
	return line
}

// integrityVerify recomputes the whole record in the background.
func (u *UI) integrityVerify(w http.ResponseWriter, r *http.Request) error {
	if !u.Policies.proofs.begin(u.Now()) {
		return conflict("verify record", "Das Protokoll wird gerade geprüft. Bitte warten Sie auf das Ergebnis.")
	}
	if err := u.note(r, audit.Note{Topic: audit.TopicVerified, Object: "record", Text: "Das Protokoll wurde nachgerechnet."}); err != nil {
		u.Policies.proofs.end(proofState{})
		return err
	}
	done := make(chan struct{})
	u.Policies.work.start(maxVerifyTime, func(ctx context.Context) {
		defer close(done)
		u.Policies.proofs.end(u.verifyChain(ctx))
	})
	select {
	case <-done:
	case <-time.After(patience):
	}
	http.Redirect(w, r, integrityPath, http.StatusSeeOther)
	return nil
}

func (u *UI) verifyChain(ctx context.Context) proofState {
	report, err := u.Policies.Chain.Verify(ctx)
	if err != nil {
		u.Logger.LogAttrs(ctx, slog.LevelError, "record not verified", slog.Any("error", err))
		return proofState{Failed: true, End: u.Now()}
	}
	u.Verified(report.OK(), u.Now())
	s := proofState{Known: true, End: u.Now(), Report: report}
	for _, p := range report.Problems[:min(len(report.Problems), maxProblems)] {
		s.Problems = append(s.Problems, p.String())
	}
	s.More = report.More + len(report.Problems) - len(s.Problems)
	return s
}

// note writes into the journal what the person does on a page.
func (u *UI) note(r *http.Request, n audit.Note) error {
	person := personOf(r)
	who := u.Policies.Who(person)
	n.Tenant, n.Actor, n.Role = person.Tenant, who.Pseudonym, cmp.Or(n.Role, who.Role)
	return u.Policies.Chain.Note(r.Context(), n)
}

// integrityKey hands over the public keys.
func (u *UI) integrityKey(w http.ResponseWriter, _ *http.Request) error {
	attach(w, "text/plain; charset=utf-8", "protokoll.pub")
	_, err := w.Write([]byte(strings.Join(u.Policies.Chain.PublicKeys(), "\n") + "\n"))
	return err
}

// integrityCheckpoint hands over the newest checkpoint, to be kept elsewhere.
func (u *UI) integrityCheckpoint(w http.ResponseWriter, r *http.Request) error {
	note, err := u.Policies.Chain.Checkpoint(r.Context())
	if err != nil {
		return err
	}
	if len(note) == 0 {
		return &gateway.Error{Op: "show checkpoint", Code: gateway.CodeNotFound, Message: "Das Protokoll ist noch leer."}
	}
	attach(w, "text/plain; charset=utf-8", fmt.Sprintf("pruefpunkt-%d.txt", readCheckpoint(audit.Checkpoint{Note: note}).Size))
	_, err = w.Write(note)
	return err
}

// integrityExport hands over entries with their proofs. That it happened stands in
// the journal before the first byte.
func (u *UI) integrityExport(w http.ResponseWriter, r *http.Request) error {
	reason, err := reasonOf(r)
	if err != nil {
		return err
	}
	f, err := u.exportFilter(r)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Das Protokoll vom %s bis %s wurde mit Nachweisen ausgegeben.", f.From.Format("02.01.2006"), f.To.AddDate(0, 0, -1).Format("02.01.2006"))
	if err := u.note(r, audit.Note{Topic: audit.TopicExported, Object: "record", Text: text, Reason: reason}); err != nil {
		return err
	}
	out := &lateHeader{w: w, name: "protokoll-" + f.From.Format(time.DateOnly) + ".zip"}
	err = u.Policies.Chain.Export(r.Context(), out, f)
	if err != nil && out.began {
		u.Logger.LogAttrs(r.Context(), slog.LevelError, "export broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler) // a broken file must not look like a whole one
	}
	return err
}

func (u *UI) exportFilter(r *http.Request) (audit.Filter, error) {
	from, err := u.dayOf("von", r.PostForm.Get("von"))
	if err != nil {
		return audit.Filter{}, err
	}
	to, err := u.dayOf("bis", r.PostForm.Get("bis"))
	if err != nil {
		return audit.Filter{}, err
	}
	if to.Before(from) {
		return audit.Filter{}, invalid("bis", "Der zweite Tag liegt vor dem ersten.")
	}
	return audit.Filter{Scope: recordScope(personOf(r)), From: from, To: endOf(to)}, nil
}

// lateHeader names the file when its first bytes come, so that an error before
// them is still a page.
type lateHeader struct {
	w     http.ResponseWriter
	name  string
	began bool
}

func (l *lateHeader) Write(p []byte) (int, error) {
	if !l.began {
		l.began = true
		attach(l.w, "application/zip", l.name)
	}
	return l.w.Write(p)
}

// integrityTabs are the pages of the record's proof that a person may open.
func (u *UI) integrityTabs(p identity.Person, current string) []tab {
	return u.tabs(p, current, tab{Path: integrityPath, Text: "Nachweis"}, tab{Path: journalPath, Text: "Journal"})
}
