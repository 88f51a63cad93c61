// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies/release"
)

const proposalsPath = policiesPath + "/proposals"

// ProposalLine is a proposal that waits for somebody, for the list of approvals.
type ProposalLine struct {
	ID, Revision, Comment, Author string
	Time                          time.Time
	// Signatures it has, of Required.
	Signatures, Required int
	// ChecksOK: the automatic checks passed. Ready: it can be activated.
	ChecksOK, Ready bool
}

// Path is the page of the proposal.
func (l ProposalLine) Path() string { return proposalsPath + "/" + l.ID }

// OpenProposals are the proposals that are neither active nor withdrawn, the
// newest first.
func (p *PolicyPages) OpenProposals(ctx context.Context) ([]ProposalLine, error) {
	if p == nil || p.Desk == nil {
		return nil, nil
	}
	all, err := p.Desk.Proposals(ctx)
	if err != nil {
		return nil, err
	}
	var out []ProposalLine
	for _, x := range all {
		if x.Phase == release.PhaseOpen {
			out = append(out, p.line(x))
		}
	}
	return out, nil
}

func (p *PolicyPages) line(x release.Proposal) ProposalLine {
	return ProposalLine{
		ID: x.ID, Revision: x.Revision, Comment: x.Comment, Author: x.Author.Name, Time: x.Time, Signatures: len(x.Signatures),
		Required: p.Signatures, ChecksOK: x.Checks.OK(), Ready: x.Phase == release.PhaseOpen && len(x.Missing) == 0,
	}
}

// proposalsView is every change that was proposed.
type proposalsView struct {
	view
	Tabs  []tab
	Lines []proposalLine
	// Runs are drafts that are being checked or could not be.
	Runs    []run
	Shadow  *release.ShadowRun
	Changes bool
}

type proposalLine struct {
	ProposalLine
	Badge result
}

func (u *UI) proposalList(w http.ResponseWriter, r *http.Request) error {
	all, err := u.Policies.Desk.Proposals(r.Context())
	if err != nil {
		return err
	}
	person := personOf(r)
	v := proposalsView{view: u.view(r, "Entwürfe"), Tabs: u.policyTabs(person, proposalsPath), Changes: u.mayChange(person), Runs: u.Policies.runs.of("propose")}
	v.Path = policiesPath
	for _, x := range all[:min(len(all), maxRevisions)] {
		v.Lines = append(v.Lines, proposalLine{u.Policies.line(x), phaseResult(x)})
	}
	if v.Shadow, err = u.shadow(r.Context()); err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "policy_proposals.html", v)
}

// phaseResult is how far a proposal is, as a badge.
func phaseResult(x release.Proposal) result {
	switch {
	case x.Phase == release.PhaseActive:
		return result{"success", "success", "Aktiviert"}
	case x.Phase == release.PhaseWithdrawn:
		return result{"info", "close", "Zurückgezogen"}
	case !x.Checks.OK():
		return result{"danger", "danger", "Prüfung nicht bestanden"}
	case len(x.Missing) == 0:
		return result{"warning", "warning", "Bereit zur Aktivierung"}
	default:
		return result{"warning", "warning", "Offen"}
	}
}

// shadow is the running or last comparison with live traffic; nil: there was none.
func (u *UI) shadow(ctx context.Context) (*release.ShadowRun, error) {
	s, err := u.Policies.Desk.Shadowing(ctx)
	var known *gateway.Error
	if errors.As(err, &known) && known.Code == gateway.CodeNotFound {
		return nil, nil //nolint:nilnil // no shadow is nothing special
	}
	return &s, err
}

// proposeView is the form for a change.
type proposeView struct {
	view
	Tabs  []tab
	Files []string
	// File is the one that is edited, Text what stands in it.
	File, Text string
	Rows       int
	Revision   string
}

func (u *UI) proposeNew(w http.ResponseWriter, r *http.Request) error {
	v := proposeView{view: u.view(r, "Änderung vorschlagen"), Tabs: u.policyTabs(personOf(r), proposalsPath), Revision: u.Policies.Book.Status().Revision}
	v.Path = policiesPath
	var err error
	if v.Files, err = u.Policies.Book.Files(); err != nil {
		return err
	}
	if v.File = r.URL.Query().Get("datei"); v.File != "" {
		if !slices.Contains(v.Files, v.File) {
			return &gateway.Error{Op: "edit file", Code: gateway.CodeNotFound, Path: "datei", Message: "Diese Datei gibt es im geltenden Regelstand nicht."}
		}
		if v.Text, err = u.Policies.Book.File(v.File); err != nil {
			return err
		}
		v.Rows = min(max(strings.Count(v.Text, "\n")+2, 8), 40)
	}
	return u.render(w, r, http.StatusOK, "policy_propose.html", v)
}

const (
	maxBundle  = 16 << 20
	maxComment = 500
)

// propose takes a bundle or a changed file and has it checked.
func (u *UI) propose(w http.ResponseWriter, r *http.Request) error {
	draft, err := u.readDraft(r)
	if err != nil {
		return err
	}
	by, task := u.releasePerson(r), run{ID: newRunID(), Kind: "propose", Start: u.Now()}
	u.Policies.runs.begin(task)
	var made string
	ended := u.runStep(task, func(ctx context.Context) (string, error) {
		p, err := u.Policies.Desk.Propose(ctx, by, draft)
		u.logStep(ctx, "propose policies", err)
		made = p.ID
		return p.ID, err
	})
	if ended && made != "" {
		http.Redirect(w, r, proposalsPath+"/"+url.PathEscape(made), http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, proposalsPath, http.StatusSeeOther)
	return nil
}

// logStep keeps for the log what no page shows.
func (u *UI) logStep(ctx context.Context, step string, err error) {
	var known *gateway.Error
	if err != nil && !errors.As(err, &known) {
		u.Logger.LogAttrs(ctx, slog.LevelError, "step of a release failed", slog.String("step", step), slog.Any("error", err))
	}
}

func (u *UI) readDraft(r *http.Request) (release.Draft, error) {
	if isMultipart(r) {
		if err := r.ParseMultipartForm(maxBundle); err != nil { //nolint:gosec // the page bounds the body
			return release.Draft{}, formError(err)
		}
		defer r.MultipartForm.RemoveAll() //nolint:errcheck // temporary files of the upload
	}
	draft := release.Draft{Comment: strings.TrimSpace(r.FormValue("begruendung"))}
	if n := len([]rune(draft.Comment)); n == 0 || n > maxComment {
		return draft, invalid("begruendung", fmt.Sprintf("Bitte sagen Sie in höchstens %d Zeichen, was sich ändert und warum.", maxComment))
	}
	if name := r.FormValue("datei"); name != "" {
		files, err := u.Policies.Book.Files()
		if err != nil {
			return draft, err
		}
		if !slices.Contains(files, name) {
			return draft, invalid("datei", "Diese Datei gibt es im geltenden Regelstand nicht.")
		}
		text := strings.ReplaceAll(r.FormValue("text"), "\r\n", "\n")
		draft.Files = map[string][]byte{name: []byte(strings.TrimRight(text, "\n") + "\n")}
		return draft, nil
	}
	var err error
	draft.Zip, err = uploadedBundle(r)
	return draft, err
}

func uploadedBundle(r *http.Request) ([]byte, error) {
	file, header, err := r.FormFile("paket")
	if err != nil || header.Size == 0 {
		return nil, invalid("paket", "Bitte wählen Sie ein Richtlinienpaket (ZIP).")
	}
	defer file.Close()
	if header.Size > maxBundle {
		return nil, &gateway.Error{Op: "read bundle", Code: gateway.CodeTooLarge, Path: "paket", Message: "Das Richtlinienpaket ist größer als 16 MB."}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxBundle))
	if err != nil {
		return nil, formError(err)
	}
	return data, nil
}

// mayRead: single records are for the auditors, counts for all who read policies.
func mayRead(p identity.Person) bool { return p.Has(identity.RoleRevision) }

// isMultipart: a form with a file, which is read where files are wanted.
func isMultipart(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/")
}
