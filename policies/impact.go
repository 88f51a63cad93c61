// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of a comparison: what is remembered of inputs that were decided, and how
// many ids stand for a count.
const (
	maxRemembered = 200_000
	maxSamples    = 20
)

// State names what decides: the revision of the bundle, the digest of all that
// decides with it (tenants, services, overrides), and that of its files alone, as they
// were signed.
type State struct {
	Revision string `json:"revision"`
	Digest   string `json:"digest"`
	Bundle   string `json:"bundle,omitempty"`
}

// Impact says what other policies would have made of the recorded requests. Counts
// are requests: one of several decisions (before and after the search, before the
// answer) is newly denied if it was allowed and is not any more. A request of which a
// part cannot be compared counts as what the rest says, unless the rest says the same.
type Impact struct {
	Old State `json:"old"`
	New State `json:"new"`
	// From and To are the times of the oldest and the newest record that was read.
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
	// Records were read. Compared are those that both could decide again, Same those
	// with the same answer, Distinct the different questions among their decisions.
	Records  int `json:"records"`
	Compared int `json:"compared"`
	Distinct int `json:"distinct"`
	Same     int `json:"same"`

	NewlyDenied  Change `json:"newly_denied"`
	NewlyAllowed Change `json:"newly_allowed"`
	// The others are requests with the same effect.
	ChangedObligations Change `json:"changed_obligations"`
	ChangedModels      Change `json:"changed_models"`
	ChangedReasons     Change `json:"changed_reasons"`

	// NotComparable were recorded by a version whose questions had another form, or are
	// no decision of these rules, Errors could not be decided by one of both. Neither
	// counts as the same.
	NotComparable Change `json:"not_comparable"`
	Errors        Change `json:"errors"`

	ByTenant  map[gateway.TenantID]Tally  `json:"by_tenant"`
	ByService map[gateway.ServiceID]Tally `json:"by_service"`
	// ByRule counts requests in which a rule speaks that did not, or no longer.
	ByRule map[string]RuleTally `json:"by_rule"`

	// Decisions counts single decisions instead of requests.
	Decisions Tally `json:"decisions,omitzero"`
	// OtherPolicies counts, in a SelfTest, the requests that were decided by others.
	OtherPolicies []OtherPolicies `json:"other_policies,omitempty"`
}

// OtherPolicies are policies that decided recorded requests, and are not those of a
// SelfTest.
type OtherPolicies struct {
	State
	Requests int `json:"requests"`
}

// Change is a count with ids of records as samples, the newest first.
type Change struct {
	Count   int      `json:"count"`
	Samples []string `json:"samples,omitempty"`
}

// Tally is a part of the counts of an Impact.
type Tally struct {
	Compared           int `json:"compared"`
	Same               int `json:"same"`
	NewlyDenied        int `json:"newly_denied"`
	NewlyAllowed       int `json:"newly_allowed"`
	ChangedObligations int `json:"changed_obligations"`
	ChangedModels      int `json:"changed_models"`
	ChangedReasons     int `json:"changed_reasons"`
}

// RuleTally says in how many requests a rule speaks newly or no longer.
type RuleTally struct {
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

// Differences is the number of requests that are not the same.
func (i Impact) Differences() int { return i.Compared - i.Same }

// Digest is what people sign: SHA-256 over all that the report says.
func (i Impact) Digest() string {
	raw, err := json.Marshal(i)
	if err != nil {
		return "" // an Impact is plain data
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// CompareOptions of Compare. The zero value compares everything.
type CompareOptions struct {
	// Limit is the number of records after which it stops; 0: none.
	Limit int
	// SameRules lets a SelfTest compare what the same rules decided, also where tenants
	// and services were set up in another way than here.
	SameRules bool
	// Progress, if set, is told now and then how many records were read.
	Progress func(records int)
}

// errEnough ends the reading of records.
var errEnough = errors.New("enough records")

// Records hands over records, the newest first. An error of yield ends it.
type Records func(yield func(gateway.Record) error) error

// Compare decides recorded questions again, with the policies of two engines. each
// hands over records, the newest first, in bounded memory. The same question is
// decided once and counted as often as it was asked.
func Compare(ctx context.Context, before, after *Engine, each Records, o CompareOptions) (Impact, error) {
	return newComparison(before, after).run(ctx, each, o)
}

// SelfTest decides recorded questions again that the policies in force decided, and
// compares with what was recorded. There must be no difference: rules see no clock,
// no network and no chance. Records of other policies are counted apart.
func (e *Engine) SelfTest(ctx context.Context, each Records, o CompareOptions) (Impact, error) {
	c := newComparison(e, e)
	c.self, c.sameRules = true, o.SameRules
	return c.run(ctx, each, o)
}

func (c *comparison) run(ctx context.Context, each Records, o CompareOptions) (Impact, error) {
	err := each(func(r gateway.Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if o.Limit > 0 && c.impact.Records >= o.Limit {
			return errEnough
		}
		c.record(ctx, r)
		if o.Progress != nil && c.impact.Records%1000 == 0 {
			o.Progress(c.impact.Records)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return Impact{}, fmt.Errorf("compare policies: %w", err)
	}
	for state, n := range c.others {
		c.impact.OtherPolicies = append(c.impact.OtherPolicies, OtherPolicies{state, n})
	}
	slices.SortFunc(c.impact.OtherPolicies, func(a, b OtherPolicies) int {
		return cmp.Or(cmp.Compare(b.Revision, a.Revision), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Bundle, b.Bundle))
	})
	return c.impact, ctx.Err()
}

// comparison holds one snapshot of each side, whatever becomes active meanwhile.
type comparison struct {
	old, new side
	// self compares with what was recorded instead of with old.
	self, sameRules bool
	impact          Impact
	known           map[[sha256.Size]byte]verdict
	// others decided requests that self does not compare.
	others map[State]int
}

type side struct {
	snapshot *snapshot
	limit    time.Duration
}

func newComparison(before, after *Engine) *comparison {
	c := &comparison{
		old:   side{before.active.Load(), max(before.timeout, canaryTimeout)},
		new:   side{after.active.Load(), max(after.timeout, canaryTimeout)},
		known: map[[sha256.Size]byte]verdict{}, others: map[State]int{},
	}
	c.impact = Impact{
		Old: c.old.snapshot.state(), New: c.new.snapshot.state(),
		ByTenant: map[gateway.TenantID]Tally{}, ByService: map[gateway.ServiceID]Tally{}, ByRule: map[string]RuleTally{},
	}
	return c
}

func (s *snapshot) state() State {
	return State{Revision: s.revision, Digest: s.digest, Bundle: s.signed}
}

func (c *comparison) record(ctx context.Context, r gateway.Record) {
	c.impact.Records++
	if c.impact.From.IsZero() || r.Time.Before(c.impact.From) {
		c.impact.From = r.Time.UTC()
	}
	if r.Time.After(c.impact.To) {
		c.impact.To = r.Time.UTC()
	}
	var verdicts []verdict
	other := State{}
	for _, d := range recordedDecisions(r) {
		v := verdict{}
		switch {
		case !c.self:
			v = c.verdict(ctx, d.Input)
		case !c.mine(d):
			v.kind = verdictOther
			other = State{Revision: d.Revision, Digest: d.Digest, Bundle: d.Bundle}
		default:
			v = c.again(ctx, d)
		}
		c.impact.Decisions = c.impact.Decisions.with(v)
		verdicts = append(verdicts, v)
	}
	if other.Revision != "" {
		c.others[other]++
	}
	c.count(r, together(verdicts))
}

// mine says that the policies of a self test made a decision.
func (c *comparison) mine(d gateway.Decision) bool {
	s := c.new.snapshot
	if !c.sameRules || d.Digest == s.digest {
		return d.Digest == s.digest
	}
	return d.Revision == s.revision && (d.Bundle == "" || d.Bundle == s.signed)
}

// together is what the verdicts on its decisions say of a request.
func together(verdicts []verdict) verdict {
	out := verdict{wasAllowed: true, isAllowed: true}
	hindered, compared := verdictOther, 0
	for _, v := range verdicts {
		if v.kind == verdictOther || v.kind == verdictError {
			hindered = max(hindered, v.kind)
			continue
		}
		compared++
		out.wasAllowed, out.isAllowed = out.wasAllowed && v.wasAllowed, out.isAllowed && v.isAllowed
		out.obligations, out.models = out.obligations || v.obligations, out.models || v.models
		out.said = out.said || v.said || v.wasAllowed != v.isAllowed
		out.added, out.removed = append(out.added, v.added...), append(out.removed, v.removed...)
	}
	for _, list := range []*[]string{&out.added, &out.removed} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	switch out.settle(); {
	case compared == 0, compared < len(verdicts) && out.kind == verdictSame:
		return verdict{kind: hindered}
	}
	return out
}

// settle says what is different, of the rest only where the effect is the same.
func (v *verdict) settle() {
	switch {
	case v.wasAllowed && !v.isAllowed:
		v.kind = verdictDenied
	case !v.wasAllowed && v.isAllowed:
		v.kind = verdictAllowed
	case v.obligations || v.models || v.said:
		v.kind = verdictChanged
	}
	if v.kind == verdictDenied || v.kind == verdictAllowed {
		v.obligations, v.models = false, false
	}
}

// recordedDecisions are the decisions of a record with what was asked. What was
// asked before the answer follows from the last one.
func recordedDecisions(r gateway.Record) []gateway.Decision {
	out := slices.Clone(r.Decisions)
	if r.Answer != nil && len(out) > 0 {
		d := *r.Answer
		d.Input = answerInput(out[len(out)-1].Input, d)
		out = append(out, d)
	}
	return out
}

// again decides a recorded decision once more. What the gateway itself refused is
// not the rules' decision.
func (c *comparison) again(ctx context.Context, d gateway.Decision) verdict {
	byGateway := slices.ContainsFunc(d.Reasons, func(r gateway.Reason) bool { return strings.HasPrefix(r.Rule, "KERN-00") })
	if byGateway {
		return verdict{kind: verdictOther}
	}
	c.impact.Distinct++
	after, err := c.new.decide(ctx, d.Stage, d.Input)
	if err != nil {
		return verdict{kind: verdictError}
	}
	return compare(d, after)
}

// verdict is what is said of one question.
type verdict struct {
	kind                      verdictKind
	wasAllowed, isAllowed     bool
	obligations, models, said bool
	// added and removed are the rules that speak newly and no longer.
	added, removed []string
}

type verdictKind int

const (
	verdictSame verdictKind = iota
	verdictDenied
	verdictAllowed
	verdictChanged // the effect is the same
	verdictOther   // the question has another form
	verdictError
)

func (k verdictKind) String() string {
	return [...]string{"same", "newly_denied", "newly_allowed", "changed", "not_comparable", "error"}[k]
}

func (c *comparison) verdict(ctx context.Context, input json.RawMessage) verdict {
	key := sha256.Sum256(input)
	if v, ok := c.known[key]; ok {
		return v
	}
	c.impact.Distinct++
	v := c.decide(ctx, input)
	if v.kind == verdictOther || v.kind == verdictError {
		c.impact.Distinct--
	}
	if len(c.known) < maxRemembered {
		c.known[key] = v
	}
	return v
}

func (c *comparison) decide(ctx context.Context, input json.RawMessage) verdict {
	value, stage, err := recordedInput(input)
	if err != nil || !wellFormed(value) || !addsUp(value) {
		return verdict{kind: verdictOther}
	}
	before, err := c.old.decide(ctx, stage, input)
	if err != nil {
		return verdict{kind: verdictError}
	}
	after, err := c.new.decide(ctx, stage, input)
	if err != nil {
		return verdict{kind: verdictError}
	}
	return compare(before, after)
}

func (s side) decide(ctx context.Context, stage gateway.Stage, input json.RawMessage) (gateway.Decision, error) {
	value, _, err := recordedInput(input)
	if err != nil {
		return gateway.Decision{}, err
	}
	view, err := s.snapshot.recordedView(ctx, value, s.limit)
	if err != nil {
		return gateway.Decision{}, err
	}
	return s.snapshot.decideView(ctx, stage, view, s.limit)
}

// compare says what is different in a decision.
func compare(before, after gateway.Decision) verdict {
	v := verdict{wasAllowed: before.Allowed(), isAllowed: after.Allowed(), added: beyond(after, before), removed: beyond(before, after)}
	v.said = len(v.added)+len(v.removed) > 0
	v.obligations = !sameObligations(before.Obligations, after.Obligations)
	v.models = !sameElements(before.Models, after.Models)
	v.settle()
	return v
}

// beyond are the rules of a that do not speak in b.
func beyond(a, b gateway.Decision) []string {
	var out []string
	others := ruleIDs(b)
	for _, id := range ruleIDs(a) {
		if !slices.Contains(others, id) {
			out = append(out, id)
		}
	}
	return out
}

// sameObligations compares what has to be done, not which rule demands it.
func sameObligations(a, b []gateway.Obligation) bool {
	return sameElements(obligationTexts(a), obligationTexts(b))
}

func obligationTexts(obligations []gateway.Obligation) []string {
	out := make([]string, len(obligations))
	for i, o := range obligations {
		params, err := json.Marshal(o.Params)
		if err != nil {
			params = []byte(o.Rule)
		}
		out[i] = o.ID + " " + string(params)
	}
	return out
}

func sameElements[S ~string](a, b []S) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// count adds a verdict to the totals.
func (c *comparison) count(r gateway.Record, v verdict) {
	i := &c.impact
	switch v.kind {
	case verdictOther:
		i.NotComparable.add(r.ID)
		return
	case verdictError:
		i.Errors.add(r.ID)
		return
	case verdictSame, verdictDenied, verdictAllowed, verdictChanged:
	}
	i.Compared++
	if v.kind == verdictSame {
		i.Same++
	}
	for change, is := range map[*Change]bool{
		&i.NewlyDenied: v.kind == verdictDenied, &i.NewlyAllowed: v.kind == verdictAllowed,
		&i.ChangedObligations: v.obligations, &i.ChangedModels: v.models, &i.ChangedReasons: v.kind == verdictChanged && v.said,
	} {
		if is {
			change.add(r.ID)
		}
	}
	i.ByTenant[r.Tenant] = i.ByTenant[r.Tenant].with(v)
	i.ByService[r.Service] = i.ByService[r.Service].with(v)
	i.ByRule = tally(i.ByRule, v)
}

func (c *Change) add(id string) {
	c.Count++
	if len(c.Samples) < maxSamples && !slices.Contains(c.Samples, id) {
		c.Samples = append(c.Samples, id)
	}
}

func (t Tally) with(v verdict) Tally {
	if v.kind == verdictOther || v.kind == verdictError {
		return t
	}
	t.Compared++
	for n, is := range map[*int]bool{
		&t.Same: v.kind == verdictSame, &t.NewlyDenied: v.kind == verdictDenied, &t.NewlyAllowed: v.kind == verdictAllowed,
		&t.ChangedObligations: v.obligations, &t.ChangedModels: v.models, &t.ChangedReasons: v.kind == verdictChanged && v.said,
	} {
		if is {
			*n++
		}
	}
	return t
}
