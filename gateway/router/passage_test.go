// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// The parts of a gateway around the router, as small as can be: nothing is found,
// everything is allowed, what is recorded is kept.
type (
	blind   struct{}
	nothing struct{ gateway.Restorer }
	lenient struct{}
	keeper  struct {
		records  []gateway.Record
		closings []gateway.Closing
	}
	script struct {
		calls   []string
		answers []error // per call; the last one stays
	}
)

func (blind) Screen(context.Context, []string, []gateway.Entity) (gateway.Screening, error) {
	return nothing{}, nil
}
func (nothing) Findings() []gateway.Finding                        { return nil }
func (nothing) Summary() gateway.Screened                          { return gateway.Screened{} }
func (nothing) Pseudonymise() (texts []string, r gateway.Restorer) { return nil, nil }

func (lenient) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	d := gateway.Decision{Stage: q.Stage, Effect: gateway.EffectAllow, Revision: "1", Digest: "1"}
	for _, m := range q.Models {
		d.Models = append(d.Models, m.ID)
	}
	return d, nil
}

func (k *keeper) Open(_ context.Context, r gateway.Record) error {
	k.records = append(k.records, r)
	return nil
}

func (k *keeper) Close(_ context.Context, c gateway.Closing) error {
	k.closings = append(k.closings, c)
	return nil
}

func (k *keeper) CloseSoon(c gateway.Closing) bool { return k.Close(context.Background(), c) == nil }

func (s *script) Complete(_ context.Context, c gateway.Call) (gateway.Answer, error) {
	err := s.answers[min(len(s.calls), len(s.answers)-1)]
	s.calls = append(s.calls, string(c.Route.Model)+"@"+c.Route.Endpoint)
	return gateway.Answer{Body: []byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"Guten Tag"},"finish_reason":"stop"}]}`)}, err
}

func (s *script) Stream(context.Context, gateway.Call) (gateway.AnswerStream, error) {
	return nil, errors.New("not used")
}

// passage is a gateway with a router before servers that answer by a script.
func passage(t *testing.T, models []router.Entry, answers ...error) (*gateway.Gateway, *script, *keeper) {
	t.Helper()
	model, log := &script{answers: answers}, &keeper{}
	g, err := gateway.New(gateway.Config{
		Screener: blind{}, Decider: lenient{}, Model: model, Recorder: log,
		Router:       open(t, router.Config{Catalogue: router.Catalogue{Models: models}}),
		Pseudonymise: func(gateway.TenantID, string, string) gateway.Pseudonym { return "p" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, model, log
}

// What callers see at the edges, through the whole gateway.
func TestEdges(t *testing.T) {
	t.Parallel()
	house := three()[2:]
	busy, later := fault(failed), tired
	later.RetryAfter = time.Second
	_, dial := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	nobody := &gateway.Error{Code: gateway.CodeUnavailable, Err: fmt.Errorf("call model: %w", dial)}
	for name, c := range map[string]struct {
		models  []router.Entry
		answers []error
		code    gateway.Code
		status  int
		retry   time.Duration
		calls   string
		within  time.Duration
	}{
		"503 always":              {house, []error{busy}, gateway.CodeUnavailable, http.StatusServiceUnavailable, 0, "haus@a haus@a haus@a", time.Second},
		"503 first, then fine":    {house, []error{busy, nil}, "", 0, 0, "haus@a haus@a", time.Second},
		"429 with Retry-After":    {house, []error{fault(later)}, gateway.CodeRateLimited, http.StatusTooManyRequests, time.Second, "haus@a", 0},
		"400":                     {house, []error{fault(wrong)}, gateway.CodeUpstream, http.StatusBadRequest, 0, "haus@a", 0},
		"nobody there":            {house, []error{nobody}, gateway.CodeUnavailable, 0, 0, "haus@a haus@a haus@a", time.Second},
		"first is down":           {three(), []error{fault(crashed), nil}, "", 0, 0, "haus@a eu@c", 0},
		"429, others fine":        {three(), []error{fault(later), nil}, "", 0, 0, "haus@a eu@c", 0},
		"all down":                {three(), []error{fault(crashed)}, gateway.CodeUnavailable, http.StatusInternalServerError, 0, "haus@a eu@c us@d", 0},
		"all busy":                {three(), []error{busy}, gateway.CodeUnavailable, http.StatusServiceUnavailable, 0, "haus@a haus@a haus@a eu@c eu@c eu@c us@d us@d", 2 * time.Second},
		"replicas of a named one": {catalogue().Models[:2], []error{fault(crashed)}, gateway.CodeUnavailable, http.StatusInternalServerError, 0, "haus haus", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			g, model, log := passage(t, c.models, c.answers...)
			q := chat(t, `{"model":"x","messages":[{"role":"user","content":"Guten Tag"}]}`)
			q.Purpose = gateway.PurposeChat
			began := time.Now()
			_, err := g.Complete(t.Context(), q)
			took := time.Since(began)
			known := asError(err)
			if gateway.CodeOf(err) != c.code || known.RetryAfter != c.retry || known.Upstream != nil && known.Upstream.Status != c.status || took > c.within {
				t.Errorf("%s: %v, status %+v, retry after %s, in %s", name, err, known.Upstream, known.RetryAfter, took)
			}
			calls := strings.Join(model.calls, " ")
			if name == "replicas of a named one" { // in whichever order
				calls = strings.NewReplacer("@a", "", "@b", "").Replace(calls)
			}
			if calls != c.calls {
				t.Errorf("%s: calls %s, want %s", name, calls, c.calls)
			}
			if n := len(log.closings[0].Attempts); n != len(model.calls) && (n != 0 || len(model.calls) != 1) {
				t.Errorf("%s: %d attempts recorded, %d made", name, n, len(model.calls))
			}
		})
	}
}

// The same endpoint is checked for one fault after the other: what one request
// met must not decide about the next.
func TestEdgesInARow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		later := tired
		later.RetryAfter = time.Second
		answers := []error{fault(cut), fault(silent), fault(later), fault(failed), fault(failed), fault(failed), fault(failed), nil}
		g, model, _ := passage(t, three()[2:], answers...)
		var got []gateway.Code
		for range 5 {
			q := chat(t, `{"messages":[{"role":"user","content":"Guten Tag"}]}`)
			q.Purpose = gateway.PurposeChat
			_, err := g.Complete(t.Context(), q)
			got = append(got, gateway.CodeOf(err))
		}
		want := []gateway.Code{gateway.CodeTruncated, gateway.CodeTimeout, gateway.CodeRateLimited, gateway.CodeUnavailable, ""}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(model.calls) != len(answers) {
			t.Errorf("%v in %d calls, want %v in %d", got, len(model.calls), want, len(answers))
		}
	})
}
