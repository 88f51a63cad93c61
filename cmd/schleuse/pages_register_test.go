// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
	"github.com/ki-schleuse/schleuse/policies"
)

// storedTenant stands in the database of the stage, not in its configuration.
const storedTenant gateway.TenantID = "altenburg"

// openRegisterStage is the demonstration with several models, prices, limits, a
// documented register, and a tenant that people can change.
func openRegisterStage(t *testing.T) *stage {
	t.Helper()
	model := upstreamtest.Start(t)
	c, key, _, err := demoConfig(t.Context(), t.TempDir(), demoOptions{modelURL: model.URL, modelName: "mistral-small-3.2"})
	if err != nil {
		t.Fatal(err)
	}
	furnish(&c)
	p, err := build(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	if _, err := p.loadDemo(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.handler())
	t.Cleanup(server.Close)
	s := &stage{parts: p, url: server.URL, key: key}
	s.settle(t)
	return s
}

// furnish adds what the pages show to a configuration.
func furnish(c *Config) {
	chat := []gateway.Operation{gateway.OperationChat}
	personal := []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal}
	c.Models[0].Price, c.Models[0].EnergyWh, c.Models[0].Context = PriceConfig{Input: 150_000, Output: 450_000}, 2.1, 32768
	c.Models = append(c.Models,
		ModelConfig{
			ID: "teuken-7b", Endpoint: "modell", Upstream: "teuken", Operations: chat, Residency: gateway.ResidencyOwn, Operator: "eigenes Haus", Country: "DE", ProcessorKind: "own",
			Contract: "eigener Betrieb", DataClasses: []gateway.DataClass{gateway.DataPublic}, Price: PriceConfig{Input: 60_000, Output: 180_000}, EnergyWh: 0.7, Context: 8192,
		},
		ModelConfig{
			ID: "llama-3.3-70b", Endpoint: "modell", Upstream: "llama", Operations: chat, Residency: gateway.ResidencyPrivateEU, Operator: "EU-Anbieter A, Frankfurt", Country: "DE", ProcessorKind: "private",
			Contract: "AVV 2025-11", DataClasses: personal, Price: PriceConfig{Input: 400_000, Output: 1_200_000}, EnergyWh: 4.8, Context: 131072,
			Capabilities: []gateway.Capability{gateway.CapabilityTools, gateway.CapabilityJSONSchema},
		},
		ModelConfig{
			ID: "fremd-xl", Endpoint: "modell", Upstream: "fremd", Operations: chat, Residency: gateway.ResidencyNonEU, Operator: "Drittlandanbieter", Country: "US", ProcessorKind: "private",
			TrainsOnInput: true, DataClasses: []gateway.DataClass{gateway.DataPublic}, Price: PriceConfig{Input: 2_000_000, Output: 8_000_000},
		})
	c.PriceList = PriceListConfig{Name: "Rahmenvertrag 2026-07", Date: "2026-07-01"}
	c.Limits = quota.Limits{Tenants: map[string]quota.Limit{string(demoTenant): {RequestsPerMinute: 600, BudgetPerMonth: 400_000_000}}}
	c.FrameAncestors = []string{"https://woga.example", "https://gewan.example"}
	c.Tenants[0].CostCentre = "1102"
	c.Tenants[0].Settings = identity.Settings{"register": json.RawMessage(registerExample)}
	c.Releases = map[gateway.TenantID][]policies.Release{demoTenant: {{
		Service: "wohngeld-mietzuschuss", Purposes: []gateway.Purpose{"legal_qa_case"}, Registration: "EU-DB 2026-0815", FRIA: "GRFA 2026/3",
		DPIA: "DSFA 2026/7", Oversight: "Amt 50, Leitung", ValidFrom: "2026-09-01",
	}}}
}

// registerExample is the setting as docs/register.md shows it.
const registerExample = `{
  "publish": true,
  "office": "Stabsstelle Digitales",
  "contact": "ki@tannberg.example",
  "services": ["wohngeld-mietzuschuss", "gewerbeanmeldung-gewa1"],
  "entries": [
    {
      "purpose": "completeness_check",
      "service": "wohngeld-mietzuschuss",
      "text": "Prüft, ob dem Antrag auf Wohngeld alle Unterlagen beiliegen. Über den Antrag entscheidet ein Mensch.",
      "role": "betreiber",
      "legal_basis": "§ 22 WoGG, § 67c SGB X",
      "exemption": "Vermerk 10.3/2026-17",
      "vvt": "VVT 50-12",
      "valid_from": "2026-09-01",
      "last_review": "2026-11-02"
    }
  ]
}`

// settle makes the stored tenant.
func (s *stage) settle(t *testing.T) {
	t.Helper()
	_, err := s.parts.tenants.Create(t.Context(), identity.Actor{Name: "probe", Operator: true}, identity.Wish{
		ID: storedTenant, Name: "Stadt Altenburg a. d. Berg", Land: "BW", ARS: "083250099099", CostCentre: "4711",
		Systems: []identity.SystemWish{{ID: "woga", Name: "WOGA Wohngeld", Channel: gateway.ChannelCaseworker, Keys: []identity.KeyWish{{
			Label: "Echtbetrieb", Days: 20, Purposes: []gateway.Purpose{gateway.PurposeCompletenessCheck, gateway.PurposeSummarise}, DefaultPurpose: gateway.PurposeSummarise,
			Roles: []string{identity.RoleCase},
		}}}},
		Settings: identity.Settings{"limits": json.RawMessage(`{"budget_per_month": 250, "requests_per_minute": 120}`)},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
}

// spend makes requests to several models, so that there is usage.
func (s *stage) spend(t *testing.T) {
	t.Helper()
	ask := func(model, purpose, text string) {
		body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]}`, model, text)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Schleuse-Purpose", purpose)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	text := "Fassen Sie den Ablauf der Anmeldung eines Gewerbes zusammen. " + strings.Repeat("Die Anzeige ist bei der Gemeinde zu erstatten. ", 40)
	for range 6 {
		ask("mistral-small-3.2", "summarise", text)
	}
	for range 3 {
		ask("llama-3.3-70b", "simplify_language", text)
		ask("mistral-small-3.2", "extraction", text)
	}
	ask("teuken-7b", "translate", text)
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		rows, err := s.parts.quota.Usage(t.Context(), quota.Filter{Tenant: demoTenant, By: []quota.Dimension{quota.ByModel}})
		if err != nil {
			t.Fatal(err)
		}
		var n int64
		for _, r := range rows {
			n += r.Requests
		}
		if n >= 13 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the usage was not written in time")
}

// everyRole opens every page.
var everyRole = []string{identity.RoleRevision, identity.RolePolicy, identity.RoleOperator, identity.RoleTenant, identity.RoleCase}

// registerPaths are the pages of what is documented and set up.
func registerPaths() []sight {
	return []sight{
		{"classify", "/admin/classify", 1280},
		{"classify-high", "/admin/classify?zweck=irregularity_flagging&leistung=wohngeld-mietzuschuss&daten=art9", 1280},
		{"classify-check", "/admin/classify?zweck=completeness_check&leistung=wohngeld-mietzuschuss&automatik=voll", 1280},
		{"register", "/admin/register?mandant=" + string(demoTenant), 1280},
		{"register-public", "/verzeichnis/" + string(demoTenant), 1280},
		{"register-edit", "/admin/register?mandant=" + string(storedTenant), 1280},
		{"models", "/admin/models", 1440},
		{"model", "/admin/models/llama-3.3-70b", 1280},
		{"usage", "/admin/usage", 1440},
		{"usage-models", "/admin/usage?gruppe=modell&zeitraum=7d", 1280},
		{"tenants", "/admin/tenants", 1280},
		{"tenant", "/admin/tenants/" + string(storedTenant), 1440},
		{"tenant-fixed", "/admin/tenants/" + string(demoTenant), 1280},
		{"system", "/admin/system", 1440},
		{"persons", "/admin/persons", 1280},
	}
}

func TestRegisterPagesShowWhatIsSetUp(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	s.spend(t)
	v := s.visitor(t, demoTenant, everyRole...)
	for _, c := range []struct {
		path string
		want []string
	}{
		{"/admin/models", []string{"llama-3.3-70b", "AVV 2025-11", "kein Vertrag", "trainiert mit Eingaben", "Rahmenvertrag 2026-07, Stand 01.07.2026"}},
		{"/admin/models/fremd-xl", []string{"gesperrt", "nicht ausgeschlossen", "Sozialdaten"}},
		{"/admin/usage?gruppe=modell", []string{"mistral-small-3.2", "llama-3.3-70b", "Eigenes RZ", "1102"}},
		{"/admin/register?mandant=tannberg", []string{"Vollständigkeitsprüfung", "VVT 50-12", "EU-DB 2026-0815", "Hochrisiko", "Dokumentation der Ausnahme"}},
		{"/admin/classify?zweck=completeness_check&leistung=wohngeld-mietzuschuss", []string{"Buchst. a KI-VO", "mistral-small-3.2"}},
		{"/admin/classify?zweck=irregularity_flagging&leistung=wohngeld-mietzuschuss", []string{"Anhang III", "Die Regeln lassen das jetzt nicht zu"}},
		{"/admin/tenants", []string{"Stadt Altenburg a. d. Berg", "in der Konfiguration"}},
		{"/admin/tenants/altenburg", []string{"Echtbetrieb", "250,00", "083250099099"}},
		{"/admin/system", []string{"Zeugen des Protokolls", "001_", s.parts.engine.Revision(), "github.com/open-policy-agent/opa"}},
	} {
		page := v.get(c.path, http.StatusOK)
		for _, want := range c.want {
			if !strings.Contains(page.body, want) {
				t.Errorf("%s does not show %q", c.path, want)
			}
		}
	}
	v.get("/admin/models/gibt-es-nicht", http.StatusNotFound)
	v.get("/admin/usage?gruppe=person", http.StatusBadRequest)
	v.get("/admin/usage?zeitraum=ewig", http.StatusBadRequest)
	v.get("/admin/classify?zweck=gibt-es-nicht", http.StatusBadRequest)
	v.get("/admin/register?mandant=gibt-es-nicht", http.StatusNotFound)

	table := v.get("/admin/usage.csv?gruppe=modell", http.StatusOK)
	if !strings.Contains(table.body, "mistral-small-3.2;") || !strings.HasPrefix(table.body, "\ufeffVon;Bis;Modell;") {
		t.Errorf("the table begins with %.80q", table.body)
	}
	var parts struct {
		Format     string `json:"bomFormat"`
		Components []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(v.get("/admin/system/sbom.json", http.StatusOK).body), &parts); err != nil || parts.Format != "CycloneDX" || len(parts.Components) < 5 {
		t.Errorf("the parts list is %+v, %v", parts.Format, err)
	}
	v.get("/admin/register.json?mandant=tannberg", http.StatusOK)
	notes := s.notes(t, audit.TopicExported)
	if len(notes) == 0 || notes[0].Role != strings.Join(everyRole, ",") {
		t.Errorf("the notes %+v do not name the roles as the journal reads them", notes)
	}
}

// The public register has no internal field, and does not exist where a tenant
// does not publish it.
func TestPublicRegister(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	if doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "register.md")); err != nil || !strings.Contains(string(doc), registerExample) {
		t.Errorf("docs/register.md shows another setting than is tested: %v", err)
	}
	nobody := s.visitor(t, demoTenant)
	page := nobody.get("/verzeichnis/tannberg", http.StatusOK)
	file := nobody.get("/verzeichnis/tannberg/verzeichnis.json", http.StatusOK)
	for _, secret := range []string{"VVT 50-12", "DSFA 2026/7", "GRFA 2026/3", "AVV 2025-11", "10.3/2026-17", "Was fehlt", "WOGA", "DSG-"} {
		if strings.Contains(page.body, secret) || strings.Contains(file.body, secret) {
			t.Errorf("the public register shows %q", secret)
		}
	}
	if got := page.header.Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("cached as %q", got)
	}
	var book struct {
		Schema  string
		Entries []struct {
			Purpose, Service, Class string
			Permitted               bool
			Models                  []struct{ Place string }
		}
	}
	if err := json.Unmarshal([]byte(file.body), &book); err != nil || book.Schema != "ki-schleuse/ki-verzeichnis/1" || len(book.Entries) < 8 {
		t.Fatalf("schema %q, %d entries, %v", book.Schema, len(book.Entries), err)
	}
	found := false
	for _, e := range book.Entries {
		if e.Purpose == "completeness_check" && e.Service == "wohngeld-mietzuschuss" {
			found = e.Permitted && strings.HasPrefix(e.Class, "exempt") && len(e.Models) > 0
		}
	}
	if !found {
		t.Error("the completeness check of Wohngeld is not in the register as it is")
	}
	signedIn := s.visitor(t, demoTenant, everyRole...).get("/verzeichnis/tannberg", http.StatusOK)
	if strings.Contains(signedIn.body, "Kim Yılmaz") {
		t.Error("the page that may be cached shows who is signed in")
	}
	for _, path := range []string{"/verzeichnis/altenburg", "/verzeichnis/altenburg/verzeichnis.json", "/verzeichnis/gibt-es-nicht"} {
		nobody.get(path, http.StatusNotFound)
	}
}

var keyTexts = regexp.MustCompile(`ks_[a-z]+_[a-z0-9]+_[A-Za-z0-9]+|<p class="secret"><code>([^<]+)</code>`)

// An operator sets up a tenant; the text of a key is shown once; every change
// stands in the record.
func TestTenantPages(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	v := s.visitor(t, demoTenant, identity.RoleOperator, identity.RoleCase)
	v.post("/admin/tenants", url.Values{"kennung": {"neudorf"}, "name": {"Gemeinde Neudorf"}, "land": {"BW"}}, http.StatusOK)
	page := v.post("/admin/tenants/neudorf", url.Values{"aktion": {"verfahren"}, "version": {"1"}, "kennung": {"gewan"}, "name": {"GEWAN"}, "kanal": {"caseworker"}}, http.StatusOK)
	if !strings.Contains(page.body, "GEWAN") {
		t.Fatal("the new system is not shown")
	}
	form := url.Values{"aktion": {"neu"}, "bezeichnung": {"Test"}, "tage": {"30"}, "zweck": {"summarise"}, "rolle": {"sachbearbeitung"}, "anfrage": {"einmal-und-nicht-wieder"}}
	page = v.post("/admin/tenants/neudorf/systems/gewan/keys", form, http.StatusOK)
	secret := keyTexts.FindStringSubmatch(page.body)
	if secret == nil {
		t.Fatal("the text of the new key is not shown")
	}
	again := v.post("/admin/tenants/neudorf/systems/gewan/keys", form, http.StatusOK)
	if tenant, _ := s.parts.tenants.Tenant("neudorf"); len(tenant.Systems[0].Keys) != 1 || !strings.Contains(again.body, secret[len(secret)-1]) {
		t.Error("sending the form twice makes two keys")
	}
	if later := v.get("/admin/tenants/neudorf", http.StatusOK); strings.Contains(later.body, secret[len(secret)-1]) {
		t.Error("the text of the key is shown again later")
	}
	v.post("/admin/tenants/neudorf", url.Values{"aktion": {"grenzen"}, "version": {"3"}, "budget_per_month": {"1.250,50"}}, http.StatusOK)
	if page = v.get("/admin/tenants/neudorf", http.StatusOK); !strings.Contains(page.body, "1\u202f250,50") {
		t.Error("the new budget is not shown")
	}
	v.post("/admin/tenants/neudorf", url.Values{"aktion": {"stammdaten"}, "version": {"1"}, "name": {"Anders"}}, http.StatusBadRequest)
	v.post("/admin/tenants/neudorf", url.Values{"aktion": {"herkunft"}, "version": {"4"}, "herkunft": {"https://fremd.example"}}, http.StatusBadRequest)
	v.post("/admin/tenants/neudorf", url.Values{"aktion": {"herkunft"}, "version": {"4"}, "herkunft": {"https://woga.example"}}, http.StatusOK)
	v.post("/admin/tenants/neudorf", url.Values{"aktion": {"sperren"}}, http.StatusOK)
	if s.parts.tenants.Active("neudorf") {
		t.Error("the tenant is still active")
	}
	v.post("/admin/tenants/tannberg", url.Values{"aktion": {"sperren"}}, http.StatusBadRequest) // stands in the configuration
}

// A tenant changes its own things only, and lowers its limits only.
func TestTenantAdministratorsStayInside(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	own := s.visitor(t, storedTenant, identity.RoleTenant, identity.RoleCase)
	if page := own.get("/admin/tenants", http.StatusOK); strings.Contains(page.body, "Stadt Tannberg") || !strings.Contains(page.body, "Altenburg") {
		t.Error("the list shows other tenants")
	}
	own.get("/admin/tenants/tannberg", http.StatusNotFound)
	own.get("/admin/system", http.StatusForbidden)
	own.get("/admin/register?mandant=tannberg", http.StatusNotFound)
	own.post("/admin/tenants", url.Values{"kennung": {"x"}, "name": {"X"}}, http.StatusForbidden)
	for _, form := range []url.Values{
		{"aktion": {"sperren"}},
		{"aktion": {"stammdaten"}, "version": {"1"}, "name": {"Altenburg"}, "land": {"BY"}},
	} {
		own.post("/admin/tenants/altenburg", form, http.StatusForbidden)
	}
	own.post("/admin/tenants/altenburg/systems/woga/keys", url.Values{"aktion": {"neu"}, "zweck": {"summarise"}, "rolle": {"betrieb"}, "anfrage": {"eine-andere-anfrage"}}, http.StatusForbidden)
	own.post("/admin/tenants/altenburg", url.Values{"aktion": {"grenzen"}, "version": {"1"}, "budget_per_month": {"900"}, "requests_per_minute": {"60"}}, http.StatusOK)
	limits, err := s.parts.config.limits(s.parts.tenants.Directory())
	if err != nil {
		t.Fatal(err)
	}
	if got := limits.Tenants["altenburg"]; got.BudgetPerMonth != 250_000_000 || got.RequestsPerMinute != 60 {
		t.Errorf("limits %+v: the tenant raised its budget or could not lower its rate", got)
	}
	stranger := s.visitor(t, storedTenant, identity.RoleCase)
	for _, p := range registerPaths() {
		if !strings.HasPrefix(p.path, "/verzeichnis/") {
			stranger.get(p.path, http.StatusForbidden)
		}
	}
}

// A tenant documents a use: the gap closes, and what comes from the rules stays theirs.
func TestRegisterIsDocumentedOnThePage(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	v := s.visitor(t, storedTenant, identity.RoleTenant, identity.RoleCase)
	page := v.get("/admin/register", http.StatusOK)
	if !strings.Contains(page.body, "Dokumentieren") {
		t.Fatal("the register cannot be documented")
	}
	form := url.Values{"mandant": {string(storedTenant)}, "version": {"1"}, "zweck": {"summarise"}, "leistung": {""}, "legal_basis": {"§ 3 LDSG BW"}, "last_review": {"2026-11-20"}, "role": {"betreiber"}}
	for _, shown := range []string{"text", "retention"} {
		form.Set(shown, html.UnescapeString(find(t, regexp.MustCompile(` id="summarise--`+shown+`"[^>]*(?:value="|>)([^"<]*)`), page.body)))
	}
	page = v.post("/admin/register", form, http.StatusOK)
	if !strings.Contains(page.body, "§ 3 LDSG BW") || !strings.Contains(page.body, "20.11.2026") {
		t.Error("what was written is not shown")
	}
	tenant, _ := s.parts.tenants.Tenant(storedTenant)
	var setting registerSetting
	if err := strict(tenant.Settings["register"], "", &setting); err != nil {
		t.Fatal(err)
	}
	want := registerText{Purpose: "summarise", LegalBasis: "§ 3 LDSG BW", LastReview: "2026-11-20"}
	if len(setting.Entries) != 1 || setting.Entries[0] != want {
		t.Errorf("written %+v, want %+v", setting.Entries, want)
	}
	s.visitor(t, demoTenant).get("/verzeichnis/altenburg", http.StatusNotFound)
	v.post("/admin/register", url.Values{"mandant": {string(storedTenant)}, "version": {"2"}, "veroeffentlichen": {"ja"}, "stelle": {"Hauptamt"}}, http.StatusOK)
	if public := s.visitor(t, demoTenant).get("/verzeichnis/altenburg", http.StatusOK); !strings.Contains(public.body, "Hauptamt") || strings.Contains(public.body, "Dokumentieren") {
		t.Error("the published register is not what the page says")
	}
	v.post("/admin/register", url.Values{"mandant": {string(demoTenant)}, "version": {"1"}, "zweck": {"summarise"}}, http.StatusNotFound)
}

// Access and erasure in two steps, and a hold that refuses the erasure.
func TestPersonPages(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleTenant, identity.RoleCase)
	about := url.Values{"aktenzeichen": {demoCase}}
	page := v.post("/admin/persons/access", about, http.StatusOK)
	if !strings.Contains(page.body, "Art. 15 Abs. 1") || !strings.Contains(page.body, demoCase) {
		t.Error("the disclosure does not follow the norm")
	}
	for form, magic := range map[string]string{"pdf": "%PDF-", "odt": "PK", "json": "{"} {
		file := v.post("/admin/persons/access", url.Values{"aktenzeichen": {demoCase}, "format": {form}}, http.StatusOK)
		if !strings.HasPrefix(file.body, magic) || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("as %s it begins with %.6q", form, file.body)
		}
	}
	v.post("/admin/persons/access", url.Values{}, http.StatusBadRequest)
	v.post("/admin/persons/access", url.Values{"aktenzeichen": {demoCase}, "mandant": {string(storedTenant)}}, http.StatusNotFound)

	page = v.post("/admin/persons/erase", about, http.StatusOK)
	if !strings.Contains(page.body, "Endgültig löschen") || !strings.Contains(page.body, "Einträge des Protokolls") {
		t.Error("the page does not say what stays")
	}
	v.post("/admin/persons/erase", url.Values{"aktenzeichen": {demoCase}, "bestaetigt": {"ja"}}, http.StatusBadRequest) // no reason

	v.post("/admin/persons/holds", url.Values{"aktion": {"setzen"}, "aktenzeichen": {demoCase}, "begruendung": {"Klage vor dem Verwaltungsgericht"}}, http.StatusOK)
	if page = v.post("/admin/persons/erase", about, http.StatusOK); !strings.Contains(page.body, "Die Löschung ist nicht möglich") || strings.Contains(page.body, "Endgültig löschen") {
		t.Error("a hold does not refuse the erasure")
	}
	desk := v.get("/admin/persons", http.StatusOK)
	hold := find(t, regexp.MustCompile(`name="sperre" value="([^"]+)"`), desk.body)
	if !strings.Contains(desk.body, "Klage vor dem Verwaltungsgericht") || strings.Contains(desk.body, demoCase) {
		t.Error("the hold is not shown, or shows the file number")
	}
	v.post("/admin/persons/holds", url.Values{"aktion": {"aufheben"}, "sperre": {hold}, "begruendung": {"Das Verfahren ist beendet."}}, http.StatusOK)

	page = v.post("/admin/persons/erase", url.Values{"aktenzeichen": {demoCase}, "bestaetigt": {"ja"}, "begruendung": {"Antrag der Person"}}, http.StatusOK)
	if !strings.Contains(page.body, "Löschung ausgeführt") || !strings.Contains(page.body, "Antrag der Person") {
		t.Error("the erasure is not reported")
	}
	s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase).get("/admin/persons", http.StatusForbidden)
}

// On PostgreSQL the page of the system knows the database, its scripts and the
// processes beside this one.
func TestSystemPageOnPostgres(t *testing.T) {
	t.Parallel()
	c, _, _, err := demoConfig(t.Context(), t.TempDir(), demoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Database = postgrestest.DSN(t)
	p, err := build(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	var facts ui.SystemFacts
	for end := time.Now().Add(30 * time.Second); facts.Replicas == 0 && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if facts, err = (systemBook{p}).System(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if facts.Replicas != 1 || len(facts.Migrations) < 5 {
		t.Errorf("%d processes, %d scripts", facts.Replicas, len(facts.Migrations))
	}
	if s := facts.Stores[0]; s.Kind != "PostgreSQL" || !s.Healthy || s.Bytes == 0 {
		t.Errorf("the database is shown as %+v", s)
	}
	if strings.Contains(facts.Configuration, c.Database) {
		t.Error("the address of the database is shown")
	}
}

// canary fills every text of a value: name tells which field it stands in.
func canary(v reflect.Value, name string) {
	switch v.Kind() { //nolint:exhaustive // the kinds that hold texts
	case reflect.String:
		v.SetString("kanarie-" + strings.ToLower(name))
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				canary(v.Field(i), name+"."+f.Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Type().Elem().Kind() != reflect.Uint8 {
			canary(v.Index(0), name)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		if key.Kind() == reflect.String {
			key.SetString("eintrag")
		}
		canary(value, name)
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		canary(v.Elem(), name)
	}
}

// secretFields are names of fields in which a secret may stand. A new one must be
// hidden as well, or named here with the reason why it is none.
var secretFields = regexp.MustCompile(`kanarie-[a-z.-]*\.[a-z]*(key|secret|password|token|headers|proxy|database)\b`)

// No field of the configuration that can hold a secret is shown, and hiding does
// not reach the configuration that is in force.
func TestConfigurationIsShownWithoutSecrets(t *testing.T) {
	t.Parallel()
	var c Config
	canary(reflect.ValueOf(&c).Elem(), "config")
	c.Tenants = nil
	filled := c
	before := c.detached()
	shown, err := systemBook{&parts{config: c}}.configuration()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range secretFields.FindAllString(shown, -1) {
		if !slices.Contains([]string{"kanarie-config.tls.key", "kanarie-config.endpoints.certkey", "kanarie-config.policies.signers.key"}, found) { // paths and a public key
			t.Errorf("shown: %s", found)
		}
	}
	c = Config{Policies: PoliciesConfig{URL: "https://kim:geheim@regeln.example/b?sig=geheim"}, Endpoints: map[string]EndpointConfig{"a": {URL: "https://kim:geheim@modell.example/v1"}}}
	if addresses, err := (systemBook{&parts{config: c}}).configuration(); err != nil || strings.Contains(addresses, "geheim") || !strings.Contains(addresses, "modell.example/v1") {
		t.Errorf("addresses are shown with what is secret in them: %v", err)
	}
	if !strings.Contains(shown, hidden) || !strings.Contains(shown, "kanarie-config.operator") {
		t.Error("nothing is hidden, or too much")
	}
	if !reflect.DeepEqual(before, filled) {
		t.Error("hiding secrets changed the configuration in force")
	}
}

// The operator writes down what duties depend on; what is missing is named at the
// tenant and for the whole system.
func TestDutiesOnThePages(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	v := s.visitor(t, demoTenant, identity.RoleOperator)
	page := v.get("/admin/tenants/altenburg", http.StatusOK)
	if !strings.Contains(page.body, "wann die Beschäftigten geschult wurden") {
		t.Error("the tenant's page does not say what is missing")
	}
	if system := v.get("/admin/system", http.StatusOK); !strings.Contains(system.body, "Pflichten ohne Nachweis") || !strings.Contains(system.body, "tenant/altenburg") {
		t.Error("the page of the system does not name the duties without evidence")
	}
	form := func(change url.Values) url.Values {
		tenant, _ := s.parts.tenants.Tenant(storedTenant)
		out := url.Values{
			"aktion": {"pflichten"}, "version": {strconv.FormatInt(tenant.Version, 10)}, "geschult": {"2026-03-02"}, "register": {"melderegister\r\n"},
			"aufbewahren": {"summarise: 30\r\n"},
		}
		maps.Copy(out, change)
		return out
	}
	for name, change := range map[string]url.Values{
		"a day that is none":           {"geschult": {"gestern"}},
		"a purpose that is not known":  {"aufbewahren": {"alles: 30"}},
		"a number that is none":        {"aufbewahren": {"summarise: lange"}},
		"a number beyond every bound":  {"aufbewahren": {"summarise: 99999"}},
		"a line without what it means": {"aufbewahren": {"summarise"}},
	} {
		if got := v.post("/admin/tenants/altenburg", form(change), http.StatusBadRequest); !strings.Contains(got.body, "Erwartet wird") && !strings.Contains(got.body, "kennen die Regeln nicht") {
			t.Errorf("%s: the page does not say what is wrong", name)
		}
	}
	page = v.post("/admin/tenants/altenburg", form(nil), http.StatusOK)
	if strings.Contains(page.body, "wann die Beschäftigten geschult wurden") || !strings.Contains(page.body, "02.03.2026") || !strings.Contains(page.body, "30 Tage") {
		t.Error("what was written down is not shown")
	}
	tenant, _ := s.parts.tenants.Tenant(storedTenant)
	if d := s.parts.dutiesOf(t.Context(), tenant); d.Trained != "2026-03-02" || d.KeepContent["summarise"] != 30 || !slices.Equal(d.Registers, []string{"melderegister"}) {
		t.Errorf("the policies know %+v", d)
	}
	s.visitor(t, storedTenant, identity.RoleTenant).post("/admin/tenants/altenburg", form(url.Values{"geschult": {"2026-04-01"}}), http.StatusForbidden)
}
