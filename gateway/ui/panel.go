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
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
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

	results results
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
	id := u.Panel.results.add(u.Now(), outcome{tenant: person.Tenant, input: in, report: report})
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
	res, err := u.Panel.results.get(u.Now(), r.PathValue("id"), personOf(r))
	if err != nil {
		return err
	}
	v := reportView{view: u.view(r, "Vollständigkeitsprüfung"), ID: r.PathValue("id"), Case: res.input.Case, Report: res.report}
	v.Path = checkPath
	if s, ok := u.Panel.Catalog.Service(res.report.Service); ok {
		v.Service = s.Title.DE
	}
	for _, f := range res.report.Findings {
		if f.Severity == completeness.SeverityAsk {
			v.Ask = append(v.Ask, f)
		} else {
			v.Look = append(v.Look, f)
		}
	}
	for _, d := range res.report.Documents {
		if d.Usable {
			v.Done = append(v.Done, d)
		} else {
			v.Problems = append(v.Problems, d)
		}
	}
	if n := len(res.report.DecisionIDs); n > 0 {
		v.Decision = res.report.DecisionIDs[n-1]
	}
	v.Headline, v.Lead = headline(res.report, len(v.Ask), len(v.Look))
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

// results keeps checks and drafts of the panel for a working day, in memory,
// bounded, each visible to its tenant only, and to a launched panel of its case.
type results struct {
	mu   sync.Mutex
	byID map[string]outcome
}

type outcome struct {
	tenant gateway.TenantID
	input  completeness.Input
	report completeness.Report
	draft  *panelDraft
	until  time.Time
}

const (
	maxResults = 2000
	resultLife = 8 * time.Hour
)

func (s *results) add(now time.Time, r outcome) string {
	var b [15]byte
	rand.Read(b[:])
	id := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	r.until = now.Add(resultLife)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]outcome{}
	}
	oldest := ""
	for k, v := range s.byID {
		if now.After(v.until) {
			delete(s.byID, k)
		} else if oldest == "" || v.until.Before(s.byID[oldest].until) {
			oldest = k
		}
	}
	if len(s.byID) >= maxResults {
		delete(s.byID, oldest)
	}
	s.byID[id] = r
	return id
}

func (s *results) get(now time.Time, id string, person identity.Person) (outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.byID[id]
	if !ok || r.tenant != person.Tenant || !person.Launch.Concerns(r.input.Case) || now.After(r.until) {
		return outcome{}, &gateway.Error{Op: "show result", Code: gateway.CodeNotFound, Message: "Dieses Ergebnis gibt es nicht mehr. Bitte starten Sie die Prüfung noch einmal."}
	}
	return r, nil
}

// change replaces a result that is still there.
func (s *results) change(id string, r outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byID[id]; ok {
		s.byID[id] = r
	}
}
