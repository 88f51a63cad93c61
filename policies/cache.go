// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of what a snapshot remembers. A generation that is full or old makes
// room for the next; a decision is found in the last two.
const (
	cacheEntries = 4096
	cacheAge     = 30 * time.Minute
)

// decisionCache remembers decisions of one snapshot.
//
// A remembered decision is the decision the rules would make again, because
//   - a decision is a function of the view (view.go) and the snapshot: the rules
//     may use no clock, no network, no randomness (capabilities.json), and "now"
//     is a day that stands in the input,
//   - the key is a digest of everything the view of a question is made from: the
//     whole policy input with the quantities as the rules see them,
//   - it belongs to a snapshot: another bundle, other tenants or services start
//     with nothing remembered.
//
// Only decisions the rules made are kept, never an error or a time limit. What
// goes in is a copy; what comes out is shared by all who get it, and nobody may
// change it (gateway.Decision). Input and Duration are those of the question at
// hand: the record of a remembered decision holds its own exact input.
type decisionCache struct {
	now func() time.Time

	mu         sync.Mutex
	young, old map[cacheKey]gateway.Decision
	since      time.Time
}

type cacheKey [sha256.Size]byte

func newDecisionCache(now func() time.Time) *decisionCache {
	return &decisionCache{now: now, young: map[cacheKey]gateway.Decision{}, since: now()}
}

// keyOf digests what the view of facts is made from, with the digest of the models
// in place of the models. w has written the facts with exact quantities.
func (s *snapshot) keyOf(f *facts, w *jsonWriter) cacheKey {
	if !s.coarse || !f.counted() {
		w.room = append(append(append(w.room[:0], w.out[:w.modelsAt]...), f.models.digest[:]...), w.out[w.modelsEnd:]...)
		return sha256.Sum256(w.room)
	}
	coarse := jsonWriter{out: w.room[:0], digests: true}
	f.write(&coarse, presence)
	w.room = coarse.out
	return sha256.Sum256(w.room)
}

func (c *decisionCache) recall(key cacheKey) (gateway.Decision, bool) {
	now := c.now()
	c.mu.Lock()
	c.age(now)
	d, ok := c.young[key]
	if !ok {
		if d, ok = c.old[key]; ok {
			c.young[key] = d
		}
	}
	c.mu.Unlock()
	if !ok {
		return gateway.Decision{}, false
	}
	return d, true
}

func (c *decisionCache) keep(key cacheKey, d gateway.Decision) {
	d = copyDecision(d)
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.age(now)
	c.young[key] = d
}

// age starts a new generation when the young one is full or old.
func (c *decisionCache) age(now time.Time) {
	old := now.Sub(c.since) > cacheAge
	if len(c.young) < cacheEntries && !old {
		return
	}
	c.old, c.young, c.since = c.young, make(map[cacheKey]gateway.Decision, len(c.young)), now
}

// copyDecision copies everything that can be changed through a Decision. What is
// appended to a copy is appended elsewhere.
func copyDecision(d gateway.Decision) gateway.Decision {
	d.DataClasses = slices.Clip(slices.Clone(d.DataClasses))
	d.Reasons = slices.Clip(slices.Clone(d.Reasons))
	d.Models = slices.Clip(slices.Clone(d.Models))
	d.Obligations = slices.Clip(slices.Clone(d.Obligations))
	d.Input = slices.Clip(slices.Clone(d.Input))
	for i := range d.Obligations {
		d.Obligations[i].Params = copyParams(d.Obligations[i].Params)
	}
	rejected := make(map[gateway.ModelID][]string, len(d.Rejected))
	for id, rules := range d.Rejected {
		rejected[id] = slices.Clone(rules)
	}
	d.Rejected = rejected
	return d
}

func copyParams(params map[string]any) map[string]any {
	out := maps.Clone(params)
	for k, v := range out {
		out[k] = copyValue(v)
	}
	return out
}

// copyValue copies what JSON knows.
func copyValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return copyParams(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = copyValue(e)
		}
		return out
	}
	return v
}
