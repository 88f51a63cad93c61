// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Input is what a check is asked.
type Input struct {
	Service gateway.ServiceID
	// Application is the JSON object of the form's fields.
	Application json.RawMessage
	// Params are the tenant's values; missing ones take the service's defaults.
	Params    map[string]any
	Documents []InputDocument
	// Date of the case: law and rules of that day apply. Zero: the service's
	// date field, else today.
	Date time.Time
	// Case is the Aktenzeichen.
	Case string
}

// InputDocument is a document that was handed in.
type InputDocument struct {
	ID, Name, MediaType string
	// Type is what the caller says it is; empty: found from the content.
	Type string
	// Person is the id of the person in the application's list.
	Person string
	// Format is the media type of a document that is only declared.
	Format string
	// Content is nil when the document is only declared.
	Content []byte
	// Fields are further facts the caller knows, for example date (YYYY-MM-DD).
	Fields map[string]string
}

// Limits of what a check accepts.
const (
	maxRequest     = 96 << 20 // with base64 documents
	maxApplication = 2 << 20
	maxDocuments   = 200
	maxDocument    = 32 << 20
	maxDepth       = 24
	maxNodes       = 50_000
	maxNumber      = 32 // characters of a number
)

func invalid(path, message string) *gateway.Error {
	return &gateway.Error{Op: "check application", Code: gateway.CodeInvalid, Path: path, Message: message}
}

func tooLarge(path, message string) *gateway.Error {
	return &gateway.Error{Op: "check application", Code: gateway.CodeTooLarge, Path: path, Message: message}
}

// ParseInput reads the JSON body of POST /api/v1/checks, which is also a line of
// applications.jsonl. Keys that describe an expectation (id, note, expected,
// from) are ignored. Errors are *gateway.Error and name the path.
func ParseInput(raw []byte) (Input, error) {
	if len(raw) > maxRequest {
		return Input{}, tooLarge("", "Die Anfrage ist zu groß.")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(raw, &top); err != nil || top == nil {
		return Input{}, &gateway.Error{Op: "parse check", Code: gateway.CodeInvalid, Message: "Die Anfrage ist kein JSON-Objekt.", Err: err}
	}
	var in Input
	for _, key := range slices.Sorted(maps.Keys(top)) {
		if err := in.set(key, top[key]); err != nil {
			return Input{}, err
		}
	}
	if len(in.Application) == 0 {
		return Input{}, invalid("application", "Der Antrag fehlt.")
	}
	return in, nil
}

// ParseApplication reads either the same object as ParseInput or a bare
// application. The service given here wins over an empty one in the object and
// must not contradict it.
func ParseApplication(service gateway.ServiceID, raw []byte) (Input, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(raw, &top); err != nil || top == nil {
		return Input{}, &gateway.Error{Op: "parse application", Code: gateway.CodeInvalid, Message: "Der Antrag ist kein JSON-Objekt.", Err: err}
	}
	if _, ok := top["application"]; !ok {
		return Input{Service: service, Application: bytes.Clone(raw)}, nil
	}
	in, err := ParseInput(raw)
	if err != nil {
		return Input{}, err
	}
	if in.Service != "" && service != "" && in.Service != service {
		return Input{}, invalid("service", fmt.Sprintf("Die Datei nennt die Leistung %q, angegeben ist %q.", in.Service, service))
	}
	if in.Service == "" {
		in.Service = service
	}
	return in, nil
}

func (in *Input) set(key string, v json.RawMessage) error {
	switch key {
	case "service":
		return str(key, v, (*string)(&in.Service))
	case "case":
		return str(key, v, &in.Case)
	case "application":
		in.Application = bytes.Clone(v)
		return nil
	case "params":
		return decodeParams(v, &in.Params)
	case "date":
		var s string
		if err := str(key, v, &s); err != nil || s == "" {
			return err
		}
		t, err := time.Parse(time.DateOnly, s)
		if err != nil || t.Year() < firstYear || t.Year() > lastYear {
			return invalid(key, "Das Datum muss im Format JJJJ-MM-TT angegeben werden.")
		}
		in.Date = t
		return nil
	case "documents":
		return in.setDocuments(v)
	case "id", "note", "expected", "from", "schleuse":
		return nil
	}
	return invalid(key, "Dieses Feld der Anfrage ist nicht bekannt.")
}

func str(path string, v json.RawMessage, into *string) error {
	if err := json.Unmarshal(v, into); err != nil {
		return invalid(path, "Erwartet wird ein Text.")
	}
	return nil
}

func decodeParams(v json.RawMessage, into *map[string]any) error {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return invalid("params", "Erwartet wird eine Gruppe von Angaben.")
	}
	return nil
}

func (in *Input) setDocuments(v json.RawMessage) error {
	var docs []map[string]json.RawMessage
	if err := json.Unmarshal(v, &docs); err != nil {
		return invalid("documents", "Erwartet wird eine Liste von Dokumenten.")
	}
	if len(docs) > maxDocuments {
		return tooLarge("documents", fmt.Sprintf("Es sind höchstens %d Dokumente möglich.", maxDocuments))
	}
	for i, raw := range docs {
		d, err := parseDocument(fmt.Sprintf("documents[%d]", i), raw)
		if err != nil {
			return err
		}
		in.Documents = append(in.Documents, d)
	}
	return nil
}

func parseDocument(path string, raw map[string]json.RawMessage) (InputDocument, error) {
	d := InputDocument{Fields: map[string]string{}}
	texts := map[string]*string{"id": &d.ID, "name": &d.Name, "file": &d.Name, "media_type": &d.MediaType, "type": &d.Type, "person": &d.Person, "format": &d.Format}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		v, at := raw[key], path+"."+key
		if bytes.Equal(v, []byte("null")) {
			continue
		}
		if into, ok := texts[key]; ok {
			if err := str(at, v, into); err != nil {
				return d, err
			}
			continue
		}
		if key == "content" {
			content, err := decodeContent(at, v)
			if err != nil {
				return d, err
			}
			d.Content = content
			continue
		}
		s, err := scalar(at, v)
		if err != nil {
			return d, err
		}
		d.Fields[key] = s
	}
	if raw == nil {
		return d, invalid(path, "Das Dokument ist leer.")
	}
	return d, nil
}

func decodeContent(path string, v json.RawMessage) ([]byte, error) {
	var s string
	if err := str(path, v, &s); err != nil {
		return nil, err
	}
	if base64.StdEncoding.DecodedLen(len(s)) > maxDocument+3 {
		return nil, tooLarge(path, "Das Dokument ist zu groß.")
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, invalid(path, "Der Inhalt ist nicht gültig in Base64 kodiert.")
	}
	if b == nil {
		b = []byte{} // an empty file is a file, not a declaration
	}
	return b, nil
}

// scalar renders text, number or yes/no as text; other facts are refused.
func scalar(path string, v json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		return "", invalid(path, "Der Wert ist nicht lesbar.")
	}
	switch x := x.(type) {
	case string:
		return x, nil
	case bool:
		return fmt.Sprint(x), nil
	case json.Number:
		return x.String(), nil
	}
	return "", invalid(path, "Erwartet wird ein einzelner Wert.")
}
