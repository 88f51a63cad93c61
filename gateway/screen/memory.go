// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// memory remembers what screening a text came to, so that a chat that grows is
// screened only where it grew. It holds places and kinds, never text: a name is
// read again from the text the next request brings along.
//
// What is remembered is found under SHA-256 over a random key of the process,
// the tenant, the known entities and the text. A wrong hit would hide personal
// data, so the digest has to be one for which nobody can construct two texts;
// the key keeps it from saying anything about a text. Whoever sends a text a
// second time is answered faster, which would tell others that it has been here:
// see Screener.For.
type memory struct {
	secret [sha256.Size]byte
	now    func() time.Time
	keep   time.Duration
	shards [memoryShards]shard
}

const (
	memoryShards = 16
	// minRemembered is the size below which remembering is not worth its cost. The
	// windows in which a streamed answer is reviewed are smaller and come once.
	minRemembered = 512
)

type digest [sha256.Size]byte

// shard is a part of the memory with a lock of its own, ordered by last use.
type shard struct {
	mu    sync.Mutex
	items map[digest]*item
	// newest and oldest are the ends of a doubly linked list.
	newest, oldest *item
	bytes          int
	maxBytes       int
	maxItems       int
}

// item is what is remembered of one text. All but the links is never changed.
type item struct {
	key      digest
	own      outcome // of the text alone
	hints    []hint
	names    digest  // of the names found in all texts of the request
	repeated outcome // when these are looked for, too
	bytes    int

	used         time.Time
	newer, older *item
}

func newMemory(c Config) (*memory, error) {
	m := &memory{now: c.Now, keep: c.RememberFor}
	if _, err := rand.Read(m.secret[:]); err != nil {
		return nil, err
	}
	for i := range m.shards {
		m.shards[i] = shard{items: map[digest]*item{}, maxBytes: c.RememberBytes / memoryShards, maxItems: max(1, c.RememberTexts/memoryShards)}
	}
	return m, nil
}

func (m *memory) shard(key digest) *shard { return &m.shards[key[0]%memoryShards] }

// get returns what is remembered under a key, nil for nothing.
func (m *memory) get(key digest) *item {
	now := m.now()
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now.Add(-m.keep))
	it := s.items[key]
	if it != nil {
		s.unlink(it)
		s.push(it, now)
	}
	return it
}

// put remembers an item in place of what was known under its key.
func (m *memory) put(it *item) {
	it.bytes = it.size()
	now := m.now()
	s := m.shard(it.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if it.bytes > s.maxBytes/4 {
		return
	}
	s.expire(now.Add(-m.keep))
	if old := s.items[it.key]; old != nil {
		s.forget(old)
	}
	s.items[it.key] = it
	s.bytes += it.bytes
	s.push(it, now)
	for s.bytes > s.maxBytes || len(s.items) > s.maxItems {
		s.forget(s.oldest)
	}
}

// expire forgets what was last used before a time.
func (s *shard) expire(before time.Time) {
	for s.oldest != nil && s.oldest.used.Before(before) {
		s.forget(s.oldest)
	}
}

func (s *shard) forget(it *item) {
	s.unlink(it)
	delete(s.items, it.key)
	s.bytes -= it.bytes
}

func (s *shard) push(it *item, now time.Time) {
	it.used, it.older, it.newer = now, s.newest, nil
	if s.newest != nil {
		s.newest.newer = it
	} else {
		s.oldest = it
	}
	s.newest = it
}

func (s *shard) unlink(it *item) {
	if it.newer != nil {
		it.newer.older = it.older
	} else {
		s.newest = it.older
	}
	if it.older != nil {
		it.older.newer = it.newer
	} else {
		s.oldest = it.newer
	}
	it.newer, it.older = nil, nil
}

// size is about what an item takes in memory, map and links included.
func (it *item) size() int {
	return 512 + 8*len(it.hints) + it.own.size() + it.repeated.size()
}

// keyer computes the keys of the texts of one request.
type keyer struct {
	h     hash.Hash
	block [2 * sha256.Size]byte // secret and case
	buf   [4096]byte
}

// text is the key of a text.
func (k *keyer) text(text string) (d digest) {
	k.h.Reset()
	k.h.Write(k.block[:])
	k.write(text)
	k.h.Sum(d[:0])
	return d
}

func (k *keyer) write(text string) {
	for len(text) > 0 {
		n := copy(k.buf[:], text)
		k.h.Write(k.buf[:n])
		text = text[n:]
	}
}

// field writes a value with its length, so that no two lists of values look
// alike.
func (k *keyer) field(v string) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(v)))
	k.h.Write(n[:])
	k.write(v)
}

// forCase prepares the keys under a tenant and the entities of a case.
func (k *keyer) forCase(secret digest, tenant gateway.TenantID, known []gateway.Entity) {
	k.h.Reset()
	k.h.Write(secret[:])
	k.field(string(tenant))
	for i := range known {
		e := &known[i]
		for _, v := range [...]string{e.Type, e.Value, e.First, e.Last, e.BirthName} {
			k.field(v)
		}
	}
	copy(k.block[:], secret[:])
	k.h.Sum(k.block[:sha256.Size])
}

// names is the key of a list of names.
func (k *keyer) names(names []gateway.Entity) (d digest) {
	k.h.Reset()
	k.h.Write(k.block[:])
	for i := range names {
		k.field(names[i].Last)
	}
	k.h.Sum(d[:0])
	return d
}

// forget overwrites what the keys were computed from.
func (k *keyer) forget() {
	k.h.Reset()
	clear(k.block[:])
	clear(k.buf[:])
}
