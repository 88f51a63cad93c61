// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

// fakePermit records what the gateway would record.
type fakePermit struct {
	id     string
	log    *[]string
	failAt string
}

func (p fakePermit) ID() string { return p.id }

func (p fakePermit) Close(_ context.Context, o gateway.Outcome, result string) error {
	if p.failAt == "close" {
		return &gateway.Error{Code: gateway.CodeNoRecord}
	}
	*p.log = append(*p.log, string(o)+": "+result)
	return nil
}

type bench struct {
	drafter  *Drafter
	requests []gateway.Request
	closed   []string
}

func setup(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{}
	c := Config{
		Permit: func(_ context.Context, r gateway.Request) (Permit, error) {
			b.requests = append(b.requests, r)
			return fakePermit{id: "r_1", log: &b.closed}, nil
		},
		Profile: func(context.Context, gateway.TenantID) (Profile, error) { return city(), nil },
		Now:     func() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) },
		Key:     []byte("schluessel für tests"),
	}
	if change != nil {
		change(&c)
	}
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.drafter = d
	return b
}

func city() Profile {
	return Profile{
		Authority: "Stadt Musterstadt", Department: "Wohngeldbehörde", Street: "Rathausplatz 1", Postcode: "70999", City: "Musterstadt",
		Land: "BW", Phone: "0711 555-0", Email: "wohngeld@musterstadt.example", Upload: "https://musterstadt.example/nachreichen",
		Visit: "Bürgerhaus, Zimmer 12, montags bis freitags von 8 bis 12 Uhr", DataProtectionOfficer: "datenschutz@musterstadt.example",
		Supervision: "Landesbeauftragter für den Datenschutz und die Informationsfreiheit Baden-Württemberg", PrivacyURL: "https://musterstadt.example/datenschutz",
		Recipients: "Wir geben Ihre Daten nur an Stellen weiter, die sie zur Bearbeitung brauchen.", Retention: "Wir löschen die Akte zehn Jahre nach der letzten Entscheidung.",
		Footer: []string{"Stadt Musterstadt · Rathausplatz 1 · 70999 Musterstadt"},
	}
}

func housing() Input {
	return Input{
		Kind: KindRequest, Case: "WG-2026/004711", Reference: "mein Zeichen 8",
		Service:    Service{ID: "wohngeld-mietzuschuss", Title: "Wohngeld – Mietzuschuss", Regime: RegimeSGB, Preserves: "§ 25 Abs. 2 WoGG", PeriodDays: 21, DataClasses: []gateway.DataClass{gateway.DataSozialdaten, gateway.DataArt9}},
		Recipient:  Recipient{Salutation: "Frau", First: "Erika", Last: "Beispiel", Street: "Lindenweg 7", Postcode: "70998", City: "Musterstadt"},
		Received:   time.Date(2026, 11, 12, 0, 0, 0, 0, time.UTC),
		Caseworker: Person{Name: "Jana Hofmann", Phone: "0711 555-214", Email: "jana.hofmann@musterstadt.example", Room: "214"},
		Date:       time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Report: &completeness.Report{
			ID: "c_0815", Service: "wohngeld-mietzuschuss", Date: "2026-11-12", Status: completeness.StatusIncomplete,
			Findings: []completeness.Finding{
				{
					ID: "f1", Requirement: "mietnachweis", Code: "missing_evidence", Severity: completeness.SeverityAsk, Label: "Mietvertrag oder Mietbescheinigung des Vermieters",
					Message: "Der Nachweis „Mietvertrag oder Mietbescheinigung des Vermieters“ fehlt.", Question: "Bitte reichen Sie ein: Mietvertrag oder Mietbescheinigung des Vermieters.",
					Alternatives: []string{"Mietvertrag", "Mietbescheinigung"}, Basis: []string{"§ 60 Abs. 1 Nr. 3 SGB I", "§ 9 WoGG", "§ 23 Abs. 3 WoGG"}, Origin: "law",
				},
				{
					ID: "f2", Requirement: "verdienst:p2", Code: "missing_evidence", Severity: completeness.SeverityAsk, Label: "Verdienstbescheinigung des Arbeitgebers oder Verdienstabrechnungen der letzten 12 Monate", Person: "Jonas Beispiel",
					Message: "Der Nachweis fehlt (Jonas Beispiel).", Question: "Bitte reichen Sie den Nachweis für Jonas Beispiel ein.",
					Alternatives: []string{"Verdienstbescheinigung", "Verdienstabrechnungen der letzten 12 Monate"}, Basis: []string{"§ 60 Abs. 1 Nr. 3 SGB I", "§ 14 WoGG"}, Origin: "law",
				},
				{
					ID: "f3", Requirement: "WG-10", Code: "rule", Severity: completeness.SeverityAsk, Message: "Im Antrag steht eine Miete von 640,00 Euro, im Mietvertrag vom 01.03.2024 eine von 615,50 Euro.",
					Question: "Bitte erklären Sie den Unterschied.", Basis: []string{"§ 60 Abs. 1 Nr. 3 SGB I"}, Origin: "practice",
				},
				{
					ID: "f4", Requirement: "haushalt[p3].geschlecht", Code: "missing_field", Severity: completeness.SeverityAsk, Label: "Geschlecht", Person: "Mia Beispiel",
					Message: "Die Angabe „Geschlecht“ fehlt (Mia Beispiel).", Question: "Bitte ergänzen Sie die Angabe „Geschlecht“ für Mia Beispiel.", Basis: []string{"§ 23 Abs. 1 Satz 2 WoGG"}, Origin: "law",
				},
				{ID: "f5", Requirement: "melde", Code: "missing_evidence", Severity: completeness.SeverityHint, Label: "Meldebestätigung", ByAuthority: true, Basis: []string{"§ 65 Abs. 1 Nr. 3 SGB I"}},
				{ID: "f6", Requirement: "WG-11", Code: "rule", Severity: completeness.SeverityHint, Message: "Vermögensangabe: bitte prüfen.", Basis: []string{"§ 21 Nr. 3 WoGG"}},
			},
		},
	}
}

func draft(t *testing.T, b *bench, in Input) Draft {
	t.Helper()
	d, err := b.drafter.Draft(context.Background(), gateway.Caller{Tenant: "musterstadt"}, in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func text(d Draft) string {
	var b strings.Builder
	for _, pl := range flatten(d.Letter) {
		b.WriteString(pl.text + "\n")
	}
	return b.String()
}

func reds(d Draft) []string {
	var list []string
	for _, c := range d.Checks {
		if c.Level == LevelRed {
			list = append(list, c.ID+" "+c.Path+" „"+c.Text+"“: "+c.Reason)
		}
	}
	return list
}

func TestRequestForDocuments(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	d := draft(t, b, housing())
	if !d.Releasable {
		t.Fatalf("the letter cannot be released:\n%s", strings.Join(reds(d), "\n"))
	}
	t.Log("\n" + text(d))
	for _, want := range []string{
		"Sehr geehrte Frau Beispiel,", "am 12. November 2026 bei uns eingegangen", "(§ 25 Abs. 2 WoGG)",
		"Mietvertrag oder Mietbescheinigung des Vermieters\n", "betrifft: Jonas Beispiel",
		"§ 60 Abs. 1 Nr. 3 SGB I (Angabe von Tatsachen)", "640,00 Euro", "Das holen wir selbst ein", "Meldebestätigung", "§ 65 Abs. 1 Nr. 3 SGB I",
		"bis spätestens Freitag, 18. Dezember 2026", "bis zum 18. Dezember 2026", "(§ 66 Abs. 1 und 3 SGB I)", "(§ 67 SGB I)", "ganz oder teilweise versagen",
		"Unser Zeichen: WG-2026/004711", "https://musterstadt.example/nachreichen", "Zimmer 12", "Art. 13 DSGVO", "Landesbeauftragter", "Jana Hofmann",
	} {
		if !strings.Contains(text(d), want) {
			t.Errorf("the letter lacks %q", want)
		}
	}
	for _, unwanted := range []string{"Vermögensangabe", "Rechtsbehelf", "VwVfG", "[["} {
		if strings.Contains(text(d), unwanted) {
			t.Errorf("the letter contains %q", unwanted)
		}
	}
	if d.Deadline == nil || d.Deadline.Date != "2026-12-18" || len(d.Deadline.Steps) != 3 {
		t.Errorf("deadline = %+v, want 2026-12-18 with three steps", d.Deadline)
	}
	if !d.Letter.Draft || d.DecisionID != "r_1" || d.Template.Version == "" || len(d.Citations) < 12 {
		t.Errorf("draft = %v, decision %q, template %+v, %d citations", d.Letter.Draft, d.DecisionID, d.Template, len(d.Citations))
	}
	r := b.requests[0]
	if r.Operation != gateway.OperationDraft || r.Purpose != gateway.PurposeLetterRequestDocuments || r.Case != "WG-2026/004711" || r.CaseDate.Format(time.DateOnly) != "2026-11-23" || len(r.DataClass) != 2 {
		t.Errorf("the gateway was asked %+v", r)
	}
	if len(b.closed) != 1 || b.closed[0] != "answered: Entwurf nachforderung, 0 Sperren" {
		t.Errorf("the record was closed with %q", b.closed)
	}
}

func TestSameInputSameID(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	one, two := draft(t, b, housing()), draft(t, b, housing())
	if one.ID != two.ID {
		t.Errorf("ids %s and %s of the same letter", one.ID, two.ID)
	}
	other := housing()
	other.Recipient.Last = "Anders"
	if three := draft(t, b, other); three.ID == one.ID {
		t.Error("another letter has the same id")
	}
	keyed := setup(t, func(c *Config) { c.Key = []byte("ein anderer Schlüssel") })
	if four := draft(t, keyed, housing()); four.ID == one.ID {
		t.Error("the id does not depend on the key")
	}
}

func TestRegimes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name          string
		service       Service
		basis         string
		want, without []string
	}{
		{
			"resident parking in BW",
			Service{ID: "bewohnerparkausweis", Title: "Bewohnerparkausweis", Regime: RegimeLVwVfG},
			"§ 26 Abs. 2 VwVfG",
			[]string{"§ 26 Abs. 2 LVwVfG", "§ 25 Abs. 2 LVwVfG"},
			[]string{"SGB", "versagen", " VwVfG"},
		},
		{
			"driving licence",
			Service{ID: "fahrerlaubnis", Title: "Fahrerlaubnis", Regime: RegimeVwVfG},
			"§ 21 Abs. 3 Nr. 5 FeV",
			[]string{"§ 21 Abs. 3 Nr. 5 FeV (Antrag auf Erteilung einer Fahrerlaubnis)"},
			[]string{"SGB", "versagen"},
		},
		{
			"trade registration",
			Service{ID: "gewerbe", Title: "Gewerbeanmeldung", Regime: RegimeGewO, Nature: "Anzeige"},
			"§ 14 Abs. 1 GewO",
			[]string{"Ihre Anzeige", "§ 15 Abs. 1 GewO", "keine Erlaubnis", "§ 1 Satz 2 GewAnzV"},
			[]string{"SGB", "Ihren Antrag"},
		},
		{
			"dog tax",
			Service{ID: "hundesteuer", Title: "Hundesteuer", Regime: RegimeAO, Nature: "Anzeige", Via: "§ 3 Abs. 1 KAG BW"},
			"§ 93 Abs. 1 AO",
			[]string{"§ 90 Abs. 1, § 93 Abs. 1 AO in Verbindung mit § 3 Abs. 1 KAG BW", "eigene Besteuerung", "§ 30 AO"},
			[]string{"SGB", "VwVfG", "versagen"},
		},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := housing()
			in.Service, in.Report = tc.service, nil
			in.Items = []Item{{Title: "Ein Nachweis", Ask: "Bitte reichen Sie ihn ein.", Basis: []string{tc.basis}}}
			d := draft(t, setup(t, nil), in)
			if !d.Releasable {
				t.Fatalf("cannot be released:\n%s", strings.Join(reds(d), "\n"))
			}
			for _, want := range tc.want {
				if !strings.Contains(text(d), want) {
					t.Errorf("the letter lacks %q:\n%s", want, text(d))
				}
			}
			for _, unwanted := range tc.without {
				if strings.Contains(text(d), unwanted) {
					t.Errorf("the letter contains %q", unwanted)
				}
			}
		})
	}
}

func TestReceipt(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	in := housing()
	in.Kind, in.Duration = KindReceipt, "etwa acht Wochen"
	d := draft(t, b, in)
	if !d.Releasable || d.Deadline != nil {
		t.Fatalf("releasable %v, deadline %v:\n%s", d.Releasable, d.Deadline, strings.Join(reds(d), "\n"))
	}
	for _, want := range []string{"WG-2026/004711", "etwa acht Wochen", "ein eigenes Schreiben", "§ 16 Abs. 3 SGB I"} {
		if !strings.Contains(text(d), want) {
			t.Errorf("the letter lacks %q", want)
		}
	}
	if b.requests[0].Purpose != gateway.PurposeLetterReceipt {
		t.Errorf("purpose %s", b.requests[0].Purpose)
	}
	in.Duration = ""
	if d := draft(t, b, in); d.Releasable || d.Missing[0] != "voraussichtliche Bearbeitungsdauer" {
		t.Errorf("without a duration: releasable %v, missing %v", d.Releasable, d.Missing)
	}
}

func TestMissingFactsBlockTheRelease(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Profile = func(context.Context, gateway.TenantID) (Profile, error) {
			p := city()
			p.Upload, p.DataProtectionOfficer = "", ""
			return p, nil
		}
	})
	in := housing()
	in.Case, in.Recipient.Street = "", ""
	d := draft(t, b, in)
	want := []string{"Adresse für das Hochladen von Unterlagen", "Kontakt der oder des Datenschutzbeauftragten", "Aktenzeichen", "Straße der Empfängerin oder des Empfängers"}
	if d.Releasable || !reflect.DeepEqual(d.Missing, want) {
		t.Errorf("releasable %v, missing %q, want %q", d.Releasable, d.Missing, want)
	}
	if _, err := b.drafter.Release(context.Background(), gateway.Caller{}, d, "Jana Hofmann"); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("Release = %v, want a conflict", err)
	}
}

func TestInventedNormBlocksTheRelease(t *testing.T) {
	t.Parallel()
	for basis, id := range map[string]string{"§ 66 Abs. 9 SGB I": "G1", "§ 3 HBauStatG": "G1", "§ 26 Abs. 2 VwVfG": "G9"} {
		in := housing()
		in.Report.Findings[0].Basis = []string{basis}
		d := draft(t, setup(t, nil), in)
		if d.Releasable || !strings.HasPrefix(strings.Join(reds(d), ""), id) {
			t.Errorf("basis %s: releasable %v, %q, want %s", basis, d.Releasable, reds(d), id)
		}
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	d := draft(t, b, housing())
	released, err := b.drafter.Release(context.Background(), gateway.Caller{Tenant: "musterstadt"}, d, "Jana Hofmann")
	if err != nil {
		t.Fatal(err)
	}
	if released.Letter.Draft || released.Released == nil || released.Released.Person != "Jana Hofmann" || released.Released.DecisionID != "r_1" {
		t.Errorf("released = %+v, draft %v", released.Released, released.Letter.Draft)
	}
	if !strings.Contains(text(released), "Jana Hofmann hat es am 23. November 2026 geprüft und freigegeben.") || strings.Contains(text(released), "Entwurf") {
		t.Error("the released letter does not say who released it")
	}
	if !d.Letter.Draft || strings.Contains(text(d), "hat es am") {
		t.Error("releasing changed the draft that was handed in")
	}
	if again := b.drafter.Check(released); !again.Releasable {
		t.Errorf("the released letter does not pass its checks: %q", reds(again))
	}
	if _, err := b.drafter.Release(context.Background(), gateway.Caller{}, released, "Jana Hofmann"); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("a second release: %v", err)
	}
	if _, err := b.drafter.Release(context.Background(), gateway.Caller{}, d, "  "); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("a release by nobody: %v", err)
	}
	late := setup(t, func(c *Config) { c.Now = func() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) } })
	var refused *gateway.Error
	if _, err := late.drafter.Release(context.Background(), gateway.Caller{}, d, "Jana Hofmann"); !errors.As(err, &refused) || refused.Path != "date" {
		t.Errorf("a release on the next day: %v, want a conflict at date", err)
	}
	if len(b.closed) != 2 || b.closed[1] != "answered: freigegeben" {
		t.Errorf("records: %q", b.closed)
	}
}

func TestNoRecordNoDraft(t *testing.T) {
	t.Parallel()
	denied := setup(t, func(c *Config) {
		c.Permit = func(context.Context, gateway.Request) (Permit, error) {
			return nil, &gateway.Error{Code: gateway.CodeDenied}
		}
	})
	if _, err := denied.drafter.Draft(context.Background(), gateway.Caller{}, housing()); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("denied: %v", err)
	}
	lost := setup(t, func(c *Config) {
		c.Permit = func(context.Context, gateway.Request) (Permit, error) { return fakePermit{failAt: "close"}, nil }
	})
	if d, err := lost.drafter.Draft(context.Background(), gateway.Caller{}, housing()); gateway.CodeOf(err) != gateway.CodeNoRecord || d.ID != "" {
		t.Errorf("record lost: %v, draft %q", err, d.ID)
	}
}

func TestInvalidInput(t *testing.T) {
	t.Parallel()
	for path, change := range map[string]func(*Input){
		"kind":                 func(in *Input) { in.Kind = "bescheid" },
		"service":              func(in *Input) { in.Service.Title = "" },
		"service.regime":       func(in *Input) { in.Service.Regime = "kirchenrecht" },
		"report.service":       func(in *Input) { in.Service.ID = "anders" },
		"period_days":          func(in *Input) { in.PeriodDays = 5000 },
		"recipient.salutation": func(in *Input) { in.Recipient.Salutation = "Sir" },
		"recipient":            func(in *Input) { in.Recipient.Street = "a\nb" },
		"items[0].title":       func(in *Input) { in.Items = []Item{{}} },
		"items":                func(in *Input) { in.Items = make([]Item, 1000) },
		"report.findings":      func(in *Input) { in.Report.Findings = in.Report.Findings[4:] },
		"date":                 func(in *Input) { in.Date = time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		in := housing()
		change(&in)
		_, err := setup(t, nil).drafter.Draft(context.Background(), gateway.Caller{}, in)
		var known *gateway.Error
		if !errors.As(err, &known) || known.Path != path || known.Message == "" {
			t.Errorf("%s: %v, want an error at this path", path, err)
		}
	}
}

func BenchmarkDraft(b *testing.B) {
	d, err := New(Config{
		Permit:  func(context.Context, gateway.Request) (Permit, error) { return fakePermit{log: new([]string)}, nil },
		Profile: func(context.Context, gateway.TenantID) (Profile, error) { return city(), nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	in := housing()
	for b.Loop() {
		if made, err := d.Draft(context.Background(), gateway.Caller{}, in); err != nil || !made.Releasable {
			b.Fatal(err)
		}
	}
}

func TestGreeting(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]Recipient{
		"Sehr geehrte Frau Dr. Beispiel,": {Salutation: "Frau", AcademicTitle: "Dr.", First: "Erika", Last: "Beispiel"},
		"Sehr geehrter Herr Yılmaz,":      {Salutation: "Herr", Last: "Yılmaz"},
		"Guten Tag Kim Beispiel,":         {First: "Kim", Last: "Beispiel"},
		"Sehr geehrte Damen und Herren,":  {Company: "Beispiel GmbH"},
	} {
		if got := greeting(r); got != want {
			t.Errorf("greeting(%+v) = %q, want %q", r, got, want)
		}
	}
}

func TestDraftSurvivesJSON(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	d := draft(t, b, housing())
	d.Letter.Body = append(d.Letter.Body, document.Table{Header: []string{"a"}, Rows: [][]string{{"b"}}})
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Draft
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Letter, d.Letter) || !reflect.DeepEqual(back.Parts, d.Parts) || back.ID != d.ID || !reflect.DeepEqual(back.Checks, d.Checks) {
		t.Error("the draft changed on its way through JSON")
	}
	for _, bad := range []string{`{"letter":{"body":[{"type":"video"}]}}`, `{"letter":3}`, `[`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestInputFromJSON(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(housing())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"received":"2026-11-12"`) {
		t.Errorf("the day of receipt is not written as a day: %s", data)
	}
	var in Input
	if err := json.Unmarshal(data, &in); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, housing()) {
		t.Errorf("the input changed on its way through JSON:\n%+v\n%+v", in, housing())
	}
	for _, bad := range []string{`{"kind":"nachforderung","unbekannt":1}`, `{"received":"12.11.2026"}`, `{"kind":3}`} {
		if err := json.Unmarshal([]byte(bad), &in); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestFormerTemplateIsUsedForFormerDates(t *testing.T) {
	t.Parallel()
	list := []letterTemplate{{Kind: KindRequest, Version: "alt", ValidFrom: "2020-01-01", ValidTo: "2024-12-31"}, {Kind: KindRequest, Version: "neu", ValidFrom: "2025-01-01"}, {Kind: KindRequest, Version: "neuer", ValidFrom: "2026-06-01"}}
	for day, want := range map[string]string{"2024-12-31": "alt", "2025-01-01": "neu", "2026-11-23": "neuer", "2019-01-01": ""} {
		d, _ := time.Parse(time.DateOnly, day)
		if got, _ := choose(list, KindRequest, d); got.Version != want {
			t.Errorf("on %s the template is %q, want %q", day, got.Version, want)
		}
	}
}

// What a document lacks belongs to the item that asks for its evidence.
func TestSameEvidenceIsAskedForOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	in := housing()
	finding := completeness.Finding{
		Requirement: "verdienst:p1", Code: "missing_evidence", Severity: completeness.SeverityAsk, Label: "Verdienstbescheinigung", Question: "Bitte reichen Sie sie ein.",
	}
	short := finding
	short.Code, short.Message, short.Evidence = "wrong_period", "Die Abrechnungen decken nur einen Monat ab.", []completeness.Evidence{{Document: "lohn.pdf"}}
	in.Report.Findings = []completeness.Finding{finding, short}
	letter := text(draft(t, b, in))
	if n := strings.Count(letter, "Verdienstbescheinigung\n"); n != 1 || !strings.Contains(letter, short.Message) {
		t.Errorf("the evidence is asked for %d times:\n%s", n, letter)
	}
}
