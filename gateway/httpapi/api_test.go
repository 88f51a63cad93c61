// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
)

type checker struct {
	CheckFunc func(gateway.Caller, completeness.Input) (completeness.Report, error)
}

func (c checker) Check(_ context.Context, caller gateway.Caller, in completeness.Input) (completeness.Report, error) {
	return c.CheckFunc(caller, in)
}

type drafter struct {
	DraftFunc   func(httpapi.DraftInput) (httpapi.Draft, error)
	ReleaseFunc func(d httpapi.Draft, person string) (httpapi.Draft, error)
}

func (d drafter) Release(_ context.Context, _ gateway.Caller, draft httpapi.Draft, person string) (httpapi.Draft, error) {
	return d.ReleaseFunc(draft, person)
}

func (d drafter) Draft(_ context.Context, _ gateway.Caller, in httpapi.DraftInput) (httpapi.Draft, error) {
	return d.DraftFunc(in)
}

type retriever struct {
	RetrieveFunc func(gateway.Query) ([]gateway.Passage, error)
}

func (r retriever) Retrieve(_ context.Context, q gateway.Query) ([]gateway.Passage, error) {
	return r.RetrieveFunc(q)
}

type decisions struct {
	ListFunc func(httpapi.DecisionFilter) (httpapi.DecisionPage, error)
	FindFunc func(gateway.TenantID, string) (httpapi.StoredDecision, error)
	NoteFunc func(httpapi.Look) error
}

func (d decisions) Note(_ context.Context, l httpapi.Look) error { return d.NoteFunc(l) }

func (d decisions) List(_ context.Context, f httpapi.DecisionFilter) (httpapi.DecisionPage, error) {
	return d.ListFunc(f)
}

func (d decisions) Find(_ context.Context, tenant gateway.TenantID, id string) (httpapi.StoredDecision, error) {
	return d.FindFunc(tenant, id)
}

type services struct{}

func (services) Cards() []gateway.ServiceCard {
	return []gateway.ServiceCard{{ID: "wohngeld-mietzuschuss", Title: "Wohngeld (Mietzuschuss)"}}
}

func withChecker(inputs *[]completeness.Input) option {
	return func(c *httpapi.Config, _ *gateway.Config) {
		c.Checker = checker{func(_ gateway.Caller, in completeness.Input) (completeness.Report, error) {
			*inputs = append(*inputs, in)
			if in.Service == "unbekannt" {
				return completeness.Report{}, &gateway.Error{Code: gateway.CodeInvalid, Path: "service", Message: "Diese Leistung gibt es nicht."}
			}
			return completeness.Report{ID: "b-1", Service: in.Service, Status: completeness.StatusIncomplete, MissingFields: []string{"name"}, DecisionIDs: []string{"e-1"}}, nil
		}}
	}
}

func TestCheckAsJSON(t *testing.T) {
	t.Parallel()
	var inputs []completeness.Input
	b := setup(t, withChecker(&inputs))
	got := b.call(t, "POST", "/api/v1/checks", `{"service":"wohngeld-mietzuschuss","date":"2026-01-02","application":{"name":"x"},"documents":[{"id":"d1","type":"mietvertrag","content":"UERG"}]}`, "Schleuse-Case", "32-4711")
	if got.status != 200 || at(got.json(t), "id") != "b-1" || got.header.Get(httpapi.HeaderDecision) != "e-1" {
		t.Fatalf("got %d %v %s", got.status, got.header, got.body)
	}
	in := inputs[0]
	if in.Case != "32-4711" || string(in.Documents[0].Content) != "PDF" || in.Date.Format(time.DateOnly) != "2026-01-02" {
		t.Errorf("input = %+v", in)
	}
	for body, path := range map[string]string{
		`{"service":"unbekannt","application":{}}`:                  "service",
		`{"service":"wohngeld-mietzuschuss","antrag":{}}`:           "antrag",
		`{"service":"wohngeld-mietzuschuss"}`:                       "application",
		`{"service":"elterngeld","application":{},"case":"anders"}`: "case",
	} {
		got := b.call(t, "POST", "/api/v1/checks", body, "Schleuse-Case", "32-4711")
		v := got.json(t)
		if got.status != 400 || at(v, "path") != path || at(v, "detail") == "" {
			t.Errorf("%s: got %d %s, want 400 at %s", body, got.status, got.body, path)
		}
		if got.header.Get("Content-Type") != "application/problem+json; charset=utf-8" {
			t.Errorf("Content-Type = %q", got.header.Get("Content-Type"))
		}
	}
}

func form(t *testing.T, parts ...[3]string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, p[0], p[1])}, "Content-Type": {"application/pdf"}}
		part, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(p[2])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

func TestCheckAsForm(t *testing.T) {
	t.Parallel()
	var inputs []completeness.Input
	b := setup(t, withChecker(&inputs))
	check := `{"service":"wohngeld-mietzuschuss","application":{},"documents":[{"id":"d1","type":"mietvertrag"}]}`
	body, kind := form(t, [3]string{"check", "", check}, [3]string{"d1", "vertrag.pdf", "Inhalt"}, [3]string{"d2", "leer.pdf", ""})
	got := b.call(t, "POST", "/api/v1/checks", body, "Content-Type", kind)
	if got.status != 200 {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	docs := inputs[0].Documents
	if len(docs) != 2 || docs[0].Type != "mietvertrag" || docs[0].Name != "vertrag.pdf" || string(docs[0].Content) != "Inhalt" || docs[0].MediaType != "application/pdf" {
		t.Errorf("documents = %+v", docs)
	}
	if docs[1].ID != "d2" || docs[1].Content == nil {
		t.Errorf("an empty file must stay a file: %+v", docs[1])
	}
	bad := map[string][][3]string{
		"no check first":  {{"d1", "a.pdf", "x"}},
		"document twice":  {{"check", "", check}, {"d1", "a", "x"}, {"d1", "b", "y"}},
		"check is broken": {{"check", "", "{"}},
	}
	for name, parts := range bad {
		body, kind := form(t, parts...)
		if got := b.call(t, "POST", "/api/v1/checks", body, "Content-Type", kind); got.status != 400 {
			t.Errorf("%s: got %d %s, want 400", name, got.status, got.body)
		}
	}
	if got := b.call(t, "POST", "/api/v1/checks", body[:len(body)/2], "Content-Type", kind); got.status != 400 {
		t.Errorf("half a form: got %d %s, want 400", got.status, got.body)
	}
}

func withDrafter(problems ...string) option {
	var n atomic.Int32
	return func(c *httpapi.Config, _ *gateway.Config) {
		c.Drafter = drafter{DraftFunc: func(in httpapi.DraftInput) (httpapi.Draft, error) {
			if in.Report == nil && in.Facts == nil {
				return httpapi.Draft{}, &gateway.Error{Code: gateway.CodeInvalid, Path: "facts", Message: "Es fehlen Bericht oder Sachverhalt."}
			}
			letter := document.Letter{Lang: "de-DE", Title: "Nachforderung", Author: "Stadt Musterstadt", Subject: "Ihr Antrag", Recipient: []string{"Erika Muster"}, Body: []document.Block{document.Text("Bitte reichen Sie den Mietvertrag ein.")}}
			return httpapi.Draft{
				ID: fmt.Sprintf("s-%d", n.Add(1)), Kind: in.Kind, Service: in.Service, DecisionID: "e-2", Problems: problems,
				Letter: letter, Released: &httpapi.Release{By: "niemand"}, Detail: json.RawMessage(`{"frist":"2026-02-01"}`),
			}, nil
		}, ReleaseFunc: func(d httpapi.Draft, person string) (httpapi.Draft, error) {
			if person == "gesperrt" {
				return httpapi.Draft{}, &gateway.Error{Code: gateway.CodeDenied, Message: "Nein."}
			}
			d.Letter.Draft, d.Released = false, &httpapi.Release{By: person, DecisionID: "e-3"}
			return d, nil
		}}
	}
}

func TestDraftFromCheckToRelease(t *testing.T) {
	t.Parallel()
	var inputs []completeness.Input
	b := setup(t, withChecker(&inputs), withDrafter())
	b.call(t, "POST", "/api/v1/checks", `{"service":"wohngeld-mietzuschuss","application":{}}`)
	got := b.call(t, "POST", "/api/v1/drafts", `{"kind":"nachforderung","check_id":"b-1"}`)
	v := got.json(t)
	if got.status != 201 || at(v, "service") != "wohngeld-mietzuschuss" || at(v, "released") != nil || strings.HasPrefix(fmt.Sprint(at(v, "created")), "0001") || got.header.Get("Location") != "/api/v1/drafts/s-1.json" {
		t.Fatalf("got %d %v %s", got.status, got.header, got.body)
	}
	for extension, starts := range map[string]string{"odt": "PK", "docx": "PK", "pdf": "%PDF-", "html": "<!", "json": "{"} {
		got := b.call(t, "GET", "/api/v1/drafts/s-1."+extension, "")
		if got.status != 200 || !strings.HasPrefix(got.body, starts) {
			t.Errorf("%s: got %d, starts with %q", extension, got.status, got.body[:min(20, len(got.body))])
		}
		if extension != "json" && !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is not an attachment: %v", extension, got.header)
		}
	}
	if _, err := zip.NewReader(strings.NewReader(b.call(t, "GET", "/api/v1/drafts/s-1.odt", "").body), int64(len(b.call(t, "GET", "/api/v1/drafts/s-1.odt", "").body))); err != nil {
		t.Errorf("the ODT is no archive: %v", err)
	}
	if got := b.call(t, "GET", "/api/v1/drafts/s-1.json", "", "Authorization", "Bearer nachbar"); got.status != 404 {
		t.Errorf("another tenant reads the draft: %d %s", got.status, got.body)
	}
	if got := b.call(t, "GET", "/api/v1/drafts/s-1.exe", ""); got.status != 404 {
		t.Errorf("unknown format: %d", got.status)
	}
	if got := b.call(t, "POST", "/api/v1/drafts/s-1/release", ""); got.status != 400 || at(got.json(t), "path") != "Schleuse-User" {
		t.Errorf("release by nobody: %d %s", got.status, got.body)
	}
	if got := b.call(t, "POST", "/api/v1/drafts/s-1/release", "", "Schleuse-User", "gesperrt"); got.status != 403 {
		t.Errorf("refused release: %d %s", got.status, got.body)
	}
	got = b.call(t, "POST", "/api/v1/drafts/s-1/release", "{}", "Schleuse-User", "k.amt")
	if got.status != 200 || at(got.json(t), "released", "by") != "k.amt" || got.header.Get("Schleuse-Decision") != "e-3" {
		t.Errorf("release: %d %s", got.status, got.body)
	}
	if got := b.call(t, "POST", "/api/v1/drafts/s-1/release", "", "Schleuse-User", "k.amt"); got.status != 409 {
		t.Errorf("second release: %d %s", got.status, got.body)
	}
}

func TestDraftWithProblemsIsNotReleased(t *testing.T) {
	t.Parallel()
	b := setup(t, withDrafter("§ 99 BMG gibt es nicht."))
	b.call(t, "POST", "/api/v1/drafts", `{"kind":"nachforderung","service":"w","facts":{}}`)
	got := b.call(t, "POST", "/api/v1/drafts/s-1/release", "", "Schleuse-User", "k.amt")
	if got.status != 409 || !strings.Contains(got.body, "§ 99 BMG") {
		t.Errorf("got %d %s, want 409 with the reason", got.status, got.body)
	}
}

func TestDraftMistakes(t *testing.T) {
	t.Parallel()
	b := setup(t, withDrafter())
	for body, path := range map[string]string{
		`{}`:                                 "kind",
		`{"kind":"nachforderung"}`:           "facts",
		`{"kind":"nachforderung","art":"x"}`: "art",
		`{"kind":"nachforderung","check_id":"fremd"}`:                                      "check_id",
		`{"kind":"nachforderung","check_id":"a","report":{}}`:                              "report",
		`{"kind":"nachforderung","report":{"unbekannt":1}}`:                                "report",
		`{"kind":"nachforderung","report":[]}`:                                             "report",
		`{"kind":"nachforderung","facts":"x"}`:                                             "facts",
		`{"kind":"n","service":"a","report":{"service":"b"}}`:                              "service",
		`{"kind":"n","facts":{},"date":"morgen"}`:                                          "date",
		`{"kind":"n","kind":"m","facts":{}}`:                                               "kind",
		`{"kind":"n","facts":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: "",
	} {
		got := b.call(t, "POST", "/api/v1/drafts", body)
		path2, _ := at(got.json(t), "path").(string)
		if got.status != 400 || path2 != path {
			t.Errorf("%.60s: got %d %s, want 400 at %q", body, got.status, got.body, path)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	var asked gateway.Query
	fail := false
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Retriever = retriever{func(q gateway.Query) ([]gateway.Passage, error) {
			asked = q
			if fail {
				return nil, errors.New("database at 10.0.0.7 is gone")
			}
			return []gateway.Passage{{ID: "p1", Text: "Die Meldepflicht …", Citation: gateway.Citation{Section: "§ 17 Abs. 1 BMG"}}}, nil
		}}
	})
	got := b.call(t, "POST", "/api/v1/search", `{"query":"Meldepflicht","sources":["recht"],"limit":3,"schleuse":{"purpose":"research"}}`)
	if got.status != 200 || !strings.Contains(got.body, "§ 17 Abs. 1 BMG") || at(got.json(t), "decision_id") != b.rec.last().ID {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	if asked.Tenant != "musterstadt" || len(asked.Principals) != 1 || asked.Limit != 3 || asked.Text != "Meldepflicht" || asked.Sources[0] != "recht" {
		t.Errorf("query = %+v", asked)
	}
	if r := b.rec.last(); r.Operation != gateway.OperationSearch || r.Purpose != "research" {
		t.Errorf("record = %+v", r)
	}
	asked = gateway.Query{}
	if got := b.call(t, "POST", "/api/v1/search", `{"query":"x","schleuse":{"purpose":"profiling"}}`); got.status != 403 || asked.Text != "" {
		t.Errorf("a refused search reached the index: %d, query %+v", got.status, asked)
	} else if v := got.json(t); at(v, "decision_id") == nil || !strings.Contains(got.body, "KIVO-05") {
		t.Errorf("problem without decision or reasons: %s", got.body)
	}
	fail = true
	if got := b.call(t, "POST", "/api/v1/search", `{"query":"x"}`); got.status != 500 || strings.Contains(got.body, "10.0.0.7") {
		t.Errorf("got %d %s, want 500 without the cause", got.status, got.body)
	}
	if c := b.rec.closings(); c[len(c)-1].Outcome != gateway.OutcomeFailed {
		t.Errorf("closing = %+v, want failed", c[len(c)-1])
	}
	for body, path := range map[string]string{`{}`: "query", `{"query":"x","limit":51}`: "limit", `{"query":"x","tenant":"nachbar"}`: "tenant", `{"query":"x","sources":[1]}`: "sources[0]"} {
		if got := b.call(t, "POST", "/api/v1/search", body); got.status != 400 || at(got.json(t), "path") != path {
			t.Errorf("%s: got %d %s, want 400 at %s", body, got.status, got.body, path)
		}
	}
}

func TestDecisionsAreSeenByTheirOwnersOnly(t *testing.T) {
	t.Parallel()
	var filters []httpapi.DecisionFilter
	var looks []httpapi.Look
	var noted error
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Decisions = decisions{
			ListFunc: func(f httpapi.DecisionFilter) (httpapi.DecisionPage, error) {
				filters = append(filters, f)
				return httpapi.DecisionPage{Next: "7.8"}, nil
			},
			FindFunc: func(tenant gateway.TenantID, id string) (httpapi.StoredDecision, error) {
				// A store that ignores the tenant must not matter.
				return httpapi.StoredDecision{Record: gateway.Record{ID: id, Tenant: "musterstadt", System: gateway.SystemID(strings.TrimPrefix(id, "e-"))}}, nil
			},
			NoteFunc: func(l httpapi.Look) error { looks = append(looks, l); return noted },
		}
	})
	got := b.call(t, "GET", "/api/v1/decisions?from=2026-01-01&to=2026-01-31&effect=deny&system=fremd&limit=7&cursor=1.2&rule=KIVO-05", "")
	if got.status != 200 || at(got.json(t), "next") != "7.8" || !strings.Contains(got.body, `"items":[]`) {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	f := filters[0]
	if f.Tenant != "musterstadt" || f.System != "wohngeld" || f.To.Format(time.DateOnly) != "2026-02-01" || f.Limit != 7 || f.Effect != "deny" || f.Rule != "KIVO-05" || f.Cursor != "1.2" {
		t.Errorf("filter = %+v, want the caller's own system", f)
	}
	auditor := []string{"Authorization", "Bearer revision", "Schleuse-Reason", "Beschwerde vom 3. November", "Schleuse-Case", "14.2/2026-17"}
	b.call(t, "GET", "/api/v1/decisions?system=fremd", "", auditor...)
	if filters[1].System != "fremd" || filters[1].Tenant != "musterstadt" {
		t.Errorf("filter of the revision = %+v", filters[1])
	}
	for path, status := range map[string]int{"e-wohngeld": 200, "e-melderegister": 404} {
		if got := b.call(t, "GET", "/api/v1/decisions/"+path, ""); got.status != status {
			t.Errorf("%s: got %d, want %d", path, got.status, status)
		}
	}
	if got := b.call(t, "GET", "/api/v1/decisions/e-melderegister", "", auditor...); got.status != 200 {
		t.Errorf("revision: got %d", got.status)
	}
	if len(looks) != 2 || looks[0].ID != "" || looks[1].ID != "e-melderegister" || looks[1].Reason != "Beschwerde vom 3. November" || looks[1].Case != "14.2/2026-17" {
		t.Errorf("looks = %+v, want one at the list and one at the record", looks)
	}
	for name, headers := range map[string][]string{"no reason": nil, "a short one": {"Schleuse-Reason", "weil", "Schleuse-Case", "1"}, "no file number": {"Schleuse-Reason", "Beschwerde vom 3. November"}} {
		for _, path := range []string{"/api/v1/decisions", "/api/v1/decisions/e-melderegister"} {
			if got := b.call(t, "GET", path, "", append([]string{"Authorization", "Bearer revision"}, headers...)...); got.status != 400 || strings.Contains(got.body, "record") {
				t.Errorf("%s, %s: got %d %s", name, path, got.status, got.body)
			}
		}
	}
	noted = &gateway.Error{Code: gateway.CodeNoRecord, Message: "Kein Vermerk."}
	if got := b.call(t, "GET", "/api/v1/decisions/e-melderegister", "", auditor...); got.status/100 != 5 || strings.Contains(got.body, "melderegister") {
		t.Errorf("a look without a note: %d %s", got.status, got.body)
	}
	if got := b.call(t, "GET", "/api/v1/decisions/e-wohngeld", "", "Authorization", "Bearer nachbar"); got.status != 404 {
		t.Errorf("neighbour: got %d", got.status)
	}
	for _, query := range []string{"tenant=nachbarstadt", "limit=0", "limit=x", "from=gestern", "effect=a&effect=b"} {
		if got := b.call(t, "GET", "/api/v1/decisions?"+query, ""); got.status != 400 {
			t.Errorf("%s: got %d %s, want 400", query, got.status, got.body)
		}
	}
}

func TestCatalogue(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Services = services{} })
	for path, want := range map[string]string{
		"/api/v1/models":                         `"models":[{"id":"haus/mock"`,
		"/api/v1/services":                       `"services":[{"id":"wohngeld-mietzuschuss"`,
		"/api/v1/services/wohngeld-mietzuschuss": `"title":"Wohngeld (Mietzuschuss)"`,
	} {
		if got := b.call(t, "GET", path, ""); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
	}
	if got := b.call(t, "GET", "/api/v1/services/x", ""); got.status != 404 {
		t.Errorf("unknown service: %d", got.status)
	}
}
