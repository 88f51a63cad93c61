// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ki-schleuse/schleuse/gateway"
)

// journal is a Beginner whose store takes as long as the test wants. It notes what
// happened in which order, also at the model and at the places.
type journal struct {
	*roads
	mu     sync.Mutex
	story  []string
	stored chan error // what Wait returns
	begin  error      // what Begin returns
	panics bool       // Wait
	left   []gateway.Attempt
	// answers lets the model answer; nil: at once.
	answers chan struct{}
	asked   context.Context // of the model
	closes  int             // streams
}

func (j *journal) note(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.story = append(j.story, what)
}

func (j *journal) told() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.story, " → ")
}

func (j *journal) Begin(_ context.Context, r gateway.Record) (gateway.Pending, error) {
	j.note("begin")
	j.records = append(j.records, r)
	return j, j.begin
}

func (j *journal) Wait(ctx context.Context) error {
	if j.panics {
		panic("Erika")
	}
	select {
	case err := <-j.stored:
		j.note("stored")
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (j *journal) Open(ctx context.Context, r gateway.Record) error {
	j.note("open")
	j.records = append(j.records, r)
	return (*journal).Wait(j, ctx)
}

func (j *journal) Close(_ context.Context, c gateway.Closing) error {
	j.note("close " + string(c.Outcome))
	j.closings = append(j.closings, c)
	return nil
}

func (j *journal) Enter(ctx context.Context, _ gateway.Request, _ gateway.Route) (gateway.Place, error) {
	return j, ctx.Err()
}

func (j *journal) Leave(a gateway.Attempt) {
	j.note("leave " + string(a.Code))
	j.left = append(j.left, a)
}

// answer waits until the model answers or is stopped.
func (j *journal) answer(ctx context.Context) error {
	j.note("ask")
	j.asked = ctx
	if j.answers == nil {
		return nil
	}
	select {
	case <-j.answers:
		j.note("answer")
		return nil
	case <-ctx.Done():
		j.note("stop")
		return ctx.Err()
	}
}

func (j *journal) Complete(ctx context.Context, c gateway.Call) (gateway.Answer, error) {
	if err := j.answer(ctx); err != nil {
		return gateway.Answer{}, err
	}
	return j.roads.Complete(ctx, c)
}

func (j *journal) Stream(ctx context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	if err := j.answer(ctx); err != nil {
		return nil, err
	}
	s, err := j.roads.Stream(ctx, c)
	return &journalStream{AnswerStream: s, j: j}, err
}

type journalStream struct {
	gateway.AnswerStream
	j *journal
}

func (s *journalStream) Close() error {
	s.j.closes++
	return s.AnswerStream.Close()
}

func overlapping(t *testing.T, routes []gateway.Route, change ...func(*gateway.Config)) (*journal, *quota, *gateway.Gateway) {
	t.Helper()
	j, q := &journal{stored: make(chan error, 1)}, &quota{}
	_, g := onRoads(t, append([]func(*gateway.Config){func(c *gateway.Config) {
		j.roads = c.Model.(*roads)
		c.Recorder, c.Model, c.Router, c.Quota = j, j, j, q
	}}, change...)...)
	j.routes = routes
	j.tries = []try{{answer: named, events: []string{event("Guten Tag Erika", ""), event("", "stop")}, usage: &gateway.Usage{Input: 10, Output: 20, Reported: true}}}
	return j, q, g
}

// asking takes a request through the gateway beside the test.
type asking struct {
	over bool
	err  error
}

func (a *asking) run(ctx context.Context, t *testing.T, g *gateway.Gateway, stream bool) {
	t.Helper()
	go func() {
		a.err = ask(ctx, g, chat(t, "Hallo Erika"), stream)
		a.over = true
	}()
	synctest.Wait()
}

func modes(t *testing.T, f func(t *testing.T, stream bool)) {
	t.Helper()
	for name, stream := range map[string]bool{"whole": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f(t, stream) })
		})
	}
}

func TestModelOfTheHouseIsAskedWhileTheRecordIsOnItsWay(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, q, g := overlapping(t, []gateway.Route{inside, inside})
		var a asking
		a.run(t.Context(), t, g, stream)
		if len(j.bodies) != 1 {
			t.Error("the model was not asked")
		}
		if a.over || len(j.closings) > 0 || len(q.settled) > 0 {
			t.Errorf("something came out before the record was durable: %v, %+v, %+v", a.err, j.closings, q.settled)
		}
		j.stored <- nil
		synctest.Wait()
		if !a.over || a.err != nil && !errors.Is(a.err, io.EOF) {
			t.Fatalf("ended with %v", a.err)
		}
		story := j.told()
		if !strings.HasPrefix(story, "begin → ask") || !strings.HasSuffix(story, "close answered") || strings.Index(story, "stored") > strings.Index(story, "close") {
			t.Errorf("story %s", story)
		}
		if len(q.settled) != 1 || len(j.left) != 1 || j.asked.Err() == nil {
			t.Errorf("settled %d times, place left %d times, context of the model: %v", len(q.settled), len(j.left), j.asked.Err())
		}
	})
}

// Not even the fact that the model has begun is told.
func TestStreamIsHandedOutWhenTheRecordIsDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, _, g := overlapping(t, []gateway.Route{inside})
		var s *gateway.Stream
		var err error
		go func() { s, err = g.Stream(t.Context(), chat(t, "x")) }()
		synctest.Wait()
		if s != nil || err != nil || len(j.bodies) != 1 {
			t.Fatalf("stream %v, error %v, %d calls before the record was durable", s, err, len(j.bodies))
		}
		j.stored <- nil
		synctest.Wait()
		if s == nil || err != nil {
			t.Fatalf("stream %v, error %v", s, err)
		}
		if first, err := s.Next(); err != nil || !strings.Contains(string(first), "Erika") || j.asked.Err() != nil {
			t.Errorf("first event %s, %v; context of the model: %v", first, err, j.asked.Err())
		}
		if err := s.Close(); err != nil || j.asked.Err() == nil || !strings.HasSuffix(j.told(), "close cancelled") {
			t.Errorf("closed with %v, context of the model %v, story %s", err, j.asked.Err(), j.told())
		}
	})
}

// A slow model behind a fast store: nothing is waited for.
func TestRecordIsDurableBeforeTheModelAnswers(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, _, g := overlapping(t, []gateway.Route{inside})
		j.answers = make(chan struct{})
		var a asking
		a.run(t.Context(), t, g, stream)
		j.stored <- nil
		synctest.Wait()
		if j.asked.Err() != nil {
			t.Errorf("the model was stopped: %v", context.Cause(j.asked))
		}
		close(j.answers)
		synctest.Wait()
		if got, want := j.told(), "begin → ask → stored → answer → leave  → close answered"; got != want {
			t.Errorf("story\n%s\nwant\n%s", got, want)
		}
	})
}

func TestNothingGoesOutsideBeforeTheRecordIsDurable(t *testing.T) {
	t.Parallel()
	inform := func(c *gateway.Config) { c.RecordFirst = true }
	for name, c := range map[string]struct {
		routes []gateway.Route
		change []func(*gateway.Config)
	}{
		"outside":                   {routes: []gateway.Route{outside}},
		"inside, then outside":      {routes: []gateway.Route{inside, outside}},
		"inside, but records first": {routes: []gateway.Route{inside}, change: []func(*gateway.Config){inform}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, stream bool) {
				t.Helper()
				j, _, g := overlapping(t, c.routes, c.change...)
				var a asking
				a.run(t.Context(), t, g, stream)
				if got := j.told(); got != "open" || a.over {
					t.Errorf("story %s before the record was durable", got)
				}
				j.stored <- nil
				synctest.Wait()
				if got, want := j.told(), "open → stored → ask → leave  → close answered"; got != want {
					t.Errorf("story\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

// What a tool does cannot be taken back, wherever it runs.
func TestToolsWaitForTheRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, _, g := overlapping(t, []gateway.Route{inside})
		r := chat(t, "x")
		r.Operation = gateway.OperationTool
		go func() { _, _ = g.Complete(t.Context(), r) }()
		synctest.Wait()
		if got := j.told(); got != "open" {
			t.Errorf("story %s", got)
		}
		j.stored <- nil
		synctest.Wait()
		if !strings.Contains(j.told(), "stored → ask") {
			t.Errorf("story %s", j.told())
		}
	})
}

var errDisk = &gateway.Error{Code: gateway.CodeNoRecord, Err: errors.New("disk full")}

func TestLostRecordStopsTheModel(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, q, g := overlapping(t, []gateway.Route{inside, inside})
		j.answers = make(chan struct{})
		var a asking
		a.run(t.Context(), t, g, stream)
		j.stored <- errDisk
		synctest.Wait()
		if !a.over || gateway.CodeOf(a.err) != gateway.CodeNoRecord {
			t.Fatalf("ended with %v", a.err)
		}
		if got, want := j.told(), "begin → ask → stored → stop → leave cancelled"; got != want {
			t.Errorf("story\n%s\nwant\n%s", got, want)
		}
		known, _ := errors.AsType[*gateway.Error](a.err)
		if known.RequestID != "e-1" || known.Message != "Die Anfrage konnte nicht protokolliert werden und wurde deshalb nicht bearbeitet." {
			t.Errorf("the caller reads %q of %s", known.Message, known.RequestID)
		}
		if len(q.settled) != 1 {
			t.Fatalf("settled %d times", len(q.settled))
		}
		used := q.settled[0].Closing
		if want := inside.Price.Of(used.Usage.Input, 0); !used.Usage.Estimated || used.Usage.Input == 0 || used.Cost != want || used.Code != gateway.CodeNoRecord {
			t.Errorf("settled %+v, want what the model has read", used)
		}
	})
}

// The answer was there already: it is thrown away, and paid for.
func TestLostRecordLosesTheAnswer(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, q, g := overlapping(t, []gateway.Route{inside})
		var a asking
		a.run(t.Context(), t, g, stream)
		if a.over {
			t.Fatal("did not wait for the record")
		}
		j.stored <- errDisk
		synctest.Wait()
		if gateway.CodeOf(a.err) != gateway.CodeNoRecord || len(j.closings) > 0 {
			t.Errorf("ended with %v, closings %+v", a.err, j.closings)
		}
		if len(q.settled) != 1 || q.settled[0].Closing.Cost == 0 || len(j.left) != 1 {
			t.Errorf("settled %+v, places %+v", q.settled, j.left)
		}
		if stream && j.closes == 0 {
			t.Error("the stream goes on")
		}
	})
}

// The caller is gone, and the model was asked: both stand in the record.
func TestCallerLeavesBeforeTheRecordIsDurable(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, q, g := overlapping(t, []gateway.Route{inside})
		j.answers = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		var a asking
		a.run(ctx, t, g, stream)
		cancel()
		synctest.Wait()
		if a.over || !strings.HasSuffix(j.told(), "stop → leave cancelled") {
			t.Errorf("over %v, story %s: the model is stopped at once, the record waited for", a.over, j.told())
		}
		j.stored <- nil
		synctest.Wait()
		if gateway.CodeOf(a.err) != gateway.CodeCancelled || !strings.HasSuffix(j.told(), "stored → close cancelled") {
			t.Errorf("ended with %v, story %s", a.err, j.told())
		}
		if end := j.closings[0]; len(end.Attempts) != 1 || end.Cost == 0 || len(q.settled) != 1 {
			t.Errorf("closing %+v, settled %+v", end, q.settled)
		}
	})
}

func TestModelFailsBeforeTheRecordIsDurable(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, _, g := overlapping(t, []gateway.Route{inside})
		j.tries = []try{{err: errDown}}
		var a asking
		a.run(t.Context(), t, g, stream)
		if a.over || len(j.closings) > 0 {
			t.Errorf("ended with %v before the record was durable", a.err)
		}
		j.stored <- nil
		synctest.Wait()
		if gateway.CodeOf(a.err) != gateway.CodeUnavailable || !strings.HasSuffix(j.told(), "stored → close failed") {
			t.Errorf("ended with %v, story %s", a.err, j.told())
		}
	})
}

func TestRecorderThatFailsBesideThePassage(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*journal){
		"takes nothing": func(j *journal) { j.begin = errDisk },
		"panics":        func(j *journal) { j.panics = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, stream bool) {
				t.Helper()
				j, q, g := overlapping(t, []gateway.Route{inside})
				change(j)
				var a asking
				a.run(t.Context(), t, g, stream)
				if gateway.CodeOf(a.err) != gateway.CodeNoRecord || len(j.closings) > 0 || len(q.settled) != 1 {
					t.Errorf("ended with %v, closings %+v, settled %d times", a.err, j.closings, len(q.settled))
				}
				if j.begin != nil && j.asked != nil {
					t.Error("the model was asked without a record")
				}
			})
		})
	}
}

// A model that panics leaves one closed record, and not before it is durable.
func TestModelPanicsBeforeTheRecordIsDurable(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		j, _, g := overlapping(t, []gateway.Route{inside})
		j.tries = []try{{panics: true}}
		var a asking
		a.run(t.Context(), t, g, stream)
		if a.over {
			t.Fatalf("ended with %v before the record was durable", a.err)
		}
		j.stored <- nil
		synctest.Wait()
		if gateway.CodeOf(a.err) != gateway.CodeInternal || !strings.HasSuffix(j.told(), "stored → leave internal → close failed") {
			t.Errorf("ended with %v, story %s", a.err, j.told())
		}
	})
}

// What was kept of a request whose record is lost is dropped.
func TestLostRecordDropsWhatWasKept(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, stream bool) {
		t.Helper()
		var k *keeper
		j, _, g := overlapping(t, []gateway.Route{inside})
		k = &keeper{p: j.parts}
		g.Vault = k
		allow := j.decide
		j.decide = func(q gateway.Question) (gateway.Decision, error) {
			d, err := allow(q)
			d.Obligations = append(d.Obligations, gateway.Obligation{ID: gateway.ObligationLogContent, Params: map[string]any{"days": 30}})
			return d, err
		}
		j.stored <- errDisk
		var a asking
		a.run(t.Context(), t, g, stream)
		if gateway.CodeOf(a.err) != gateway.CodeNoRecord || !slices.Equal(k.dropped, []string{"e-1"}) {
			t.Errorf("ended with %v, dropped %v", a.err, k.dropped)
		}
		if slices.ContainsFunc(k.kept, func(c gateway.Content) bool { return c.Answer }) {
			t.Error("the answer was kept")
		}
	})
}
