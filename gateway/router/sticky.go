// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"bytes"
	"hash/maphash"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Sticky says how long the turns of a conversation stay at one server, whose
// cache then knows its beginning.
type Sticky struct {
	// TTL is how long after its last turn a conversation is remembered, default
	// 30 min; negative: not at all.
	TTL time.Duration
	// Size is how many conversations are remembered at most, default 65,536.
	Size int
}

func (c Sticky) withDefaults() Sticky {
	if c.TTL == 0 {
		c.TTL = 30 * time.Minute
	}
	standard(&c.Size, 1<<16)
	return c
}

// memo remembers where conversations are. It holds keyed hashes, nothing a
// conversation could be read from. When a generation is full, the one before it
// is forgotten; what is used moves to the new one.
type memo struct {
	ttl    time.Duration
	seed   maphash.Seed
	shards [memoShards]memoShard
}

const memoShards = 16

type memoShard struct {
	mu         sync.Mutex
	size       int
	young, old map[uint64]seat
}

// seat is where a conversation is, and until when that is remembered.
type seat struct {
	node  *node
	until int64
}

func newMemo(c Sticky) *memo {
	m := &memo{ttl: c.TTL, seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i].size = max(c.Size/memoShards/2, 1)
		m.shards[i].young = map[uint64]seat{}
	}
	return m
}

// of is where a conversation was, or nil.
func (m *memo) of(id uint64, now int64) *node {
	s := &m.shards[id%memoShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	seat, ok := s.young[id]
	if !ok {
		seat = s.old[id]
	}
	if now >= seat.until {
		return nil
	}
	return seat.node
}

// keep remembers where a conversation is.
func (m *memo) keep(id uint64, n *node, now int64) {
	s := &m.shards[id%memoShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.young[id]; !known && len(s.young) >= s.size {
		s.old, s.young = s.young, make(map[uint64]seat, s.size)
	}
	s.young[id] = seat{n, now + int64(m.ttl)}
}

// sample is how much of either end of a long message is hashed.
const sample = 2 << 10

// id is what a conversation is known by: the name its caller gave it or else its
// first message, with who asks for which model. 0: nothing to go by.
func (m *memo) id(r gateway.Request) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	part := func(s string) {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	part(string(r.Caller.Tenant))
	part(string(r.Caller.System))
	part(r.Caller.User)
	part(string(r.Model))
	if r.Conversation != "" {
		part(r.Conversation)
		return h.Sum64() | 1
	}
	if r.Operation != gateway.OperationChat {
		return 0
	}
	raw, _ := r.Body.Get("messages")
	first := firstUserMessage(raw)
	if len(first) == 0 {
		return 0
	}
	for n := len(first); n > 0; n >>= 8 {
		_ = h.WriteByte(byte(n))
	}
	if len(first) > 2*sample { // beginning and end are enough to tell long ones apart
		_, _ = h.Write(first[:sample])
		first = first[len(first)-sample:]
	}
	_, _ = h.Write(first)
	return h.Sum64() | 1
}

// maxMessages bounds how many messages are looked at for the first of a person.
const maxMessages = 64

// firstUserMessage finds the first message with the role user in the JSON source
// of a list of messages. What stands before is the same in many conversations.
func firstUserMessage(raw []byte) []byte {
	at := bytes.IndexByte(raw, '{')
	for range maxMessages {
		if at < 0 {
			return nil
		}
		end := endOfObject(raw, at)
		if message := raw[at:end]; bytes.Contains(message, []byte(`"user"`)) {
			return message
		}
		next := bytes.IndexByte(raw[end:], '{')
		if next < 0 {
			return nil
		}
		at = end + next
	}
	return nil
}

// endOfObject is the place behind the object that begins at a place.
func endOfObject(raw []byte, at int) int {
	depth := 0
	for at < len(raw) {
		switch raw[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			at = endOfString(raw, at)
			continue
		}
		at++
	}
	return len(raw)
}

// endOfString is the place behind the string that begins at a place.
func endOfString(raw []byte, at int) int {
	for at++; at < len(raw); at++ {
		quote := bytes.IndexByte(raw[at:], '"')
		if quote < 0 {
			return len(raw)
		}
		at += quote
		escapes := 0
		for raw[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at + 1
		}
	}
	return len(raw)
}
