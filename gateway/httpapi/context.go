// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// matter is what a caller says about a request beside its content: what it is
// for, which case it belongs to, how sensitive it is.
type matter struct {
	purpose  gateway.Purpose
	service  gateway.ServiceID
	file     string // Aktenzeichen
	classes  []gateway.DataClass
	entities []gateway.Entity
	sources  []string
	date     time.Time
	// conversation is opaque: it keeps the turns of one conversation at one model.
	conversation string
	// chain are the purposes of earlier steps, fields the names of the data fields.
	chain      []gateway.Purpose
	fields     []string
	automation *gateway.Automation
	ruling     *gateway.Ruling
}

const (
	maxHeader   = 512
	maxEntities = 200
	maxSources  = 50
	maxClasses  = 8
	maxName     = 300
	maxChain    = 20
	maxFields   = 300
	maxTenor    = 20_000
)

// matterOf reads the headers and, when given, the "schleuse" object of the body.
// A contradiction between the two is an error, not a choice of ours.
func matterOf(h http.Header, raw json.RawMessage) (matter, error) {
	fromHeaders, err := matterOfHeaders(h)
	if err != nil || len(raw) == 0 || string(raw) == "null" {
		return fromHeaders, err
	}
	m, err := matterOfObject(raw)
	if err != nil {
		return matter{}, err
	}
	err = firstError(
		merge(&m.purpose, fromHeaders.purpose, "schleuse.purpose"),
		merge(&m.service, fromHeaders.service, "schleuse.service"),
		merge(&m.file, fromHeaders.file, "schleuse.case"),
		merge(&m.conversation, fromHeaders.conversation, "schleuse.conversation"),
	)
	m.classes = append(m.classes, fromHeaders.classes...) // classes only raise
	return m, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func merge[T ~string](into *T, other T, path string) error {
	if *into == "" {
		*into = other
	}
	if other != "" && *into != other {
		return invalid(path, "Die Angabe widerspricht der Kopfzeile der Anfrage.")
	}
	return nil
}

func matterOfHeaders(h http.Header) (matter, error) {
	var m matter
	read := func(name string) (string, error) {
		v := strings.TrimSpace(h.Get(name))
		if len(v) > maxHeader || !utf8.ValidString(v) {
			return "", invalid(name, "Die Kopfzeile ist zu lang oder nicht in UTF-8 kodiert.")
		}
		return v, nil
	}
	purpose, err1 := read("Schleuse-Purpose")
	service, err2 := read("Schleuse-Service")
	file, err3 := read("Schleuse-Case")
	classes, err4 := read("Schleuse-Data-Class")
	conversation, err5 := read("Schleuse-Conversation")
	if err := firstError(err1, err2, err3, err4, err5); err != nil {
		return m, err
	}
	m.conversation = conversation
	m.purpose, m.service, m.file = gateway.Purpose(purpose), gateway.ServiceID(service), file
	var err error
	if classes != "" {
		m.classes, err = dataClasses(strings.Split(classes, ","), "Schleuse-Data-Class")
	}
	return m, err
}

func matterOfObject(raw json.RawMessage) (matter, error) {
	o, err := parseObject(raw, "schleuse", "purpose", "service", "case", "data_class", "case_entities", "sources", "date", "conversation", "chain", "fields", "automation", "decision")
	if err != nil {
		return matter{}, err
	}
	var m matter
	purpose, err1 := o.text("purpose", 64)
	service, err2 := o.text("service", 128)
	file, err3 := o.text("case", 128)
	classes, err4 := o.texts("data_class", maxClasses)
	sources, err5 := o.texts("sources", maxSources)
	date, err6 := o.date("date")
	entities, err7 := o.list("case_entities", maxEntities)
	conversation, err8 := o.text("conversation", maxHeader)
	if err := firstError(err1, err2, err3, err4, err5, err6, err7, err8); err != nil {
		return matter{}, err
	}
	m.purpose, m.service, m.file = gateway.Purpose(purpose), gateway.ServiceID(service), file
	m.sources, m.date, m.conversation = sources, date, conversation
	if m.classes, err = dataClasses(classes, "schleuse.data_class"); err != nil {
		return matter{}, err
	}
	if err := m.readCase(o); err != nil {
		return matter{}, err
	}
	for i, e := range entities {
		entity, err := entityOf(e, fmt.Sprintf("schleuse.case_entities[%d]", i))
		if err != nil {
			return matter{}, err
		}
		m.entities = append(m.entities, entity)
	}
	return m, nil
}

// readCase reads what is said about the case: earlier steps, fields, automation and
// the decision a person has made.
func (m *matter) readCase(o object) error {
	chain, err1 := o.texts("chain", maxChain)
	fields, err2 := o.texts("fields", maxFields)
	automation, err3 := o.raw("automation")
	decision, err4 := o.raw("decision")
	if err := firstError(err1, err2, err3, err4); err != nil {
		return err
	}
	for _, purpose := range chain {
		m.chain = append(m.chain, gateway.Purpose(purpose))
	}
	m.fields = fields
	var err error
	if automation != nil {
		if m.automation, err = automationOf(automation); err != nil {
			return err
		}
	}
	if decision != nil {
		m.ruling, err = rulingOf(decision)
	}
	return err
}

// automationOf reads {"complete", "free_text"}; both have to be said.
func automationOf(raw json.RawMessage) (*gateway.Automation, error) {
	o, err := parseObject(raw, "schleuse.automation", "complete", "free_text")
	if err != nil {
		return nil, err
	}
	complete, err1 := o.said("complete")
	freeText, err2 := o.said("free_text")
	return &gateway.Automation{Complete: complete, FreeText: freeText}, firstError(err1, err2)
}

// rulingOf reads {"tenor", "burdening", "hearing"}.
func rulingOf(raw json.RawMessage) (*gateway.Ruling, error) {
	o, err := parseObject(raw, "schleuse.decision", "tenor", "burdening", "hearing")
	if err != nil {
		return nil, err
	}
	tenor, err1 := o.required("tenor", maxTenor)
	burdening, err2 := o.said("burdening")
	hearing, err3 := o.text("hearing", 20)
	if err := firstError(err1, err2, err3); err != nil {
		return nil, err
	}
	r := gateway.Ruling{Tenor: tenor, Burdening: burdening, Hearing: gateway.Hearing(hearing)}
	switch r.Hearing {
	case "", gateway.HearingHeld, gateway.HearingWaived, gateway.HearingOpen:
		return &r, nil
	}
	return nil, invalid("schleuse.decision.hearing", "Erwartet wird held (angehört), waived (Ausnahme) oder open (steht aus).")
}

// said takes yes or no; silence is neither.
func (o object) said(key string) (bool, error) {
	var yes bool
	if !o.has(key) || json.Unmarshal(o.fields[key], &yes) != nil {
		return false, invalid(o.at(key), "Erwartet wird true oder false.")
	}
	return yes, nil
}

// knownClasses: a class with a typing error must not weaken the protection.
var knownClasses = [...]gateway.DataClass{
	gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9,
	gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential,
}

func dataClasses(names []string, path string) ([]gateway.DataClass, error) {
	var out []gateway.DataClass
	for _, name := range names {
		class := gateway.DataClass(strings.TrimSpace(name))
		if !slices.Contains(knownClasses[:], class) {
			return nil, invalid(path, "Diese Datenklasse ist nicht bekannt. Bekannt sind: public, internal, personal, art9, sozialdaten, steuer, trade, confidential.")
		}
		out = append(out, class)
	}
	return out, nil
}

// entityOf reads {"type","value":"…"|{"first","last","birth_name"},"role"}.
func entityOf(raw json.RawMessage, path string) (gateway.Entity, error) {
	o, err := parseObject(raw, path, "type", "value", "role")
	if err != nil {
		return gateway.Entity{}, err
	}
	kind, err1 := o.required("type", 64)
	role, err2 := o.text("role", 64)
	if err := firstError(err1, err2); err != nil {
		return gateway.Entity{}, err
	}
	e := gateway.Entity{Type: kind, Role: role}
	value := o.fields["value"]
	if len(value) == 0 || value[0] != '{' {
		e.Value, err = o.required("value", maxName)
		return e, err
	}
	n, err := parseObject(value, path+".value", "first", "last", "birth_name")
	if err != nil {
		return gateway.Entity{}, err
	}
	var err3 error
	e.First, err1 = n.text("first", maxName)
	e.Last, err2 = n.text("last", maxName)
	e.BirthName, err3 = n.text("birth_name", maxName)
	if err := firstError(err1, err2, err3); err != nil {
		return gateway.Entity{}, err
	}
	if e.First+e.Last+e.BirthName == "" {
		return gateway.Entity{}, invalid(path+".value", "Der Name ist leer.")
	}
	return e, nil
}

// request is the start of a gateway request from what was said about it.
func (m *matter) request(caller gateway.Caller, o gateway.Operation) gateway.Request {
	return gateway.Request{
		Caller: caller, Operation: o, Purpose: m.purpose, Service: m.service, Case: m.file,
		CaseDate: m.date, DataClass: m.classes, Entities: m.entities, Sources: m.sources,
		Conversation: m.conversation, Chain: m.chain, Fields: m.fields, Automation: m.automation, Ruling: m.ruling,
	}
}
