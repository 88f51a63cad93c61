// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// storedHashes computes all hashes of a tree with the library alone.
func storedHashes(t *testing.T, bodies [][]byte) []tlog.Hash {
	t.Helper()
	var all []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = all[index]
		}
		return hashes, nil
	})
	for n, body := range bodies {
		hashes, err := tlog.StoredHashes(int64(n), body, read)
		if err != nil {
			t.Fatalf("compute hashes: %v", err)
		}
		all = append(all, hashes...)
	}
	return all
}

func lists(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 130)
	if err := s.log.Open(context.Background(), Record(130, "musterhausen")); err != nil {
		t.Fatalf("open: %v", err)
	}
	scope := audit.Scope{Tenant: "musterhausen"}
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for _, c := range []struct {
		name   string
		filter audit.Filter
		want   int
	}{
		{"all", audit.Filter{}, 131},
		{"from", audit.Filter{From: hour(1)}, 71},
		{"from and to", audit.Filter{From: hour(1), To: hour(2)}, 60},
		{"system", audit.Filter{System: "meldewesen"}, 65},
		{"purpose", audit.Filter{Purpose: gateway.PurposeChat}, 0},
		{"service", audit.Filter{Service: "wohngeld-mietzuschuss"}, 131},
		{"operation", audit.Filter{Operation: gateway.OperationChat}, 131},
		{"denied", audit.Filter{Effect: gateway.EffectDeny}, 26},
		{"answered", audit.Filter{Outcome: gateway.OutcomeAnswered}, 104},
		{"rule", audit.Filter{Rule: "AIA-005"}, 26},
		{"part of a rule's id", audit.Filter{Rule: "AIA-00"}, 0},
		{"model", audit.Filter{Model: "haus-70b"}, 105},
		{"residency", audit.Filter{Residency: gateway.ResidencyOwn}, 105},
		{"case", audit.Filter{Case: "p1_case3"}, 19},
		{"id", audit.Filter{IDPrefix: "musterhausen-00012"}, 10},
		{"id with a wildcard", audit.Filter{IDPrefix: "%"}, 0},
		{"two at once", audit.Filter{System: "wohngeld", Effect: gateway.EffectDeny}, 13},
	} {
		c.filter.Scope, c.filter.Totals, c.filter.Limit = scope, true, 40
		seen, last, totals := map[string]bool{}, time.Time{}, 0
		for range 10 {
			page, err := s.log.List(context.Background(), c.filter)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			totals = page.Totals.Count
			for _, item := range page.Items {
				if seen[item.Record.ID] || (!last.IsZero() && item.Record.Time.After(last)) {
					t.Errorf("%s: %s comes twice or out of order", c.name, item.Record.ID)
				}
				if (item.Closing == nil) != (item.Record.ID == Record(130, "musterhausen").ID) {
					t.Errorf("%s: %s has closing %v", c.name, item.Record.ID, item.Closing)
				}
				seen[item.Record.ID], last = true, item.Record.Time
			}
			if c.filter.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if len(seen) != c.want || totals != c.want {
			t.Errorf("%s: %d entries on all pages, total %d, want %d", c.name, len(seen), totals, c.want)
		}
	}
	page, err := s.log.List(context.Background(), audit.Filter{Scope: scope, Totals: true, Limit: 1})
	if err != nil {
		t.Fatalf("totals: %v", err)
	}
	if h := page.Totals.Hours; len(h) != 3 || h[0].Allowed != 48 || h[0].Denied != 12 || !h[1].Start.Equal(hour(1)) {
		t.Errorf("hours = %+v, want 3 with 48 allowed and 12 denied in the first", h)
	}
	if o := page.Totals.Outcomes; o[gateway.OutcomeDenied] != 26 || o[""] != 1 {
		t.Errorf("outcomes = %v, want 26 denied and 1 not ended", o)
	}
	if _, err := s.log.List(context.Background(), audit.Filter{Scope: scope, Cursor: "x"}); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("a broken cursor = %v, want invalid", err)
	}
}

func tenants(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 5)
	s.write(t, "beispielstadt", 0, 3)
	ctx := context.Background()
	for _, c := range []struct {
		scope audit.Scope
		want  int
	}{
		{audit.Scope{Tenant: "musterhausen"}, 5},
		{audit.Scope{Tenant: "beispielstadt"}, 3},
		{audit.Scope{Tenant: "muster"}, 0},
		{audit.Scope{Tenant: "' OR 1=1 --"}, 0},
		{audit.Scope{}, 0},
		{audit.Scope{All: true}, 8},
	} {
		page, err := s.log.List(ctx, audit.Filter{Scope: c.scope, Totals: true})
		if err != nil || len(page.Items) != c.want || page.Totals.Count != c.want {
			t.Errorf("scope %+v sees %d entries, total %+v, %v; want %d", c.scope, len(page.Items), page.Totals, err, c.want)
		}
		for _, item := range page.Items {
			if !c.scope.All && item.Record.Tenant != c.scope.Tenant {
				t.Errorf("scope %+v sees an entry of %s", c.scope, item.Record.Tenant)
			}
		}
		var out bytes.Buffer
		if err := s.log.Export(ctx, &out, audit.Filter{Scope: c.scope, From: start}); err != nil {
			t.Fatalf("export: %v", err)
		}
		for _, other := range []string{"musterhausen", "beispielstadt"} {
			if has := strings.Contains(unzip(t, out.Bytes())["entries.jsonl"], other); has != (c.scope.All || string(c.scope.Tenant) == other) {
				t.Errorf("export of scope %+v contains %s: %v", c.scope, other, has)
			}
		}
	}
	id := Record(1, "musterhausen").ID
	for _, scope := range []audit.Scope{{}, {Tenant: "beispielstadt"}} {
		if _, err := s.log.Show(ctx, scope, id); gateway.CodeOf(err) != gateway.CodeNotFound {
			t.Errorf("show to %+v = %v, want not found", scope, err)
		}
	}
	if _, err := s.log.Show(ctx, audit.Scope{Tenant: "musterhausen"}, id); err != nil {
		t.Errorf("show to its tenant = %v", err)
	}
}

func exports(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 150)
	s.write(t, "beispielstadt", 0, 50)
	_, foreign := Key(t)
	for _, c := range []struct {
		name     string
		filter   audit.Filter
		leaves   int64
		complete bool
	}{
		{"everything", audit.Filter{Scope: audit.Scope{All: true}}, 400, true},
		{"a tenant", audit.Filter{Scope: audit.Scope{Tenant: "beispielstadt"}}, 100, false},
		{"a selection", audit.Filter{Scope: audit.Scope{Tenant: "musterhausen"}, Effect: gateway.EffectDeny}, 60, false},
		{"nothing", audit.Filter{}, 0, false},
	} {
		file := export(t, s, c.filter)
		report, err := audit.VerifyExport(bytes.NewReader(file), int64(len(file)), s.public)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		mustBeSound(t, report)
		if report.Leaves != c.leaves || report.Complete != c.complete || report.Unfinished != 0 {
			t.Errorf("%s: %d leaves, complete %v, want %d, %v", c.name, report.Leaves, report.Complete, c.leaves, c.complete)
		}
		if report, err := audit.VerifyExport(bytes.NewReader(file), int64(len(file)), foreign); err != nil || report.OK() {
			t.Errorf("%s: under a foreign key = %v, %v; want a problem", c.name, report.Problems, err)
		}
		if readme := unzip(t, file)["README.txt"]; !strings.Contains(readme, "test.example/record") {
			t.Errorf("%s: the README does not name the log", c.name)
		}
	}
}

func export(t *testing.T, s *setup, f audit.Filter) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := s.log.Export(context.Background(), &out, f); err != nil {
		t.Fatalf("export: %v", err)
	}
	return out.Bytes()
}

func unzip(t *testing.T, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("open zip: %v", err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatalf("open %s: %v", f.Name, err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("read %s: %v", f.Name, err)
		}
		files[f.Name] = string(text)
	}
	return files
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatalf("create %s: %v", name, err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatalf("write %s: %v", name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("close zip: %v", err)
	}
	return out.Bytes()
}

// shared lets two logs write to one database, as two replicas do.
func shared(t *testing.T, b Backend) {
	if !b.Shared {
		s := newSetup(t, b)
		second := s.open(t)
		defer func() { _ = second.Close() }()
		if _, err := audit.New(context.Background(), audit.Config{Store: second, Key: s.private}); err == nil {
			t.Error("a second writer is admitted to a store for one process")
		}
		return
	}
	s := newSetup(t, b)
	store, second := s.start(t)
	defer func() { _ = store.Close() }()
	defer shutdown(t, second)
	var wg sync.WaitGroup
	for w := range 16 {
		first, other := s.log, second
		if w%2 == 1 {
			first, other = second, s.log
		}
		wg.Go(func() {
			for n := range 15 {
				r := Record(w*15+n, "musterhausen")
				if err := first.Open(context.Background(), r); err != nil {
					t.Errorf("open: %v", err)
				}
				// A story may end at another replica than it began at.
				if err := other.Close(context.Background(), Closing(r)); err != nil {
					t.Errorf("close: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for _, l := range []*audit.Log{s.log, second} {
		report := verify(t, l)
		mustBeSound(t, report)
		if report.Leaves != 480 || report.Unfinished != 0 {
			t.Errorf("two replicas wrote %d leaves, %d unfinished; want 480, 0", report.Leaves, report.Unfinished)
		}
	}
}
