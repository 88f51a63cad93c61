// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// counted lists what is counted in advance and compares with what the store counts
// entry by entry, whatever happens to the record meanwhile.
func counted(t *testing.T, b Backend) {
	a := newAged(t, b)
	first := Record(0, "musterhausen")
	if err := a.log.Open(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	a.stories(t, 1, 2100)
	viewer, err := audit.NewViewer(a.store, a.public)
	if err != nil {
		t.Fatal(err)
	}
	look := func(when string, blocks int, some func(string) bool) {
		t.Helper()
		a.compare(t, when, some, a.log.Viewer, viewer)
		kept, err := a.store.Summaries(t.Context(), 0, 10)
		if err != nil || len(kept) != blocks {
			t.Errorf("%s: %d summaries are kept, %v; want %d", when, len(kept), err, blocks)
		}
		mustBeSound(t, verify(t, a.log))
	}
	look("while a story of the first block has not ended", 0, few)
	if err := a.log.Close(t.Context(), Closing(first)); err != nil {
		t.Fatal(err)
	}
	look("when all have ended", 1, every)
	a.stories(t, 2100, 2200)
	look("with some more", 1, few)
	a.stop(t)
	a.restart(t)
	if viewer, err = audit.NewViewer(a.store, a.public); err != nil {
		t.Fatal(err)
	}
	look("after a restart", 1, few)

	a.elapse(t, 400)
	rules := audit.Retention{Floor: 30, Ceiling: 365, Batch: 500, Holds: func(context.Context) ([]audit.Hold, error) {
		return []audit.Hold{{Tenant: "beispielstadt"}}, nil
	}}
	if done := a.retain(t, rules); done.Entries < 1000 || done.Held < 500 {
		t.Fatalf("removed %+v", done)
	}
	if kept, err := a.store.Summaries(t.Context(), 0, 10); err != nil || len(kept) != 0 {
		t.Errorf("%d summaries survive a removal, %v", len(kept), err)
	}
	stale := audit.Summary{Block: 0, Body: []byte{1, 0, 0, 0, 0}}
	if err := a.store.KeepSummary(t.Context(), stale, 4300); err != nil {
		t.Fatal(err)
	}
	look("after a removal", 1, every)
	if err := a.log.Summarise(t.Context()); err != nil {
		t.Error(err)
	}
	a.forgedCounts(t)
}

// stories writes so many of two tenants, a minute apart.
func (a *aged) stories(t *testing.T, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	for n := from; n < to; n++ {
		r := Record(n, gateway.TenantID([]string{"musterhausen", "beispielstadt", "musterhausen"}[n%3]))
		if n%500 == 7 {
			r.Purpose, r.Route = gateway.PurposeChat, nil
		}
		wg.Go(func() {
			if err := a.log.Open(context.Background(), r); err != nil {
				t.Errorf("open: %v", err)
				return
			}
			c := Closing(r)
			if n%9 == 0 {
				c.Outcome = gateway.OutcomeStopped
				c.Response = &gateway.Decision{Stage: gateway.StageResponse, Effect: gateway.EffectDeny, Reasons: []gateway.Reason{{Rule: "OUT-001"}}}
			}
			if err := a.log.Close(context.Background(), c); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
}

// every filter is compared where what is counted in advance changes, few ones where
// it only grows or has to be read anew.
func every(string) bool { return true }

func few(name string) bool {
	return slices.Contains([]string{"all", "a tenant", "between", "over an hour", "seldom", "a rule at the end", "open"}, name)
}

// compare lists by some filters what the viewers show, and counts it without them.
func (a *aged) compare(t *testing.T, when string, some func(string) bool, viewers ...*audit.Viewer) {
	t.Helper()
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes)*time.Minute + 7*time.Second) }
	for name, f := range map[string]audit.Filter{
		"all":               {},
		"a tenant":          {Scope: audit.Scope{Tenant: "beispielstadt"}},
		"nobody":            {Scope: audit.Scope{Tenant: "anderswo"}},
		"from":              {From: at(100)},
		"to":                {To: at(1000)},
		"between":           {From: at(90), To: at(1300)},
		"whole hours":       {From: start.Truncate(time.Hour).Add(5 * time.Hour), To: start.Truncate(time.Hour).Add(9 * time.Hour)},
		"within an hour":    {From: at(61), To: at(70)},
		"over an hour":      {From: at(50), To: at(70)},
		"a system":          {System: "meldewesen"},
		"seldom":            {Purpose: gateway.PurposeChat},
		"never":             {Purpose: "niemals"},
		"a model":           {Model: "haus-70b", Scope: audit.Scope{Tenant: "musterhausen"}},
		"a rule":            {Rule: "AIA-005", From: at(30)},
		"a rule at the end": {Rule: "OUT-001"},
		"rules":             {Rules: []string{"OUT-001", "AIA-005"}},
		"an outcome":        {Outcome: gateway.OutcomeStopped},
		"allowed":           {Result: audit.ResultAllowed},
		"denied":            {Result: audit.ResultDenied},
		"stopped":           {Result: audit.ResultStopped, To: at(1100)},
		"open":              {Result: audit.ResultOpen},
		"a file":            {Case: "p1_case3"},
		"an id":             {IDPrefix: "musterhausen-0001"},
		"a revision":        {Revision: "2026-03", Effect: gateway.EffectDeny, Service: "wohngeld-mietzuschuss", Operation: gateway.OperationChat, Residency: ""},
	} {
		if !some(name) {
			continue
		}
		if f.Scope == (audit.Scope{}) {
			f.Scope.All = true
		}
		want, err := a.store.Totals(t.Context(), f)
		if err != nil {
			t.Fatalf("%s, %s: %v", when, name, err)
		}
		all, err := a.store.Select(t.Context(), f, audit.Position{}, compared)
		if err != nil {
			t.Fatalf("%s, %s: %v", when, name, err)
		}
		wanted := make([]string, len(all))
		for i, p := range all {
			wanted[i] = p.Open.ID
		}
		for n, v := range viewers {
			listed(t, fmt.Sprintf("%s, %s, viewer %d", when, name, n), v, f, want, wanted)
		}
	}
}

// compared is how many stories of a list are looked at: more than a page.
const compared = 30

// listed turns the pages of a list until it has shown those that are wanted.
func listed(t *testing.T, what string, v *audit.Viewer, f audit.Filter, want audit.Totals, wanted []string) {
	t.Helper()
	f.Limit, f.Totals = 20, true
	var got []string
	for {
		page, err := v.List(t.Context(), f)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		page.Totals.Bars = nil
		if !reflect.DeepEqual(*page.Totals, want) {
			t.Errorf("%s: counted are\n%+v, want\n%+v", what, *page.Totals, want)
		}
		for _, item := range page.Items {
			got = append(got, item.Record.ID)
		}
		if f.Cursor = page.Next; page.Next == "" || len(got) >= compared {
			break
		}
	}
	if got = got[:min(compared, len(got))]; !slices.Equal(got, wanted) && len(got)+len(wanted) > 0 {
		t.Errorf("%s: listed are\n%v, want\n%v", what, got, wanted)
	}
}

// forgedCounts changes what is kept: a verification names it, and lists do not show
// what cannot be read.
func (a *aged) forgedCounts(t *testing.T) {
	t.Helper()
	kept, err := a.store.Summaries(t.Context(), 0, 1)
	if err != nil || len(kept) != 1 {
		t.Fatalf("summaries: %d, %v", len(kept), err)
	}
	right := kept[0].Body
	more := slices.Clone(right)
	more[len(more)-1]++ // one story more
	for name, body := range map[string][]byte{"changed": more, "cut": right[:len(right)/2], "empty": {}} {
		a.db.Exec(t, "UPDATE record_summary SET body = $1", body)
		report := verify(t, a.log)
		if len(report.Problems) != 1 || report.Problems[0].Kind != audit.ProblemSummary {
			t.Errorf("%s counts give %v", name, report.Problems)
		}
		if name == "changed" {
			continue
		}
		fresh, err := audit.NewViewer(a.store, a.public)
		if err != nil {
			t.Fatal(err)
		}
		a.compare(t, name+" counts", few, fresh)
	}
	a.db.Exec(t, "UPDATE record_summary SET body = $1", right)
	mustBeSound(t, verify(t, a.log))
	for _, block := range []int64{-1, 5000, 1 << 60} {
		a.db.Exec(t, "INSERT INTO record_summary (block, body) VALUES ($1, $2)", block, right)
		if report := verify(t, a.log); len(report.Problems) != 1 || report.Problems[0].Kind != audit.ProblemSummary {
			t.Errorf("counts of block %d give %v", block, report.Problems)
		}
		a.db.Exec(t, "DELETE FROM record_summary WHERE block = $1", block)
	}
}
