// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
)

// tool is one tool of our own: a name for a call of the HTTP interface.
type tool struct {
	name, title, description string
	path                     string
	purpose                  gateway.Purpose // of a call that names none
	schema                   json.RawMessage
}

// hints: nothing here changes anything outside, the same input gives the same result.
func (t tool) hints() *sdk.ToolAnnotations {
	closed := false
	return &sdk.ToolAnnotations{Title: t.title, ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: &closed}
}

// tools is the whole list. Arguments are the body of the call, as the OpenAPI
// document describes it.
func tools() []tool {
	return []tool{
		{
			name: "vollstaendigkeit_pruefen", title: "Antrag auf Vollständigkeit prüfen", path: "/api/v1/checks",
			description: "Prüft einen Antrag mit seinen Unterlagen nach den Regeln der Leistung und nennt fehlende Angaben und Nachweise mit Rechtsgrundlage. Entscheidet nicht über den Anspruch.",
			schema: schema(`"service":{"type":"string","description":"Kennung der Leistung, zum Beispiel wohngeld-mietzuschuss"},
				"application":{"type":"object","description":"Angaben des Antrags"},
				"documents":{"type":"array","maxItems":200,"items":{"type":"object"},"description":"Unterlagen: {id, name, media_type, type, person, content (base64)}"},
				"date":{"type":"string","description":"Stichtag JJJJ-MM-TT"},"params":{"type":"object"},"case":{"type":"string","description":"Aktenzeichen"}`, "service", "application"),
		},
		{
			name: "schreiben_entwerfen", title: "Schreiben entwerfen", path: "/api/v1/drafts",
			description: "Stellt aus einem Prüfbericht oder aus Tatsachen einen Entwurf zusammen, zum Beispiel eine Nachforderung. Der Entwurf wird erst durch die Freigabe einer benannten Person zum Schreiben.",
			schema: schema(`"kind":{"type":"string","description":"Art des Schreibens, zum Beispiel request_documents oder receipt"},
				"service":{"type":"string"},"check_id":{"type":"string","description":"Kennung einer Prüfung"},"report":{"type":"object"},
				"facts":{"type":"object"},"recipient":{"type":"object"},"date":{"type":"string"},"case":{"type":"string"}`, "kind"),
		},
		{
			name: "akte_durchsuchen", title: "Akte durchsuchen", path: "/api/v1/search", purpose: gateway.PurposeResearch,
			description: "Findet Stellen in den freigegebenen Quellen, die der Aufrufer lesen darf, mit Fundstelle.",
			schema:      schema(`"query":{"type":"string","maxLength":4000},"sources":{"type":"array","items":{"type":"string"}},"limit":{"type":"integer","minimum":1,"maximum":50}`, "query"),
		},
		{
			name: "normen_suchen", title: "Normen suchen", path: "/api/v1/norms/search",
			description: "Findet Paragrafen zu einer Frage und prüft, ob genannte Vorschriften bestehen. Ist kein Gesetzestext eingelesen, wird nur die Zitierung geprüft.",
			schema:      schema(`"query":{"type":"string","maxLength":4000,"description":"Frage oder Zitat, zum Beispiel § 22 Abs. 1 WoGG"},"limit":{"type":"integer","minimum":1,"maximum":50}`, "query"),
		},
		{
			name: "einordnen", title: "Vorhaben einordnen", path: "/api/v1/classifications",
			description: "Ordnet einen Zweck und eine Leistung nach der KI-Verordnung und dem Datenschutz ein: Risikoklasse mit Norm, Pflichten, zulässige Modelle. Ohne Rechtsberatung zu ersetzen.",
			schema: schema(`"purpose":{"type":"string","description":"Zweck, zum Beispiel completeness_check"},"service":{"type":"string"},
				"channel":{"type":"string","enum":["caseworker","citizen","system"]},"data_class":{"type":"array","items":{"type":"string"}}`, "purpose"),
		},
	}
}

// schema is a JSON schema of an object with these properties.
func schema(properties string, required ...string) json.RawMessage {
	names, err := json.Marshal(required)
	if err != nil {
		names = []byte("[]")
	}
	var out bytes.Buffer
	if err := json.Compact(&out, fmt.Appendf(nil, `{"type":"object","properties":{%s},"required":%s,"additionalProperties":false}`, properties, names)); err != nil {
		return json.RawMessage(`{"type":"object"}`) // caught by the package's tests
	}
	return out.Bytes()
}

func (t tool) request(ctx context.Context, arguments json.RawMessage) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.path, bytes.NewReader(arguments))
	if err != nil {
		return nil, &gateway.Error{Op: "call tool", Code: gateway.CodeInternal, Message: "Der Aufruf konnte nicht bearbeitet werden.", Err: err}
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// recorder takes the answer of the HTTP interface.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	limit  int64
	full   bool
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if int64(r.body.Len()+len(p)) > r.limit {
		r.full = true
		return len(p), nil
	}
	return r.body.Write(p)
}

// result is the answer as structured content and, for clients that read text
// only, as text. A refusal is readable for the model.
func (r *recorder) result() *sdk.CallToolResult {
	if r.full {
		return refused(&gateway.Error{Code: gateway.CodeTooLarge, Message: "Das Ergebnis ist zu groß für ein Werkzeug. Bitte grenzen Sie die Anfrage ein."})
	}
	if r.status != http.StatusOK && r.status != http.StatusCreated {
		return refused(problem(r.body.Bytes()))
	}
	raw := r.body.Bytes()
	return &sdk.CallToolResult{
		StructuredContent: json.RawMessage(raw), Content: []sdk.Content{&sdk.TextContent{Text: string(raw)}},
		Meta: sdk.Meta{"schleuse/decision": r.header.Get("Schleuse-Decision")},
	}
}

// problem reads an RFC 9457 problem.
func problem(raw []byte) error {
	var p struct {
		Title    string `json:"title"`
		Detail   string `json:"detail"`
		Path     string `json:"path"`
		Decision string `json:"decision_id"`
	}
	if json.Unmarshal(raw, &p) != nil {
		return &gateway.Error{Code: gateway.CodeInternal}
	}
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	return &gateway.Error{Message: text, Path: p.Path, RequestID: p.Decision}
}
