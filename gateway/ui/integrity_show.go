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
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

const (
	integrityPath = "/admin/integrity"
	journalPath   = "/admin/journal"
	// maxVerifyTime bounds a verification, maxDays the list of states.
	maxVerifyTime = time.Hour
	maxDays       = 7
	maxProblems   = 20
)

// integrityView is the proof that the record is what was written.
type integrityView struct {
	view
	Tabs   []tab
	Newest checkpointLine
	Keys   []string
	Last   proofState
	// Days are the states at the end of the last days, each a beginning of the newest.
	Days    []stateLine
	Witness []witnessLine
	// From and To are the days of a comparison, Compared its result.
	From, To  string
	Compared  *audit.Consistent
	Retention *RetentionState
	// Exports: the person may take entries out of the house.
	Exports bool
	// Witnessed: there could be witnesses.
	Witnessed bool
}

// checkpointLine is a signed statement about the record.
type checkpointLine struct {
	audit.Checkpoint
	Root, Signer string
}

// stateLine is the record at the end of a day.
type stateLine struct {
	Day time.Time
	audit.Stand
	Valid bool
}

// Count is the number of entries.
func (l checkpointLine) Count() int { return int(l.Size) }

// Count is the number of entries.
func (l stateLine) Count() int { return int(l.Size) }

type witnessLine struct {
	witness.State
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
	Problems []problemLine
	More     int
}

// problemLine is what differs, under a word for its kind.
type problemLine struct{ audit.Problem }

// What is the kind, for its word.
func (l problemLine) What() string { return string(l.Kind) }

// Leaf is the number of the leaf, where one is concerned.
func (l problemLine) Leaf() string {
	if l.Seq < 0 {
		return ""
	}
	return strconv.FormatInt(l.Seq, 10)
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
	newest, err := chain.Newest(r.Context())
	if err != nil {
		return err
	}
	v := integrityView{
		view: u.view(r, "Protokollnachweis"), Tabs: u.integrityTabs(person, integrityPath), Newest: readCheckpoint(newest),
		Keys: chain.PublicKeys(), Last: u.Policies.proofs.state(), Exports: person.Has(identity.RoleRevision), Witnessed: u.Policies.Witnesses != nil,
		Witness: u.witnessLines(newest.Size),
	}
	if v.Days, err = u.lastDays(r.Context()); err != nil {
		return err
	}
	if err := u.addComparison(r, &v); err != nil {
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

// lastDays are the states at the end of the last days. A day before the first entry
// has none.
func (u *UI) lastDays(ctx context.Context) ([]stateLine, error) {
	now := u.Now().In(u.zone)
	end := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, u.zone)
	var out []stateLine
	for range maxDays {
		c, err := u.Policies.Chain.Between(ctx, audit.Point{Time: end.Add(-time.Nanosecond)}, audit.Point{})
		if gateway.CodeOf(err) == gateway.CodeNotFound {
			break
		}
		if err != nil {
			return nil, err
		}
		end = end.AddDate(0, 0, -1)
		out = append(out, stateLine{Day: end, Stand: c.From, Valid: c.Valid})
	}
	return out, nil
}

// witnessLines are the witnesses with how far they are behind.
func (u *UI) witnessLines(newest int64) []witnessLine {
	if u.Policies.Witnesses == nil {
		return nil
	}
	var out []witnessLine
	for _, x := range u.Policies.Witnesses() {
		out = append(out, witnessLine{State: x, Behind: max(0, int(newest-x.Size)), Late: x.Error != "" || x.Time.IsZero()})
	}
	return out
}

// addComparison compares two days, if the address names them.
func (u *UI) addComparison(r *http.Request, v *integrityView) error {
	now, q := u.Now().In(u.zone), r.URL.Query()
	v.From, v.To = cmp.Or(q.Get("von"), now.AddDate(0, 0, -7).Format(time.DateOnly)), cmp.Or(q.Get("bis"), now.Format(time.DateOnly))
	if q.Get("von") == "" && q.Get("bis") == "" {
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
	c, err := u.Policies.Chain.Between(r.Context(), audit.Point{Time: endOf(from)}, audit.Point{Time: endOf(to)})
	v.Compared = &c
	return err
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
	line, lines := checkpointLine{Checkpoint: c}, strings.Split(string(c.Note), "\n")
	if len(lines) > 2 {
		line.Root = lines[2]
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
	if err := u.jot(r.Context(), personOf(r), audit.Note{Topic: audit.TopicVerified, Object: "record", Text: "Das Protokoll wurde nachgerechnet."}); err != nil {
		u.Policies.proofs.end(proofState{})
		return err
	}
	done := make(chan struct{})
	u.Policies.work.start(maxVerifyTime, func(ctx context.Context) { //nolint:contextcheck // outlives the request that asked for it
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
		s.Problems = append(s.Problems, problemLine{Problem: p})
	}
	s.More = report.More + len(report.Problems) - len(s.Problems)
	return s
}

// integrityKey hands over the public keys.
func (u *UI) integrityKey(w http.ResponseWriter, _ *http.Request) error {
	attach(w, "text/plain; charset=utf-8", "protokoll.pub")
	_, err := w.Write([]byte(strings.Join(u.Policies.Chain.PublicKeys(), "\n") + "\n"))
	return err
}

// integrityCheckpoint hands over the newest checkpoint, to be kept elsewhere.
func (u *UI) integrityCheckpoint(w http.ResponseWriter, r *http.Request) error {
	newest, err := u.Policies.Chain.Newest(r.Context())
	if err != nil {
		return err
	}
	if newest.Size == 0 {
		return &gateway.Error{Op: "show checkpoint", Code: gateway.CodeNotFound, Message: "Das Protokoll ist noch leer."}
	}
	attach(w, "text/plain; charset=utf-8", fmt.Sprintf("pruefpunkt-%d.txt", newest.Size))
	_, err = w.Write(newest.Note)
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
	if err := u.jot(r.Context(), personOf(r), audit.Note{Topic: audit.TopicExported, Object: "record", Text: text, Reason: reason}); err != nil {
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
	return audit.Filter{Scope: scope(personOf(r)), From: from, To: endOf(to)}, nil
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
