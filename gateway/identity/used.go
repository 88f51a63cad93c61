// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// uses remembers on which day each key was used last, and which of these days
// are not stored yet. A request pays for it once a day.
type uses struct {
	mu      sync.Mutex
	keys    map[string]*usage
	pending map[string]int64
}

// usage of one key; nil: not remembered.
type usage struct {
	id  string
	day atomic.Int64
	all *uses
}

const secondsPerDay = 24 * 60 * 60

func dayOf(t time.Time) int64 { return t.Unix() / secondsPerDay }

// dateOf writes a day, "" when there is none.
func dateOf(day int64) string {
	if day <= 0 {
		return ""
	}
	return time.Unix(day*secondsPerDay, 0).UTC().Format(time.DateOnly)
}

func newUses() *uses { return &uses{keys: map[string]*usage{}, pending: map[string]int64{}} }

// of returns the usage of a key, the same for every snapshot.
func (u *uses) of(id string) *usage {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	k, ok := u.keys[id]
	if !ok {
		k = &usage{id: id, all: u}
		u.keys[id] = k
	}
	return k
}

// note is called for every request.
func (k *usage) note(now time.Time) {
	if k == nil {
		return
	}
	today, last := dayOf(now), k.day.Load()
	if last >= today || !k.day.CompareAndSwap(last, today) {
		return
	}
	k.all.mu.Lock()
	k.all.pending[k.id] = today
	k.all.mu.Unlock()
}

// last is the last known day of a key in this process, 0 when there is none.
func (u *uses) last(id string) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if k, ok := u.keys[id]; ok {
		return k.day.Load()
	}
	return 0
}

// take returns the days that are not stored yet.
func (u *uses) take() map[string]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := u.pending
	u.pending = map[string]int64{}
	return out
}

// giveBack keeps days that could not be stored for the next time.
func (u *uses) giveBack(days map[string]int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(days, func(id string, day int64) bool { return u.pending[id] > day })
	maps.Copy(u.pending, days)
}

// retain forgets keys that no snapshot has any more.
func (u *uses) retain(known map[string]*entry) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.keys, func(id string, _ *usage) bool { return known[id] == nil })
}
