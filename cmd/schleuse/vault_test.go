// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	"github.com/ki-schleuse/schleuse/policies"
)

// demanding permits everything and has the content kept.
type demanding struct{ original bool }

func (d demanding) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	out := gateway.Decision{Effect: gateway.EffectAllow, Obligations: []gateway.Obligation{
		{ID: gateway.ObligationPseudonymise}, {ID: gateway.ObligationLogContent, Params: map[string]any{"days": 30, "original": d.original}},
	}}
	for _, m := range q.Models {
		out.Models = append(out.Models, m.ID)
	}
	return out, nil
}

// strongroom is a service that keeps contents, and the command line beside it.
type strongroom struct {
	place
	*parts

	gateway *gateway.Gateway
}

func openStrongroom(t *testing.T, d demanding, more string) *strongroom {
	t.Helper()
	model := upstreamtest.Start(t)
	s := &strongroom{place: newPlace(t, `vault: {enabled: true`+more+`
access_log: {ceiling: 90d}
endpoints:
  haus: {url: "`+model.URL+`", allow_private: true}
models:
  - {id: aussen, endpoint: haus, residency: private_eu, operator: Wolke GmbH, country: DE, operations: [chat]}
  - {id: innen, endpoint: haus, residency: own_datacentre, operator: Rechenzentrum, country: DE, operations: [chat]}
`)}
	c, err := validConfig(s.place.config)
	if err != nil {
		t.Fatal(err)
	}
	if s.parts, err = build(t.Context(), c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	config := s.gatewayConfig()
	config.Decider, config.KnownPurpose, config.KnownService = d, nil, nil
	if s.gateway, err = gateway.New(config); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *strongroom) request(t *testing.T, model, text string) gateway.Request {
	t.Helper()
	body, err := gateway.ParseBody([]byte(`{"model":"` + model + `","messages":[{"role":"user","content":"` + text + `"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Request{
		Operation: gateway.OperationChat, Purpose: gateway.PurposeSummarise, Case: canaryCase, Model: gateway.ModelID(model), Body: body,
		Caller:   gateway.Caller{Tenant: "provider", System: "woga", KeyID: "k", User: canaryUser, Channel: gateway.ChannelCaseworker},
		Entities: []gateway.Entity{{Type: "person", First: "Frieda", Last: canaryName}},
	}
}

func (s *strongroom) ask(t *testing.T, model string) string {
	t.Helper()
	response, err := s.gateway.Complete(t.Context(), s.request(t, model, canarySentence))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(response.Body), canaryName) {
		t.Errorf("the caller got %s", response.Body)
	}
	return response.ID
}

func (s *strongroom) stream(t *testing.T, model string) string {
	t.Helper()
	r := s.request(t, model, canarySentence)
	if r.Body, _ = gateway.ParseBody(bytes.Replace(r.Body.Bytes(), []byte(`{"model"`), []byte(`{"stream":true,"model"`), 1)); r.Body.Len() == 0 {
		t.Fatal("the body cannot be read")
	}
	stream, err := s.gateway.Stream(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Next()
	}
	if !errors.Is(err, io.EOF) {
		t.Fatalf("the stream ended with %v", err)
	}
	if err := stream.Close(); err != nil {
		t.Fatal(err)
	}
	return stream.ID()
}

func (s *strongroom) open(t *testing.T, id string) (vault.Opened, error) {
	t.Helper()
	by := vault.Actor{Tenant: "provider", Name: "Rita", Roles: []string{"revision"}}
	return s.vault.Show(t.Context(), by, "provider", id, vault.Justification{Reason: "Prüfung nach Beschwerde", Case: "RPA 12"})
}

// files are all files of the data folder with what databases put beside them.
func (s *strongroom) files(t *testing.T) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all = append(append(all, path...), raw...)
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("read the data folder: %d bytes, %v", len(all), err)
	}
	return all
}

// TestContentIsKeptSealed is the way of a content: kept with personal data
// replaced, wherever it went, sealed, opened under a note, erased for good.
func TestContentIsKeptSealed(t *testing.T) {
	t.Parallel()
	s := openStrongroom(t, demanding{}, "}")
	ids := []string{s.ask(t, "aussen"), s.ask(t, "innen"), s.stream(t, "aussen"), s.stream(t, "innen")}
	for _, id := range ids {
		opened, err := s.open(t, id)
		if err != nil {
			t.Fatal(err)
		}
		for name, part := range map[string]*vault.Part{"request": opened.Request, "answer": opened.Answer} {
			if part == nil {
				t.Fatalf("%s: no %s is kept", id, name)
			}
			for _, secret := range personal() {
				if strings.Contains(string(part.Body), secret) {
					t.Errorf("%s: the %s has %q: %s", id, name, secret, part.Body)
				}
			}
			if !strings.Contains(string(part.Body), canaryText) || !strings.Contains(string(part.Body), "[PERSON_1]") || !strings.Contains(string(part.Body), "[IBAN_1]") {
				t.Errorf("%s: the %s is %s", id, name, part.Body)
			}
		}
	}
	if err := s.record.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		entry, err := s.record.Show(t.Context(), audit.Scope{Tenant: "provider"}, id)
		if err != nil || entry.Record.Kept == nil || entry.Closing == nil || entry.Closing.Kept == nil || entry.Record.Kept.Content == entry.Record.Content {
			t.Errorf("%s: record %+v, %v", id, entry.Item, err)
		}
	}
	files := s.files(t)
	for _, secret := range append(personal(), content()...) {
		for _, form := range forms(secret) {
			if bytes.Contains(files, []byte(form)) {
				t.Errorf("%q is in the data folder in plain", form)
			}
		}
	}
}

func TestContentIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	s := openStrongroom(t, demanding{original: true}, "}")
	for _, id := range []string{s.ask(t, "aussen"), s.stream(t, "innen")} {
		opened, err := s.open(t, id)
		if err != nil || !strings.Contains(string(opened.Request.Body), canaryName) || !strings.Contains(string(opened.Answer.Body), canaryName) || !opened.Request.Original {
			t.Errorf("%s: %+v, %v", id, opened, err)
		}
	}
	if files := s.files(t); bytes.Contains(files, []byte(canaryName)) || bytes.Contains(files, []byte(canaryText)) {
		t.Error("the content is in the data folder in plain")
	}
}

// TestPersonsOnTheCommandLine: access, hold and erasure beside a running service.
func TestPersonsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	s := openStrongroom(t, demanding{}, "}")
	id := s.ask(t, "aussen")
	who := []string{"--tenant", "provider", "--case", canaryCase}
	with := func(args ...string) []string { return append(append([]string{}, who...), args...) }

	code, out := s.run(t, personCommand(), append([]string{"access", "--reason", "Antrag vom 22.11.2026"}, who...)...)
	if code != exitFine || !strings.Contains(out, "Wolke GmbH, DE, privater Anbieter in der EU") || !strings.Contains(out, canaryText) || !strings.Contains(out, "höchstens 90 Tagen") {
		t.Errorf("access: %d, %s", code, out)
	}
	for _, end := range []string{"json", "txt", "html", "odt", "pdf"} {
		path := filepath.Join(s.dir, "auskunft."+end)
		if code, out := s.run(t, personCommand(), append([]string{"access", "--reason", "Antrag vom 22.11.2026", "--out", path}, who...)...); code != exitFine || !strings.Contains(out, "geschrieben") {
			t.Errorf("%s: %d, %s", end, code, out)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 500 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", end, info, err)
		}
		if code, _ := s.run(t, personCommand(), append([]string{"access", "--reason", "Antrag vom 22.11.2026", "--out", path}, who...)...); code != exitFailed {
			t.Errorf("%s is overwritten: %d", end, code)
		}
	}
	code, out = s.run(t, holdCommand(), append([]string{"place"}, with("--reason", "Klage beim VG Sigmaringen")...)...)
	if code != exitFine {
		t.Fatalf("hold: %d, %s", code, out)
	}
	hold := strings.Fields(out)[2]
	code, out = s.run(t, personCommand(), append([]string{"erase"}, with("--reason", "Antrag vom 20.11.2026")...)...)
	if code != exitFinding || !strings.Contains(out, hold) || !strings.Contains(out, "Klage beim VG") {
		t.Errorf("erase under a hold: %d, %s", code, out)
	}
	if code, out := s.run(t, holdCommand(), "list", "--tenant", "provider"); code != exitFine || !strings.Contains(out, hold) || strings.Contains(out, canaryCase) {
		t.Errorf("list: %d, %s", code, out)
	}
	if code, out := s.run(t, holdCommand(), "lift", hold, "--tenant", "provider", "--reason", "Klage zurückgenommen"); code != exitFine {
		t.Errorf("lift: %d, %s", code, out)
	}
	code, out = s.run(t, personCommand(), append([]string{"erase"}, with("--reason", "Antrag vom 20.11.2026")...)...)
	if code != exitFine || !strings.Contains(out, "1 Schlüssel vernichtet, 2 Inhalte") || !strings.Contains(out, "§ 35 BDSG") {
		t.Errorf("erase: %d, %s", code, out)
	}
	if opened, err := s.open(t, id); err == nil {
		t.Errorf("after the erasure: %s", opened.Request.Body)
	}
	if _, err := s.gateway.Complete(t.Context(), s.request(t, "aussen", "noch eine Frage")); gateway.CodeOf(err) != gateway.CodeDenied || !strings.Contains(explain(err), "Schlüssel vernichtet") {
		t.Errorf("a request of an erased case: %v", err)
	}
	if code, out := s.run(t, personCommand(), append([]string{"reopen"}, with("--reason", "Neuer Antrag im selben Fall")...)...); code != exitFine {
		t.Errorf("reopen: %d, %s", code, out)
	}
	s.ask(t, "aussen")
	for name, args := range map[string][]string{
		"no tenant": {"access", "--reason", "Antrag vom 22.11.2026", "--case", "1"}, "no reason": {"access", "--tenant", "provider", "--case", "1"}, "odd end": {"access", "--tenant", "provider", "--case", "1", "--out", "x.exe"},
	} {
		if code, out := s.run(t, personCommand(), args...); code != exitUsage {
			t.Errorf("%s: %d, %s", name, code, out)
		}
	}
	if code, out := s.run(t, personCommand(), "erase", "--tenant", "provider", "--case", "1"); code != exitFailed || !strings.Contains(out, "Begründung") {
		t.Errorf("without a reason: %d, %s", code, out)
	}
	var topics []string
	for _, n := range s.journal(t) {
		topics = append(topics, n.Note.Topic)
	}
	for _, want := range []string{audit.TopicAccessGiven, audit.TopicHoldPlaced, audit.TopicHoldLifted, audit.TopicKeyDestroyed, audit.TopicErased, vault.TopicCaseReopened} {
		if !strings.Contains(strings.Join(topics, " "), want) {
			t.Errorf("no note of %s among %v", want, topics)
		}
	}
}

func TestWithoutAVaultContentIsNotKept(t *testing.T) {
	t.Parallel()
	s := openStrongroom(t, demanding{}, "}")
	s.parts.config.Vault.Enabled = false
	config := s.gatewayConfig()
	config.Decider, config.KnownPurpose, config.KnownService = demanding{}, nil, nil
	g, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Complete(t.Context(), s.request(t, "aussen", "Hallo")); gateway.CodeOf(err) != gateway.CodeDenied {
		t.Errorf("without a vault: %v", err)
	}
}

// TestVaultInPostgres: contents and keys in two databases, and in one.
func TestVaultInPostgres(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]string{"two": ", keys_database: \"" + postgrestest.DSN(t) + "\"}"} {
		s := openStrongroom(t, demanding{}, keys+"\ndatabase: \""+postgrestest.DSN(t)+"\"")
		id := s.ask(t, "innen")
		if opened, err := s.open(t, id); err != nil || !strings.Contains(string(opened.Answer.Body), canaryText) {
			t.Errorf("%s: %+v, %v", name, opened, err)
		}
		if code, out := s.run(t, personCommand(), "erase", "--tenant", "provider", "--case", canaryCase, "--reason", "Antrag vom 20.11."); code != exitFine || !strings.Contains(out, "1 Schlüssel") {
			t.Errorf("%s: erase: %d, %s", name, code, out)
		}
		if _, err := s.open(t, id); err == nil {
			t.Errorf("%s: the content is open after its erasure", name)
		}
	}
}

// TestSearchIsInTheRetrievalLog: whoever finds a document has left a trace.
func TestSearchIsInTheRetrievalLog(t *testing.T) {
	t.Parallel()
	w := setup(t, "")
	if _, err := w.syncOnce(t.Context(), w.config.Sources[0], false); err != nil {
		t.Fatal(err)
	}
	status, answer, _ := w.post(t, "/api/v1/search", `{"query":"Immatrikulationsbescheinigung BAföG","sources":["dienstanweisungen"],"schleuse":{"purpose":"research","case":"`+canaryCase+`"}}`)
	list, err := w.access.List(t.Context(), accesslog.Filter{Tenant: demoTenant})
	if err != nil || len(list) != 1 {
		t.Fatalf("retrievals %+v, %v; the answer was %d %s", list, err, status, answer)
	}
	r := list[0]
	if r.System != demoWohngeld || r.Purpose != gateway.PurposeResearch || r.Case != w.keys.Pseudonymise(demoTenant, "case", canaryCase) || r.Count == 0 || r.Time.After(time.Now()) || !strings.HasPrefix(r.Request, "e-") {
		t.Errorf("retrieval %+v", r)
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"180d": 180 * 24 * time.Hour, "36h": 36 * time.Hour} {
		c, err := parseConfig([]byte("access_log: {ceiling: " + text + "}"))
		if err != nil || time.Duration(c.AccessLog.Ceiling) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(c.AccessLog.Ceiling), err)
		}
	}
	for _, text := range []string{"d", "-1d", "sechs Monate", "99999999d"} {
		if _, err := parseConfig([]byte("access_log: {ceiling: " + text + "}")); err == nil {
			t.Errorf("%s is a duration", text)
		}
	}
	for _, text := range []string{"182d", "1h", "4400h"} {
		c, err := parseConfig([]byte("access_log: {ceiling: " + text + "}"))
		if err != nil || c.validateVault() == nil {
			t.Errorf("%s is a ceiling: %v", text, err)
		}
	}
}

// TestTheRulesHaveContentKept: a tenant's duty becomes an obligation, the
// obligation a sealed content, by HTTP and with the rules that are shipped. With
// no_content_log beside it, or without a vault, the request is denied.
func TestTheRulesHaveContentKept(t *testing.T) {
	t.Parallel()
	for name, enabled := range map[string]bool{"vault": true, "no vault": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setupWith(t, func(c *Config) {
				c.Vault.Enabled = enabled
				c.Models[0].Residency, c.Models[0].ProcessorKind = gateway.ResidencyOwn, "own"
				c.Duties = map[gateway.TenantID]policies.TenantDuties{demoTenant: {KeepContent: map[gateway.Purpose]int{gateway.PurposeResearch: 30}}}
			})
			body := `{"messages":[{"role":"user","content":"Welche Fristen gelten? Textkanarie"}],"schleuse":{"purpose":"research","case":"` + canaryCase + `"}}`
			status, answer, _ := w.post(t, "/v1/chat/completions", body)
			if !enabled {
				if status != http.StatusForbidden || !strings.Contains(answer, "log_content") || len(w.model.Requests()) != 0 {
					t.Errorf("status %d: %.400s", status, answer)
				}
				return
			}
			if status != http.StatusOK {
				t.Fatalf("status %d: %.400s", status, answer)
			}
			page, err := w.records(t).List(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}})
			if err != nil || len(page.Items) != 1 || page.Items[0].Record.Kept == nil || page.Items[0].Record.Kept.Days != 30 {
				t.Fatalf("record %+v, %v", page.Items, err)
			}
			by := vault.Actor{Tenant: demoTenant, Name: "Rita", Roles: []string{"revision"}}
			opened, err := w.vault.Show(t.Context(), by, demoTenant, page.Items[0].Record.ID, vault.Justification{Reason: "Prüfung nach Beschwerde", Case: "RPA 12"})
			if err != nil || !strings.Contains(string(opened.Request.Body), canaryText) || opened.Answer == nil {
				t.Errorf("opened %+v, %v", opened, err)
			}
		})
	}
}
