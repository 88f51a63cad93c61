// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/policies/services"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// The gateway's own permit fits.
var _ completeness.Permit = (*gateway.Permit)(nil)

// permit records how a check was asked for and closed.
type permit struct {
	request gateway.Request
	outcome gateway.Outcome
	result  string
	err     error
}

func (p *permit) ID() string { return "req-1" }

func (p *permit) Close(_ context.Context, o gateway.Outcome, result string) error {
	p.outcome, p.result = o, result
	return p.err
}

func (p *permit) ask(_ context.Context, r gateway.Request) (completeness.Permit, error) {
	p.request = r
	return p, nil
}

func incomplete(t *testing.T) completeness.Input {
	t.Helper()
	for _, a := range readApplications(t, "../../policies/services/testdata/applications.jsonl") {
		if a.ID == "wohngeld-02" {
			in, err := completeness.ParseInput(a.raw)
			if err != nil {
				t.Fatal(err)
			}
			in.Case = "50.2-4711/26"
			return in
		}
	}
	t.Fatal("no such application")
	return completeness.Input{}
}

func TestCheckIsRecorded(t *testing.T) {
	t.Parallel()
	p := &permit{}
	c := newChecker(t, completeness.Config{Permit: p.ask})
	r, err := c.Check(context.Background(), gateway.Caller{Tenant: "tannberg"}, incomplete(t))
	if err != nil {
		t.Fatal(err)
	}
	want := gateway.Request{
		Caller: gateway.Caller{Tenant: "tannberg"}, Operation: gateway.OperationCheck, Purpose: gateway.PurposeCompletenessCheck,
		Service: "wohngeld-mietzuschuss", Case: "50.2-4711/26",
	}
	got := p.request
	if got.Caller.Tenant != want.Caller.Tenant || got.Operation != want.Operation || got.Purpose != want.Purpose || got.Service != want.Service || got.Case != want.Case {
		t.Errorf("request %+v", got)
	}
	if got.CaseDate.Format(time.DateOnly) != "2026-11-02" || !slices.Contains(got.DataClass, gateway.DataSozialdaten) {
		t.Errorf("case date %s, data classes %v", got.CaseDate, got.DataClass)
	}
	if p.outcome != gateway.OutcomeAnswered || p.result != "unvollstaendig, 2 Befunde" {
		t.Errorf("closed as %s with %q", p.outcome, p.result)
	}
	same(t, "decision ids", r.DecisionIDs, []string{"req-1"})
}

func TestNoRecordNoReport(t *testing.T) {
	t.Parallel()
	p := &permit{err: errors.New("disk full")}
	_, err := newChecker(t, completeness.Config{Permit: p.ask}).Check(context.Background(), gateway.Caller{}, incomplete(t))
	if gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("unclosed record: %v", err)
	}
	denied := &gateway.Error{Code: gateway.CodeDenied, Message: "Nicht erlaubt."}
	refuse := func(context.Context, gateway.Request) (completeness.Permit, error) { return nil, denied }
	_, err = newChecker(t, completeness.Config{Permit: refuse}).Check(context.Background(), gateway.Caller{}, incomplete(t))
	if !errors.Is(err, denied) {
		t.Errorf("a refusal reaches the caller as it is; got %v", err)
	}
}

func TestFailedCheckClosesTheRecord(t *testing.T) {
	t.Parallel()
	p := &permit{}
	in := incomplete(t)
	in.Params = map[string]any{"frist_tage": "bald"}
	_, err := newChecker(t, completeness.Config{Permit: p.ask}).Check(context.Background(), gateway.Caller{}, in)
	if gateway.CodeOf(err) != gateway.CodeInvalid || p.outcome != gateway.OutcomeFailed {
		t.Errorf("error %v, outcome %s", err, p.outcome)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p = &permit{}
	_, err = newChecker(t, completeness.Config{Permit: p.ask}).Check(ctx, gateway.Caller{}, incomplete(t))
	if err == nil || p.outcome == "" || p.outcome == gateway.OutcomeAnswered {
		t.Errorf("cancelled check: error %v, outcome %q", err, p.outcome)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if _, err := completeness.New(completeness.Config{}); err == nil {
		t.Error("a checker without a catalogue was built")
	}
	catalog, err := completeness.LoadCatalog(context.Background(), services.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := completeness.New(completeness.Config{Catalog: catalog}); err == nil {
		t.Error("a checker without a gateway was built")
	}
	if n := len(catalog.Cards()); n != 6 {
		t.Errorf("%d services, expected 6", n)
	}
	card := catalog.Cards()[slices.IndexFunc(catalog.Cards(), func(c gateway.ServiceCard) bool { return c.ID == "wohngeld-mietzuschuss" })]
	if card.AnnexIII != "5(a)" || card.AutomationNorm != "§ 31a SGB X" {
		t.Errorf("card %+v", card)
	}
}

func TestParseApplication(t *testing.T) {
	t.Parallel()
	bare, err := completeness.ParseApplication("bauantrag-bw", []byte(`{"verfahren":"kenntnisgabe"}`))
	if err != nil || bare.Service != "bauantrag-bw" || !strings.Contains(string(bare.Application), "kenntnisgabe") {
		t.Errorf("bare application: %+v, %v", bare, err)
	}
	full, err := completeness.ParseApplication("bauantrag-bw", []byte(`{"application":{"verfahren":"kenntnisgabe"},"documents":[{"type":"lageplan_zeichnerisch"}],"expected":{},"note":"x"}`))
	if err != nil || full.Service != "bauantrag-bw" || len(full.Documents) != 1 {
		t.Errorf("line: %+v, %v", full, err)
	}
	if _, err := completeness.ParseApplication("bauantrag-bw", []byte(`{"service":"pizza","application":{}}`)); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("contradicting service: %v", err)
	}
}

// texts is a reader that takes the content for the text; a few words stand for
// files that cannot be read.
type texts struct{}

func (texts) Read(_ context.Context, _ string, data []byte) (extract.Text, error) {
	switch s := string(data); s {
	case "locked":
		return extract.Text{}, extract.ErrEncrypted
	case "noise":
		return extract.Text{}, extract.ErrUnreadable
	case "exe":
		return extract.Text{}, extract.ErrUnsupported
	default:
		return extract.Text{MediaType: "text/plain", Pages: []extract.Page{{Number: 1, Text: s}}}, nil
	}
}

// TestDocuments: what does not count as evidence, and what is said about it.
func TestDocuments(t *testing.T) {
	t.Parallel()
	c := newChecker(t, completeness.Config{Reader: texts{}})
	const pass = "Sehtestbescheinigung\nName, Vorname   Jung, Lea\nSehtest durchgeführt am 01.10.2026\nSehteststelle: Optik Blick\n"
	for _, tc := range []struct {
		name, content, docType string
		code                   string
		missing                bool
		status                 completeness.Status
	}{
		{"passed", pass + "Der Sehtest ist ☒ bestanden ☐ nicht bestanden", "", "", false, completeness.StatusComplete},
		{"not passed", pass + "Der Sehtest ist ☐ bestanden ☒ nicht bestanden", "", "not_passed", true, completeness.StatusIncomplete},
		{"no mark", pass + "Der Sehtest ist bestanden nicht bestanden", "", "unreadable", true, completeness.StatusUnverifiable},
		{"of another person", strings.ReplaceAll(pass, "Jung, Lea", "Alt, Karl"), "", "wrong_person", true, completeness.StatusIncomplete},
		{"no date", strings.ReplaceAll(pass, "01.10.2026", "…"), "", "not_verifiable", false, completeness.StatusUnverifiable},
		{"locked", "locked", "", "locked", true, completeness.StatusUnverifiable},
		{"unreadable", "noise", "", "unreadable", true, completeness.StatusUnverifiable},
		{"program", "exe", "", "unreadable", true, completeness.StatusUnverifiable},
		{"declared but unreadable", "noise", "sehtestbescheinigung", "unreadable", true, completeness.StatusUnverifiable},
		{"unreadable, declared as something else", "locked", "vollmacht", "locked", true, completeness.StatusIncomplete},
		{"unknown", "Einladung zum Sommerfest", "", "unknown_type", true, completeness.StatusIncomplete},
		{"attest nobody asked for", "Ärztliches Attest\nDiagnose: ICD-10 F33.1\nFacharztpraxis, in meiner Behandlung", "", "art9_unrequested", true, completeness.StatusIncomplete},
		{"empty file", "", "", "unknown_type", true, completeness.StatusIncomplete},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := completeness.Input{Service: "fahrerlaubnis-ersterteilung", Application: []byte(licence), Documents: []completeness.InputDocument{
				{Type: "personalausweis"},
				{Type: "lichtbild"},
				{Type: "erste_hilfe_bescheinigung", Fields: map[string]string{"unterrichtseinheiten": "9"}},
				{ID: "d4", Type: tc.docType, Content: []byte(tc.content)},
			}}
			r, err := c.Check(context.Background(), gateway.Caller{}, in)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(r.MissingEvidence, "sehtest"); got != tc.missing || r.Status != tc.status {
				t.Errorf("sehtest missing %v, status %s; expected %v, %s", got, r.Status, tc.missing, tc.status)
			}
			i := slices.IndexFunc(r.Findings, func(f completeness.Finding) bool {
				return len(f.Evidence) == 1 && f.Evidence[0].Document == "d4"
			})
			if (i < 0) != (tc.code == "") || i >= 0 && r.Findings[i].Code != tc.code {
				t.Errorf("findings %+v, expected %q", r.Findings, tc.code)
			}
		})
	}
}

const licence = `{"antragsdatum":"2026-11-15","person":{"familienname":"Jung","vornamen":"Lea","geschlecht":"w","geburtsdatum":"2005-09-01","geburtsort":"Reutlingen","anschrift":"Weg 9","staatsangehoerigkeit":"deutsch","ausweisart":"Personalausweis","wohnsitz_inland":true},"klasse":"B","fahrschule":"Fahrschule Beispiel","erklaerung":{"auslaendische_fahrerlaubnis":false,"verzicht":true}}`

// TestCatalogIsStrict: each mistake in a definition keeps it from loading.
func TestCatalogIsStrict(t *testing.T) {
	t.Parallel()
	const dir = "bewohnerparkausweis/"
	for name, tc := range map[string]struct{ file, old, new, want string }{
		"unknown key":        {dir + "service.yaml", "authority:", "behoerde: x\nauthority:", "behoerde"},
		"bad citation":       {dir + "service.yaml", `"§ 21 BMG"`, `"BMG 21"`, "not one citation"},
		"two citations":      {dir + "service.yaml", `"§ 21 BMG"`, `"§§ 21, 22 BMG"`, "not one citation"},
		"repeated rule":      {dir + "service.yaml", "id: BP-02", "id: BP-01", "defined twice"},
		"unknown type":       {dir + "service.yaml", "type: kfz", "type: auto", "type"},
		"unknown evidence":   {dir + "service.yaml", "[carsharing_vertrag]", "[mitgliedskarte]", "mitgliedskarte"},
		"question forgotten": {dir + "service.yaml", "    question: \"In welchem Bewohnerparkgebiet wohnen Sie?\"\n", "", "without a question"},
		"wrong package":      {dir + "rules.rego", "package schleuse.services.bewohnerparkausweis", "package schleuse.services.parken", "package"},
		"network in rules":   {dir + "rules.rego", "carsharing if vehicle", `carsharing if http.send({"url": "http://x", "method": "GET"}).status_code == 200` + "\n\ncarsharing if vehicle", "http.send"},
		"clock in rules":     {dir + "rules.rego", "carsharing if vehicle", "carsharing if time.now_ns() > 0\n\ncarsharing if vehicle", "time.now_ns"},
		"foreign schema":     {dir + "schema.json", `"type": "object",`, `"$ref": "https://example.org/x.json", "type": "object",`, "not allowed"},
		"broken schema":      {dir + "schema.json", `"type": "object"`, `"type": "dog"`, "schema"},
		"unknown document":   {"documents.yaml", "also: [ausweiskopie]", "also: [ausweiscopy]", "ausweiscopy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := fstest.MapFS{}
			for _, f := range []string{"documents.yaml", "lib/lib.rego", dir + "service.yaml", dir + "schema.json", dir + "rules.rego"} {
				b, err := services.FS.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				if f == tc.file {
					if !strings.Contains(string(b), tc.old) {
						t.Fatalf("%s does not contain %q", f, tc.old)
					}
					b = []byte(strings.Replace(string(b), tc.old, tc.new, 1))
				}
				files[f] = &fstest.MapFile{Data: b}
			}
			_, err := completeness.LoadCatalog(context.Background(), files)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, expected one about %q", err, tc.want)
			}
		})
	}
}

// TestPeriodsAndHolders: documents of another time or of another holder.
func TestPeriodsAndHolders(t *testing.T) {
	t.Parallel()
	c := newChecker(t, completeness.Config{Reader: texts{}})
	base := map[string][]byte{}
	for _, a := range readApplications(t, "../../policies/services/testdata/applications.jsonl") {
		base[a.ID] = a.raw
	}
	const (
		statement = "Kontoauszug Nr. 1\nErika Mustermann\nAuszug für den Zeitraum 01.%s bis 28.%s\nAlter Kontostand 1,00\n03. Dauerauftrag Wohnbau MIETE -720,00\nNeuer Kontostand 2,00"
		semester  = "Hochschule Tannberg\nStudienbescheinigung\nHerr Max Mustermann, Matrikelnummer 1, ist im Semester (01.04.2026 bis 30.09.2026) immatrikuliert."
		vehicle   = "Zulassungsbescheinigung Teil I (Fahrzeugschein)\nA S-AB 1234\nC.1.1/C.1.2 %s"
	)
	for _, tc := range []struct {
		name, base, content, code string
		missing                   string
	}{
		{"recent statement", "wohngeld-02", strings.ReplaceAll(statement, "%s", "10.2026"), "", "verdienst:p1"},
		{"statement of last year", "wohngeld-02", strings.ReplaceAll(statement, "%s", "01.2026"), "wrong_period", "mietzahlung"},
		{"semester that is over", "wohngeld-04", semester, "wrong_period", "immatrikulation:p2"},
		{"own vehicle", "park-01", strings.ReplaceAll(vehicle, "%s", "Muster, Ali"), "", ""},
		{"somebody else's vehicle", "park-01", strings.ReplaceAll(vehicle, "%s", "Fremd, Eva"), "wrong_person", "zb1"},
		{"the company's vehicle", "park-02", strings.ReplaceAll(vehicle, "%s", "Fremd, Eva"), "", "ueberlassung"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in, err := completeness.ParseInput(base[tc.base])
			if err != nil {
				t.Fatal(err)
			}
			file := completeness.InputDocument{ID: "file", Content: []byte(tc.content)}
			switch tc.base {
			case "park-01", "park-02":
				in.Documents = []completeness.InputDocument{file}
			case "wohngeld-04":
				in.Documents = append(in.Documents[:3], file)
			default:
				in.Documents = append(in.Documents, file)
			}
			r, err := c.Check(context.Background(), gateway.Caller{}, in)
			if err != nil {
				t.Fatal(err)
			}
			if tc.missing != "" && !slices.Contains(r.MissingEvidence, tc.missing) || tc.missing == "" && len(r.MissingEvidence) > 0 {
				t.Errorf("missing evidence %v, expected %q", r.MissingEvidence, tc.missing)
			}
			code := ""
			for _, f := range r.Findings {
				if len(f.Evidence) == 1 && f.Evidence[0].Document == "file" && f.Code != "rule" {
					code = f.Code
				}
			}
			if code != tc.code {
				t.Errorf("code %q, expected %q: %+v", code, tc.code, r.Findings)
			}
		})
	}
}

func withTexts() completeness.Config { return completeness.Config{Reader: texts{}} }
