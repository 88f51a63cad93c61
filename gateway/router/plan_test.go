// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// three models: haus (own, dear), eu (private, cheap), us (not European, free).
func three() []router.Entry {
	haus := entry("haus", gateway.ResidencyOwn, 1, gateway.OperationChat)
	eu := entry("eu", gateway.ResidencyPrivateEU, 3, gateway.OperationChat)
	us := entry("us", gateway.ResidencyNonEU, 6, gateway.OperationChat)
	haus.Endpoint, eu.Endpoint, us.Endpoint = "a", "c", "d"
	haus.Card.Price = gateway.Price{Input: 9_000_000, Output: 9_000_000}
	eu.Card.Price = gateway.Price{Input: 100_000, Output: 300_000}
	return []router.Entry{us, eu, haus}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	groups := []router.Group{
		{Name: "souverän", Models: everything[:3]},
		{Name: "billig", Models: everything[:3], Strategy: router.StrategyCost},
		{Name: "kette", Models: []gateway.ModelID{"eu", "us", "haus"}, Strategy: router.StrategyOrder},
	}
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three(), Groups: groups}})
	for name, want := range map[gateway.ModelID]string{
		"":         "haus@a eu@c us@d; souveränstes von 3 erlaubten",
		"souverän": "haus@a eu@c us@d; souverän: souveränstes von 3 erlaubten",
		"billig":   "us@d eu@c haus@a; billig: günstigstes von 3 erlaubten",
		"kette":    "eu@c us@d haus@a; kette: erstes von 3 erlaubten",
		"eu":       "eu@c; vom Aufrufer genannt",
	} {
		q := chat(t, `{"messages":[]}`)
		q.Model = name
		routes := plan(t, r, q)
		if got := strings.Join(places(routes), " ") + "; " + routes[0].Why; got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}

// What a long question costs counts as well: eu is cheap in reading, land in writing.
func TestCostDependsOnLength(t *testing.T) {
	t.Parallel()
	reads, writes := entry("eu", gateway.ResidencyPrivateEU, 0, gateway.OperationChat), entry("land", gateway.ResidencyPublicEU, 0, gateway.OperationChat)
	reads.Card.Price, writes.Card.Price = gateway.Price{Input: 1, Output: 1000}, gateway.Price{Input: 100, Output: 10}
	for i, e := range []*router.Entry{&reads, &writes} {
		e.Card.Price.Input *= 10_000
		e.Card.Price.Output *= 10_000
		e.Endpoint = fmt.Sprint(i)
	}
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: []router.Entry{reads, writes}, Strategy: router.StrategyCost}})
	for body, want := range map[string]gateway.ModelID{
		`{"max_tokens":1000,"messages":[{"role":"user","content":"Kurz"}]}`:                                          "land",
		`{"max_tokens":1,"messages":[{"role":"user","content":"` + strings.Repeat("Viel Text. ", 2000) + `"}]}`:      "eu",
		`{"messages":[{"role":"user","content":"Wie lang die Antwort wird, ist offen."}]}`:                           "land",
		`{"max_completion_tokens":2,"messages":[{"role":"user","content":"` + strings.Repeat("Text ", 1000) + `"}]}`: "eu",
	} {
		if got := plan(t, r, chat(t, body))[0].Model; got != want {
			t.Errorf("%.40s: %s, want %s", body, got, want)
		}
	}
}

func TestWeightIsAShare(t *testing.T) {
	t.Parallel()
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three(), Strategy: router.StrategyWeight}})
	count := map[gateway.ModelID]int{}
	const n = 10_000
	for range n {
		count[plan(t, r, gateway.Request{Operation: gateway.OperationChat})[0].Model]++
	}
	for id, share := range map[gateway.ModelID]float64{"haus": .1, "eu": .3, "us": .6} {
		if got := float64(count[id]) / n; math.Abs(got-share) > .02 {
			t.Errorf("%s has a share of %.3f, want %.1f", id, got, share)
		}
	}
}

func TestUnhealthyGoesLast(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Now: c.Now})
	first := plan(t, r, chat(t, `{}`))[0]
	for range 10 {
		if err := try(t, r, first, crashed); err != nil {
			t.Fatal(err)
		}
	}
	if got := places(plan(t, r, chat(t, `{}`))); !slices.Equal(got, []string{"eu@c", "us@d", "haus@a"}) {
		t.Errorf("an open circuit stands at %v, want last", got)
	}
	c.add(2 * time.Second)
	routes := plan(t, r, chat(t, `{}`))
	if routes[0].Model != "haus" || routes[0].Why != "Probe nach einer Störung" {
		t.Errorf("after its time the model gets a probe, not %+v", routes[0])
	}
	if got := plan(t, r, chat(t, `{}`))[0].Model; got != "eu" {
		t.Errorf("the second request in the same second goes to %s, want past the probe", got)
	}
	if err := try(t, r, routes[0], fine); err != nil {
		t.Fatal(err)
	}
	if got := plan(t, r, chat(t, `{}`))[0]; got.Model != "haus" || got.Why != "souveränstes von 3 erlaubten" {
		t.Errorf("after a good probe: %+v", got)
	}
}

func TestSparedAfterOneRefusal(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Now: c.Now})
	first := plan(t, r, chat(t, `{}`))[0]
	if err := try(t, r, first, tired); err != nil {
		t.Fatal(err)
	}
	if got := plan(t, r, chat(t, `{}`))[0].Model; got != "eu" {
		t.Errorf("%s is asked while haus wants to be spared", got)
	}
	c.add(3 * time.Second)
	if got := plan(t, r, chat(t, `{}`))[0].Model; got != "haus" {
		t.Errorf("%s is asked after haus was spared as long as it wanted", got)
	}
}

func TestConversationStays(t *testing.T) {
	t.Parallel()
	c := newClock()
	replicas := make([]router.Entry, 0, 4)
	for i := range 4 {
		e := entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat)
		e.Endpoint = fmt.Sprint(i)
		replicas = append(replicas, e)
	}
	groups := []router.Group{{Name: "lose", Models: []gateway.ModelID{"haus"}, Loose: true}}
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: replicas, Groups: groups}, Now: c.Now})
	turn := func(model gateway.ModelID, who, conversation, body string) string {
		q := chat(t, body)
		q.Model, q.Conversation, q.Caller.Tenant = model, conversation, gateway.TenantID(who)
		return plan(t, r, q)[0].Endpoint
	}
	seats := func(model gateway.ModelID, who, conversation string, body func(int) string) int {
		seen := map[string]bool{}
		for i := range 40 {
			seen[turn(model, who, conversation, body(i))] = true
		}
		return len(seen)
	}
	same := func(i int) string {
		return fmt.Sprintf(`{"messages":[{"role":"system","content":"Quellen %d"},{"role":"user","content":"Guten Tag {\"}"},{"role":"assistant","content":"%d"}]}`, i, i)
	}
	other := func(i int) string {
		return fmt.Sprintf(`{"messages":[{"role":"system","content":"Immer gleich"},{"role":"user","content":"Anliegen %d"}]}`, i)
	}
	if n := seats("", "freiburg", "", same); n != 1 {
		t.Errorf("the turns of a conversation with the same first question went to %d servers", n)
	}
	if n := seats("", "freiburg", "g-1", other); n != 1 {
		t.Errorf("the turns of a named conversation went to %d servers", n)
	}
	if n := seats("", "freiburg", "", other); n < 3 {
		t.Errorf("different conversations went to %d servers only", n)
	}
	if n := seats("lose", "freiburg", "g-1", same); n < 3 {
		t.Errorf("the turns of a loose group went to %d servers only", n)
	}
	// Another tenant's conversation of the same name is another one, a lapsed one as well.
	seen := map[string]bool{}
	for i := range 40 {
		seen[turn("", fmt.Sprint(i), "g-1", same(0))] = true
	}
	if len(seen) < 3 {
		t.Errorf("conversations of 40 tenants went to %d servers only", len(seen))
	}
	seen = map[string]bool{}
	for range 40 {
		c.add(31 * time.Minute)
		seen[turn("", "freiburg", "g-1", same(0))] = true
	}
	if len(seen) < 3 {
		t.Error("a conversation was remembered beyond its time")
	}
}

func TestConversationMovesOn(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three()}, Now: c.Now})
	q := chat(t, `{}`)
	q.Conversation = "g-1"
	first := plan(t, r, q)[0]
	for range 10 {
		if err := try(t, r, first, failed); err != nil {
			t.Fatal(err)
		}
	}
	if got := plan(t, r, q)[0].Model; got != "eu" {
		t.Errorf("the conversation is at %s, want eu: its server is left alone", got)
	}
	c.add(2 * time.Second)
	if err := try(t, r, plan(t, r, q)[0], fine); err != nil {
		t.Fatal(err)
	}
	if got := plan(t, r, q)[0].Model; got != "haus" {
		t.Errorf("the conversation is at %s, want the more sovereign haus, which is back", got)
	}
}

// What a server has in its cache is worth some waiting, not any.
func TestConversationLeavesAStrainedServer(t *testing.T) {
	t.Parallel()
	r := open(t, router.Config{Catalogue: catalogue(), Now: newClock().Now})
	q := chat(t, `{}`)
	q.Model, q.Conversation = "haus", "g-1"
	home := plan(t, r, q)[0]
	for n := range 12 {
		got := plan(t, r, q)[0].Endpoint
		if stays := got == home.Endpoint; stays != (n < 8) {
			t.Errorf("with %d requests there and none elsewhere the conversation stays: %v", n, stays)
		}
		if n >= 8 {
			break
		}
		if _, err := r.Enter(t.Context(), q, home); err != nil {
			t.Fatal(err)
		}
	}
}

func TestConversationsAreBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	given := catalogue()
	r := open(t, router.Config{Catalogue: given, Sticky: router.Sticky{Size: 64}, Now: c.Now})
	at := map[string]string{}
	for i := range 5000 {
		q := chat(t, `{}`)
		q.Conversation = fmt.Sprint(i)
		at[q.Conversation] = plan(t, r, q)[0].Endpoint
	}
	moved := 0
	for i := range 1000 {
		q := chat(t, `{}`)
		q.Conversation = fmt.Sprint(i)
		if plan(t, r, q)[0].Endpoint != at[q.Conversation] {
			moved++
		}
	}
	if moved < 100 {
		t.Errorf("only %d of 1000 old conversations were forgotten by a memory for 64", moved)
	}
}

func TestReplicasLeaveRoomForOtherModels(t *testing.T) {
	t.Parallel()
	var models []router.Entry
	for i := range 6 {
		e := entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat)
		e.Endpoint = fmt.Sprint(i)
		models = append(models, e)
	}
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: append(models, three()[:2]...)}})
	count := map[gateway.ModelID]int{}
	routes := plan(t, r, chat(t, `{}`))
	for _, route := range routes {
		count[route.Model]++
	}
	if want := map[gateway.ModelID]int{"haus": 2, "eu": 1, "us": 1}; !maps.Equal(count, want) {
		t.Errorf("routes %v, want %v", places(routes), want)
	}
	q := chat(t, `{}`)
	q.Model = "haus"
	if routes := plan(t, r, q); len(routes) != gateway.MaxRoutes {
		t.Errorf("%d routes to the replicas of one model, want %d", len(routes), gateway.MaxRoutes)
	}
}

func TestReplicasShareTheLoad(t *testing.T) {
	t.Parallel()
	c := newClock()
	given := catalogue()
	given.Models[1].Weight = 3
	r := open(t, router.Config{Catalogue: given, Now: c.Now})
	q := chat(t, `{}`)
	q.Model = "haus"
	count := map[string]int{}
	for range 400 {
		route := plan(t, r, q)[0]
		if _, err := r.Enter(t.Context(), q, route); err != nil {
			t.Fatal(err)
		}
		count[route.Endpoint]++
	}
	if count["b"] < 270 || count["b"] > 330 {
		t.Errorf("the replica with weight 3 of 4 has %d of 400 requests", count["b"])
	}
}

// The faster server gets the requests, a slow one is tried again after a while,
// and one that fails fast does not count as fast.
func TestLatency(t *testing.T) {
	t.Parallel()
	c := newClock()
	r := open(t, router.Config{Catalogue: router.Catalogue{Models: three(), Strategy: router.StrategyLatency}, Now: c.Now})
	takes := map[gateway.ModelID]time.Duration{"haus": 2 * time.Second, "eu": 300 * time.Millisecond, "us": 800 * time.Millisecond}
	fails := map[gateway.ModelID]bool{}
	run := func(n int) map[gateway.ModelID]int {
		count := map[gateway.ModelID]int{}
		for range n {
			route := plan(t, r, chat(t, `{"max_tokens":10}`))[0]
			place, err := r.Enter(t.Context(), gateway.Request{}, route)
			if err != nil {
				t.Fatal(err)
			}
			began := c.Now()
			a := gateway.Attempt{Started: began, Code: gateway.CodeUnavailable, Status: 500}
			if !fails[route.Model] {
				c.add(takes[route.Model])
				a = gateway.Attempt{Started: began, FirstByte: takes[route.Model] / 2, Output: 10}
			}
			place.Leave(a)
			count[route.Model]++
		}
		return count
	}
	if got := run(100); got["eu"] < 80 {
		t.Errorf("the fastest had %d of 100 requests: %v", got["eu"], got)
	}
	takes["eu"], takes["haus"] = 3*time.Second, 100*time.Millisecond
	run(150) // time to find out
	if got := run(100); got["haus"] < 80 {
		t.Errorf("the one that became fast had %d of 100 requests: %v", got["haus"], got)
	}
	fails["haus"] = true
	if got := run(100); got["haus"] > 30 {
		t.Errorf("the one that fails at once had %d of 100 requests: %v", got["haus"], got)
	}
}
