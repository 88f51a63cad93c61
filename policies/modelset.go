// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"crypto/sha256"
	"hash/maphash"
	"slices"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway"
)

// modelSet are the candidates of a question as they stand in a policy input:
// ordered, written, digested. The candidates are the larger half of an input and
// the same in nearly all of them.
type modelSet struct {
	// given are the cards as they came, ordered those that are written.
	given   []gateway.ModelCard
	ordered []*gateway.ModelCard
	json    []byte
	digest  [sha256.Size]byte
}

func newModelSet(models []gateway.ModelCard) *modelSet {
	set := &modelSet{given: slices.Clone(models)}
	for i := range set.given {
		m := &set.given[i]
		m.DataClasses, m.Operations, m.Capabilities = slices.Clone(m.DataClasses), slices.Clone(m.Operations), slices.Clone(m.Capabilities)
	}
	set.ordered = modelFacts(set.given)
	w := jsonWriter{}
	writeModels(&w, set.ordered)
	set.json = slices.Clip(w.out)
	set.digest = sha256.Sum256(set.json)
	return set
}

// modelSets remembers the sets that were asked about. A set is recognised by
// comparing all of it, so that a card that changed is another card.
type modelSets struct {
	seed  maphash.Seed
	mu    sync.RWMutex
	known map[uint64]*modelSet
}

func newModelSets() *modelSets {
	return &modelSets{seed: maphash.MakeSeed(), known: map[uint64]*modelSet{}}
}

func (s *modelSets) of(models []gateway.ModelCard) *modelSet {
	key := s.hash(models)
	s.mu.RLock()
	set := s.known[key]
	s.mu.RUnlock()
	if set != nil && set.isOf(models) {
		return set
	}
	set = newModelSet(models)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxCandidateSets {
		clear(s.known)
	}
	s.known[key] = set
	return set
}

func (s *modelSets) hash(models []gateway.ModelCard) uint64 {
	sum := uint64(len(models))
	for i := range models {
		sum = sum*31 + maphash.String(s.seed, string(models[i].ID))
	}
	return sum
}

func (s *modelSet) isOf(models []gateway.ModelCard) bool {
	if len(s.given) != len(models) {
		return false
	}
	for i := range models {
		if !sameCard(&s.given[i], &models[i]) {
			return false
		}
	}
	return true
}

// sameCard compares everything a card says, written or not: TestSameCard changes
// every field.
func sameCard(a, b *gateway.ModelCard) bool {
	return a.ID == b.ID && a.Residency == b.Residency && a.Operator == b.Operator && a.Country == b.Country &&
		a.ProcessorKind == b.ProcessorKind && a.Contract == b.Contract && a.Para80Notice == b.Para80Notice && a.Para80Ground == b.Para80Ground &&
		a.Para30AO == b.Para30AO && a.Art9 == b.Art9 && a.TrainsOnInput == b.TrainsOnInput &&
		a.Context == b.Context && a.Price == b.Price && a.Energy == b.Energy &&
		slices.Equal(a.DataClasses, b.DataClasses) && slices.Equal(a.Operations, b.Operations) && slices.Equal(a.Capabilities, b.Capabilities)
}
