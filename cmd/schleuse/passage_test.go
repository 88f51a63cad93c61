// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// town is the whole product around a scripted model outside the house, with
// which there is a contract.
type town struct {
	*parts
	model  *upstreamtest.Server
	server *httptest.Server
	key    string
}

// setup builds it. The database is SQLite unless a PostgreSQL address is given.
func setup(t *testing.T, database string) *town {
	t.Helper()
	return setupWith(t, func(c *Config) { c.Database = database })
}

func setupWith(t *testing.T, change func(*Config)) *town {
	t.Helper()
	return setupLogged(t, slog.New(slog.DiscardHandler), change)
}

func setupLogged(t *testing.T, logger *slog.Logger, change func(*Config)) *town {
	t.Helper()
	w := &town{model: upstreamtest.Start(t)}
	secret := randomSecret()
	text, id, hash := identity.NewKey("test", derive(secret, "api keys"))
	folder := t.TempDir()
	if err := copyDemoFiles(folder); err != nil {
		t.Fatal(err)
	}
	c := Config{
		Listen: "127.0.0.1:0", Data: folder, Origin: "test", secret: secret,
		Tenants: []identity.Tenant{
			{ID: demoTenant, Name: "Stadt Tannberg", Active: true, Systems: []identity.System{{ID: demoWohngeld, Name: "WOGA", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{{
				ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Purposes: append(demoPurposes(), "social_scoring"),
				Principals: []gateway.Principal{"group:wohngeld", "group:verwaltung"},
			}}}}},
			{ID: "neudorf", Name: "Gemeinde Neudorf", Active: true, Systems: []identity.System{{ID: "x", Channel: gateway.ChannelCaseworker}}},
		},
		Endpoints: map[string]EndpointConfig{"anbieter": {URL: w.model.URL, Key: "sk-upstream"}},
		Models: []ModelConfig{{
			ID: "modell", Endpoint: "anbieter", Operations: []gateway.Operation{gateway.OperationChat, gateway.OperationEmbeddings},
			Residency: gateway.ResidencyPrivateEU, Operator: "Anbieter GmbH", Country: "DE", ProcessorKind: "private",
			Contract: "AVV-1", Para80Notice: "2026-01-15", Para80Ground: "cost", Para30AO: true, Art9: true,
			DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataSozialdaten, gateway.DataArt9},
		}},
		Sources: []SourceConfig{
			{Name: "dienstanweisungen", Tenant: demoTenant, Kind: "filesystem", Path: filepath.Join(folder, "dienstanweisungen"), Readers: []gateway.Principal{"group:verwaltung"}, DataClass: []gateway.DataClass{gateway.DataInternal}},
			{Name: "akte", Tenant: demoTenant, Kind: "filesystem", Path: filepath.Join(folder, "akten"), Readers: []gateway.Principal{"group:andere"}, DataClass: []gateway.DataClass{gateway.DataSozialdaten}},
		},
	}
	change(&c)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	p, err := build(t.Context(), c, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	w.parts, w.key = p, text
	w.server = httptest.NewServer(p.handler())
	t.Cleanup(w.server.Close)
	return w
}

// records are all records there are: an ending may share the commit of a later
// request.
func (w *town) records(t *testing.T) *audit.Viewer {
	t.Helper()
	if err := w.record.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w.record.Viewer
}

// post sends JSON with the key and headers given in pairs.
func (w *town) post(t *testing.T, path, body string, headers ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
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

const personalChat = `{"model":"modell","x_neu":{"a":1.50},"messages":[{"role":"user","content":"Bitte fasse zusammen: Frau Erika Mustermann, geboren am 14.03.1988, IBAN DE89 3704 0044 0532 0130 00, zahlt 720 Euro Miete."}],` +
	`"schleuse":{"case":"50.21/2026-4711","service":"wohngeld-mietzuschuss","case_entities":[{"type":"person","value":{"first":"Erika","last":"Mustermann"},"role":"applicant"}]}%s}`

// One chat request: nothing personal leaves, the answer is whole again, the
// record says what happened and holds nothing of it.
func TestChatThroughAModelOutsideTheHouse(t *testing.T) {
	t.Parallel()
	for _, database := range []string{"sqlite", "postgres"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			dsn := ""
			if database == "postgres" {
				dsn = postgrestest.DSN(t)
			}
			w := setup(t, dsn)
			status, body, header := w.post(t, "/v1/chat/completions", fmt.Sprintf(personalChat, ""), "Schleuse-Purpose", "summarise", "Cookie", "a=b")
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, body)
			}
			sent := w.model.Last()
			for _, secret := range []string{"Erika", "Mustermann", "DE89", "3704", "14.03.1988", "4711", "schleuse"} {
				if bytes.Contains(sent.Body, []byte(secret)) {
					t.Errorf("%q left the house: %s", secret, sent.Body)
				}
			}
			if !bytes.Contains(sent.Body, []byte(`"x_neu":{"a":1.50}`)) || sent.Header.Get("Cookie") != "" || sent.Header.Get("Authorization") != "Bearer sk-upstream" {
				t.Errorf("unknown fields or headers are wrong: %s %v", sent.Body, sent.Header)
			}
			for _, want := range []string{"Erika Mustermann", "DE89 3704 0044 0532 0130 00", "14.03.1988"} {
				if !strings.Contains(body, want) {
					t.Errorf("the answer lacks %q: %s", want, body)
				}
			}
			w.checkRecord(t, header.Get("Schleuse-Decision"))
		})
	}
}

func (w *town) checkRecord(t *testing.T, id string) {
	t.Helper()
	e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, id)
	if err != nil {
		t.Fatal(err)
	}
	if e.Record.Masked == 0 || e.Closing == nil || e.Closing.Outcome != gateway.OutcomeAnswered || e.Closing.Restored == 0 || !e.Open.Valid {
		t.Errorf("record %+v closing %+v", e.Record, e.Closing)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Erika", "Mustermann", "DE89", "14.03.1988", "2026-4711", "720 Euro"} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("the record holds %q: %s", secret, raw)
		}
	}
	if _, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: "neudorf"}, id); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("another tenant sees the record: %v", err)
	}
	if report, err := w.record.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

func TestStreamThroughAModelOutsideTheHouse(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	w.model.Always(upstreamtest.Behaviour{Defect: upstreamtest.ByteByByte})
	status, body, _ := w.post(t, "/v1/chat/completions", fmt.Sprintf(personalChat, `,"stream":true`), "Schleuse-Purpose", "summarise")
	if status != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(body), "data: [DONE]") {
		t.Fatalf("status %d: %s", status, body)
	}
	text := streamed(t, body)
	if !strings.Contains(text, "Erika Mustermann") || strings.Contains(text, "[PERSON") || bytes.Contains(w.model.Last().Body, []byte("Mustermann")) {
		t.Errorf("text %q", text)
	}
}

// streamed joins the text of all events.
func streamed(t *testing.T, body string) string {
	t.Helper()
	var text strings.Builder
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: {")
		if !ok {
			continue
		}
		var event struct {
			Choices []struct {
				Delta struct{ Content string }
			}
		}
		if err := json.Unmarshal([]byte("{"+data), &event); err != nil {
			t.Fatalf("event %s: %v", data, err)
		}
		for _, c := range event.Choices {
			text.WriteString(c.Delta.Content)
		}
	}
	return text.String()
}

func TestTruncatedAnswerIsNeverPassedOffAsComplete(t *testing.T) {
	t.Parallel()
	for _, defect := range []upstreamtest.Defect{upstreamtest.Drop, upstreamtest.NoDone, upstreamtest.NoFinish, upstreamtest.ErrorEvent, upstreamtest.BrokenJSON} {
		t.Run(string(defect), func(t *testing.T) {
			t.Parallel()
			w := setup(t, "")
			w.model.Always(upstreamtest.Behaviour{Defect: defect})
			_, body, header := w.post(t, "/v1/chat/completions", `{"stream":true,"messages":[{"role":"user","content":"Wie lang ist die Frist in der Dienstanweisung zur Nachforderung von Unterlagen?"}]}`, "Schleuse-Purpose", "chat")
			if strings.Contains(body, "[DONE]") || !strings.Contains(body, `"error"`) {
				t.Errorf("a broken stream ended like this: %s", body)
			}
			id := header.Get("Schleuse-Decision")
			e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, id)
			if err != nil || e.Closing == nil || e.Closing.Outcome == gateway.OutcomeAnswered {
				t.Errorf("record of a broken stream: %+v, %v", e.Closing, err)
			}
		})
	}
}

//nolint:tparallel // the cases share one model server and look at its last request
func TestPoliciesRefuseBeforeAnythingLeaves(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	for name, c := range map[string]struct {
		purpose, body, rule string
	}{
		"social scoring":            {"social_scoring", `{"messages":[{"role":"user","content":"Bewerte diese Person"}]}`, "AIA-"},
		"no purpose":                {"", `{"messages":[{"role":"user","content":"Hallo"}]}`, "AIA-"},
		"purpose not of the key":    {"citizen_information", `{"messages":[{"role":"user","content":"Hallo"}]}`, ""},
		"file number, no entities":  {"summarise", `{"messages":[{"role":"user","content":"Hallo"}],"schleuse":{"case":"50.21/1"}}`, ""},
		"picture of social data":    {"extraction", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"schleuse":{"data_class":["sozialdaten"],"service":"wohngeld-mietzuschuss"}}`, ""},
		"unknown service":           {"summarise", `{"messages":[{"role":"user","content":"Hallo"}],"schleuse":{"service":"gibt-es-nicht"}}`, ""},
		"classified, model outside": {"summarise", `{"messages":[{"role":"user","content":"Hallo"}],"schleuse":{"data_class":["confidential"]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(w.model.Requests())
			headers := []string{}
			if c.purpose != "" {
				headers = append(headers, "Schleuse-Purpose", c.purpose)
			}
			status, body, header := w.post(t, "/v1/chat/completions", c.body, headers...)
			if status != http.StatusForbidden && status != http.StatusBadRequest || len(w.model.Requests()) != before {
				t.Errorf("status %d, %d requests at the model: %s", status, len(w.model.Requests())-before, body)
			}
			if status == http.StatusForbidden && (!strings.Contains(body, c.rule) || header.Get("Schleuse-Decision") == "") {
				t.Errorf("the refusal names no rule %s or no record: %s", c.rule, body)
			}
		})
	}
}

// A source is found with the caller's rights only, and cited.
func TestSourcesInAChat(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	for _, s := range w.config.Sources {
		if _, err := w.syncOnce(t.Context(), s, true); err != nil {
			t.Fatal(err)
		}
	}
	status, body, _ := w.post(t, "/v1/chat/completions", `{"messages":[{"role":"user","content":"Welche Frist gilt bei der Nachforderung über Weihnachten?"}],"schleuse":{"sources":["dienstanweisungen"]}}`, "Schleuse-Purpose", "research")
	if status != http.StatusOK || !bytes.Contains(w.model.Last().Body, []byte("28 Tage")) || !strings.Contains(body, `"citations"`) {
		t.Errorf("status %d, sent %s, answer %s", status, w.model.Last().Body, body)
	}
	status, body, _ = w.post(t, "/api/v1/search", `{"query":"Mietvertrag Lindenstraße","sources":["akte"]}`, "Schleuse-Purpose", "research")
	if status != http.StatusOK || strings.Contains(body, "Achterberg") {
		t.Errorf("a caller without rights found the file: %d %s", status, body)
	}
	status, body, _ = w.post(t, "/api/v1/search", `{"query":"Immatrikulationsbescheinigung BAföG","sources":["dienstanweisungen"]}`, "Schleuse-Purpose", "research")
	if status != http.StatusOK || !strings.Contains(body, "sha256") || !strings.Contains(body, "wohngeld-nachforderung") {
		t.Errorf("search: %d %s", status, body)
	}
}

func TestEmbeddings(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	status, body, _ := w.post(t, "/v1/embeddings", `{"model":"modell","input":["Frau Erika Mustermann, DE89 3704 0044 0532 0130 00"]}`, "Schleuse-Purpose", "research")
	if status != http.StatusOK || bytes.Contains(w.model.Last().Body, []byte("DE89")) || !strings.Contains(body, `"embedding"`) {
		t.Errorf("status %d, sent %s, answer %.200s", status, w.model.Last().Body, body)
	}
}

func TestCallerLeavesAndTheModelStops(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	hold := make(chan struct{})
	defer close(hold)
	w.model.Always(upstreamtest.Behaviour{Hold: hold})
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+"/v1/chat/completions", strings.NewReader(`{"stream":true,"messages":[{"role":"user","content":"Hallo, wie geht es?"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Schleuse-Purpose", "chat")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := answer.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if !w.model.WaitAbandoned(2 * time.Second) {
		t.Error("the model goes on although the caller has left")
	}
	id := answer.Header.Get("Schleuse-Decision")
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, id)
		if err == nil && e.Closing != nil {
			if e.Closing.Outcome != gateway.OutcomeCancelled {
				t.Errorf("outcome %s, want cancelled", e.Closing.Outcome)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the record was not closed: %v", err)
		}
	}
}

// No part of the product writes content or secrets to its log.
func TestLogHoldsNoContent(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := setup(t, "")
	w.api.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	_, _, _ = w.post(t, "/v1/chat/completions?q=Mustermann", fmt.Sprintf(personalChat, ""), "Schleuse-Purpose", "summarise")
	_, _, _ = w.post(t, "/v1/chat/completions", `{"messages":"Mustermann"`, "Schleuse-Purpose", "summarise")
	for _, secret := range []string{"Mustermann", "DE89", w.key, "sk-upstream", "4711"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
	files, err := filepath.Glob(filepath.Join(w.config.Data, "record.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no record in %s: %v", w.config.Data, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Mustermann", "DE893704", w.key, "sk-upstream", "2026-4711"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(f), secret)
			}
		}
	}
}

// Our own client is a client of our own gateway as well: two Schleusen in a row.
func TestOwnClientThroughTheGateway(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	client, err := upstream.New(upstream.Config{Endpoints: map[string]upstream.Endpoint{"schleuse": {
		BaseURL: w.server.URL + "/v1", Key: upstream.Secret(w.key), Headers: map[string]upstream.Secret{"Schleuse-Purpose": "chat"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	call := gateway.Call{
		Operation: gateway.OperationChat, Route: gateway.Route{Endpoint: "schleuse"},
		Body: []byte(`{"model":"modell","stream":true,"messages":[{"role":"user","content":"Wann beginnt die Frist?"}]}`),
	}
	stream, err := client.Stream(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	text := ""
	for {
		chunk, err := stream.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text += streamed(t, "data: "+string(chunk.Data)+"\n")
	}
	if !strings.Contains(text, "Wann beginnt die Frist?") {
		t.Errorf("text %q", text)
	}
	names, err := client.Models(t.Context(), "schleuse")
	if err != nil || len(names) != 1 || names[0] != "modell" {
		t.Errorf("models %v, %v", names, err)
	}
}

// Vectors for the search come through the gateway and are recorded there.
func TestSearchWithVectors(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *Config) { c.Embeddings = EmbeddingsConfig{Model: "modell", Dim: embeddingDim(t)} })
	for _, s := range w.config.Sources {
		if _, err := w.syncOnce(t.Context(), s, true); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.model.Requests()); n == 0 || bytes.Contains(w.model.Last().Body, []byte("DE05")) {
		t.Errorf("%d requests for vectors, the last: %.300s", n, w.model.Last().Body)
	}
	status, body, _ := w.post(t, "/api/v1/search", `{"query":"Frist über Weihnachten","sources":["dienstanweisungen"]}`, "Schleuse-Purpose", "research")
	if status != http.StatusOK || !strings.Contains(body, "28 Tage") {
		t.Errorf("status %d: %.400s", status, body)
	}
	page, err := w.records(t).List(t.Context(), audit.Filter{Scope: audit.Scope{All: true}, Operation: gateway.OperationEmbeddings})
	if err != nil || len(page.Items) == 0 {
		t.Errorf("the requests for vectors are not recorded: %v", err)
	}
}

// embeddingDim is the size of the scripted model's vectors.
func embeddingDim(t *testing.T) int {
	t.Helper()
	model := upstreamtest.Start(t)
	answer, err := http.Post(model.URL+"/embeddings", "application/json", strings.NewReader(`{"model":"m","input":["x"]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var v struct {
		Data []struct{ Embedding []float32 }
	}
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil || len(v.Data) != 1 {
		t.Fatalf("embeddings of the scripted model: %v", err)
	}
	return len(v.Data[0].Embedding)
}

// What programs send as JSON inside of texts, as numbers or as keys is as
// personal as plain text.
//
//nolint:tparallel // the cases share one model server and look at its last request
func TestNothingPersonalLeavesInDisguise(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	for name, c := range map[string]struct{ message, secret, placeholder string }{
		"escaped JSON inside a text":  {`{"role":"user","content":"Der Vorgang: {\"name\": \"Frau J\\u00f6rdis M\\u00fcllerschmidt\"} Bitte zusammenfassen."}`, "llerschmidt", "[PERSON_1]"},
		"a tool result with a number": {`{"role":"tool","tool_call_id":"c1","content":"{\"steuer_id\":86095742719}"}`, "86095742719", "[TAX_ID_1]"},
		"arguments inside arguments":  {`{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"brief\":\"{\\\"an\\\":\\\"Herrn J\\\\u00fcrgen Ackerm\\\\u00fcller\\\"}\"}"}}]}`, "ckerm", "[PERSON_1]"},
		"behind data:":                {`{"role":"user","content":"data:;base64, IBAN DE89 3704 0044 0532 0130 00"}`, "0532", "[IBAN_1]"},
		"in the place of a type":      {`{"role":"user","content":[{"type":"IBAN DE89 3704 0044 0532 0130 00","text":"x"}]}`, "0532", "[IBAN_1]"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body, _ := w.post(t, "/v1/chat/completions", `{"messages":[{"role":"user","content":"Bitte hilf mir."},`+c.message+`]}`, "Schleuse-Purpose", "summarise")
			if status != http.StatusOK {
				t.Fatalf("status %d: %s", status, body)
			}
			sent := string(w.model.Last().Body)
			if strings.Contains(sent, c.secret) || !strings.Contains(sent, c.placeholder) {
				t.Errorf("sent %s", sent)
			}
		})
	}
}

// A request that names a second way out is refused, and the refusal is on record.
func TestNoSecondWayOut(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	for _, field := range []string{
		`"models":["anderes-modell"]`, `"web_search_options":{}`, `"tools":[{"type":"web_search"}]`, `"api_base":"https://example.org"`, `"Model":"anderes-modell"`,
		`"x":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]`,
	} {
		before := len(w.model.Requests())
		status, body, _ := w.post(t, "/v1/chat/completions", `{"model":"modell",`+field+`,"messages":[{"role":"user","content":"Hallo"}]}`, "Schleuse-Purpose", "chat")
		if status != http.StatusBadRequest || len(w.model.Requests()) != before {
			t.Errorf("%s: status %d, %d requests at the model: %s", field, status, len(w.model.Requests())-before, body)
		}
	}
	page, err := w.records(t).List(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}})
	if err != nil || len(page.Items) != 5 { // the second spelling is no request at all
		t.Fatalf("%d records, %v", len(page.Items), err)
	}
	for _, i := range page.Items {
		if i.Closing == nil || i.Closing.Outcome != gateway.OutcomeFailed || i.Closing.Code != gateway.CodeInvalid {
			t.Errorf("closing %+v", i.Closing)
		}
	}
}
