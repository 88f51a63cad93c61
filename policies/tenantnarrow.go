// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of what one rule of a tenant may say.
const (
	maxTenantObligations = 20
	maxTenantParams      = 4 << 10
)

// tenantObligations are those a tenant may add. Content is kept and records are
// retained as the library and the operator say.
var tenantObligations = []string{
	gateway.ObligationBlockTools, gateway.ObligationCapTokens, gateway.ObligationCiteSources, gateway.ObligationHumanRelease,
	gateway.ObligationNotice, gateway.ObligationPseudonymise, gateway.ObligationRestrictModels, gateway.ObligationReview,
	gateway.ObligationStripFields, gateway.ObligationWatermark,
}

// smallest are parameters of which the smallest is the strictest: whichever of two
// obligations is looked at, it says that.
var smallest = map[string]string{gateway.ObligationCapTokens: "max", gateway.ObligationReview: "max_bytes"}

// narrowed is the decision after the tenant's own rules, if it has any.
func (s *snapshot) narrowed(ctx context.Context, d gateway.Decision, view ast.Value, limit time.Duration) (gateway.Decision, error) {
	o, ok := view.(ast.Object)
	if !ok {
		return d, nil
	}
	caller, ok := inner(o, "caller")
	if !ok {
		return d, nil // no tenant, and so no allow
	}
	tenant, _ := stringField(caller, "tenant")
	rules := s.own[gateway.TenantID(tenant)]
	if rules == nil {
		return d, nil
	}
	return rules.narrow(ctx, d, view, limit)
}

// narrow lets the rules of the tenant speak about what the library allows. They can
// refuse, take models away and add obligations; there is no way back through here.
func (t *tenantRules) narrow(ctx context.Context, d gateway.Decision, view ast.Value, limit time.Duration) (gateway.Decision, error) {
	if !d.Allowed() {
		return d, nil
	}
	if t.broken != nil {
		return d, t.broken
	}
	n := narrowing{decision: d, models: len(d.Models)}
	ends := time.Now().Add(min(limit, DefaultTimeout))
	for _, r := range t.rules {
		if !r.inForce(view) {
			continue
		}
		said, err := r.ask(ctx, view, time.Until(ends))
		if err != nil {
			if ctx.Err() != nil {
				return d, ctx.Err()
			}
			return d, r.info.failure(err)
		}
		n.take(r.info, said)
	}
	return n.result(), nil
}

// inForce: on the day of the request or on the case date, as rules of the library.
func (r tenantRule) inForce(view ast.Value) bool {
	o, ok := view.(ast.Object)
	if !ok {
		return true
	}
	if r.info.ValidFrom == "" && r.info.ValidTo == "" {
		return true
	}
	for _, field := range [...]string{"date", "case_date"} {
		day, ok := stringField(o, field)
		if !ok || day >= r.info.ValidFrom && day <= cmp.Or(r.info.ValidTo, "9999-99-99") {
			return true // a day that is lost switches nothing off
		}
	}
	return false
}

// tenantSaid is what one rule of a tenant says.
type tenantSaid struct {
	deny, note bool
	rejected   []gateway.ModelID
	obliged    []gateway.Obligation
}

func (r tenantRule) ask(ctx context.Context, view ast.Value, limit time.Duration) (tenantSaid, error) {
	term, err := evaluate(ctx, r.query, view, max(limit, 0))
	if err != nil {
		return tenantSaid{}, err
	}
	o, ok := term.Value.(ast.Object)
	if !ok {
		return tenantSaid{}, errors.New("the result is not an object")
	}
	var said tenantSaid
	if said.deny, err = condition(o, "deny"); err != nil {
		return said, err
	}
	if said.note, err = condition(o, "note"); err != nil {
		return said, err
	}
	asked, ok := view.(ast.Object)
	if !ok {
		return said, errors.New("the view is no object")
	}
	if stage, _ := stringField(asked, "stage"); stage == string(gateway.StageResponse) {
		return said, nil // what the answer obliges to was said before it was asked for
	}
	if err := elements(o, "reject", func(v ast.Value) bool {
		id, ok := v.(ast.String)
		said.rejected = append(said.rejected, gateway.ModelID(id))
		return ok
	}); err != nil {
		return said, err
	}
	err = elements(o, "oblige", func(v ast.Value) bool {
		obligation, ok := r.obligation(v)
		said.obliged = append(said.obliged, obligation)
		return ok
	})
	if err == nil && len(said.obliged) > maxTenantObligations {
		err = fmt.Errorf("%d obligations, at most %d", len(said.obliged), maxTenantObligations)
	}
	return said, err
}

// condition is true or not there; anything else is a mistake of the rule.
func condition(o ast.Object, name string) (bool, error) {
	term := o.Get(fieldTerm(name))
	if term == nil {
		return false, nil
	}
	is, ok := term.Value.(ast.Boolean)
	if !ok {
		return false, fmt.Errorf("%s is not true or false", name)
	}
	return bool(is), nil
}

func elements(o ast.Object, name string, each func(ast.Value) bool) error {
	term := o.Get(fieldTerm(name))
	if term == nil {
		return nil
	}
	set, ok := term.Value.(ast.Set)
	if !ok || set.Len() > maxModels {
		return fmt.Errorf("%s is not a set, or too large", name)
	}
	for _, t := range set.Slice() {
		if !each(t.Value) {
			return fmt.Errorf("an element of %s is not what it should be", name)
		}
	}
	return nil
}

func (r tenantRule) obligation(v ast.Value) (gateway.Obligation, bool) {
	o, ok := v.(ast.Object)
	if !ok || o.Len() != 2 {
		return gateway.Obligation{}, false
	}
	id, named := stringField(o, "id")
	term := o.Get(fieldTerm("params"))
	if !named || term == nil || !slices.Contains(tenantObligations, id) || len(canonicalJSON(term.Value)) > maxTenantParams {
		return gateway.Obligation{}, false
	}
	params, ok := parameters(term.Value)
	obligation := gateway.Obligation{ID: id, Rule: r.info.ID, Params: params}
	if value, bounded := bound(obligation); bounded && (value < 1 || value != math.Trunc(value)) {
		return gateway.Obligation{}, false // a bound of nothing would be no bound to who carries it out
	}
	return obligation, ok
}

// narrowing is a decision of the library that becomes narrower.
type narrowing struct {
	decision gateway.Decision
	// models the library left.
	models   int
	denied   []RuleInfo
	rejected []RuleInfo
	spoke    []RuleInfo
	obliged  []gateway.Obligation
}

func (n *narrowing) take(r RuleInfo, said tenantSaid) {
	if said.deny {
		n.denied = append(n.denied, r)
	}
	removed := false
	for _, id := range said.rejected {
		if slices.Contains(n.decision.Models, id) {
			removed = true
			n.reject(id, r)
		}
	}
	if removed {
		n.rejected = append(n.rejected, r)
	}
	n.obliged = append(n.obliged, said.obliged...)
	if said.deny || said.note || removed || len(said.obliged) > 0 {
		n.spoke = append(n.spoke, r)
	}
}

func (n *narrowing) reject(id gateway.ModelID, r RuleInfo) {
	d := &n.decision
	rejected := make(map[gateway.ModelID][]string, len(d.Rejected)+1)
	maps.Copy(rejected, d.Rejected)
	rejected[id] = append(slices.Clone(rejected[id]), r.ID)
	d.Rejected = rejected
}

func (n *narrowing) result() gateway.Decision {
	d := n.decision
	d.Models = slices.DeleteFunc(slices.Clone(d.Models), func(id gateway.ModelID) bool { return len(d.Rejected[id]) > 0 })
	blocking := n.denied
	if n.models > 0 && len(d.Models) == 0 {
		blocking = slices.Concat(blocking, n.rejected)
	}
	d.Reasons = slices.Clone(d.Reasons)
	for _, r := range n.spoke {
		severity := r.Severity
		if slices.ContainsFunc(blocking, func(b RuleInfo) bool { return b.ID == r.ID }) {
			severity = "block"
		}
		d.Reasons = append(d.Reasons, gateway.Reason{Rule: r.ID, Title: r.Title, Basis: r.Basis, Text: r.Text, Severity: severity})
	}
	sortReasons(d.Reasons)
	if len(blocking) > 0 {
		d.Effect, d.Models, d.Obligations = gateway.EffectDeny, []gateway.ModelID{}, []gateway.Obligation{}
		return d
	}
	d.Obligations = strictest(slices.Concat(d.Obligations, n.obliged))
	return d
}

// strictest gives obligations of one kind the smallest of their bounds.
func strictest(obligations []gateway.Obligation) []gateway.Obligation {
	least := map[string]float64{}
	for _, o := range obligations {
		if value, ok := bound(o); ok {
			if known, seen := least[o.ID]; !seen || value < known {
				least[o.ID] = value
			}
		}
	}
	for i, o := range obligations {
		value, ok := bound(o)
		if !ok || value == least[o.ID] {
			continue
		}
		params := maps.Clone(o.Params)
		params[smallest[o.ID]] = json.Number(fmt.Sprintf("%.0f", least[o.ID]))
		obligations[i].Params = params
	}
	slices.SortStableFunc(obligations, func(a, b gateway.Obligation) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Rule, b.Rule))
	})
	return obligations
}

// bound is the parameter of which the smallest counts.
func bound(o gateway.Obligation) (float64, bool) {
	switch v := o.Params[smallest[o.ID]].(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	}
	return 0, false
}
