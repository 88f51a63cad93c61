// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Service is a public service (Leistung) as its service.yaml describes it: what
// is asked for, on which legal basis, and how people are told.
type Service struct {
	ID      gateway.ServiceID `yaml:"id"`
	Version string            `yaml:"version"`
	// LeiKa is the key of the Leistungskatalog; empty where none is known.
	LeiKa     string `yaml:"leika"`
	Title     Title  `yaml:"title"`
	Authority string `yaml:"authority"`
	// Nature is Antrag or Anzeige.
	Nature     string     `yaml:"nature"`
	Procedure  Procedure  `yaml:"procedure"`
	AIAct      AIAct      `yaml:"ai_act"`
	Automation Automation `yaml:"automation"`

	DataClasses []gateway.DataClass `yaml:"data_classes"`
	Validity    `yaml:",inline"`
	// DateField gives the date of the case when the caller names none.
	DateField string    `yaml:"date_field"`
	Persons   Persons   `yaml:"persons"`
	Extracts  []Extract `yaml:"extracts"`

	Params        []Param        `yaml:"params"`
	Fields        []Field        `yaml:"fields"`
	Evidence      []Requirement  `yaml:"evidence"`
	Rules         []Rule         `yaml:"rules"`
	Nachforderung Nachforderung  `yaml:"nachforderung"`
	Remedy        Remedy         `yaml:"remedy"`
	Verification  string         `yaml:"verification"`
	RulesSHA256   string         `yaml:"-"`
	fields        map[string]int // id → index
	evidence      map[string]int
	rules         map[string]int
}

// Title of a service in the languages it is published in.
type Title struct {
	DE string `yaml:"de"`
	EN string `yaml:"en"`
}

// Procedure says which procedural code applies; deadlines and letters depend on it.
type Procedure struct {
	// Regime is sgb, vwvfg, lvwvfg or ao.
	Regime string   `yaml:"regime"`
	Land   string   `yaml:"land"`
	Laws   []string `yaml:"laws"`
}

// AIAct names the point of Annex III, if any.
type AIAct struct {
	AnnexIII string `yaml:"annex_iii"`
	Note     string `yaml:"note"`
}

// Automation names the norm that allows a fully automatic act, if any.
type Automation struct {
	Norm string `yaml:"norm"`
	Note string `yaml:"note"`
}

// Validity is the time in which something applies; an empty end is open.
type Validity struct {
	ValidFrom string `yaml:"valid_from"`
	ValidTo   string `yaml:"valid_to"`
}

// On says whether the validity covers the day, given as YYYY-MM-DD.
func (v Validity) On(day string) bool {
	return (v.ValidFrom == "" || v.ValidFrom <= day) && (v.ValidTo == "" || day <= v.ValidTo)
}

// Persons says where the application names the people of the case.
type Persons struct {
	// List is a list field whose items have id, name and geburtsdatum.
	List string `yaml:"list"`
	// First and Last, or Full, are paths of the applicant's name, Birth of the date of birth.
	First string `yaml:"first"`
	Last  string `yaml:"last"`
	Full  string `yaml:"full"`
	Birth string `yaml:"birth"`
}

// Extract is a value that is read from a document and put into the application
// at Path, unless the application already has one.
type Extract struct {
	Path  string `yaml:"path"`
	Type  string `yaml:"type"`
	Field string `yaml:"field"`
}

// Param is a value a tenant (Mandant) sets, usually from a local ordinance.
type Param struct {
	ID    string `yaml:"id"`
	Label string `yaml:"label"`
	// Type is int, bool, string, string_list or ags.
	Type    string `yaml:"type"`
	Default any    `yaml:"default"`
}

// Needed says when a field or evidence is required.
type Needed string

// Values of Needed. Conditional ones are decided by rules.rego.
const (
	Always      Needed = "always"
	Conditional Needed = "conditional"
	Optional    Needed = "optional"
)

// Legal is on what something rests.
type Legal struct {
	// Basis holds one citation per element.
	Basis []string `yaml:"basis"`
	// Note is a source that is no citation of a norm, for example "Satzung".
	Note string `yaml:"basis_note"`
	// Origin is law, practice, tenant, secondary or unverified.
	Origin string `yaml:"origin"`
}

// Field is a field of the application.
type Field struct {
	ID    string `yaml:"id"`
	Label string `yaml:"label"`
	// Type is string, text, address, date, bool, int, money, enum, iban, kfz,
	// ags, choice (text or yes/no) or list.
	Type     string   `yaml:"type"`
	Values   []string `yaml:"values"`
	Required Needed   `yaml:"required"`
	Legal    `yaml:",inline"`
	Validity `yaml:",inline"`
	// Question asks for the field; empty: built from the label.
	Question string `yaml:"question"`
	// Items are the fields of each item of a list.
	Items []Field `yaml:"items"`
}

// Requirement is evidence (Nachweis) the applicant has to hand in.
type Requirement struct {
	ID    string `yaml:"id"`
	Label string `yaml:"label"`
	// Accepts are alternatives; "a+b" means both.
	Accepts []string `yaml:"accepts"`
	// ForEach repeats the requirement per item of a list field.
	ForEach string `yaml:"for_each"`
	// MinCount is the number of documents needed; 0 means 1.
	MinCount int    `yaml:"min_count"`
	Required Needed `yaml:"required"`
	// Severity is ask (default) or hint: does not make the application incomplete.
	Severity Severity `yaml:"severity"`
	Legal    `yaml:",inline"`
	Validity `yaml:",inline"`
	// ByAuthority: the authority can get this itself.
	ByAuthority bool   `yaml:"by_authority"`
	Question    string `yaml:"question"`
}

// Rule is a condition that must not be violated; rules.rego decides when it is.
type Rule struct {
	ID       string   `yaml:"id"`
	Severity Severity `yaml:"severity"`
	Message  string   `yaml:"message"`
	// Question to the applicant; required for severity ask.
	Question string `yaml:"question"`
	// Params without which the rule cannot be checked.
	Params   []string `yaml:"params"`
	Legal    `yaml:",inline"`
	Validity `yaml:",inline"`
}

// Nachforderung is the content of the request for missing documents.
type Nachforderung struct {
	Basis   []string `yaml:"basis"`
	Note    string   `yaml:"basis_note"`
	Content []string `yaml:"content"`
	// PeriodParam names the parameter that holds the period in days.
	PeriodParam string `yaml:"period_param"`
}

// Remedy says what can be done against the act at the end of the procedure.
type Remedy struct {
	Act            string `yaml:"act"`
	Remedy         string `yaml:"remedy"`
	Period         string `yaml:"period"`
	Form           string `yaml:"form"`
	Court          string `yaml:"court"`
	Notice         string `yaml:"notice"`
	ServiceFiction string `yaml:"service_fiction"`
}

// Card is what policies know about the service.
func (s Service) Card() gateway.ServiceCard {
	return gateway.ServiceCard{
		ID: s.ID, Title: s.Title.DE, AnnexIII: s.AIAct.AnnexIII,
		DataClasses: s.DataClasses, AutomationNorm: s.Automation.Norm,
		LegalBasis: s.Procedure.Laws, Fields: map[gateway.Purpose][]string{"*": s.names()},
	}
}

// names are the paths of all fields, those of list items too.
func (s Service) names() []string {
	var out []string
	for _, f := range s.Fields {
		out = append(out, f.ID)
		for _, item := range f.Items {
			out = append(out, f.ID+"."+item.ID)
		}
	}
	return out
}

// Field returns the field with the path; item fields have a path like "haushalt.name".
func (s Service) Field(path string) (Field, bool) {
	if i, ok := s.fields[path]; ok {
		return s.Fields[i], true
	}
	list, item, ok := strings.Cut(path, ".")
	if i, found := s.fields[list]; ok && found {
		for _, f := range s.Fields[i].Items {
			if f.ID == item {
				return f, true
			}
		}
	}
	return Field{}, false
}

var (
	citation  = regexp.MustCompile(`^(§ \d+[a-z]?|Art\. \d+[a-z]?|Anlage \d+)( (Abs\.|Nr\.|Satz|Buchst\.|Unterabs\.) [0-9]*[a-z]*)* [A-ZÄÖÜ][A-Za-zÄÖÜäöü-]*( [A-Z]+)?$`)
	serviceID = regexp.MustCompile(`^[a-z][a-z0-9-]{1,60}$`)
	types     = map[string]bool{"string": true, "text": true, "address": true, "date": true, "bool": true, "int": true, "money": true, "enum": true, "iban": true, "kfz": true, "ags": true, "choice": true, "list": true}
	origins   = map[string]bool{"law": true, "practice": true, "tenant": true, "secondary": true, "unverified": true}
	regimes   = map[string]bool{"sgb": true, "vwvfg": true, "lvwvfg": true, "ao": true}
)

// validate collects everything that is wrong with a definition.
func validate(s *Service) []string {
	var p problems
	p.check(serviceID.MatchString(string(s.ID)), "id %q is not lower case with hyphens", s.ID)
	p.check(s.Version != "" && s.Title.DE != "", "version and title.de are required")
	p.check(regimes[s.Procedure.Regime], "procedure.regime %q is unknown", s.Procedure.Regime)
	p.check(len(s.DataClasses) > 0, "data_classes are required")
	p.check(s.ValidFrom != "", "valid_from is required")
	p.validity("service", s.Validity)
	p.basis("nachforderung", s.Nachforderung.Basis)
	s.fields = p.index("field", len(s.Fields), func(i int) string { return s.Fields[i].ID })
	s.evidence = p.index("evidence", len(s.Evidence), func(i int) string { return s.Evidence[i].ID })
	s.rules = p.index("rule", len(s.Rules), func(i int) string { return s.Rules[i].ID })
	for _, f := range s.Fields {
		p.field(f, f.ID)
		for _, item := range f.Items {
			p.field(item, f.ID+"."+item.ID)
		}
	}
	for _, e := range s.Evidence {
		p.requirement(s, e)
	}
	params := p.index("param", len(s.Params), func(i int) string { return s.Params[i].ID })
	for _, r := range s.Rules {
		p.rule(r, params)
	}
	for _, prm := range s.Params {
		_, err := paramValue(prm, prm.Default)
		p.check(err == nil, "param %s: default has not the type %s", prm.ID, prm.Type)
	}
	if s.DateField != "" {
		f, ok := s.Field(s.DateField)
		p.check(ok && f.Type == "date", "date_field %q is no date field", s.DateField)
	}
	for _, x := range s.Extracts {
		_, ok := s.Field(x.Path)
		p.check(ok, "extract %q is no field", x.Path)
	}
	_, ok := params[s.Nachforderung.PeriodParam]
	p.check(ok, "nachforderung.period_param %q is no parameter", s.Nachforderung.PeriodParam)
	return p
}

type problems []string

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func (p *problems) index(what string, n int, id func(int) string) map[string]int {
	seen := make(map[string]int, n)
	for i := range n {
		_, dup := seen[id(i)]
		p.check(!dup, "%s %s is defined twice", what, id(i))
		p.check(id(i) != "", "%s %d has no id", what, i)
		seen[id(i)] = i
	}
	return seen
}

func (p *problems) basis(what string, citations []string) {
	for _, c := range citations {
		p.check(citation.MatchString(c), "%s: basis %q is not one citation", what, c)
	}
}

func (p *problems) legal(what string, l Legal) {
	p.basis(what, l.Basis)
	p.check(origins[l.Origin], "%s: origin %q is unknown", what, l.Origin)
	p.check(len(l.Basis) > 0 || l.Note != "", "%s has neither basis nor basis_note", what)
}

func (p *problems) validity(what string, v Validity) {
	for _, d := range []string{v.ValidFrom, v.ValidTo} {
		if d != "" {
			_, err := time.Parse(time.DateOnly, d)
			p.check(err == nil, "%s: %q is no date", what, d)
		}
	}
}

func (p *problems) field(f Field, path string) {
	p.check(f.Label != "", "field %s has no label", path)
	p.check(types[f.Type], "field %s: type %q is unknown", path, f.Type)
	p.check((f.Type == "enum") == (len(f.Values) > 0), "field %s: values belong to enum", path)
	p.check((f.Type == "list") == (len(f.Items) > 0), "field %s: items belong to list", path)
	p.check(f.Required == Always || f.Required == Conditional || f.Required == Optional, "field %s: required %q is unknown", path, f.Required)
	if f.Required != Optional {
		p.legal("field "+path, f.Legal)
	}
	p.validity("field "+path, f.Validity)
}

func (p *problems) requirement(s *Service, e Requirement) {
	what := "evidence " + e.ID
	p.check(e.Label != "" && len(e.Accepts) > 0, "%s needs label and accepts", what)
	p.check(e.Required == Always || e.Required == Conditional, "%s: required %q is unknown", what, e.Required)
	p.check(e.Severity == "" || e.Severity == SeverityAsk || e.Severity == SeverityHint, "%s: severity %q is unknown", what, e.Severity)
	p.legal(what, e.Legal)
	p.validity(what, e.Validity)
	if e.ForEach != "" {
		f, ok := s.Field(e.ForEach)
		p.check(ok && f.Type == "list", "%s: for_each %q is no list", what, e.ForEach)
		p.check(e.Required == Conditional, "%s: for_each needs a condition", what)
	}
}

func (p *problems) rule(r Rule, params map[string]int) {
	what := "rule " + r.ID
	p.check(r.Message != "", "%s has no message", what)
	p.check(r.Severity == SeverityAsk || r.Severity == SeverityHint || r.Severity == SeverityOfficial, "%s: severity %q is unknown", what, r.Severity)
	p.check(r.Severity != SeverityAsk || r.Question != "", "%s asks without a question", what)
	p.legal(what, r.Legal)
	p.validity(what, r.Validity)
	for _, id := range r.Params {
		_, ok := params[id]
		p.check(ok, "%s: parameter %q is not declared", what, id)
	}
}
