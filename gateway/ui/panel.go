// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

// Panel serves the caseworker's pages inside a Fachverfahren.
type Panel struct {
	Checker interface {
		Check(ctx context.Context, caller gateway.Caller, in completeness.Input) (completeness.Report, error)
	}
	Drafter Drafter
	Catalog *completeness.Catalog
	// Letter turns a check into what a letter is made of: recipient, file number, authority.
	Letter func(tenant gateway.TenantID, in completeness.Input, report completeness.Report) (drafting.Input, error)
	// System under which the panel's requests are recorded.
	System gateway.SystemID
	// Cases are files that can be opened without uploading, in the demonstration.
	Cases []Case
	// Shelf keeps checks and drafts for a working day.
	Shelf shelf.Store
}

// Drafter is what the panel needs of drafting.
type Drafter interface {
	Draft(ctx context.Context, caller gateway.Caller, in drafting.Input) (drafting.Draft, error)
	Check(d drafting.Draft) drafting.Draft
	Release(ctx context.Context, caller gateway.Caller, d drafting.Draft, person string) (drafting.Draft, error)
}

// Case is a file with its application and documents.
type Case struct {
	ID, Title, Subtitle string
	Input               completeness.Input
}

// checkView is the form and the list of cases.
type checkView struct {
	view
	Services []completeness.Service
	Cases    []Case
}

func (u *UI) checkNew(w http.ResponseWriter, r *http.Request) error {
	return u.render(w, r, http.StatusOK, "check_new.html", checkView{
		view: u.view(r, "Vollständigkeitsprüfung"), Services: u.services(r), Cases: u.cases(r),
	})
}

// checkRun checks an uploaded application or a case and leads to the result.
func (u *UI) checkRun(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	in, err := u.Panel.readCheck(r)
	if err == nil {
		err = u.ownUpload(r, person.Launch, &in)
	}
	if err != nil {
		return err
	}
	caller := person.Caller(u.Panel.System, gateway.PurposeCompletenessCheck)
	report, err := u.Panel.Checker.Check(r.Context(), caller, in)
	if err != nil {
		return err
	}
	id, err := u.keep(r, outcome{Input: in, Report: report})
	if err != nil {
		return err
	}
	redirect(w, r, checkPath+"/"+id)
	return nil
}

const (
	maxDocuments     = 100
	maxDocumentBytes = 20 << 20
)

func (p *Panel) readCheck(r *http.Request) (completeness.Input, error) {
	if err := r.ParseMultipartForm(8 << 20); err != nil { //nolint:gosec // the page bounds the body
		return completeness.Input{}, formError(err)
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // temporary files of the upload
	if id := r.FormValue("fall"); id != "" {
		for _, c := range p.Cases {
			if c.ID == id {
				return c.Input, nil
			}
		}
		return completeness.Input{}, invalid("fall", "Diesen Fall gibt es nicht.")
	}
	raw := []byte(r.FormValue("antrag"))
	if files := r.MultipartForm.File["antragsdatei"]; len(files) > 0 && files[0].Size > 0 {
		var err error
		if raw, err = readUpload(files[0]); err != nil {
			return completeness.Input{}, err
		}
	}
	if len(strings.TrimSpace(string(raw))) == 0 {
		return completeness.Input{}, invalid("antrag", "Bitte geben Sie die Antragsdaten als JSON an oder wählen Sie eine Datei.")
	}
	in, err := completeness.ParseApplication(gateway.ServiceID(r.FormValue("leistung")), raw)
	if err != nil {
		return completeness.Input{}, err
	}
	if az := strings.TrimSpace(r.FormValue("aktenzeichen")); az != "" {
		in.Case = az
	}
	for _, f := range r.MultipartForm.File["unterlagen"] {
		if f.Size == 0 && f.Filename == "" {
			continue
		}
		if len(in.Documents) >= maxDocuments {
			return completeness.Input{}, invalid("unterlagen", "Es sind höchstens 100 Unterlagen auf einmal möglich.")
		}
		data, err := readUpload(f)
		if err != nil {
			return completeness.Input{}, err
		}
		in.Documents = append(in.Documents, completeness.InputDocument{Name: f.Filename, Content: data})
	}
	return in, nil
}

func readUpload(f *multipart.FileHeader) ([]byte, error) {
	file, err := f.Open()
	if err != nil {
		return nil, invalid("unterlagen", "Eine Datei konnte nicht gelesen werden. Bitte wählen Sie sie noch einmal.")
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxDocumentBytes+1))
	if err != nil {
		return nil, invalid("unterlagen", "Eine Datei konnte nicht gelesen werden. Bitte wählen Sie sie noch einmal.")
	}
	if len(data) > maxDocumentBytes {
		return nil, &gateway.Error{Op: "read upload", Code: gateway.CodeTooLarge, Path: "unterlagen", Message: "Eine Datei ist größer als 20 MB."}
	}
	return data, nil
}

func invalid(path, message string) *gateway.Error {
	return &gateway.Error{Op: "read form", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// reportView is the result of a check, missing first.
type reportView struct {
	view
	ID       string
	Case     string
	Service  string
	Report   completeness.Report
	Headline []phrase
	Lead     []phrase
	Ask      []completeness.Finding
	Look     []completeness.Finding
	Done     []completeness.Document
	Problems []completeness.Document
	Decision string
}

func (u *UI) checkShow(w http.ResponseWriter, r *http.Request) error {
	res, err := u.kept(r, r.PathValue("id"))
	if err != nil {
		return err
	}
	v := reportView{view: u.view(r, "Vollständigkeitsprüfung"), ID: r.PathValue("id"), Case: res.Input.Case, Report: res.Report}
	v.Path = checkPath
	if s, ok := u.Panel.Catalog.Service(res.Report.Service); ok {
		v.Service = s.Title.DE
	}
	for _, f := range res.Report.Findings {
		if f.Severity == completeness.SeverityAsk {
			v.Ask = append(v.Ask, f)
		} else {
			v.Look = append(v.Look, f)
		}
	}
	for _, d := range res.Report.Documents {
		if d.Usable {
			v.Done = append(v.Done, d)
		} else {
			v.Problems = append(v.Problems, d)
		}
	}
	if n := len(res.Report.DecisionIDs); n > 0 {
		v.Decision = res.Report.DecisionIDs[n-1]
	}
	v.Headline, v.Lead = headline(res.Report, len(v.Ask), len(v.Look))
	return u.render(w, r, http.StatusOK, "check_show.html", v)
}

// headline says the result, not the name of the tool.
func headline(r completeness.Report, ask, look int) (headline, lead []phrase) {
	evidence, fields := len(r.MissingEvidence), len(r.MissingFields)
	switch {
	case r.Status == completeness.StatusComplete:
		headline = []phrase{say("Der Antrag ist vollständig")}
	case evidence > 0:
		headline = []phrase{sayCount(evidence, say("Eine Unterlage fehlt"), say("%d Unterlagen fehlen"))}
	case fields > 0:
		headline = []phrase{sayCount(fields, say("Eine Angabe fehlt"), say("%d Angaben fehlen"))}
	case r.Status == completeness.StatusUnverifiable:
		headline = []phrase{say("Der Antrag ist nicht vollständig prüfbar")}
	default:
		headline = []phrase{sayCount(ask, say("Ein Punkt ist zu klären"), say("%d Punkte sind zu klären"))}
	}
	if evidence > 0 && fields > 0 {
		lead = append(lead, sayCount(fields, say("eine Angabe fehlt"), say("%d Angaben fehlen")))
	}
	if more := ask - evidence - fields; more > 0 && evidence+fields > 0 {
		lead = append(lead, sayCount(more, say("ein Punkt ist zu klären"), say("%d Punkte sind zu klären")))
	}
	lead = append(lead, sayCount(len(r.Documents), say("eine Unterlage gelesen"), say("%d Unterlagen gelesen")))
	if look > 0 {
		lead = append(lead, sayCount(look, say("ein Hinweis"), say("%d Hinweise")))
	}
	return headline, lead
}

// explain is the finding's message, or a shorter one where the label above says it.
func explain(f completeness.Finding) phrase {
	switch {
	case f.Label == "" || !strings.Contains(f.Message, f.Label):
	case f.Code == "missing_evidence":
		return say("Diese Unterlage liegt nicht vor.")
	case f.Code == "missing_field":
		return say("Diese Angabe fehlt im Antrag.")
	}
	return phrase{text: f.Message}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return strings.ReplaceAll(many, "%d", count(n))
}

// outcome is a check and, later, its letter: visible to its tenant only, and to a
// launched panel of its system and case.
type outcome struct {
	System gateway.SystemID
	// Input is what a letter needs of what was checked, without the documents.
	Input  completeness.Input
	Report completeness.Report
	Draft  *panelDraft `json:",omitempty"`
}

// resultLife is a working day.
const resultLife = 8 * time.Hour

// keep puts a result on the shelf and returns its id.
func (u *UI) keep(r *http.Request, o outcome) (string, error) {
	var b [15]byte
	rand.Read(b[:])
	id := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	o.Input.Documents, o.System = nil, personOf(r).Caller(u.Panel.System).System
	return id, u.rekeep(r, id, o)
}

// rekeep replaces a result.
func (u *UI) rekeep(r *http.Request, id string, o outcome) error {
	place := shelf.Place{Kind: "panel", Tenant: personOf(r).Tenant, ID: id}
	return shelf.Put(r.Context(), u.Panel.Shelf, place, u.Now().Add(resultLife), o)
}

// opens: a launched panel shows what its own Fachverfahren made of its case.
func opens(l *identity.Launch, o outcome) bool {
	return l == nil || l.Concerns(o.Input.Case) && o.System == l.Caller.System && (l.Service == "" || l.Service == o.Report.Service)
}

func (u *UI) kept(r *http.Request, id string) (outcome, error) {
	person := personOf(r)
	o, err := shelf.Get[outcome](r.Context(), u.Panel.Shelf, shelf.Place{Kind: "panel", Tenant: person.Tenant, ID: id})
	if gateway.CodeOf(err) == gateway.CodeNotFound || err == nil && !opens(person.Launch, o) {
		return outcome{}, &gateway.Error{Op: "show result", Code: gateway.CodeNotFound, Message: "Dieses Ergebnis gibt es nicht mehr. Bitte starten Sie die Prüfung noch einmal."}
	}
	return o, err
}
