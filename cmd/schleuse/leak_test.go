// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// What must not be found where it does not belong. Each is unique, so that a hit
// is no chance.
const (
	canaryName  = "Kanarienvogel"
	canaryIBAN  = "DE89 3704 0044 0532 0130 00"
	canaryBirth = "03.07.1961"
	canaryCase  = "50.21/2026-774411"
	canaryPhone = "07999 8837261"

	canaryFile     = "Aktenkanarie"     // names of files
	canaryText     = "Textkanarie"      // content that is not personal
	canaryDocument = "Dokumentkanarie"  // text of an indexed document
	canaryQuery    = "Abfragekanarie"   // query strings
	canaryCookie   = "Kekskanarie"      // cookies
	canaryUser     = "nutzerkanarie"    // who sits at the screen
	canaryUpstream = "sk-modellkanarie" // key of the model server
	canaryTool     = "werkzeugkanarie"  // key of the tool server
	canaryOTLP     = "spurkanarie"      // key of the collector
)

const canarySentence = "Frau Frieda Kanarienvogel, geboren am 03.07.1961, IBAN DE89 3704 0044 0532 0130 00, Telefon 07999 8837261, Aktenzeichen 50.21/2026-774411, schreibt: Textkanarie."

// personal is what nobody outside the house may see, content what no sink inside
// may keep, credentials what only its addressee gets.
func personal() []string {
	return []string{canaryName, canaryIBAN, strings.ReplaceAll(canaryIBAN, " ", ""), canaryBirth, "1961-07-03", canaryCase, canaryPhone, strings.ReplaceAll(canaryPhone, " ", "")}
}

func content() []string {
	return []string{canaryFile, canaryText, canaryQuery, canaryCookie, canaryUser}
}

func (w *canaryTown) credentials() []string {
	parts := strings.Split(w.key, "_")
	return []string{canaryUpstream, canaryTool, canaryOTLP, w.key, parts[len(parts)-2], string(w.config.secret)}
}

// forms are the ways in which a text may be written down.
func forms(text string) []string {
	raw := []byte(text)
	return []string{text, strings.ToLower(text), url.QueryEscape(text), url.PathEscape(text), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), hex.EncodeToString(raw)}
}

// search reports every needle in a sink.
func search(t *testing.T, sink string, hay []byte, needles ...string) {
	t.Helper()
	if len(hay) == 0 {
		t.Errorf("%s is empty: nothing was searched", sink)
	}
	lower := bytes.ToLower(hay)
	for _, needle := range needles {
		for _, form := range forms(needle) {
			at := bytes.Index(hay, []byte(form))
			if at < 0 {
				at = bytes.Index(lower, []byte(strings.ToLower(form)))
			}
			if at >= 0 {
				t.Errorf("%s holds %q: …%q…", sink, form, hay[max(0, at-120):min(len(hay), at+len(form)+60)])
				break
			}
		}
	}
}

// sheet is a buffer that several write to.
type sheet struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sheet) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sheet) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.b.Bytes())
}

// canaryTown is a town whose every way out ends in a sheet.
type canaryTown struct {
	*town
	log, spans, seen *sheet
	other            string // key of another tenant
	documents        string
	decision         string // of the first chat
}

func newCanaryTown(t *testing.T, dsn string) *canaryTown {
	t.Helper()
	w := &canaryTown{log: &sheet{}, spans: &sheet{}, seen: &sheet{}, documents: t.TempDir()}
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if z, err := gzip.NewReader(r.Body); err == nil {
			body = z
		}
		_, _ = io.Copy(w.spans, body)
		if r.Header.Get("X-Spur") != canaryOTLP {
			t.Error("the collector did not get its key")
		}
	}))
	t.Cleanup(collector.Close)
	foreign := httptest.NewServer(w.noting(t, sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server {
		s := sdk.NewServer(&sdk.Implementation{Name: "fach", Version: "1"}, nil)
		s.AddTool(&sdk.Tool{Name: "wiederholen", Description: "Wiederholt.", InputSchema: json.RawMessage(`{"type":"object"}`)},
			func(_ context.Context, q *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(q.Params.Arguments)}}}, nil
			})
		return s
	}, &sdk.StreamableHTTPOptions{Stateless: true})))
	t.Cleanup(foreign.Close)
	if err := os.WriteFile(filepath.Join(w.documents, "anweisung.txt"), []byte("Die Frist beträgt "+canaryDocument+" drei Wochen."), 0o600); err != nil {
		t.Fatal(err)
	}
	var other identity.Key
	w.town = setupLogged(t, slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(c *Config) {
		c.Database = dsn
		c.Record.Witnesses = []WitnessConfig{{Folder: t.TempDir()}}
		c.Telemetry = TelemetryConfig{OTLP: collector.URL, Headers: map[string]string{"X-Spur": canaryOTLP}}
		c.Endpoints["anbieter"] = EndpointConfig{URL: c.Endpoints["anbieter"].URL, Key: canaryUpstream, Total: 4 * time.Second}
		c.Routing.Retry.Tries = 1
		c.Routing.Breaker.Consecutive = 1000
		c.Models[0].Operations = []gateway.Operation{gateway.OperationChat, gateway.OperationCompletion, gateway.OperationEmbeddings, gateway.OperationRerank, gateway.OperationTranscription}
		c.Models[0].Price = PriceConfig{Input: 1_000_000, Output: 1_000_000}
		c.Limits.All.BudgetPerMonth = 1_000_000_000
		key := &c.Tenants[0].Systems[0].Keys[0]
		key.Purposes = append(key.Purposes, gateway.PurposeTranscribe)
		key.Roles = []string{identity.RoleOperator, identity.RoleTenant, identity.RoleCase}
		text, id, hash := identity.NewKey("test", derive(c.secret, "api keys"))
		w.other, other = text, identity.Key{ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Purposes: demoPurposes()}
		c.Tenants[1].Systems[0].Keys = []identity.Key{other}
		c.Sources = append(c.Sources, SourceConfig{Name: "kanarien", Tenant: demoTenant, Kind: "filesystem", Path: w.documents, Readers: []gateway.Principal{"group:wohngeld"}, DataClass: []gateway.DataClass{gateway.DataInternal}})
		c.ToolServers = []ToolServerConfig{{
			Name: "fach", URL: foreign.URL, Headers: map[string]string{"X-Werkzeug": canaryTool}, Tenants: []gateway.TenantID{demoTenant},
			Tools: []ToolReleaseConfig{{Name: "wiederholen", Purpose: gateway.PurposeResearch}}, Residency: gateway.ResidencyPrivateEU, Operator: "Anbieter GmbH",
			Country: "DE", ProcessorKind: "private", Contract: "AVV-2", DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal},
		}}
		authority, err := demoAuthority()
		if err != nil {
			t.Fatal(err)
		}
		c.Authorities = map[gateway.TenantID]Authority{demoTenant: {authority}}
	})
	w.tools.Refresh(t.Context())
	for _, s := range w.config.Sources {
		if _, err := w.syncOnce(t.Context(), s, true); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// noting keeps what comes to the server of tools.
func (w *canaryTown) noting(t *testing.T, next http.Handler) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Werkzeug") != canaryTool {
			t.Error("the server of tools did not get its key")
		}
		header := r.Header.Clone()
		header.Del("X-Werkzeug")
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w.seen, "%s %v %s\n", r.URL, header, body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(out, r)
	})
}

// ask sends a request with everything a careless program adds to it.
func (w *canaryTown) ask(t *testing.T, method, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	glue := "?"
	if strings.HasPrefix(path, "/api/v1/usage") {
		glue = "&"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, w.server.URL+path+glue+"q="+canaryQuery, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i, set := 0, append([]string{
		"Authorization", "Bearer " + w.key, "Content-Type", "application/json", "Schleuse-Purpose", "summarise", "Schleuse-User", canaryUser, "Cookie", "a=" + canaryCookie,
		"Referer", "https://fach.example/?q=" + canaryQuery, "User-Agent", canaryQuery, "X-Forwarded-For", canaryQuery, "Tracestate", "a=" + canaryQuery,
	}, headers...); i+1 < len(set); i += 2 {
		r.Header.Set(set[i], set[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", nil
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body) // some are cut on purpose
	return answer.StatusCode, string(raw), answer.Header
}

// about is what is said of the case in a body.
func about() string {
	return `"schleuse":{"case":"` + canaryCase + `","service":"wohngeld-mietzuschuss","conversation":"` + canaryCase + `","case_entities":[{"type":"person","value":{"first":"Frieda","last":"Kanarienvogel"},"role":"applicant"}]}`
}

func canaryMessages() string {
	return `"messages":[{"role":"user","content":"` + canarySentence + `"}]`
}

func canaryForm(t *testing.T, fields map[string]string, part, file, media, content string) (body, kind string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := m.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	out, err := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, part, file)}, "Content-Type": {media}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(out, content); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), m.FormDataContentType()
}

// askEverything goes every way there is through the house, well and badly.
func (w *canaryTown) askEverything(t *testing.T) {
	t.Helper()
	chat := `{"model":"modell",` + canaryMessages() + `,` + about()
	application := `{"service":"wohngeld-mietzuschuss","case":"` + canaryCase + `","application":{"antragsteller":{"name":"Kanarienvogel","vorname":"Frieda","geburtsdatum":"1961-07-03","iban":"DE89370400440532013000"},"bemerkung":"` + canarySentence + `"}`
	checkForm, checkKind := canaryForm(t, map[string]string{"check": application + "}"}, "d1", canaryFile+".txt", "text/plain", canarySentence)
	audioForm, audioKind := canaryForm(t, map[string]string{"model": "modell", "prompt": canarySentence}, "file", canaryFile+" Kanarienvogel.mp3", "audio/mpeg", "ID3")
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
	}{
		{"chat", "POST", "/v1/chat/completions", chat + "}", nil, 200},
		{"stream", "POST", "/v1/chat/completions", chat + `,"stream":true}`, nil, 200},
		{"responses", "POST", "/v1/responses", `{"model":"modell","input":"` + canarySentence + `",` + about() + `}`, nil, 200},
		{"messages", "POST", "/v1/messages", `{"model":"modell","max_tokens":50,` + canaryMessages() + `,` + about() + `}`, nil, 200},
		{"tokens of messages", "POST", "/v1/messages/count_tokens", `{"model":"modell",` + canaryMessages() + `}`, nil, 200},
		{"completions", "POST", "/v1/completions", `{"model":"modell","prompt":"` + canarySentence + `",` + about() + `}`, nil, 200},
		{"embeddings", "POST", "/v1/embeddings", `{"model":"modell","input":["` + canarySentence + `"],` + about() + `}`, nil, 200},
		{"rerank", "POST", "/v1/rerank", `{"model":"modell","query":"` + canarySentence + `","documents":["` + canarySentence + `"],` + about() + `}`, nil, 200},
		{"transcription", "POST", "/v1/audio/transcriptions", audioForm, []string{"Content-Type", audioKind, "Schleuse-Purpose", "transcribe"}, 403},
		{"check", "POST", "/api/v1/checks", application + `,"documents":[{"id":"d1","name":"` + canaryFile + `","text":"` + canarySentence + `"}]}`, nil, 0},
		{"check as form", "POST", "/api/v1/checks", checkForm, []string{"Content-Type", checkKind, "Schleuse-Purpose", "completeness_check"}, 200},
		{"search", "POST", "/api/v1/search", `{"query":"` + canarySentence + `","sources":["kanarien"]}`, []string{"Schleuse-Purpose", "research"}, 200},
		{"norms", "POST", "/api/v1/norms/search", `{"query":"§ 60 SGB I ` + canarySentence + `"}`, nil, 200},
		{"classification", "POST", "/api/v1/classifications", `{"purpose":"summarise","service":"` + canaryText + `"}`, nil, 0},
		{"tenant", "POST", "/api/v1/tenants", `{"id":"kanarien","name":"Gemeinde","systems":[{"id":"x","name":"X","channel":"caseworker","keys":[{"label":"a","purposes":["chat"]}]}]}`, nil, 201},
		{"tenant with nonsense", "POST", "/api/v1/tenants", `{"id":"` + canarySentence + `","name":1}`, nil, 400},
		{"tenants", "GET", "/api/v1/tenants/kanarien", "", nil, 200},
		{"usage", "GET", "/api/v1/usage?group_by=person", "", nil, 0},
		{"no JSON", "POST", "/v1/chat/completions", `{"messages":"` + canarySentence, nil, 400},
		{"unknown field", "POST", "/api/v1/checks", `{"` + canarySentence + `":1}`, nil, 400},
		{"wrong type", "POST", "/v1/chat/completions", `{"model":{"` + canarySentence + `":1},"messages":"` + canarySentence + `"}`, nil, 400},
		{"denied", "POST", "/v1/chat/completions", chat + "}", []string{"Schleuse-Purpose", "social_scoring"}, 403},
		{"purpose that is none", "POST", "/v1/chat/completions", chat + "}", []string{"Schleuse-Purpose", canarySentence}, 0},
		{"a name as purpose", "POST", "/v1/chat/completions", chat + "}", []string{"Schleuse-Purpose", "kanarienvogel"}, 403},
		{"a name as service", "POST", "/v1/chat/completions", `{"model":"modell",` + canaryMessages() + `,"schleuse":{"service":"kanarienvogel"}}`, nil, 403},
		{"model nobody knows", "POST", "/v1/chat/completions", `{"model":"` + canaryText + `",` + canaryMessages() + `}`, nil, 404},
		{"no key", "POST", "/v1/chat/completions", chat + "}", []string{"Authorization", "Bearer " + w.key + "x"}, 401},
		{"path", "GET", "/api/v1/decisions/" + canaryText, "", nil, 0},
		{"no path", "GET", "/v1/" + canaryText, "", nil, 404},
	} {
		status, body, header := w.ask(t, c.method, c.path, c.body, c.headers...)
		if status == 0 || c.status != 0 && status != c.status {
			t.Errorf("%s: status %d, want %d: %.300s", c.name, status, c.status, body)
		}
		if c.name == "chat" {
			w.decision = header.Get("Schleuse-Decision")
		}
	}
	w.draft(t)
	w.failures(t, chat)
	s := w.mcp(t)
	_, _ = callTool(t, s, "normen_suchen", map[string]any{"query": canarySentence})
	if r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: "fach__wiederholen", Arguments: map[string]any{"text": canarySentence}, Meta: sdk.Meta{"schleuse": map[string]any{
		"case_entities": []any{map[string]any{"type": "person", "value": map[string]any{"first": "Frieda", "last": "Kanarienvogel"}}},
	}}}); err != nil || r.IsError {
		t.Errorf("a tool outside: %+v, %v", r, err)
	}
}

// draft writes a letter and releases it.
func (w *canaryTown) draft(t *testing.T) {
	t.Helper()
	raw, err := os.ReadFile(demoApplication)
	if err != nil {
		t.Fatal(err)
	}
	application := strings.NewReplacer("Achterberg", canaryName, "50.21/2026-004711", canaryCase).Replace(string(raw))
	_, report, _ := w.ask(t, "POST", "/api/v1/checks", application, "Schleuse-Purpose", "completeness_check")
	status, body, _ := w.ask(t, "POST", "/api/v1/drafts", `{"kind":"nachforderung","report":`+report+`,"recipient":{"first":"Frieda","last":"Kanarienvogel","street":"Weg 1","postcode":"77999","city":"Tannberg"}}`, "Schleuse-Purpose", "letter_request_documents")
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(body), &made); status != http.StatusCreated || err != nil {
		t.Errorf("draft: status %d, %v: %.400s", status, err, body)
		return
	}
	if status, body, _ := w.ask(t, "POST", "/api/v1/drafts/"+made.ID+"/release", "{}"); status != http.StatusOK && status != http.StatusConflict {
		t.Errorf("release: status %d: %.400s", status, body)
	}
}

// failures are model servers and callers that behave badly.
func (w *canaryTown) failures(t *testing.T, chat string) {
	t.Helper()
	echo := `{"error":{"message":"cannot answer: ` + canarySentence + `","type":"` + canaryText + `","code":"` + canaryName + `","param":"` + canaryText + `"}}`
	for name, b := range map[string]upstreamtest.Behaviour{
		"refused with an echo":   {Status: 400, Body: echo},
		"broken with an echo":    {Status: 500, Body: echo, Header: map[string]string{"X-Echo": canaryText}},
		"an echo that is a page": {Status: 502, Body: "<html>" + canarySentence, Header: map[string]string{"Content-Type": "text/html"}},
		"no JSON":                {Status: 200, Body: canarySentence},
		"too late":               {Latency: 10 * time.Second},
		"cut":                    {Defect: upstreamtest.CutBody},
	} {
		w.model.Next(b)
		if status, body, _ := w.ask(t, "POST", "/v1/chat/completions", chat+"}"); status < 400 {
			t.Errorf("%s: status %d: %.200s", name, status, body)
		}
	}
	w.model.Next(upstreamtest.Behaviour{Defect: upstreamtest.ErrorEvent})
	_, _, _ = w.ask(t, "POST", "/v1/chat/completions", chat+`,"stream":true}`)
	w.model.Next(upstreamtest.Behaviour{Gap: 50 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+"/v1/chat/completions", strings.NewReader(chat+`,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Schleuse-Purpose", "summarise")
	if answer, err := http.DefaultClient.Do(r); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	before := w.api.Classifier
	w.api.Classifier = panicking{}
	if status, body, _ := w.ask(t, "POST", "/api/v1/classifications", `{"purpose":"summarise"}`); status != http.StatusInternalServerError {
		t.Errorf("panic: status %d: %s", status, body)
	}
	w.api.Classifier = before
}

type panicking struct{}

func (panicking) Classify(context.Context, gateway.Caller, httpapi.Plan) (any, error) {
	panic(canarySentence)
}

// Nothing that was said to the gateway, and no secret, is found in what it
// leaves behind or sends away. The answers to the caller hold what the caller
// said, of course, and the search index holds the text of documents: these two
// are the only places that are allowed to.
func TestNoCanaryGetsOut(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			dsn := ""
			if database == "postgres" {
				dsn = postgrestest.DSN(t)
			}
			w := newCanaryTown(t, dsn)
			w.askEverything(t)
			w.records(t)
			if err := w.telemetry.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			secret := slices.Concat(personal(), content(), w.credentials(), []string{canaryDocument})
			search(t, "the log", w.log.bytes(), secret...)
			search(t, "the traces", w.spans.bytes(), secret...)
			search(t, "the metrics", w.metrics(t), secret...)
			w.searchOutside(t)
			w.searchNeighbour(t, secret)
			for _, path := range []string{"/api/v1/usage?format=csv", "/api/v1/usage?format=json", "/api/v1/limits", "/api/v1/notices", "/api/v1/decisions", "/api/v1/decisions/" + w.decision} {
				status, body, _ := w.read(t, w.key, path)
				if status != http.StatusOK {
					t.Errorf("%s: status %d: %s", path, status, body)
				}
				search(t, path, []byte(body), secret...)
			}
			if dsn != "" {
				searchTables(t, dsn, secret)
			}
			w.searchFiles(t, secret)
		})
	}
}

func (w *canaryTown) metrics(t *testing.T) []byte {
	t.Helper()
	answer := httptest.NewRecorder()
	w.adminHandler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Errorf("metrics: status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

// searchOutside: servers outside the house see placeholders, and of the secrets
// only their own.
func (w *canaryTown) searchOutside(t *testing.T) {
	t.Helper()
	outside := slices.Concat(personal(), []string{canaryFile, canaryQuery, canaryCookie, canaryUser, canaryTool, canaryOTLP, w.key, string(w.config.secret)})
	paths := map[string]bool{}
	for _, r := range w.model.Requests() {
		paths[r.Path] = true
		header := r.Header.Clone()
		if header.Get("Authorization") != "Bearer "+canaryUpstream {
			t.Errorf("%s: the model server did not get its key", r.Path)
		}
		header.Del("Authorization")
		search(t, "a request to "+r.Path, fmt.Appendf(nil, "%v %s", header, r.Body), append(outside, canaryUpstream)...)
	}
	for _, path := range []string{"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/rerank"} {
		if !paths[path] {
			t.Errorf("nothing came to %s", path)
		}
	}
	search(t, "a call of a tool", w.seen.bytes(), append(outside, canaryUpstream)...)
}

// read reads a path with a key.
func (w *canaryTown) read(t *testing.T, key, path string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(raw), answer.Header
}

// searchNeighbour: another tenant learns nothing, not even from refusals.
func (w *canaryTown) searchNeighbour(t *testing.T, secret []string) {
	t.Helper()
	for _, path := range []string{"/api/v1/decisions/" + w.decision, "/api/v1/decisions", "/api/v1/usage", "/api/v1/tenants/" + string(demoTenant), "/v1/models"} {
		_, body, header := w.read(t, w.other, path)
		search(t, path+" for another tenant", fmt.Appendf(nil, "%v %s", header, body), secret...)
	}
}

// searchTables reads every row of every table. Only the search index may hold
// the text of documents.
func searchTables(t *testing.T, dsn string, secret []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 5 {
		t.Fatalf("tables %v, %v", tables, err)
	}
	indexed := 0
	for _, table := range tables {
		rows, err := conn.Query(t.Context(), "SELECT * FROM "+pgx.Identifier{table}.Sanitize())
		if err != nil {
			t.Fatal(err)
		}
		dump := []byte("table " + table + "\n")
		for rows.Next() {
			for _, raw := range rows.RawValues() {
				dump = append(append(dump, raw...), '\n')
			}
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		looked := secret
		if bytes.Contains(dump, []byte(canaryDocument)) {
			indexed++
			looked = slices.DeleteFunc(slices.Clone(secret), func(s string) bool { return s == canaryDocument })
		}
		search(t, "table "+table, dump, looked...)
	}
	if indexed != 1 {
		t.Errorf("%d tables hold the text of a document, want the search index alone", indexed)
	}
}

// searchFiles reads the raw bytes of everything in the data folder, journals and
// write-ahead logs too. Only the search index may hold the text of documents.
func (w *canaryTown) searchFiles(t *testing.T, secret []string) {
	t.Helper()
	var read []string
	err := filepath.WalkDir(w.config.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil || len(raw) == 0 {
			return err
		}
		name := filepath.Base(path)
		read = append(read, name)
		looked := secret
		if strings.HasPrefix(name, searchFile) {
			looked = slices.DeleteFunc(slices.Clone(secret), func(s string) bool { return s == canaryDocument })
		}
		search(t, name, raw, looked...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.pool != nil {
		return
	}
	for _, name := range []string{recordFile, quotaFile, tenantsFile, searchFile} {
		if !slices.Contains(read, name) {
			t.Errorf("%s was not searched, only %v", name, read)
		}
	}
}
