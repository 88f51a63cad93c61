// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// journal writes notes and reads them by topic, object and page, within a scope.
func journal(t *testing.T, b Backend) {
	s := newSetup(t, b)
	ctx := context.Background()
	note := func(tenant gateway.TenantID, topic, object string, n int) {
		t.Helper()
		err := s.log.Note(ctx, audit.Note{
			Time: start.Add(time.Duration(n) * time.Hour), Tenant: tenant, Topic: topic, Object: object, Actor: "p1_a", Role: "revision", Case: "p1_c",
			Reason: "Beschwerde § 1", Text: fmt.Sprintf("Vermerk %d.", n), Old: json.RawMessage(`{ "a" : "<ä>" }`), New: json.RawMessage(`null`),
		})
		if err != nil {
			t.Fatalf("note: %v", err)
		}
	}
	for n := range 6 {
		note("musterhausen", audit.TopicRecordOpened, fmt.Sprintf("e-%d", n), n)
	}
	note("musterhausen", audit.TopicReleased, "e-1", 6)
	note("musterhausen", audit.TopicRejected, "e-1", 7) // too late
	note("musterhausen", audit.TopicRejected, "e-2", 8)
	note("beispielstadt", audit.TopicReleased, "e-3", 9)
	note("", audit.TopicPolicyActivated, "policies", 10) // concerns all
	note("", audit.TopicTenantChanged, "tenant/beispielstadt", 11)
	for n, actor := range []gateway.Pseudonym{"p1_<ä>", "p1_b", "p1_<ä>"} {
		err := s.log.Note(ctx, audit.Note{
			Time: start.Add(time.Duration(20+n) * time.Hour), Tenant: "anderswo", Topic: audit.TopicSignedIn, Actor: actor, Text: "Eine Person hat sich angemeldet.",
			Reason: "§ 2", Old: json.RawMessage(`{"a":"<ä>"}`), New: json.RawMessage(`{"actor":"p1_a"}`),
		})
		if err != nil {
			t.Fatalf("note: %v", err)
		}
	}
	own, all := audit.Scope{Tenant: "musterhausen"}, audit.Scope{All: true}
	for name, c := range map[string]struct {
		filter audit.NoteFilter
		want   int
	}{
		"own":                {audit.NoteFilter{Scope: own}, 10},
		"all":                {audit.NoteFilter{Scope: all}, 15},
		"actor":              {audit.NoteFilter{Scope: all, Actor: "p1_a"}, 12},
		"own of an actor":    {audit.NoteFilter{Scope: own, Actor: "p1_a"}, 10},
		"an odd actor":       {audit.NoteFilter{Scope: all, Actor: "p1_<ä>"}, 2},
		"a part of an actor": {audit.NoteFilter{Scope: all, Actor: "p1_"}, 0},
		"nobody":             {audit.NoteFilter{}, 0},
		"topics":             {audit.NoteFilter{Scope: own, Topics: []string{audit.TopicReleased, audit.TopicRejected}}, 3},
		"object":             {audit.NoteFilter{Scope: own, Object: "e-1"}, 3},
		"time":               {audit.NoteFilter{Scope: all, From: start.Add(2 * time.Hour), To: start.Add(5 * time.Hour)}, 3},
		"operator":           {audit.NoteFilter{Scope: audit.Scope{Tenant: audit.Operator}}, 2},
	} {
		var seen []int64
		for c.filter.Limit = 2; ; {
			page, err := s.log.Notes(ctx, c.filter)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, n := range page.Notes {
				if len(seen) > 0 && n.Seq >= seen[len(seen)-1] {
					t.Errorf("%s: note %d comes behind %d", name, n.Seq, seen[len(seen)-1])
				}
				if string(n.Note.Old) != `{"a":"\u003cä\u003e"}` || (n.Note.New != nil) != (n.Note.Tenant == "anderswo") || n.Note.ID == "" || n.Note.Reason == "" {
					t.Errorf("%s: note = %+v", name, n.Note)
				}
				seen = append(seen, n.Seq)
			}
			if c.filter.Cursor = page.Next; page.Next == "" {
				break
			}
		}
		if len(seen) != c.want {
			t.Errorf("%s: %d notes, want %d", name, len(seen), c.want)
		}
	}
	if _, err := s.log.Notes(ctx, audit.NoteFilter{Scope: all, Cursor: "x"}); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("a broken cursor = %v, want invalid", err)
	}
	released, err := s.log.Releases(ctx, own, []string{"e-1", "e-2", "e-3", "e-4"})
	if err != nil || len(released) != 2 || released["e-1"].Topic != audit.TopicReleased || released["e-2"].Topic != audit.TopicRejected {
		t.Errorf("releases = %+v, %v; want the first word about e-1 and e-2", released, err)
	}
	badNotes(t, s.log)
	mustBeSound(t, verify(t, s.log))
}

// badNotes are out of bounds: they are refused, not cut.
func badNotes(t *testing.T, log *audit.Log) {
	t.Helper()
	good := audit.Note{Topic: audit.TopicExported, Text: "Ein Auszug."}
	for path, change := range map[string]func(*audit.Note){
		"topic":  func(n *audit.Note) { n.Topic = "Ein Thema" },
		"object": func(n *audit.Note) { n.Object = strings.Repeat("x", 201) },
		"actor":  func(n *audit.Note) { n.Actor = "a\x00" },
		"text":   func(n *audit.Note) { n.Text = strings.Repeat("ä", 501) },
		"reason": func(n *audit.Note) { n.Reason = "\xff" },
		"old":    func(n *audit.Note) { n.Old = json.RawMessage(`{"a":`) },
		"new":    func(n *audit.Note) { n.New = json.RawMessage(`"` + strings.Repeat("x", 64<<10) + `"`) },
	} {
		n := good
		change(&n)
		var known *gateway.Error
		if err := log.Note(context.Background(), n); !errors.As(err, &known) || known.Code != gateway.CodeInvalid || known.Path != path {
			t.Errorf("a note with a bad %s = %v, want invalid there", path, err)
		}
	}
}

// commandLine writes notes from a second process beside one that writes everything.
func commandLine(t *testing.T, b Backend) {
	s := newSetup(t, b)
	ctx := context.Background()
	second := s.open(t)
	defer func() { _ = second.Close() }()
	notes, err := audit.New(ctx, audit.Config{Store: second, Key: s.private, NotesOnly: true})
	if err != nil {
		t.Fatalf("a writer of notes beside another process: %v", err)
	}
	defer shutdown(t, notes)
	var wg sync.WaitGroup
	wg.Go(func() { s.write(t, "musterhausen", 0, 40) })
	wg.Go(func() {
		for n := range 20 {
			if err := notes.Note(ctx, audit.Note{Topic: audit.TopicTenantChanged, Object: fmt.Sprintf("tenant/%d", n), Text: "Ein Mandant wurde geändert."}); err != nil {
				t.Errorf("note: %v", err)
			}
		}
	})
	wg.Wait()
	if err := notes.Open(ctx, Record(99, "musterhausen")); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("a writer of notes begins a story: %v", err)
	}
	report := verify(t, s.log)
	mustBeSound(t, report)
	if report.Leaves != 100 || report.Unfinished != 0 {
		t.Errorf("%d leaves, %d unfinished; want 100, 0", report.Leaves, report.Unfinished)
	}
}

// witnessed compares with what was kept elsewhere, and proves growth between dates.
func witnessed(t *testing.T, b Backend) {
	a := newAged(t, b)
	ctx := context.Background()
	var kept [][]byte
	var sizes []int64
	for n := range 5 {
		a.entry(t, Record(n, "musterhausen"))
		c, err := a.log.Newest(ctx)
		if err != nil {
			t.Fatalf("newest: %v", err)
		}
		kept, sizes = append(kept, c.Note), append(sizes, c.Size)
		a.pass(day)
	}
	viewer := a.log.WithKept(func(context.Context) ([][]byte, error) { return kept, nil })
	report := verify(t, viewer)
	mustBeSound(t, report)
	if report.Witnessed != 5 {
		t.Errorf("%d checkpoints of the witness were compared, want 5", report.Witnessed)
	}
	if quick, err := a.log.Compare(ctx, kept...); err != nil || !quick.OK() || quick.Witnessed != 5 {
		t.Errorf("compare = %+v, %v", quick, err)
	}
	silent := a.log.WithKept(func(context.Context) ([][]byte, error) { return nil, errors.New("share away") })
	if report := verify(t, silent); report.WitnessError == "" || !report.OK() {
		t.Errorf("a witness that cannot be asked gives %+v", report)
	}
	if bad, err := a.log.Compare(ctx, []byte("kein Prüfpunkt")); err != nil || bad.OK() || bad.Problems[0].Kind != audit.ProblemWitness {
		t.Errorf("a forged checkpoint of a witness gives %+v, %v", bad, err)
	}

	a.between(t, sizes)

	// The database is set back by two days.
	a.db.Unlock(t)
	a.db.Exec(t, "DELETE FROM entry WHERE seq >= $1", sizes[2])
	a.db.Exec(t, "DELETE FROM checkpoint WHERE size > $1", sizes[2])
	if report := verify(t, viewer); len(report.Problems) != 2 || report.Problems[0].Kind != audit.ProblemTruncated {
		t.Errorf("a log that was set back gives %v, want two later checkpoints named", report.Problems)
	}
	if quick, err := a.log.Compare(ctx, kept...); err != nil || len(quick.Problems) != 2 {
		t.Errorf("compare with a log that was set back = %+v, %v", quick, err)
	}
	// And it goes on from there, with the right key, as if nothing had happened.
	a.stop(t)
	a.db.Exec(t, "DELETE FROM node WHERE idx >= $1", tlog.StoredHashCount(sizes[2]))
	a.db.Exec(t, "DELETE FROM pending")
	a.restart(t)
	for n := range 6 {
		a.entry(t, Record(20+n, "musterhausen"))
	}
	mustBeSound(t, verify(t, a.log))
	report, err := a.log.Compare(ctx, kept...)
	if err != nil || len(report.Problems) != 2 || report.Problems[0].Kind != audit.ProblemCheckpoint {
		t.Errorf("a log that was set back and written on gives %v, %v", report.Problems, err)
	}
	if report := verify(t, a.log.WithKept(func(context.Context) ([][]byte, error) { return kept, nil })); len(report.Problems) != 2 {
		t.Errorf("its verification gives %v", report.Problems)
	}
}

func (a *aged) between(t *testing.T, sizes []int64) {
	t.Helper()
	ctx := context.Background()
	for name, c := range map[string]struct {
		from, to audit.Point
		want     [2]int64
		code     gateway.Code
	}{
		"two dates":        {audit.Point{Time: start.Add(day + time.Hour)}, audit.Point{Time: start.Add(3*day + time.Hour)}, [2]int64{sizes[1], sizes[3]}, ""},
		"a date until now": {audit.Point{Time: start.Add(time.Hour)}, audit.Point{}, [2]int64{sizes[0], sizes[4]}, ""},
		"sizes":            {audit.Point{Size: 3}, audit.Point{Size: 7}, [2]int64{3, 7}, ""},
		"before the first": {audit.Point{Time: start.Add(-day)}, audit.Point{}, [2]int64{}, gateway.CodeNotFound},
		"too large":        {audit.Point{Size: 3}, audit.Point{Size: 1000}, [2]int64{}, gateway.CodeNotFound},
		"turned round":     {audit.Point{Size: 7}, audit.Point{Size: 3}, [2]int64{}, gateway.CodeInvalid},
	} {
		proof, err := a.log.Between(ctx, c.from, c.to)
		if gateway.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %q", name, err, c.code)
			continue
		}
		if err == nil && (!proof.Valid || proof.From.Size != c.want[0] || proof.To.Size != c.want[1]) {
			t.Errorf("%s: %+v, want a valid proof of %v", name, proof, c.want)
		}
	}
}
