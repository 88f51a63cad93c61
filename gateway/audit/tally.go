// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// blockLeaves is the number of leaves that are counted together. The stories that
// begin in a block make its summary, once all of them have ended.
const blockLeaves = 4096

// fact is what is counted of a story; equal ones are counted together.
type fact struct {
	hour   int64 // since 1970
	tenant gateway.TenantID
	combination
}

// combination is what many stories of a block have in common.
type combination struct {
	system, purpose, service, operation, effect, model, residency, revision string
	result                                                                  Result
	rules                                                                   string
	outcome, endRules                                                       string // empty while it has not ended
}

func factOf(r Row) fact {
	return fact{r.Time / int64(time.Hour), r.Tenant, combination{
		r.System, r.Purpose, r.Service, r.Operation, r.Effect, r.Model, r.Residency, r.Revision, r.Result, r.Rules, "", "",
	}}
}

func (f fact) compare(o fact) int {
	return cmp.Or(
		cmp.Compare(f.hour, o.hour), cmp.Compare(f.tenant, o.tenant),
		strings.Compare(f.system, o.system), strings.Compare(f.purpose, o.purpose), strings.Compare(f.service, o.service),
		strings.Compare(f.operation, o.operation), strings.Compare(f.effect, o.effect), strings.Compare(f.model, o.model),
		strings.Compare(f.residency, o.residency), strings.Compare(f.revision, o.revision), cmp.Compare(f.result, o.result),
		strings.Compare(f.rules, o.rules), strings.Compare(f.outcome, o.outcome), strings.Compare(f.endRules, o.endRules),
	)
}

// matches says whether the filter covers the combination; the SQL of the stores
// says the same.
func (f Filter) matches(c combination) bool {
	for _, one := range [...]struct{ wanted, is string }{
		{string(f.System), c.system},
		{string(f.Purpose), c.purpose},
		{string(f.Service), c.service},
		{string(f.Operation), c.operation},
		{string(f.Effect), c.effect},
		{string(f.Model), c.model},
		{string(f.Residency), c.residency},
		{f.Revision, c.revision},
		{string(f.Outcome), c.outcome},
		{string(f.Result), string(resultOf(c.result, gateway.Outcome(c.outcome)))},
	} {
		if one.wanted != "" && one.wanted != one.is {
			return false
		}
	}
	spoke := func(rule string) bool {
		return strings.Contains(c.rules, "|"+rule+"|") || strings.Contains(c.endRules, "|"+rule+"|")
	}
	return (f.Rule == "" || spoke(f.Rule)) && (len(f.Rules) == 0 || slices.ContainsFunc(f.Rules, spoke))
}

// countable says that summaries know everything the filter asks for.
func (f Filter) countable() bool { return f.Case == "" && f.IDPrefix == "" }

// counted is one block while stories of it may still end.
type counted struct {
	open  map[string]fact
	facts map[fact]int // ended
}

// tally counts stories, leaf by leaf, per block.
type tally struct {
	next   int64 // the leaf that follows
	blocks map[int64]*counted
}

// add takes the next leaf. An end whose beginning is not open in any block belongs
// to a block that was counted with it already.
func (t *tally) add(r Row) {
	t.next = r.Seq + 1
	switch r.Kind {
	case KindOpen:
		if !r.Removed {
			t.block(r.Seq / blockLeaves).open[r.ID] = factOf(r)
		}
	case KindClose:
		for _, b := range t.blocks {
			if b.end(r) {
				return
			}
		}
	case KindNote: // is not counted
	}
}

func (t *tally) block(n int64) *counted {
	b := t.blocks[n]
	if b == nil {
		b = &counted{open: map[string]fact{}, facts: map[fact]int{}}
		if t.blocks == nil {
			t.blocks = map[int64]*counted{}
		}
		t.blocks[n] = b
	}
	return b
}

func (b *counted) end(r Row) bool {
	f, ok := b.open[r.ID]
	if !ok || f.tenant != r.Tenant {
		return false
	}
	delete(b.open, r.ID)
	if !r.Removed { // else its content is gone, as that of its beginning
		f.outcome, f.endRules = r.Outcome, r.Rules
		b.facts[f]++
	}
	return true
}

// settled takes out the blocks that are complete, in order.
func (t *tally) settled(do func(n int64, facts map[fact]int) error) error {
	for _, n := range slices.Sorted(maps.Keys(t.blocks)) {
		b := t.blocks[n]
		if (n+1)*blockLeaves > t.next || len(b.open) > 0 {
			continue
		}
		delete(t.blocks, n)
		if err := do(n, b.facts); err != nil {
			return err
		}
	}
	return nil
}
