// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// kernel is the rule that speaks when no rule could: the engine itself.
var kernel = gateway.Reason{
	Rule:     "KERN-000",
	Title:    "Keine verwertbare Entscheidung",
	Basis:    "Art. 5 Abs. 2, Art. 25 und 32 DSGVO",
	Text:     "Die Regeln konnten nicht ausgewertet werden; ohne Entscheidung wird nichts weitergegeben.",
	Severity: "block",
}

// kernelDenial is the answer to everything unexpected. There is no other place
// that handles it.
func kernelDenial(s *snapshot, stage gateway.Stage) gateway.Decision {
	return gateway.Decision{
		Stage: stage, Effect: gateway.EffectDeny, Risk: gateway.Risk{Class: "unclassified"},
		DataClasses: []gateway.DataClass{}, Reasons: []gateway.Reason{kernel}, Obligations: []gateway.Obligation{},
		Models: []gateway.ModelID{}, Rejected: map[gateway.ModelID][]string{},
		Revision: s.revision, Digest: s.digest, Bundle: s.signed,
	}
}

// riskClasses are the classes that may be allowed.
var riskClasses = []string{"high_risk", "exempt_6_3_a", "exempt_6_3_b", "exempt_6_3_c", "exempt_6_3_d", "exempt_6_3_a_d", "transparency", "out_of_scope"}

// result is data.main.result, decoded.
type result struct {
	effect      gateway.Effect
	risk        gateway.Risk
	classes     []string
	denied      []string
	noted       []string
	rejections  [][2]string // model, rule path
	obligations []obligation
	models      []string
	needsModel  bool
}

type obligation struct {
	path, id string
	params   map[string]any
}

// decision decodes strictly and checks the result against the input once more:
// an allow that contradicts itself is an error, and so a denial.
func (s *snapshot) decision(stage gateway.Stage, input ast.Value, term *ast.Term) (gateway.Decision, error) {
	r, err := decodeResult(term.Value)
	if err != nil {
		return gateway.Decision{}, err
	}
	if err := r.check(input); err != nil {
		return gateway.Decision{}, err
	}
	d := kernelDenial(s, stage)
	d.Effect, d.Risk, d.Reasons = r.effect, r.risk, nil
	for _, c := range r.classes {
		d.DataClasses = append(d.DataClasses, gateway.DataClass(c))
	}
	if r.effect == gateway.EffectAllow {
		for _, m := range r.models {
			d.Models = append(d.Models, gateway.ModelID(m))
		}
	}
	if err := s.addRejections(&d, r); err != nil {
		return gateway.Decision{}, err
	}
	if err := s.addObligations(&d, r); err != nil {
		return gateway.Decision{}, err
	}
	return d, s.addReasons(&d, r)
}

func (s *snapshot) addRejections(d *gateway.Decision, r result) error {
	for _, pair := range r.rejections {
		rule, ok := s.byPath[pair[1]]
		if !ok {
			return fmt.Errorf("unknown rule %q", pair[1])
		}
		id := gateway.ModelID(pair[0])
		d.Rejected[id] = append(d.Rejected[id], rule.ID)
	}
	for _, ids := range d.Rejected {
		slices.Sort(ids)
	}
	return nil
}

func (s *snapshot) addObligations(d *gateway.Decision, r result) error {
	if r.effect != gateway.EffectAllow {
		return nil
	}
	for _, o := range r.obligations {
		rule, ok := s.byPath[o.path]
		if !ok {
			return fmt.Errorf("unknown rule %q", o.path)
		}
		d.Obligations = append(d.Obligations, gateway.Obligation{ID: o.id, Rule: rule.ID, Params: o.params})
	}
	slices.SortFunc(d.Obligations, func(a, b gateway.Obligation) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Rule, b.Rule))
	})
	return nil
}

// addReasons names every rule that spoke, blocking ones first.
func (s *snapshot) addReasons(d *gateway.Decision, r result) error {
	paths := slices.Concat(r.denied, r.noted)
	for _, pair := range r.rejections {
		paths = append(paths, pair[1])
	}
	if r.effect == gateway.EffectAllow {
		for _, o := range r.obligations {
			paths = append(paths, o.path)
		}
	}
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		rule, ok := s.byPath[path]
		if !ok {
			return fmt.Errorf("unknown rule %q", path)
		}
		d.Reasons = append(d.Reasons, gateway.Reason{Rule: rule.ID, Title: rule.Title, Basis: rule.Basis, Text: rule.Text, Severity: rule.Severity})
	}
	sortReasons(d.Reasons)
	if d.Reasons == nil {
		d.Reasons = []gateway.Reason{}
	}
	return nil
}

// sortReasons puts blocking ones first.
func sortReasons(reasons []gateway.Reason) {
	rank := map[string]int{"block": 0, "narrow": 1, "info": 2}
	slices.SortFunc(reasons, func(a, b gateway.Reason) int {
		return cmp.Or(cmp.Compare(rank[a.Severity], rank[b.Severity]), cmp.Compare(a.Rule, b.Rule))
	})
}

func (r result) check(input ast.Value) error {
	switch r.effect {
	case gateway.EffectDeny:
		if len(r.denied) == 0 {
			return errors.New("a denial without a rule")
		}
		return nil
	case gateway.EffectAllow:
	default:
		return fmt.Errorf("unknown effect %q", r.effect)
	}
	candidates, err := inputModels(input)
	if err != nil {
		return err
	}
	switch {
	case len(r.denied) > 0:
		return errors.New("allowed although a rule denies")
	case !slices.Contains(riskClasses, r.risk.Class) || r.risk.Basis == "":
		return fmt.Errorf("allowed with risk class %q", r.risk.Class)
	case len(r.classes) == 0:
		return errors.New("allowed without a data class")
	case r.needsModel && len(r.models) == 0:
		return errors.New("allowed without a model")
	}
	rejected := map[string]bool{}
	for _, pair := range r.rejections {
		rejected[pair[0]] = true
	}
	for _, m := range r.models {
		if rejected[m] || !slices.Contains(candidates, m) {
			return fmt.Errorf("model %q is allowed and was rejected or never asked for", m)
		}
	}
	return nil
}

func inputModels(input ast.Value) ([]string, error) {
	o, ok := input.(ast.Object)
	if !ok {
		return nil, errors.New("input is not an object")
	}
	term := o.Get(fieldTerm("models"))
	if term == nil {
		return nil, errors.New("input has no models")
	}
	models, ok := term.Value.(ast.Object)
	if !ok {
		return nil, errors.New("input models are not an object")
	}
	ids := make([]string, 0, models.Len())
	for _, key := range models.Keys() {
		id, ok := key.Value.(ast.String)
		if !ok {
			return nil, errors.New("a model id is not a string")
		}
		ids = append(ids, string(id))
	}
	return ids, nil
}

// decodeResult reads the result object; a missing, additional or ill-typed field
// is an error.
func decodeResult(v ast.Value) (result, error) {
	o, ok := v.(ast.Object)
	if !ok {
		return result{}, errors.New("the result is not an object")
	}
	d := decoder{object: o}
	r := result{
		effect:     gateway.Effect(d.text("effect")),
		classes:    d.texts("data_classes"),
		denied:     d.texts("denied"),
		noted:      d.texts("noted"),
		models:     d.texts("models"),
		needsModel: d.flag("needs_model"),
	}
	r.risk = d.risk("risk")
	r.rejections = d.rejections("rejections")
	r.obligations = d.obligations("obliged")
	if d.err == nil && o.Len() != d.read {
		d.err = errors.New("the result has unknown fields")
	}
	return r, d.err
}

// decoder keeps the first error.
type decoder struct {
	object ast.Object
	read   int
	err    error
}

func (d *decoder) value(field string) ast.Value {
	d.read++
	term := d.object.Get(fieldTerm(field))
	if term == nil {
		d.fail("field %s is missing", field)
		return ast.Null{}
	}
	return term.Value
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

func (d *decoder) text(field string) string {
	s, ok := d.value(field).(ast.String)
	if !ok {
		d.fail("field %s is not a string", field)
	}
	return string(s)
}

func (d *decoder) flag(field string) bool {
	b, ok := d.value(field).(ast.Boolean)
	if !ok {
		d.fail("field %s is not a boolean", field)
	}
	return bool(b)
}

func (d *decoder) set(field string, each func(ast.Value) bool) {
	set, ok := d.value(field).(ast.Set)
	if !ok {
		d.fail("field %s is not a set", field)
		return
	}
	for _, term := range set.Slice() {
		if !each(term.Value) {
			d.fail("an element of %s has the wrong type", field)
			return
		}
	}
}

func (d *decoder) texts(field string) []string {
	var out []string
	d.set(field, func(v ast.Value) bool {
		s, ok := v.(ast.String)
		out = append(out, string(s))
		return ok
	})
	return out
}

// byRule hands over what each rule contributed to a field: an object of sets.
func (d *decoder) byRule(field string, each func(path string, v ast.Value) bool) {
	o, ok := d.value(field).(ast.Object)
	if !ok {
		d.fail("field %s is not an object", field)
		return
	}
	wrong := o.Until(func(key, value *ast.Term) bool {
		path, a := key.Value.(ast.String)
		set, b := value.Value.(ast.Set)
		return !a || !b || set.Until(func(t *ast.Term) bool { return !each(string(path), t.Value) })
	})
	if wrong {
		d.fail("an element of %s has the wrong type", field)
	}
}

func (d *decoder) rejections(field string) [][2]string {
	var out [][2]string
	d.byRule(field, func(path string, v ast.Value) bool {
		model, ok := v.(ast.String)
		out = append(out, [2]string{string(model), path})
		return ok
	})
	return out
}

func (d *decoder) risk(field string) gateway.Risk {
	o, ok := d.value(field).(ast.Object)
	if !ok || o.Len() != 3 {
		d.fail("field %s is not class, basis and note", field)
		return gateway.Risk{}
	}
	class, a := stringField(o, "class")
	basis, b := stringField(o, "basis")
	note, c := stringField(o, "note")
	if !a || !b || !c {
		d.fail("field %s has the wrong types", field)
	}
	return gateway.Risk{Class: class, Basis: basis, Note: note}
}

func (d *decoder) obligations(field string) []obligation {
	var out []obligation
	d.byRule(field, func(path string, v ast.Value) bool {
		o, ok := v.(ast.Object)
		if !ok || o.Len() != 2 {
			return false
		}
		id, named := stringField(o, "id")
		term := o.Get(fieldTerm("params"))
		if !named || id == "" || term == nil {
			return false
		}
		params, ok := parameters(term.Value)
		out = append(out, obligation{path: path, id: id, params: params})
		return ok
	})
	return out
}

// parameters of an obligation; none is nil.
func parameters(v ast.Value) (map[string]any, bool) {
	o, ok := v.(ast.Object)
	if !ok || o.Len() == 0 {
		return nil, ok
	}
	raw, err := ast.JSON(o)
	params, ok := raw.(map[string]any)
	return params, ok && err == nil
}

func stringField(o ast.Object, field string) (string, bool) {
	term := o.Get(fieldTerm(field))
	if term == nil {
		return "", false
	}
	s, ok := term.Value.(ast.String)
	return string(s), ok
}
